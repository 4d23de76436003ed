// A person at Kakoune with kakoune-lsp, and what their page says for the kakrc.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { kakoune } from '../lib/install/kakoune.mjs';
import { OnScreen } from '../lib/on-screen.mjs';
import { pasted } from '../lib/page.mjs';
import { offPath, withRecorded } from '../lib/shim.mjs';
import { Terminal } from '../lib/tmux.mjs';
import { eventually } from '../lib/wait.mjs';

export class Kakoune extends OnScreen {
  /**
   * Opens a file of `side` (lib/backend.mjs); the session is recorded in `log`. `more` is more of the kakrc; `named` makes such
   * of where `agent` is, which then is not on the PATH.
   */
  static async open(side, path, log, { more = '', named } = {}) {
    const { kak, lsp } = await kakoune();
    const config = join(side.home, '.config/kak');
    const runtime = join(side.home, 'run');
    for (const folder of [config, runtime]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const onPath = { ...(await withRecorded(side, log, { more: [dirname(kak), dirname(lsp)] })), XDG_RUNTIME_DIR: runtime };
    const { env, program } = named ? offPath(onPath) : { env: onPath };
    writeFileSync(join(config, 'kakrc'), `${pasted('kakoune', '')[0]}${more}${named?.(program) ?? ''}`);
    const editor = new Kakoune(new Terminal([kak, path], { cwd: side.dir, env, columns: 110, rows: 24 }), side, log);
    return editor.started('1 sel');
  }

  async goTo(line) {
    this.terminal.type(`${line}g`);
    await this.terminal.shows(new RegExp(`\\b${line}:1\\b`));
  }

  /** Replaces what is written only once in the document. */
  async replace(old, made) {
    this.terminal.type('%s');
    await this.terminal.shows('select:');
    this.terminal.type(old);
    this.terminal.keys('Enter');
    await this.terminal.shows('1 sel');
    this.terminal.type('c');
    await this.types(made);
    this.terminal.keys('Escape');
    await this.terminal.shows('1 sel');
    this.terminal.type(';');
  }

  async menu(title) {
    await this.command('lsp-code-actions');
    await this.sees(title);
  }

  /** Types the title in the open menu, and has it completed to what fits. */
  async pick(title) {
    this.terminal.type(title);
    await this.prompts(title);
    this.terminal.keys('Tab');
    await this.prompts(title);
    this.terminal.keys('Enter');
    await this.misses('Accept both (local first)');
  }

  async save() {
    await this.command('write');
    await this.misses('[+]');
  }

  async leave() {
    await this.command('quit!');
    await this.terminal.shows('(ended with 0)');
  }

  /** Waits until the prompt in the last line begins so. */
  prompts(words) {
    return eventually(`the prompt ${words}`, () => this.terminal.screen().split('\n').at(-1).startsWith(words));
  }

  async command(line) {
    this.terminal.type(`:${line}`);
    await this.sees(`:${line}`);
    this.terminal.keys('Enter');
  }
}
