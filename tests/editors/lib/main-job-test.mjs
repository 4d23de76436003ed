// The main job as a test of a terminal editor, and what its recorded session must be.

import assert from 'node:assert/strict';
import test from 'node:test';

import { playsMainJob } from './main-job.mjs';
import { onStory } from './on-story.mjs';
import { pictured } from './picture.mjs';
import { lacksTmux } from './tmux.mjs';

/**
 * Registers it. `open(side, path, log)` starts the editor, `encoding` is what it must agree on with the server. The pictures
 * of its page, if it has one, are taken on the way: `docs/images/NAME-behind.svg` and `NAME-conflict.svg`.
 */
export function testMainJob(name, { open, encoding, hasPage = true }) {
  test(`in ${name} a teammate's changes and conflicts are decided, and all sides agree`, { skip: lacksTmux() }, async () => {
    const session = await onStory(name, { open: (side, path, log) => open(side, path, log) }, (editor, { bob, path, text }) =>
      playsMainJob(editor, bob, { path, text }, (scene) => hasPage && pictured(editor.terminal, `${name}-${scene}`)));
    const answer = session.find(({ message }) => message?.result?.capabilities).message.result.capabilities;
    assert.equal(answer.positionEncoding ?? 'utf-16', encoding);
    const ended = session.find(({ event }) => event === 'server ended');
    assert.ok(ended?.code === 0 || session.some(({ message }) => message?.method === 'shutdown'), JSON.stringify(ended));
  });
}
