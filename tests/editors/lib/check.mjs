#!/usr/bin/env node
// `node check.mjs [--both] LOG…` checks recorded sessions (record.mjs) against the protocol: each message against the
// model, and what no schema says: who may send it, what the client declared, order, versions and positions. Methods of
// our own are allowed if docs/lsp-extensions.md names them. Ends with 1 if anything is wrong.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { model } from './model.mjs';
import { project } from './places.mjs';
import { Shapes } from './schema.mjs';
import { Session } from './session.mjs';

/** The methods of our own that the page of the extensions names. */
export function customMethods() {
  const page = readFileSync(join(project, 'docs', 'lsp-extensions.md'), 'utf8');
  return [...new Set([...page.matchAll(/`(agent\/\w+)`/g)].map(([, method]) => method))];
}

/** The entries of a recording: one object per line. What was cut off by the end of a process is left out. */
export function entries(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const last = lines.pop();
  const read = lines.filter(Boolean).map((line) => JSON.parse(line));
  if (!last) return read;
  try {
    return [...read, JSON.parse(last)];
  } catch {
    return read;
  }
}

/** The changes of documents that come after newer ones, as Helix 25.01 sends keys that are struck at once. */
function late(session) {
  const [newest, found] = [new Map(), []];
  session.forEach(({ from, message }, at) => {
    const { uri, version } = message?.params?.textDocument ?? {};
    if (from === 'client' && message.method === 'textDocument/didOpen') newest.set(uri, version);
    if (from !== 'client' || message.method !== 'textDocument/didChange') return;
    if (version < newest.get(uri)) found.push({ uri, version, line: at + 1 });
    newest.set(uri, Math.max(version, newest.get(uri)));
  });
  return found;
}

/** The complaints about a session: `[{ line, from, about, why }]`, none if all is well. */
export async function check(session, options = {}) {
  const known = await model();
  const checked = new Session(known, new Shapes(known), { customMethods: customMethods(), late: late(session), ...options });
  session.forEach((entry, at) => checked.take(entry, at + 1));
  checked.end();
  return checked.complaints;
}

/** Fails unless a recording is a session without a fault, and long enough to be one. */
export async function passes(file, options) {
  const session = entries(file);
  const answered = session.some(({ from, message }) => from === 'server' && message?.result?.capabilities);
  if (!answered) throw new Error(`${file} holds no session: the server never answered initialize`);
  const complaints = await check(session, options);
  if (complaints.length > 0) throw new Error(`${file}:\n${counted(complaints).join('\n')}`);
  return session;
}

/** Complaints for people, each kind once. */
export function counted(complaints) {
  const kinds = new Map();
  for (const { line, from, about, why } of complaints) {
    const what = `${from}: ${about}: ${why}`;
    const known = kinds.get(what) ?? { first: line, times: 0 };
    kinds.set(what, { ...known, times: known.times + 1 });
  }
  return [...kinds].map(([what, { first, times }]) => `  ${times}× (first in line ${first}) ${what}`);
}

async function main(args) {
  const both = args.includes('--both');
  const files = args.filter((arg) => !arg.startsWith('--'));
  if (files.length === 0) throw new Error('which recordings? node check.mjs [--both] LOG…');
  let isClean = true;
  for (const file of files) {
    const session = entries(file);
    const complaints = await check(session, { both });
    isClean &&= complaints.length === 0;
    console.log([`${file}: ${session.length} entries, ${complaints.length} faults`, ...counted(complaints)].join('\n'));
  }
  process.exitCode = isClean ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));
