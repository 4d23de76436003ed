// The protocol's model, taken from the reference implementation: which messages there are, who sends them, which
// capability they need, and a JSON Schema for what they carry, made of its type declarations. Unknown properties are
// errors, except where the protocol leaves the shape open. Made once per version (and per version of this file) and kept; nothing here knows a session.

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { kept, tests } from './places.mjs';

const require = createRequire(import.meta.url);
const LIBRARY = 'vscode-languageserver-protocol';
const URI = '^[A-Za-z][A-Za-z0-9+.-]*:';
const HIGHEST = 2 ** 31 - 1;
// The declarations have these as plain numbers and strings; the protocol is stricter.
const EXACT = {
  integer: { type: 'integer', minimum: -(2 ** 31), maximum: HIGHEST },
  uinteger: { type: 'integer', minimum: 0, maximum: HIGHEST },
  decimal: { type: 'number' },
  URI: { type: 'string', pattern: URI },
  DocumentUri: { type: 'string', pattern: URI },
};
// Written as a plain number or string in the declarations, beside a namespace with the values that are allowed.
const VALUES = ['DiagnosticSeverity', 'MessageType', 'CompletionItemKind', 'SymbolKind', 'FileChangeType',
  'DocumentHighlightKind', 'InlayHintKind', 'TextDocumentSyncKind', 'CodeActionTriggerKind', 'InsertTextFormat'];

/** The model: `{ version, messages: { method: { … } }, definitions }`; made the first time. */
export async function model() {
  const version = JSON.parse(readFileSync(packageFile(), 'utf8')).version;
  const how = createHash('sha256').update(readFileSync(new URL(import.meta.url))).digest('hex').slice(0, 12);
  const file = join(kept('model'), `${version}-${how}.json`);
  if (!existsSync(file)) {
    const made = { version, ...(await make()) };
    // In one step, for tests run side by side.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
    renameSync(`${file}.${process.pid}`, file);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

function packageFile() {
  return join(dirname(dirname(dirname(require.resolve(LIBRARY)))), 'package.json');
}

async function make() {
  const types = declaredTypes();
  const protocol = require(LIBRARY);
  const messages = {};
  for (const [name, { base, args }] of Object.entries(types)) {
    const space = protocol[name];
    if (!space?.method || !base.startsWith('Protocol')) continue;
    messages[space.method] = {
      request: base.startsWith('ProtocolRequestType'),
      direction: space.messageDirection,
      client: space.capabilities?.client,
      ...shapes(name, base, args),
    };
  }
  return { messages, definitions: schema(types, messages, protocol) };
}

/** The parts of a message that have a type, by what they are; each is a property of one generated interface. */
function shapes(name, base, args) {
  const order = {
    ProtocolRequestType: ['params', 'result', null, null, 'options'],
    ProtocolRequestType0: ['result', null, null, 'options'],
    ProtocolNotificationType: ['params', 'options'],
    ProtocolNotificationType0: ['options'],
  }[base];
  const parts = {};
  order.forEach((part, at) => {
    const type = args[at];
    if (part && type && type !== 'void' && type !== 'never') parts[part] = `${name}_${part}`;
  });
  return { ...parts, type_texts: Object.fromEntries(Object.entries(parts).map(([part, key]) => [key, args[order.indexOf(part)]])) };
}

/** `namespace X { const type: Base<A, B, …> }`, for every namespace of the library. */
function declaredTypes() {
  const folder = join(dirname(packageFile()), 'lib', 'common');
  const found = {};
  for (const file of readdirSync(folder).filter((file) => file.endsWith('.d.ts'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, name, body] of text.matchAll(/export declare namespace (\w+) \{([\s\S]*?)\n\}/g)) {
      const type = /const type: (\w+)<(.*)>;/.exec(body);
      if (type) found[name] = { base: type[1], args: split(type[2]) };
    }
  }
  return found;
}

/** Splits type arguments at the commas that are in no brackets. */
function split(text) {
  const parts = [''];
  let depth = 0;
  for (const sign of text) {
    depth += '<([{'.includes(sign) ? 1 : '>)]}'.includes(sign) ? -1 : 0;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim());
}

function schema(types, messages, protocol) {
  const { createGenerator } = require('ts-json-schema-generator');
  const texts = Object.values(messages).flatMap((message) => Object.entries(message.type_texts));
  // What `$/progress` carries is of no message's type.
  texts.push(...['Begin', 'Report', 'End'].map((kind) => [`Progress${kind}`, `WorkDoneProgress${kind}`]));
  Object.values(messages).forEach((message) => delete message.type_texts);
  const names = new Set(texts.flatMap(([, text]) => text.match(/\b[A-Za-z]\w*/g)).filter((name) => !['any', 'null', 'void', 'never'].includes(name)));
  // Beside the packages, so that the compiler finds them.
  const folder = mkdtempSync(join(tests, 'node_modules', '.model-'));
  try {
    const file = join(folder, 'messages.ts');
    const compilerOptions = { module: 'node16', moduleResolution: 'node16', strict: true, noEmit: true, types: [], skipLibCheck: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['messages.ts'] }));
    const properties = texts.map(([key, text]) => `  ${key}: ${text};`);
    writeFileSync(file, `import type { ${[...names].join(', ')} } from '${LIBRARY}';\nexport interface Messages {\n${properties.join('\n')}\n}\n`);
    const options = { path: file, type: 'Messages', skipTypeCheck: false, expose: 'all', topRef: true, jsDoc: 'none', encodeRefs: false, additionalProperties: false, tsconfig: join(folder, 'tsconfig.json') };
    return refined(createGenerator(options).createSchema('Messages').definitions, protocol);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refined(made, protocol) {
  const { Messages, ...definitions } = JSON.parse(JSON.stringify(made).replace(/(?<=definitions\/)[^"]+/g, plain));
  const all = {};
  for (const [name, definition] of Object.entries(definitions)) all[plain(name)] = definition;
  Object.assign(all, Messages.properties, EXACT);
  for (const name of VALUES) {
    const values = Object.values(protocol[name] ?? {}).filter((value) => typeof value !== 'function');
    if (values.length > 0) all[name] = { enum: values };
  }
  // Declared open for the sake of custom data of one's own, which nobody has here.
  all.InitializeResult_any_.additionalProperties = false;
  return all;
}

/** A name that stands in a reference as it is. */
function plain(name) {
  return name.replace(/\W/g, '_');
}
