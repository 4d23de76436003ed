// What else the page of Emacs names: each key and each command, pressed in a terminal, with both clients.

import assert from 'node:assert/strict';
import test from 'node:test';

import { commandsOf, onStory } from '../lib/on-story.mjs';
import { lacksTmux } from '../lib/tmux.mjs';
import { eventually } from '../lib/wait.mjs';
import { Emacs } from './editor.mjs';

const PREFIX = `(keymap-global-set "C-c a" agent-command-map)
(setq browse-url-browser-function #'browse-url-generic browse-url-generic-program "xdg-open")
`;
const COMMANDS = ['agent.compare', 'agent.resolve', 'agent.push', 'agent.pull', 'agent.new', 'agent.signOut', 'agent.signIn', 'agent.submitCode'];

for (const client of ['eglot', 'lsp-mode']) {
  test(`what the page of Emacs names does what it says, with ${client}`, { skip: lacksTmux() }, async () => {
    const open = (side, path, log, desktop) => Emacs.open(side, path, log, { client, more: PREFIX, desktop, columns: 160 });
    const session = await onStory(`emacs-page-${client}`, { open, sync: { presence: false, auto_push: false } }, plays);
    const ran = commandsOf(session);
    assert.deepEqual(COMMANDS.filter((name) => !ran.includes(name)), []);
  });
}

test('a program that is not on the PATH is named by a variable', { skip: lacksTmux() }, async () => {
  const named = (program) => `(setq agent-command '("${program}" "lsp"))\n`;
  await onStory('emacs-named', { open: (side, path, log) => Emacs.open(side, path, log, { named }) }, async (editor, { bob, path }) => {
    bob.edit(path, '3 times', '5 times');
    await bob.push();
    await editor.sees('bob@example.com changed this in version 2');
  });
});

async function plays(editor, { both, bob, path, desktop }) {
  const prefixed = (key) => editor.terminal.keys('C-c', 'a', key);
  const gone = (words) => eventually(`the screen without “${words}”`, () => !editor.terminal.screen().includes(words));
  bob.edit(path, '3 times', '5 times');
  await bob.push();
  await editor.sees('agent[1 behind]');
  prefixed('s');
  await editor.sees('1 artifacts, 0 waiting, 1 behind, 0 in conflict');

  // Messages: the next one, the one at the cursor, all of them.
  editor.terminal.keys('M-<');
  await editor.does('flymake-goto-next-error');
  await editor.terminal.shows(/\bL7\b/);
  const full = 'changed: version 2 by bob@example.com';
  await eventually('both texts, which Emacs has ready once the cursor rested', async () => {
    if (editor.client === 'eglot') editor.terminal.keys('C-h', '.');
    else await editor.does('lsp-describe-thing-at-point');
    return editor.terminal.shows(full, 2_000).catch(() => false);
  });
  editor.terminal.keys('C-x', '1');
  await gone(full);
  await editor.does('flymake-show-buffer-diagnostics');
  await editor.sees('*Flymake diagnostics');
  editor.terminal.keys('C-x', '1');
  await gone('*Flymake diagnostics');

  prefixed('c');
  await editor.sees('+- A failed export');
  editor.terminal.keys('C-x', 'k', 'Enter');
  editor.terminal.keys('C-x', '1');
  await gone('+- A failed export');

  // The actions at the next message; the choice is an edit.
  editor.terminal.keys('M-<');
  prefixed('a');
  await editor.completed('Accept remote version');
  await editor.pick('Accept remote version');
  await editor.misses('tried 3 times.');
  editor.terminal.keys('C-/');
  await editor.sees('tried 3 times.');
  await editor.act('Accept remote version');
  await editor.misses('tried 3 times.');
  await editor.save();

  // Nothing is pushed here unasked.
  await editor.replace('four minutes', 'an hour');
  await editor.save();
  await editor.sees('agent[1 waiting]');
  prefixed('P');
  await eventually('the remote to have it', async () => (await both.artifact(path)).content.includes('an hour'));
  await gone('waiting]');
  prefixed('p');

  prefixed('n');
  await editor.answers('Kind', 'story');
  await editor.answers('Title:', 'Count the exports');
  await editor.sees('# OPS-022');
  editor.terminal.keys('C-x', 'k', 'Enter');
  await editor.sees('Retry failed exports');

  await editor.does('agent-sign-out');
  await editor.sees('signed-out');
  await editor.does('agent-sign-in');
  await editor.answers('Sign in by', 'code by mail');
  await editor.answers('Your address:', both.ann.email);
  await editor.answers(`The code sent to ${both.ann.email}:`, await codeOf(both, both.ann.email));
  await gone('signed-out');
  await editor.does('agent-sign-out');
  await editor.sees('signed-out');
  await editor.does('agent-sign-in');
  await editor.answers('Sign in by', 'browser');
  assert.match(await desktop.signIn(both.ann.email), /You are signed in/);
  await gone('signed-out');
}

/** The newest code that was mailed to somebody. */
function codeOf(both, email) {
  return eventually(`a code for ${email}`, async () => /\b\d{6}\b/.exec((await both.mails(email))[0]?.text ?? '')?.[0]);
}
