// Ann in VS Code, Bob in another editor, on one team: each sees what the other saves, and settles a conflict
// (tests/editors/lib/pair.mjs).

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Emacs } from '../../../../tests/editors/emacs/editor.mjs';
import { Helix } from '../../../../tests/editors/helix/editor.mjs';
import { team } from '../../../../tests/editors/lib/backend.mjs';
import { passes } from '../../../../tests/editors/lib/check.mjs';
import { playsBothWays, shared } from '../../../../tests/editors/lib/pair.mjs';
import { lacksTmux } from '../../../../tests/editors/lib/tmux.mjs';
import { NeovimPerson } from '../../../../tests/editors/neovim/person.mjs';
import { install, packed } from './install.mjs';
import { VsCodePerson } from './person.mjs';
import { kept, recording } from './play.mjs';
import { Workbench } from './workbench.mjs';

const OTHERS = { Neovim: NeovimPerson, Emacs, Helix };

let both, code, recorded;
const stories = [];

before(async () => {
  const tools = install();
  both = await team();
  // Before VS Code lists the files: it looks for new ones only now and then.
  for (const number of Object.keys(OTHERS).keys()) stories.push(await shared(both, `OPS-30${number}`));
  recorded = await recording('vscode-pairs');
  code = await Workbench.open({
    tools, vsix: packed(), open: both.ann.dir, env: both.ann.env, settings: { 'agent.path': recorded.program },
  });
});

after(async () => {
  await code?.close();
  await both?.stop();
});

for (const [number, [name, Other]] of Object.entries(OTHERS).entries()) {
  test(`VS Code and ${name} see each other's changes and settle conflicts, in both directions`, { skip: lacksTmux() }, async () => {
    const story = stories[number];
    const log = join(kept('recordings'), `pair-VSCode-${name}-bob.jsonl`);
    rmSync(log, { force: true });
    let bob;
    try {
      const ann = await VsCodePerson.open(code, both.ann, story.path);
      bob = await Other.open(both.bob, story.path, log);
      await playsBothWays(both, ann, bob, story);
      await bob.stop();
    } catch (error) {
      await code.picture(`${kept('vscode', 'pictures')}/failed-pair-${name}.png`).catch(() => {});
      throw error;
    } finally {
      bob?.kill();
    }
    await passes(log);
  });
}

test('what was said between VS Code and the server was the protocol', async () => {
  await code.close();
  await passes(recorded.log);
});
