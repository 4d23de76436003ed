// What else the page of Helix names: each command and each key.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ran } from '../lib/agent.mjs';
import { helix } from '../lib/install/helix.mjs';
import { commandsOf, onStory } from '../lib/on-story.mjs';
import { lacksTmux } from '../lib/tmux.mjs';
import { eventually } from '../lib/wait.mjs';
import { Helix } from './editor.mjs';

test('what the page of Helix names does what it says', { skip: lacksTmux() }, async () => {
  const open = (side, path, log, desktop) => Helix.open(side, path, log, { desktop });
  const session = await onStory('helix-page', { open, sync: { presence: false, auto_push: false } }, plays);
  const commands = commandsOf(session);
  assert.deepEqual(['agent.push', 'agent.pull', 'agent.signOut', 'agent.signIn'].filter((name) => !commands.includes(name)), []);
});

async function plays(editor, { both, bob, path, text, desktop }) {
  const health = await ran(await helix(), ['--health', 'markdown'], { env: editor.env });
  assert.match(health.out, /agent/);

  bob.edit(path, '3 times', '5 times');
  await bob.push();
  await editor.sees('bob@example.com changed this in version 2');

  // The next message, both texts, the messages of the project.
  editor.terminal.type('gg]d');
  await editor.terminal.shows(/\b7:\d+/);
  editor.terminal.keys('Space', 'k');
  await editor.sees('changed: version 2');
  editor.terminal.keys('Escape');
  await editor.misses('changed: version 2');
  editor.terminal.keys('Space', 'D');
  await editor.sees('1/1');
  editor.terminal.keys('Escape');

  // The choice is an edit.
  await editor.goTo(7);
  await editor.act('Accept remote version');
  await editor.misses('tried 3 times.');
  editor.terminal.type('u');
  await editor.sees('tried 3 times.');
  await editor.act('Accept remote version');
  await editor.save();
  await editor.saved(path, text.replace('3 times', '5 times'));

  // Nothing is pushed here unasked.
  await editor.replace('four minutes', 'an hour');
  await editor.save();
  await editor.commanded('agent.push');
  await eventually('the remote to have it', async () => (await both.artifact(path)).content.includes('an hour'));
  await editor.commanded('agent.pull');

  await editor.commanded('agent.signOut');
  await editor.commanded('agent.signIn');
  assert.match(await desktop.signIn(both.ann.email), /You are signed in/);
  await editor.sees(`Signed in as ${both.ann.email}`);
  await editor.command('reload');
}
