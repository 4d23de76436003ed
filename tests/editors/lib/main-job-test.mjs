// The main job as a test of a terminal editor, and what its recorded session must be.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { agentOk } from './agent.mjs';
import { team } from './backend.mjs';
import { passes } from './check.mjs';
import { playsMainJob, story } from './main-job.mjs';
import { pictured } from './picture.mjs';
import { kept } from './places.mjs';
import { Teammate } from './teammate.mjs';
import { lacksTmux } from './tmux.mjs';

/**
 * Registers it. `open(side, path, log)` starts the editor, `encoding` is what it must agree on with the server. The pictures
 * of its page, if it has one, are taken on the way: `docs/images/NAME-behind.svg` and `NAME-conflict.svg`.
 */
export function testMainJob(name, { open, encoding, hasPage = true }) {
  test(`in ${name} a teammate's changes and conflicts are decided, and all sides agree`, { skip: lacksTmux() }, async () => {
    const log = join(kept('recordings'), `${name}.jsonl`);
    rmSync(log, { force: true });
    const both = await team();
    let editor;
    try {
      const bob = new Teammate(both, both.bob);
      const { path, text } = story('OPS-021');
      bob.write(path, text);
      await bob.push();
      await agentOk(both.ann, ['sync', 'pull']);
      editor = await open(both.ann, path, log);
      await playsMainJob(editor, bob, { path, text }, (scene) => hasPage && pictured(editor.terminal, `${name}-${scene}`));
      await editor.stop();
    } finally {
      editor?.kill();
      await both.stop();
    }
    const session = await passes(log);
    const answer = session.find(({ message }) => message?.result?.capabilities).message.result.capabilities;
    assert.equal(answer.positionEncoding ?? 'utf-16', encoding);
    const ended = session.find(({ event }) => event === 'server ended');
    assert.ok(ended?.code === 0 || session.some(({ message }) => message?.method === 'shutdown'), JSON.stringify(ended));
  });
}
