// The main job with a scripted editor, in kinds: one that declares all that is used, one that counts in UTF-16 and is
// sent its diagnostics, one that counts in UTF-32, and the poorest one that there is. Each session is recorded and checked.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { recorded } from '../lib/agent.mjs';
import { team } from '../lib/backend.mjs';
import { passes } from '../lib/check.mjs';
import { kept } from '../lib/places.mjs';
import { Teammate } from '../lib/teammate.mjs';
import { Client } from './client.mjs';

// Before each place that is edited there are characters of one, two and four bytes, and one of several code points.
const HARD = 'é𝄞👩‍👩‍👧';
const TEXT = `# P-001 Main job\n\n${HARD} one\n\nbetween\n\n${HARD} two\n\nbetween these\n\n${HARD} three\n`;

const MODERN = {
  general: { positionEncodings: ['utf-8', 'utf-16', 'utf-32'] },
  workspace: {
    applyEdit: true, workspaceFolders: true, workspaceEdit: { documentChanges: true, resourceOperations: ['create', 'rename', 'delete'] },
    diagnostics: { refreshSupport: true }, codeLens: { refreshSupport: true },
    didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
  },
  textDocument: {
    publishDiagnostics: { relatedInformation: true, versionSupport: true, codeDescriptionSupport: true, dataSupport: true },
    diagnostic: { dynamicRegistration: true }, codeLens: {}, hover: { contentFormat: ['markdown', 'plaintext'] },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix', 'source'] } }, dataSupport: true, isPreferredSupport: true },
  },
  window: { workDoneProgress: true, showDocument: { support: true }, showMessage: { messageActionItem: {} } },
  experimental: { agentStatus: true, agentPresence: true },
};
const PLAIN = {
  workspace: { applyEdit: true, workspaceFolders: true, workspaceEdit: { documentChanges: true } },
  textDocument: {
    publishDiagnostics: { relatedInformation: true, versionSupport: true }, hover: { contentFormat: ['plaintext'] },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } },
  },
  window: { workDoneProgress: true },
};
const POOREST = { workspace: { applyEdit: true }, textDocument: { publishDiagnostics: {} } };
const KINDS = {
  modern: { capabilities: MODERN, encoding: 'utf-8', pulls: true },
  plain: { capabilities: PLAIN, encoding: 'utf-16', pulls: false },
  'utf-32': { capabilities: { ...PLAIN, general: { positionEncodings: ['utf-32'] } }, encoding: 'utf-32', pulls: false },
  poorest: { capabilities: POOREST, encoding: 'utf-16', pulls: false },
};

let backend;
before(async () => { backend = await team(); });
after(() => backend.stop());

let number = 0;
for (const [name, kind] of Object.entries(KINDS)) {
  number += 1;
  const id = `P-${String(number).padStart(3, '0')}`;
  test(`the main job of a ${name} client`, async () => {
    const log = join(kept('recordings'), `scripted-${name}.jsonl`);
    rmSync(log, { force: true });
    const client = new Client(await recorded(log), backend.ann, kind.capabilities);
    try {
      await play(client, kind, id);
      assert.equal(await client.stop(), 0);
    } finally {
      client.child.kill();
    }
    assert.deepEqual(client.faults, []);
    assert.doesNotMatch(client.stderr, /panicked/);
    await passes(log, { both: true });
  });
}

async function play(client, { encoding, pulls }, id) {
  const path = `.agent/plans/${id}-main-job.md`;
  const bob = new Teammate(backend, backend.bob);
  backend.ann.write(path, TEXT);
  await client.start();
  assert.equal(client.encoding, encoding);
  assert.equal(Boolean(client.server.diagnosticProvider), pulls);
  client.open(path);
  client.save(path);
  await bob.receives(path, TEXT);

  // What Bob changes is said here, and taken.
  await bob.sends(path, 'one', 'one by Bob');
  const [behind] = await client.shows(path, ['behind']);
  assert.match(behind.message, /bob@example\.com changed this in version 2/);
  assert.deepEqual(behind.range, client.range(TEXT, TEXT.indexOf(HARD), TEXT.indexOf(' one') + 4));
  await client.act(path, behind, 'Accept remote version');
  let text = TEXT.replace('one', 'one by Bob');
  await client.buffer(path, text);
  client.save(path);
  await client.shows(path, []);

  // Both change two lines, each in the middle of it: two conflicts, one decided for both and one for the own text.
  client.type(path, 'two', 'two by Ann');
  client.type(path, 'three', 'three by Ann');
  bob.edit(path, 'two', 'two by Bob');
  await bob.sends(path, 'three', 'three by Bob');
  const [conflict] = await client.shows(path, ['conflict', 'conflict']);
  assert.match(conflict.message, /“é𝄞👩‍👩‍👧 two by Bob”.*“é𝄞👩‍👩‍👧 two by Ann”/);
  await client.act(path, conflict, 'Accept both (local first)');
  const [left] = await client.shows(path, ['conflict']);
  await client.act(path, left, 'Keep local version');
  await client.shows(path, []);
  text = text.replace(`${HARD} two\n`, `${HARD} two by Ann\n${HARD} two by Bob\n`).replace('three', 'three by Ann');
  await client.buffer(path, text);
  client.save(path);

  // An edit behind all of it, from the other side of a character that no encoding counts alike.
  client.type(path, `${HARD} two by Bob`, `${HARD}${HARD} two by both`);
  text = text.replace(`${HARD} two by Bob`, `${HARD}${HARD} two by both`);
  client.save(path);
  await bob.receives(path, text);
}
