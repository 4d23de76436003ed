// The words of :Agent that the page and the help name and no other test says: each does what it is said to do.

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { agentOk } from '../lib/agent.mjs';
import { entries } from '../lib/check.mjs';
import { Desktop } from '../lib/desktop.mjs';
import { commandsOf } from '../lib/on-story.mjs';
import { eventually } from '../lib/wait.mjs';
import { Stage, told } from './stage.mjs';

let stage;

before(async () => {
  stage = await Stage.open({ sync: { presence: false, auto_push: false } });
});

after(() => stage?.close());

/** Waits until the buffer of the window is another one; its name. */
const another = (editor, before) => eventually('another buffer', async () => {
  const name = await editor.lua('return vim.api.nvim_buf_get_name(0)');
  return name !== before && name;
});

test('push and pull do at once what is asked for, status and compare tell', async () => {
  await stage.playing('OPS-401', async (editor, { path }) => {
    const file = stage.both.ann.file(path);
    await editor.replace('a day', 'two days');
    await editor.save();
    await editor.stands('agent: 1 to push');
    await editor.command('Agent status');
    await told(editor, /1 to push/);
    await editor.command('Agent compare');
    const shown = await another(editor, file);
    assert.match(await editor.text(), /^-.*It takes two days\.$/m);
    await editor.command('bwipeout');
    await editor.open(path);
    await editor.command('Agent push');
    await told(editor, /pushing/);
    await editor.stands('agent: in sync');
    assert.ok((await stage.both.artifact(path)).content.includes('two days'), shown);
    await editor.command('Agent pull');
    await told(editor, /pulling/);
    await eventually('both to be asked for', () => {
      const commands = commandsOf(entries(editor.log));
      return ['agent.compare', 'agent.push', 'agent.pull'].every((name) => commands.includes(name));
    });
  });
});

test('a state that may follow is set, out of the list or by its name', async () => {
  await stage.playing('OPS-411', async (editor, { path, text }) => {
    await editor.replace('Status: Draft', 'Status: DRAFT');
    await editor.save();
    await editor.command('Agent push');
    await editor.stands('agent: in sync');
    await editor.lua('_G.choices = { ... }', 'Move to OPEN');
    await editor.command('Agent state');
    await eventually('the new state in the buffer', async () => {
      const [found, offered] = [await editor.text(), await editor.lua('return _G.offered')];
      if (!found.includes('Status: OPEN')) throw new Error(`offered was ${JSON.stringify(offered)}`);
      return true;
    });
    await editor.save();
    await editor.command('Agent push');
    await stage.bob.receives(path, text.replace('Draft', 'OPEN'));
    await editor.stands('agent: in sync');
    await editor.command('Agent state COMMITTED');
    await eventually('the next state in the buffer', async () => (await editor.text()).includes('Status: COMMITTED'));
  });
});

for (const [side, place] of [['remote', 'there'], ['local', 'here']]) {
  test(`a file that the team moved stays open, and Agent move ${side} has it ${place}`, async () => {
    const [n, away] = [side === 'remote' ? 421 : 422, `.agent/stories/done/OPS-42${side === 'remote' ? 1 : 2}-retry-failed-exports.md`];
    await stage.playing(`OPS-${n}`, async (editor, { path, text }) => {
      await editor.replace('a day', 'two days');
      stage.bob.write(away, text);
      rmSync(stage.both.bob.file(path));
      await stage.bob.push();
      await editor.shows('moved-there');
      await editor.command(`Agent move ${side}`);
      await editor.shows();
      await editor.save();
      await editor.command('Agent push');
      const kept = side === 'remote' ? away : path;
      await eventually(`the text at ${kept}`, async () => (await stage.both.artifact(kept))?.content.includes('two days'));
      assert.equal(existsSync(stage.both.ann.file(kept)), true);
      assert.equal(existsSync(stage.both.ann.file(kept === path ? away : path)), false);
    });
  });
}

test('what conflicts with nothing is merged, and each order of both is there', async () => {
  await stage.playing('OPS-431', async (editor, it) => {
    await stage.quarrel(editor, it);
    stage.bob.edit(it.path, 'Somebody looks', 'Nobody looks');
    await stage.bob.push();
    await editor.shows('conflict', 'conflict', 'merges-cleanly');
    await editor.command('Agent resolve merge');
    await editor.shows('conflict', 'conflict');
    assert.ok((await editor.text()).includes('Nobody looks'));
    await editor.goTo('tried 6 times');
    await editor.command('Agent resolve both-remote-first');
    await editor.shows('conflict');
    assert.match(await editor.text(), /tried 7 times.*\n.*tried 6 times/);
    await editor.command('Agent previous');
    await editor.command('Agent resolve all-remote');
    await editor.shows();
    assert.ok((await editor.text()).includes('three days'));
  });
});

test('the log of the server opens', async () => {
  await stage.playing('OPS-441', async (editor, { path }) => {
    await editor.command('Agent log');
    assert.match(await another(editor, stage.both.ann.file(path)), /lsp\.log$/);
  });
});

test('signing out, and in again in the browser', async () => {
  const desktop = new Desktop(stage.both.ann);
  await stage.playing('OPS-451', async (editor) => {
    await editor.command('Agent sign-out');
    await editor.stands('agent: signed out');
    await editor.lua('_G.choices = { ... }', 'The browser', 'With github');
    await editor.command('Agent sign-in');
    assert.match(await desktop.signIn(stage.both.ann.email), /You are signed in/);
    await editor.stands('agent: in sync');
  }, { desktop });
  assert.match(await agentOk(stage.both.ann, ['whoami']), /ann@example\.com/);
});
