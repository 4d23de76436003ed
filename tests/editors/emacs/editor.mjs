// A person at Emacs in a terminal, with editors/emacs/agent.el and what its page says for the init file.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { emacs, packages } from '../lib/install/emacs.mjs';
import { OnScreen } from '../lib/on-screen.mjs';
import { pasted } from '../lib/page.mjs';
import { offPath, withRecorded } from '../lib/shim.mjs';
import { Terminal } from '../lib/tmux.mjs';
import { eventually } from '../lib/wait.mjs';

const [INIT, LSP_MODE] = pasted('emacs', 'elisp');

/** What package.el does at the start for a package in this folder. */
function installed(folder) {
  const autoloads = readdirSync(folder).filter((name) => name.endsWith('-autoloads.el')).map((name) => `(load "${join(folder, name)}" nil t)\n`);
  return `(add-to-list 'load-path "${folder}")\n${autoloads.join('')}`;
}

export class Emacs extends OnScreen {
  /**
   * Opens a file of `side` (lib/backend.mjs); the session is recorded in `log`. `client` is eglot or lsp-mode, `more` more of the
   * init file; `named` makes such of where `agent` is, which then is not on the PATH.
   */
  static async open(side, path, log, { client = 'eglot', more = '', named, desktop, columns = 110 } = {}) {
    const folder = join(side.home, '.emacs.d');
    mkdirSync(folder, { recursive: true });
    const init = client === 'lsp-mode' ? `${(await packages()).map(installed).join('')}${INIT}${LSP_MODE}` : INIT;
    const onPath = await withRecorded(side, log, { desktop });
    const { env, program } = named ? offPath(onPath) : { env: onPath };
    writeFileSync(join(folder, 'init.el'), `${init}${more}${named?.(program) ?? ''}`);
    // An Emacs that is started by a loader of its own cannot start itself to compile.
    writeFileSync(join(folder, 'early-init.el'), '(setq native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil)\n');
    const command = [...(await emacs()), '--no-window-system', path];
    const editor = new Emacs(new Terminal(command, { cwd: side.dir, env, columns, rows: 28 }), side, log);
    editor.client = client;
    return editor.started(/\((Text|Markdown).* agent/);
  }

  /** All above the last mode line: what stands below it may be of before. */
  document() {
    const rows = this.terminal.screen().split('\n');
    return rows.slice(0, rows.findLastIndex((row) => row.startsWith('-U'))).join('\n');
  }

  async goTo(line) {
    await this.does('goto-line', String(line));
    await this.terminal.shows(new RegExp(`\\bL${line}\\b`));
  }

  /** Replaces what is written only once in the document. */
  async replace(old, made) {
    this.terminal.keys('M-<');
    await this.does('replace-string', old, made);
    await this.terminal.shows('Replaced 1 occurrence');
    await this.sees(made);
  }

  async menu(title) {
    await this.does(this.client === 'lsp-mode' ? 'lsp-execute-code-action' : 'eglot-code-actions');
    await this.completed(title);
  }

  /** Has the question for an action list what there is. */
  async completed(title) {
    await this.terminal.shows(/Pick an action|Select code action/);
    this.terminal.keys('Tab');
    await this.terminal.shows('possible completion');
    await this.sees(title);
  }

  /** Types what the completions show for the title, of several the shortest. */
  async pick(title) {
    const shown = this.terminal.screen().split('\n').filter((row) => !/^\[eglot\]|^Select/.test(row)).join('\n');
    const fitting = [...shown.matchAll(/(Accept|Keep|Merge|Compare).*?(?= {2}|$)/gm)].map(([whole]) => whole).filter((whole) => whole.startsWith(title));
    const [shortest] = fitting.sort((one, other) => one.length - other.length);
    this.terminal.type(shortest);
    this.terminal.keys('Enter');
    await this.misses('Completions');
    this.redraw();
  }

  async save() {
    // Again if need be: lsp-mode may still be at an edit, and its messages take the place of “Wrote”.
    await eventually('the buffer to be unmodified', () => {
      if (/^-U\S*:--/m.test(this.terminal.screen())) return true;
      this.terminal.keys('C-x', 'C-s');
      return false;
    });
    this.redraw();
  }

  async leave() {
    this.terminal.keys('C-x', 'C-c');
    await this.terminal.shows('(ended with 0)');
  }

  /** Terminals and Emacs disagree on how wide some characters are. */
  redraw() {
    this.terminal.keys('C-l');
  }

  /** Types an answer into the last line, once it asks this. */
  async answers(question, answer) {
    await eventually(`“${question}” in the last line`, () => this.terminal.screen().split('\n').at(-1).startsWith(question));
    this.terminal.type(answer);
    this.terminal.keys('Enter');
  }

  /** M-x COMMAND, and an answer to each of its questions. */
  async does(command, ...answers) {
    this.terminal.keys('M-x');
    await this.terminal.shows(/^M-x/m);
    this.terminal.type(command);
    this.terminal.keys('Enter');
    for (const answer of answers) {
      await this.terminal.shows(/^(Goto line|Replace string).*: $|:$/m);
      this.terminal.type(answer);
      this.terminal.keys('Enter');
    }
  }
}
