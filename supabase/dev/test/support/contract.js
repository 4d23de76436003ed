// Owns the comparison of traffic with supabase/openapi.yaml.

import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const FILE = path.join(import.meta.dirname, '..', '..', '..', 'openapi.yaml');
const PREFIX = '/rest/v1';
const JSON_BODY = ['content', 'application/json', 'schema'];

export const contract = parse(readFileSync(FILE, 'utf8'));

// The document is no schema itself: its other keys are unknown to the validator.
const ajv = new Ajv2020({ strict: false, validateSchema: false });
addFormats(ajv);
ajv.addSchema(contract, 'openapi');

/** The part of the document at a place, behind its reference if it is one. */
function at(place) {
  const part = place.reduce((parent, key) => parent?.[key], contract);
  return part?.$ref ? at(part.$ref.slice(2).split('/')) : { part, place };
}

/** What is wrong with a value by the schema at a place; undefined if nothing is. */
function problem(place, value) {
  const pointer = place.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  const validate = ajv.getSchema(`openapi#/${pointer}`);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** "POST /rpc/push_artifacts" and so on: everything the document has. */
export const operations = () =>
  Object.entries(contract.paths).flatMap(([name, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${name}`));

/** The schema of an operation's JSON request or 200 answer. */
export const requestOf = (name) => at([...at(['paths', name, 'post', 'requestBody']).place, ...JSON_BODY]).part;
export const rowOf = (name) => at([...at(['paths', name, 'get', 'responses', '200']).place, ...JSON_BODY]).part.items;

/** A `fetch` that refuses answers the document does not describe; `onCall` hears of every call. */
export function checkedFetch({ checksRequests = false, onCall = () => {} } = {}) {
  return async (input, init = {}) => {
    const response = await fetch(input, init);
    const { pathname, searchParams } = new URL(input);
    // What fails in between, or is made to, is not the functions' answer.
    if (!pathname.startsWith(`${PREFIX}/`) || response.status >= 500) return response;
    const name = pathname.slice(PREFIX.length);
    const method = (init.method ?? 'GET').toLowerCase();
    const { part: operation, place } = at(['paths', name, method]);
    // Tests also try what there is not.
    if (!operation || (searchParams.get('select') ?? '*') !== '*') return response;
    const fail = (what, found) => {
      throw new Error(`${what} of ${method} ${name} is not as in openapi.yaml: ${found}`);
    };
    if (checksRequests && method === 'post' && response.ok) {
      const found = problem([...at([...place, 'requestBody']).place, ...JSON_BODY], JSON.parse(init.body ?? '{}'));
      if (found) fail('the request', found);
    }
    const status = response.status === 200 ? '200' : 'default';
    const body = await response.clone().json();
    const found = problem([...at([...place, 'responses', status]).place, ...JSON_BODY], body);
    if (found) fail(`the answer ${response.status} (${JSON.stringify(body).slice(0, 300)})`, found);
    onCall({ operation: `${method.toUpperCase()} ${name}`, status: response.status, body });
    return response;
  };
}
