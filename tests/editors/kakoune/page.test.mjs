// What else the page of Kakoune names: each command and each key.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ran } from '../lib/agent.mjs';
import { kakoune } from '../lib/install/kakoune.mjs';
import { onStory } from '../lib/on-story.mjs';
import { lacksTmux } from '../lib/tmux.mjs';
import { Kakoune } from './editor.mjs';

const KEY = "map global user l ':enter-user-mode lsp<ret>'\n";

test('what the page of Kakoune names does what it says', { skip: lacksTmux() }, async () => {
  const { kak, lsp } = await kakoune();
  assert.match((await ran(kak, ['-version'])).out, /Kakoune/);
  assert.match((await ran(lsp, ['--version'])).out, /^\d+\./);
  const open = (side, path, log) => Kakoune.open(side, path, log, { more: KEY });
  await onStory('kakoune-page', { open }, async (editor, { bob, path }) => {
    bob.edit(path, '3 times', '5 times');
    await bob.push();
    await editor.sees('bob@example.com changed this in version 2');
    await editor.replace('3 times', 'twice');
    await editor.sees('Conflict:');
    editor.terminal.type('gg');
    await editor.command('lsp-find-error --include-warnings');
    await editor.terminal.shows(/\b7:\d+/);
    await editor.command('lsp-hover');
    await editor.sees('version 2 by bob@example.com');
    editor.terminal.keys('Escape');
    editor.terminal.keys('Space', 'l', 'a');
    await editor.sees('Accept both (local first)');
    await editor.pick('Accept remote version');
    await editor.misses('tried twice.');
    editor.terminal.type('u');
    await editor.sees('tried twice.');
  });
});

test('a program that is not on the PATH is named by an option', { skip: lacksTmux() }, async () => {
  const named = (program) => `set-option global agent_command ${program}\n`;
  await onStory('kakoune-named', { open: (side, path, log) => Kakoune.open(side, path, log, { named }) }, async (editor, { bob, path }) => {
    bob.edit(path, '3 times', '5 times');
    await bob.push();
    await editor.sees('bob@example.com changed this in version 2');
  });
});
