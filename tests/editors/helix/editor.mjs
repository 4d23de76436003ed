// A person at Helix, with the configuration of editors/helix.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { helix } from '../lib/install/helix.mjs';
import { OnScreen } from '../lib/on-screen.mjs';
import { pasted } from '../lib/page.mjs';
import { project } from '../lib/places.mjs';
import { withRecorded } from '../lib/shim.mjs';
import { Terminal } from '../lib/tmux.mjs';
import { eventually } from '../lib/wait.mjs';

export class Helix extends OnScreen {
  /** Opens a file of `side` (lib/backend.mjs); the session is recorded in `log`. */
  static async open(side, path, log, { desktop } = {}) {
    rmSync(join(side.home, '.config/helix'), { recursive: true, force: true });
    execFileSync('sh', ['-ec', pasted('helix', 'sh')[0]], { cwd: project, env: { ...side.env, HOME: side.home } });
    const env = { ...(await withRecorded(side, log, { desktop })), COLORTERM: 'truecolor' };
    const editor = new Helix(new Terminal([await helix(), path], { cwd: side.dir, env, columns: 110, rows: 24 }), side, log);
    editor.env = env;
    return editor.started('NOR');
  }

  async goTo(line) {
    await this.command(String(line));
    // Its status line ends with where the cursor is.
    await this.terminal.shows(new RegExp(`\\b${line}:\\d+`));
  }

  /** Replaces what is written only once in the document. */
  async replace(old, made) {
    this.terminal.type('%s');
    await this.terminal.shows('select:');
    this.terminal.type(old);
    this.terminal.keys('Enter');
    await this.terminal.shows(/NOR.*1 sel/);
    this.terminal.type('c');
    await this.types(made);
    this.terminal.keys('Escape');
    await this.terminal.shows('NOR');
  }

  async menu(title) {
    this.terminal.keys('Space', 'a');
    await this.sees(title);
  }

  /** Goes down in the open menu, whose first entry is chosen. */
  async pick(title) {
    const rows = this.terminal.screen().split('\n');
    // The rows of the menu: those that have something where its titles begin.
    const at = rows.findIndex((row) => row.includes(title));
    const column = rows[at].indexOf(title);
    let first = at;
    while (/^\S/.test(rows[first - 1]?.slice(column) ?? '') && ACTIONS.test(rows[first - 1].slice(column))) first -= 1;
    for (let row = first; row < at; row += 1) this.terminal.keys('Down');
    this.terminal.keys('Enter');
    await this.misses('Accept both (local first)');
  }

  /** Runs a command of the server's, out of the list of them. */
  async commanded(name) {
    await this.command('lsp-workspace-command');
    await this.sees('agent.compare');
    this.terminal.type(name);
    await this.misses('agent.compare');
    this.terminal.keys('Enter');
    await this.misses(name);
  }

  async save() {
    await this.command('write');
    await this.terminal.shows(/written, \d+L/);
  }

  async leave() {
    await this.command('quit-all!');
    await this.terminal.shows('(ended with 0)');
  }

  async command(line) {
    this.terminal.type(`:${line}`);
    await eventually(`:${line} in the prompt`, () => this.terminal.screen().split('\n').some((row) => row.trimEnd() === `:${line}`));
    this.terminal.keys('Enter');
  }
}

const ACTIONS = /^(Accept|Keep|Merge|Compare|Restore|Undo|New)\b/;
