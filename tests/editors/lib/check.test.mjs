// The checker finds nothing in a session without a fault, and each fault that is planted in it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { check, entries, passes } from './check.mjs';
import { kept } from './places.mjs';

const URI = 'file:///project/.agent/plans/P-001.md';
const TEXT = '# P-001\n\né𝄞👩‍👩‍👧 here\n';
const place = (line, start, end) => ({ start: { line, character: start }, end: { line, character: end } });
// In UTF-16, `é𝄞👩‍👩‍👧 ` is 1 + 2 + 8 + 1 units long.
const HERE = place(2, 12, 16);
const client = (message) => ({ from: 'client', message: { jsonrpc: '2.0', ...message } });
const server = (message) => ({ from: 'server', message: { jsonrpc: '2.0', ...message } });
const diagnostic = { range: HERE, severity: 2, code: 'conflict', source: 'agent', message: 'Conflict: …' };
const edit = { documentChanges: [{ textDocument: { uri: URI, version: 2 }, edits: [{ range: HERE, newText: 'there' }] }] };

const capabilities = {
  general: { positionEncodings: ['utf-16'] },
  workspace: { applyEdit: true, workspaceEdit: { documentChanges: true }, didChangeWatchedFiles: { dynamicRegistration: true } },
  textDocument: {
    publishDiagnostics: { relatedInformation: true },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } },
    hover: { contentFormat: ['markdown'] },
  },
  window: { workDoneProgress: true, showDocument: { support: true }, showMessage: {} },
  experimental: { agentStatus: true },
};
const asked = (id, method, params) => client({ id, method, params });
const document = { uri: URI };

const SESSION = [
  asked(1, 'initialize', { processId: null, rootUri: 'file:///project', capabilities }),
  server({ id: 1, result: { capabilities: { positionEncoding: 'utf-16', hoverProvider: true, codeLensProvider: {} }, serverInfo: { name: 'agent' } } }),
  client({ method: 'initialized', params: {} }),
  client({ method: 'textDocument/didOpen', params: { textDocument: { ...document, languageId: 'markdown', version: 1, text: TEXT.replace('here', 'hre') } } }),
  client({ method: 'textDocument/didChange', params: { textDocument: { ...document, version: 2 }, contentChanges: [{ range: place(2, 13, 13), text: 'e' }] } }),
  server({ id: 0, method: 'window/workDoneProgress/create', params: { token: 'scan' } }),
  client({ id: 0, result: null }),
  server({ method: '$/progress', params: { token: 'scan', value: { kind: 'begin', title: 'reading' } } }),
  server({ method: '$/progress', params: { token: 'scan', value: { kind: 'end' } } }),
  server({ id: 1, method: 'client/registerCapability', params: { registrations: [{ id: 'files', method: 'workspace/didChangeWatchedFiles', registerOptions: { watchers: [{ globPattern: '**/*.md' }] } }] } }),
  client({ id: 1, result: null }),
  server({ method: 'agent/status', params: { uri: 'file:///project/', state: 'conflict' } }),
  server({ method: 'textDocument/publishDiagnostics', params: { uri: URI, version: 2, diagnostics: [diagnostic] } }),
  asked(2, 'textDocument/hover', { textDocument: document, position: HERE.start }),
  server({ id: 2, result: { contents: { kind: 'markdown', value: 'both' } } }),
  asked(3, 'textDocument/codeLens', { textDocument: document }),
  server({ id: 3, result: [{ range: HERE, command: { title: 'Accept remote version', command: 'agent.resolve' } }] }),
  asked(4, 'textDocument/codeAction', { textDocument: document, range: HERE, context: { diagnostics: [diagnostic] } }),
  server({ id: 4, result: [{ title: 'Accept remote version', kind: 'quickfix', edit }] }),
  server({ id: 2, method: 'workspace/applyEdit', params: { edit } }),
  client({ id: 2, result: { applied: true } }),
  server({ id: 3, method: 'window/showDocument', params: { uri: 'file:///project/view.diff' } }),
  client({ id: 3, result: { success: true } }),
  server({ method: 'window/showMessage', params: { type: 3, message: 'The differences are in view.diff' } }),
  asked(5, 'shutdown'),
  server({ id: 5, result: null }),
  client({ method: 'exit' }),
  { event: 'client ended' },
];

const of = (method) => ({ from, message }) => from === 'server' && message?.method === method;
const answer = (id) => ({ from, message }) => from === 'server' && message?.id === id && !message.method;
const progress = (kind) => (entry) => of('$/progress')(entry) && entry.message.params.value.kind === kind;
const published = of('textDocument/publishDiagnostics');
const first = (entry) => entry.message.params.diagnostics[0];
const remove = Symbol('remove');
const declared = (session) => session[0].message.params.capabilities;

