// A person at Neovim as the tests of several editors know people (lib/on-screen.mjs), without a screen.

import { readFileSync } from 'node:fs';

import { neovim } from '../lib/install/neovim.mjs';
import { eventually } from '../lib/wait.mjs';
import { Neovim } from './editor.mjs';

export class NeovimPerson {
  /** Opens a file of `side` (lib/backend.mjs); the session is recorded in `log`. */
  static async open(side, path, log) {
    const person = new NeovimPerson();
    Object.assign(person, { side, editor: await Neovim.start(await neovim('0.11'), side, log) });
    await person.editor.open(path);
    return person;
  }

  /** What a person can read: the text and the messages at its lines. */
  async reads() {
    const [text, found] = await Promise.all([this.editor.text(), this.editor.diagnostics()]);
    return [text, ...found.map(({ message }) => message)].join('\n');
  }

  sees(words) {
    return eventually(`“${words}” in Neovim`, async () => {
      const shown = await this.reads();
      if (!shown.includes(words)) throw new Error(`there is\n${shown}`);
      return true;
    });
  }

  misses(words) {
    return eventually(`Neovim without “${words}”`, async () => !(await this.reads()).includes(words));
  }

  goTo(line) {
    return this.editor.lua('vim.api.nvim_win_set_cursor(0, { ..., 0 })', line);
  }

  replace(old, made) {
    return this.editor.replace(old, made);
  }

  act(title) {
    return this.editor.act(title);
  }

  save() {
    return this.editor.save();
  }

  saved(path, text) {
    return eventually(`${path} to be saved`, () => readFileSync(this.side.file(path), 'utf8') === text);
  }

  stop() {
    return this.editor.stop();
  }

  kill() {
    this.editor.kill();
  }
}
