// A terminal with a person at it: a program in tmux, on a server of its own; keys are pressed and the screen is read.

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';

import { eventually } from './wait.mjs';

/** Whether there is a tmux; what is missing if not. */
export function lacksTmux() {
  const { status } = spawnSync('tmux', ['-V']);
  return status === 0 ? undefined : 'tmux is not installed';
}

export class Terminal {
  /** Runs `command` (an array) in a terminal of this size, with nothing but `env` in its environment. */
  constructor(command, { cwd, env = {}, columns = 120, rows = 36 } = {}) {
    this.socket = `agent-${randomUUID()}`;
    const quoted = ['env', '-i', ...Object.entries({ TERM: 'screen-256color', LANG: 'C.UTF-8', ...env }).map(([name, value]) => `${name}=${value}`), ...command].map(quote).join(' ');
    this.tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), ...(cwd ? ['-c', cwd] : []),
      // What the program said last stays on the screen when it ends.
      `${quoted}; echo "(ended with $?)"; exec cat`);
    this.tmux('set', '-g', 'status', 'off');
    this.tmux('set', '-sg', 'escape-time', '0');
  }

  tmux(...args) {
    const { status, stdout, stderr } = spawnSync('tmux', ['-u', '-L', this.socket, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tmux ${args.join(' ')} failed: ${stderr}`);
    return stdout;
  }

  /** Presses keys by tmux's names: `keys('Escape', 'Enter', 'C-s')`. */
  keys(...names) {
    this.tmux('send-keys', ...names);
  }

  /** Types a text as it is. */
  type(text) {
    this.tmux('send-keys', '-l', '--', text);
  }

  /** What is on the screen now; with `colours` as escape sequences. */
  screen({ colours = false } = {}) {
    return this.tmux('capture-pane', '-p', ...(colours ? ['-e'] : [])).replace(/[ \t]+$/gm, '').trimEnd();
  }

  /** Waits until the screen shows a text or matches an expression; the screen. */
  async shows(wanted, patience) {
    const fits = typeof wanted === 'string' ? (screen) => screen.includes(wanted) : (screen) => wanted.test(screen);
    return eventually(`${wanted} on the screen`, () => {
      const screen = this.screen();
      if (!fits(screen)) throw new Error(`the screen is\n${screen}`);
      return screen;
    }, patience);
  }

  /** Writes the screen to a file, for the documentation. */
  capture(file) {
    writeFileSync(file, `${this.screen()}\n`);
  }

  /** Ends the terminal and what runs in it. */
  stop() {
    spawnSync('tmux', ['-L', this.socket, 'kill-server']);
  }
}

function quote(word) {
  return `'${String(word).replaceAll("'", `'\\''`)}'`;
}
