// A person at a terminal editor: what every such editor's driver shares. A driver adds `goTo`, `replace`, `menu`,
// `pick`, `save` and `leave`, each by the editor's own keys; what came of them is read from the screen.

import { readFileSync } from 'node:fs';

import { eventually } from './wait.mjs';

/** A screen without what editors put between words: space, the ends of broken lines, the lines of boxes. */
const plain = (text) => text.replace(/[\s\\│└─├╰╭╮╯]/gu, '');

export class OnScreen {
  constructor(terminal, side, log) {
    Object.assign(this, { terminal, side, log });
  }

  /** Itself, once the screen matches an expression; one that does not come up is ended. */
  async started(expression) {
    try {
      await this.terminal.shows(expression);
      return this;
    } catch (error) {
      this.kill();
      throw error;
    }
  }

  /** Waits until the screen holds these words, in one line or broken over several. */
  sees(words) {
    return eventually(`“${words}” on the screen`, () => {
      const screen = this.terminal.screen();
      if (!plain(screen).includes(plain(words))) throw new Error(`the screen is\n${screen}`);
      return screen;
    });
  }

  /** What the editor shows of the document. */
  document() {
    return this.terminal.screen();
  }

  /** Waits until nothing of the document that is shown holds these words any more. */
  misses(words) {
    return eventually(`the screen without “${words}”`, () => {
      const screen = this.document();
      if (plain(screen).includes(plain(words))) throw new Error(`the screen is\n${screen}`);
      return true;
    });
  }

  /** Types as people do, one key after the other; what stands on the screen while doing so ends with it. */
  async types(text, before = '') {
    let typed = before;
    for (const key of text) {
      this.terminal.type(key);
      typed += key;
      await this.sees(typed);
    }
  }

  /** Opens the editor's own menu of code actions at the cursor and takes the one with this title. */
  async act(title) {
    await this.menu(title);
    await this.pick(title);
  }

  /** Waits until the saved file is this text. */
  saved(path, text) {
    return eventually(`${path} to be saved`, () => {
      const found = readFileSync(this.side.file(path), 'utf8');
      if (found !== text) throw new Error(`it is ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
      return true;
    });
  }

  /** Quits, as a person does, and waits until the server is gone. */
  async stop() {
    await this.leave();
    // Helix kills the recorder as soon as it has written `exit`; Emacs says nothing, and sends a signal.
    const end = /"event":"server ended"|"method":"shutdown"/;
    await eventually(`the end of the session in ${this.log}`, () => end.test(readFileSync(this.log, 'utf8')));
    this.kill();
  }

  /** Ends it, whatever it does. */
  kill() {
    this.terminal.stop();
  }
}
