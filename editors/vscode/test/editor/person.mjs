// A person at VS Code as the tests of several editors know people (tests/editors/lib/on-screen.mjs): what can be read is
// the document and the list of problems.

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { eventually } from '../../../../tests/editors/lib/wait.mjs';

export class VsCodePerson {
  /** Opens a file of `side` in a window that is open on its folder. */
  static async open(code, side, file) {
    const person = new VsCodePerson();
    Object.assign(person, { code, side });
    await code.command('Problems: Focus on Problems View');
    await code.openFile(path.basename(file));
    return person;
  }

  shown(words) {
    const { page, editor } = this.code;
    return page.locator('.markers-panel .monaco-list-row', { hasText: words }).or(editor.locator('.view-line', { hasText: words }));
  }

  sees(words) {
    return this.shown(words).first().waitFor();
  }

  misses(words) {
    return eventually(`VS Code without “${words}”`, async () => (await this.shown(words).count()) === 0);
  }

  async goTo(line) {
    await this.code.press('Control+G');
    await this.code.input.fill(`:${line}`);
    await this.code.input.press('Enter');
    await this.code.status(`Ln ${line},`).waitFor();
  }

  /** Replaces what is written only once in the document, and has no character of several units after it in its line. */
  async replace(old, made) {
    const text = (await this.code.line(old).textContent()).replaceAll('\u00a0', ' ');
    const rest = text.length - text.indexOf(old) - old.length;
    await this.code.clickLine(old);
    for (let key = 0; key < rest; key += 1) await this.code.press('ArrowLeft');
    for (let key = 0; key < old.length; key += 1) await this.code.press('Shift+ArrowLeft');
    await this.code.type(made);
    await this.code.line(made).waitFor();
  }

  act(title) {
    return this.code.quickFix(title);
  }

  save() {
    return this.code.save();
  }

  saved(file, text) {
    return eventually(`${file} to be saved`, () => readFileSync(this.side.file(file), 'utf8') === text);
  }
}
