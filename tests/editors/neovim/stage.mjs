// What the tests of the plugin share: a team, a story that both know, a Neovim that has it open, two conflicts.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { agentOk } from '../lib/agent.mjs';
import { team } from '../lib/backend.mjs';
import { passes } from '../lib/check.mjs';
import { neovim } from '../lib/install/neovim.mjs';
import { kept } from '../lib/places.mjs';
import { Teammate } from '../lib/teammate.mjs';
import { eventually } from '../lib/wait.mjs';
import { Neovim } from './editor.mjs';
import { story } from './texts.mjs';

export class Stage {
  static async open(options) {
    const stage = new Stage();
    stage.both = await team(options);
    stage.bob = new Teammate(stage.both, stage.both.bob);
    return stage;
  }

  close() {
    return this.both.stop();
  }

  /** Ann's file. */
  onDisk(path) {
    return readFileSync(this.both.ann.file(path), 'utf8');
  }

  /** A new story, known to both; its text has two lines to change. */
  async shared(id) {
    const made = story(id);
    this.bob.write(made.path, made.text);
    await this.bob.push();
    await agentOk(this.both.ann, ['sync', 'pull']);
    return made;
  }

  /** A Neovim of a kind, whose session must be without a fault in the end. */
  async with(name, play, { kind = '0.11', ...more } = {}) {
    const log = join(kept('recordings'), `neovim-${name}.jsonl`);
    rmSync(log, { force: true });
    const editor = await Neovim.start(await neovim(kind), this.both.ann, log, more);
    try {
      await play(editor, log);
    } finally {
      await editor.stop().catch(() => editor.kill());
    }
    await passes(log);
  }

  /** Plays with a new story open. */
  async playing(id, play, more) {
    const it = await this.shared(id);
    await this.with(id, async (editor) => {
      await editor.open(it.path);
      await editor.stands('agent: in sync');
      await play(editor, it);
    }, more);
  }

  /** Both change two lines: two conflicts. */
  async quarrel(editor, { path }) {
    await editor.replace('tried twice', 'tried 6 times');
    await editor.replace('a day', 'two days');
    this.bob.edit(path, 'tried twice', 'tried 7 times');
    this.bob.edit(path, 'a day', 'three days');
    await this.bob.push();
    return editor.shows('conflict', 'conflict');
  }
}

/** Waits for a message of the plugin's, or of the server's. */
export function told(editor, wanted) {
  return eventually(`the message ${wanted}`, async () => {
    const said = await editor.lua('return _G.said');
    if (!said.some?.((words) => wanted.test(words))) throw new Error(`it said ${JSON.stringify(said)}`);
    return said;
  });
}