// What is planted: its name, which message it changes (or the whole session), how, and what must be said of it.
const FAULTS = [
  ['a severity that does not exist', published, (entry) => { first(entry).severity = 9; }, /severity/],
  ['a negative column', published, (entry) => { first(entry).range.start.character = -1; }, /character/],
  ['half a line', published, (entry) => { first(entry).range.start.line = 1.5; }, /line/],
  ['a misspelt property', published, (entry) => { first(entry).relatedInfo = []; }, /relatedInfo/],
  ['null for a property that may be absent', published, (entry) => { first(entry).source = null; }, /source/],
  ['a path instead of an address', published, (entry) => { entry.message.params.uri = '/project/P-001.md'; }, /uri/],
  ['a version that the client never sent', published, (entry) => { entry.message.params.version = 7; }, /version 7/],
  ['a column inside a character', published, (entry) => { first(entry).range.start.character = 2; }, /inside a character/],
  ['a column counted in UTF-8', published, (entry) => { first(entry).range.end.character = 29; }, /beyond its end/],
  ['a range backwards', published, (entry) => { first(entry).range = { start: HERE.end, end: HERE.start }; }, /before it starts/],
  ['an action without a title', answer(4), (entry) => { delete entry.message.result[0].title; }, /title/],
  ['a lens without a range', answer(3), (entry) => { delete entry.message.result[0].range; }, /range/],
  ['a result and an error', answer(4), (entry) => { entry.message.error = { code: 1, message: 'x' }; }, /either/],
  ['neither a result nor an error', answer(5), (entry) => { delete entry.message.result; }, /either/],
  ['an error without a code', answer(3), (entry) => { delete entry.message.result; entry.message.error = { message: 'x' }; }, /code/],
  ['an answer to nothing', answer(4), (entry) => { entry.message.id = 99; }, /not outstanding/],
  ['no answer', answer(3), remove, /never answered/],
  ['progress that ends before it begins', progress('begin'), (entry) => { entry.message.params.value = { kind: 'end' }; }, /created/],
  ['progress without a title', progress('begin'), (entry) => { delete entry.message.params.value.title; }, /title/],
  ['progress of a token that nobody made', of('window/workDoneProgress/create'), remove, /unknown/],
  ['an edit request without an edit', of('workspace/applyEdit'), (entry) => { delete entry.message.params.edit; }, /edit/],
  ['an edit of a version to come', of('workspace/applyEdit'), (entry) => { entry.message.params.edit = structuredClone(edit); entry.message.params.edit.documentChanges[0].textDocument.version = 3; }, /version 3/],
  ['an edit without a version', of('workspace/applyEdit'), (entry) => { entry.message.params.edit = structuredClone(edit); entry.message.params.edit.documentChanges[0].textDocument.version = null; }, /without its version/],
  ['a method that does not exist', of('window/showMessage'), (entry) => { entry.message.method = 'window/shout'; }, /neither in the protocol/],
  ['a method of our own that no page names', of('agent/status'), (entry) => { entry.message.method = 'agent/secret'; }, /lsp-extensions/],
  ['a message in the wrong direction', of('window/showMessage'), (entry) => { entry.message.method = 'textDocument/didSave'; entry.message.params = { textDocument: document }; }, /other way/],
  ['a request sent as a notification', of('window/showDocument'), (entry) => { delete entry.message.id; }, /not a notification/],
  ['a misspelt capability of the server', answer(1), (entry) => { entry.message.result.capabilities.codeLens = {}; }, /codeLens/],
  ['an encoding that was not offered', answer(1), (entry) => { entry.message.result.capabilities.positionEncoding = 'utf-8'; }, /not offered/],
  ['another jsonrpc', progress('end'), (entry) => { entry.message.jsonrpc = '1.0'; }, /jsonrpc/],
  ['a request before the session is up', answer(1), (entry, session) => { session.splice(1, 0, server({ id: 9, method: 'window/showDocument', params: { uri: URI } })); }, /before the answer/],
  ['an id that is in use', of('workspace/applyEdit'), (entry, session) => { session.splice(session.indexOf(entry), 0, structuredClone(entry)); }, /outstanding already/],
  ['documentChanges undeclared', published, (_, session) => { delete declared(session).workspace.workspaceEdit; }, /documentChanges is not declared/],
  ['a file operation undeclared', of('workspace/applyEdit'), (entry) => { entry.message.params.edit = { documentChanges: [{ kind: 'rename', oldUri: URI, newUri: `${URI}x` }] }; }, /rename/],
  ['progress undeclared', published, (_, session) => { delete declared(session).window.workDoneProgress; }, /workDoneProgress/],
  ['showDocument undeclared', published, (_, session) => { delete declared(session).window.showDocument; }, /showDocument/],
  ['buttons undeclared', of('window/showMessage'), (entry) => { entry.message.method = 'window/showMessageRequest'; entry.message.id = 7; }, /showMessage/],
  ['a registration undeclared', published, (_, session) => { delete declared(session).workspace.didChangeWatchedFiles; }, /dynamicRegistration/],
  ['the status undeclared', published, (_, session) => { delete declared(session).experimental; }, /agentStatus/],
  ['action literals undeclared', published, (_, session) => { delete declared(session).textDocument.codeAction; }, /codeActionLiteralSupport/],
  ['related information undeclared', published, (entry, session) => { delete declared(session).textDocument.publishDiagnostics.relatedInformation; first(entry).relatedInformation = []; }, /relatedInformation/],
  ['Markdown undeclared', published, (_, session) => { delete declared(session).textDocument.hover; }, /markdown/],
  ['a refresh undeclared', of('window/showDocument'), (entry) => { entry.message.method = 'workspace/codeLens/refresh'; delete entry.message.params; }, /refreshSupport/],
];

