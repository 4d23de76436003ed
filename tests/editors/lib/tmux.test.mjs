// The terminal shows what runs in it, and keys reach it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { lacksTmux, Terminal } from './tmux.mjs';

test('what is typed reaches the program, and its end is shown', { skip: lacksTmux() }, async () => {
  const terminal = new Terminal(['sh', '-c', 'echo "size $(stty size)"; read line; echo "heard $line in $HERE"; exit 3'], {
    env: { PATH: process.env.PATH, HERE: "the king's é𝄞" }, columns: 60, rows: 10,
  });
  try {
    await terminal.shows('size 10 60');
    terminal.type("it's $HOME");
    terminal.keys('Enter');
    const screen = await terminal.shows(/ended with 3/);
    assert.match(screen, /heard it's \$HOME in the king's é𝄞/);
  } finally {
    terminal.stop();
  }
});
