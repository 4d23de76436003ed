// The main job in Neovim without a screen, with the plugin, in each version it differs for: what a teammate changed
// becomes a diagnostic, a conflict is resolved in the editor's own menu of code actions, and everybody has the same
// text. Each session is held to the protocol.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { agentOk } from '../lib/agent.mjs';
import { team } from '../lib/backend.mjs';
import { passes } from '../lib/check.mjs';
import { neovim } from '../lib/install/neovim.mjs';
import { kept } from '../lib/places.mjs';
import { Teammate } from '../lib/teammate.mjs';
import { Neovim } from './editor.mjs';
import { story, WIDE } from './texts.mjs';

const UTF16 = { general: { positionEncodings: ['utf-16'] } };
const UTF32 = { general: { positionEncodings: ['utf-32'] } };

const RUNS = [
  { kind: '0.11', id: 'OPS-101', encoding: 'utf-8' },
  { kind: '0.11', id: 'OPS-102', encoding: 'utf-16', capabilities: UTF16 },
  { kind: '0.11', id: 'OPS-103', encoding: 'utf-32', capabilities: UTF32 },
  { kind: '0.10', id: 'OPS-104', encoding: 'utf-16' },
  { kind: '0.7', id: 'OPS-105', encoding: 'utf-16' },
];

let both;
let bob;

before(async () => {
  both = await team();
  bob = new Teammate(both, both.bob);
  RUNS.forEach(({ id }) => bob.write(story(id).path, story(id).text));
  await bob.push();
  await agentOk(both.ann, ['sync', 'pull']);
});

after(() => both?.stop());

for (const { kind, id, encoding, capabilities } of RUNS) {
  test(`in Neovim ${kind} a teammate's change and a conflict are decided, with positions in ${encoding}`, async () => {
    const log = join(kept('recordings'), `neovim-${kind}-${encoding}.jsonl`);
    rmSync(log, { force: true });
    const editor = await Neovim.start(await neovim(kind), both.ann, log, { capabilities });
    try {
      await plays(editor, story(id));
    } finally {
      await editor.stop().catch(() => editor.kill());
    }
    const session = await passes(log);
    const answer = session.find(({ message }) => message?.result?.capabilities).message.result.capabilities;
    assert.equal(answer.positionEncoding, encoding);
    assert.ok(session.some(({ message }) => message?.method === 'shutdown'), 'the server was told to end');
  });
}

async function plays(editor, { path, text }) {
  await editor.open(path);
  await editor.stands('agent: in sync');

  // Bob's change becomes a diagnostic on exactly that line, and is taken.
  await bob.sends(path, 'tried twice', `tried ${WIDE} 5 times`);
  const [behind] = await editor.shows('behind');
  assert.equal(behind.text, `${WIDE} A failed export is tried twice.`);
  assert.match(behind.message, /bob@example\.com changed this .*tried é𝄞👩‍👩‍👧 5 times/);
  await editor.goTo('tried twice');
  await editor.act('Accept remote version');
  await editor.shows();
  await editor.save();
  assert.equal(await editor.text(), bob.read(path));
  await editor.stands('agent: in sync');

  // Both change the same two lines; nothing is overwritten.
  await editor.replace('5 times', '6 times');
  await editor.replace('a day', 'two days');
  await bob.sends(path, '5 times', '7 times');
  await bob.sends(path, 'a day', 'three days');
  const conflicts = await editor.shows('conflict', 'conflict');
  assert.deepEqual(conflicts.map((found) => found.text), [
    `${WIDE} A failed export is tried ${WIDE} 6 times.`, `${WIDE} It takes two days.`,
  ]);
  assert.ok((await editor.text()).includes('6 times'));

  // The editor's own menu decides: theirs in one place, ours in the other.
  await editor.goTo('6 times');
  await editor.act('Accept remote version');
  await editor.shows('conflict');
  await editor.goTo('two days');
  await editor.act('Keep local version');
  await editor.shows();
  await editor.save();

  const wanted = text.replace('tried twice', `tried ${WIDE} 7 times`).replace('a day', 'two days');
  assert.equal(await editor.text(), wanted);
  assert.equal(readFileSync(both.ann.file(path), 'utf8'), wanted);
  await bob.receives(path, wanted);
  await editor.stands('agent: in sync');
}