test('a session without a fault has none', async () => {
  assert.deepEqual(await check(structuredClone(SESSION), { both: true }), []);
});

for (const [name, meant, plant, said] of FAULTS) {
  test(`it finds ${name}`, async () => {
    const session = structuredClone(SESSION);
    const entry = session.find(meant);
    assert.ok(entry, 'there is a message to change');
    if (plant === remove) session.splice(session.indexOf(entry), 1);
    else plant(entry, session);
    const complaints = await check(session);
    assert.ok(complaints.some(({ about, why }) => said.test(`${about} ${why}`)), JSON.stringify(complaints));
  });
}

/** The session, its one change sent as two that arrive crosswise: `!` in version 3, before the `e` of version 2. */
function crosswise() {
  const session = structuredClone(SESSION);
  const at = session.findIndex(({ message }) => message?.method === 'textDocument/didChange');
  const later = structuredClone(session[at]);
  Object.assign(later.message.params, { textDocument: { ...document, version: 3 }, contentChanges: [{ range: place(2, 16, 16), text: '!' }] });
  session.splice(at, 0, later);
  Object.assign(session.find(published).message.params, { version: 3 });
  return session;
}

test('changes that arrive crosswise are put in order before the server is measured by them', async () => {
  assert.deepEqual(await check(crosswise()), []);
  const session = crosswise();
  first(session.find(published)).range.end.character = 18;
  assert.match(JSON.stringify(await check(session)), /beyond its end/);
});

test('an answer may be about the text as it was when it was asked for, and about no older one', async () => {
  const session = structuredClone(SESSION);
  const change = client({ method: 'textDocument/didChange', params: { textDocument: { ...document, version: 3 }, contentChanges: [{ text: '' }] } });
  const at = session.findIndex(answer(3));
  session.splice(at, 0, change);
  const about = (complaints, id) => complaints.filter(({ about }) => about.includes(id));
  assert.deepEqual(about(await check(session), 'codeLens'), []);
  session.splice(at, 1);
  session.splice(at - 1, 0, change);
  assert.equal(about(await check(session), 'codeLens').length, 1);
});

test('of an open document, diagnostics are published to a client that asks for them only by crossing its opening', async () => {
  const pulling = () => {
    const session = structuredClone(SESSION);
    declared(session).textDocument.diagnostic = {};
    Object.assign(session[1].message.result.capabilities, { diagnosticProvider: { interFileDependencies: false, workspaceDiagnostics: false } });
    return session;
  };
  const unasked = async (session) => (await check(session)).filter(({ why }) => why.includes('asks for them'));
  const gone = server({ method: 'textDocument/publishDiagnostics', params: { uri: URI, diagnostics: [] } });
  const insert = (session, where, what) => session.splice(session.findIndex(where), 0, what);
  const session = pulling();
  assert.equal((await unasked(session)).length, 1, 'never taken back');
  insert(session, answer(2), gone);
  assert.equal((await unasked(session)).length, 0, 'taken back before anything is answered about the document');
  const late = pulling();
  insert(late, answer(3), gone);
  assert.equal((await unasked(late)).length, 1, 'taken back after something was answered');
  insert(session, answer(3), session.find(published));
  insert(session, answer(3), gone);
  assert.equal((await unasked(session)).length, 1, 'published after something was answered');
});

test('what the client does wrong is found when it is asked for', async () => {
  const session = structuredClone(SESSION);
  delete session[3].message.params.textDocument.languageId;
  assert.deepEqual(await check(session), []);
  const [complaint] = await check(session, { both: true });
  assert.match(complaint.why, /languageId/);
});

test('a recording that was cut off is read up to there, and one without a session does not pass', async () => {
  const file = join(kept('selftest'), `${process.pid}.jsonl`);
  writeFileSync(file, `${JSON.stringify(SESSION[0])}\n{"from":"ser`);
  assert.equal(entries(file).length, 1);
  await assert.rejects(passes(file), /no session/);
});
