// Two people in two different editors, on one team (lib/pair.mjs). The pairs with VS Code are its extension's own
// (editors/vscode/test/editor/pairs.test.mjs).

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { Emacs } from './emacs/editor.mjs';
import { Helix } from './helix/editor.mjs';
import { team } from './lib/backend.mjs';
import { passes } from './lib/check.mjs';
import { playsBothWays, shared } from './lib/pair.mjs';
import { kept } from './lib/places.mjs';
import { lacksTmux } from './lib/tmux.mjs';
import { NeovimPerson } from './neovim/person.mjs';

const EDITORS = { Emacs, Helix, Neovim: NeovimPerson };
const PAIRS = [['Emacs', 'Helix'], ['Helix', 'Neovim'], ['Neovim', 'Emacs']];

let both;
before(async () => { both = await team(); });
after(() => both?.stop());

for (const [number, [first, second]] of PAIRS.entries()) {
  test(`${first} and ${second} see each other's changes and settle conflicts, in both directions`, { skip: lacksTmux() }, async () => {
    const story = await shared(both, `OPS-20${number}`);
    const [annsLog, bobsLog] = ['ann', 'bob'].map((who) => join(kept('recordings'), `pair-${first}-${second}-${who}.jsonl`));
    [annsLog, bobsLog].forEach((log) => rmSync(log, { force: true }));
    const open = [];
    try {
      const ann = await EDITORS[first].open(both.ann, story.path, annsLog);
      open.push(ann);
      const bob = await EDITORS[second].open(both.bob, story.path, bobsLog);
      open.push(bob);
      await playsBothWays(both, ann, bob, story);
      for (const editor of open) await editor.stop();
    } finally {
      open.forEach((editor) => editor.kill());
    }
    for (const log of [annsLog, bobsLog]) await passes(log);
  });
}
