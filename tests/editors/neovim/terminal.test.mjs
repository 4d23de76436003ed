// A person at Neovim 0.11 with the configuration of docs/editors/neovim.md, and nothing but keys: the pictures of that
// page are made here (with AGENT_UPDATE_DOCS=1).

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { agentBinary, agentOk, recorded } from '../lib/agent.mjs';
import { team } from '../lib/backend.mjs';
import { passes } from '../lib/check.mjs';
import { neovim } from '../lib/install/neovim.mjs';
import { pasted } from '../lib/page.mjs';
import { kept, project } from '../lib/places.mjs';
import { Teammate } from '../lib/teammate.mjs';
import { lacksTmux, Terminal } from '../lib/tmux.mjs';
import { apart, ended } from './editor.mjs';
import { picture } from '../lib/picture.mjs';
import { story, WIDE } from './texts.mjs';

/** A folder with an `agent` whose language server is recorded. */
async function onPath(side, log) {
  const folder = join(side.base, 'bin');
  mkdirSync(folder, { recursive: true });
  const server = (await recorded(log)).map((word) => `'${word}'`).join(' ');
  writeFileSync(join(folder, 'agent'), `#!/bin/sh\n[ "$1" = lsp ] && exec ${server}\nexec '${await agentBinary()}' "$@"\n`);
  chmodSync(join(folder, 'agent'), 0o755);
  return folder;
}

/** Neovim in a terminal, with a block of the page as its init.lua. */
async function started(side, block, log, path, { rows = 24, columns = 112 } = {}) {
  rmSync(log, { force: true });
  const env = { ...side.env, ...apart(side.base), PATH: `${await onPath(side, log)}:${side.env.PATH}` };
  mkdirSync(join(env.XDG_CONFIG_HOME, 'nvim'), { recursive: true });
  writeFileSync(join(env.XDG_CONFIG_HOME, 'nvim/init.lua'), pasted('neovim', 'lua')[block]);
  return new Terminal([await neovim('0.11'), path], { cwd: side.dir, env, rows, columns });
}

function command(terminal, line) {
  terminal.type(`:${line}`);
  terminal.keys('Enter');
}

/** Ends Neovim as a person does, and waits until its server is gone. */
async function quits(terminal, log) {
  command(terminal, 'qall!');
  await terminal.shows('(ended with 0)');
  await ended(log);
}

function shot(terminal, name) {
  const file = join(project, 'docs/images', `neovim-${name}.svg`);
  if (process.env.AGENT_UPDATE_DOCS) writeFileSync(file, picture(terminal.screen({ colours: true }), { columns: 112 }));
}

test('with the configuration of the page, keys alone decide a conflict', { skip: lacksTmux() }, async () => {
  const both = await team();
  const bob = new Teammate(both, both.bob);
  // What stands in a picture of the manual is plain.
  const { path, text } = story('OPS-021', '');
  const log = join(kept('recordings'), 'neovim-terminal.jsonl');
  let terminal;
  try {
    bob.write(path, text);
    await bob.push();
    await agentOk(both.ann, ['sync', 'pull']);
    terminal = await started(both.ann, 0, log, path);
    await terminal.shows('agent: in sync');

    command(terminal, 'checkhealth agent');
    const health = await terminal.shows(/agent doctor/);
    assert.match(health, /the server starts by vim\.lsp\.enable/);
    assert.match(health, /bin\/agent: agent \d/);
    assert.match(health, /project\/: in sync, 1 artifact/);
    command(terminal, 'quit');
    await terminal.shows('agent: in sync');

    command(terminal, 'keeppatterns %s/tried twice/tried 6 times/');
    command(terminal, 'keeppatterns %s/takes a day/takes two days/');
    bob.edit(path, 'tried twice', 'tried 7 times');
    bob.edit(path, 'takes a day', 'takes three days');
    await bob.push();
    await terminal.shows(/▌.*tried 6 times.*bob@example\.com, just now/);
    await terminal.shows(/▌.*takes two days.*bob@example\.com, just now/);
    terminal.keys('g', 'g', 'C-l');
    await terminal.shows(/^(?![^]*keeppatterns)/);
    shot(terminal, 'conflict');

    terminal.type(']x');
    terminal.type('gra');
    await terminal.shows(/1: Accept remote version \(version 2 by bob@example\.com\)/);
    shot(terminal, 'actions');
    terminal.keys('1', 'Enter');
    await terminal.shows(/tried 7 times/);

    command(terminal, 'AgentDiff');
    await terminal.shows(/takes a day[^]*takes two days[^]*takes three days/);
    await terminal.shows(/base version 1.*yours.*remote version 2 by bob/);
    shot(terminal, 'diff');
    command(terminal, 'tabclose');

    terminal.type(']x');
    terminal.type('gra');
    await terminal.shows('2: Keep local version');
    terminal.keys('2', 'Enter');
    await terminal.shows(/^(?![^]*▌)/);
    command(terminal, 'write');
    await terminal.shows('agent: in sync');
    const wanted = text.replace('tried twice', 'tried 7 times').replace('takes a day', 'takes two days');
    await bob.receives(path, wanted);
    assert.equal(readFileSync(both.ann.file(path), 'utf8'), wanted);
    await quits(terminal, log);
    await passes(log);
  } finally {
    terminal?.stop();
    await both.stop();
  }
});

test('the few lines without the plugin are enough to decide a conflict', { skip: lacksTmux() }, async () => {
  const both = await team();
  const bob = new Teammate(both, both.bob);
  const { path, text } = story('OPS-022');
  const log = join(kept('recordings'), 'neovim-plain.jsonl');
  let terminal;
  try {
    bob.write(path, text);
    await bob.push();
    await agentOk(both.ann, ['sync', 'pull']);
    terminal = await started(both.ann, 1, log, path, { columns: 200 });
    await terminal.shows('tried twice');
    command(terminal, "lua vim.wait(60000, function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end)");
    command(terminal, 'keeppatterns %s/tried twice/tried 6 times/');
    await bob.sends(path, 'tried twice', 'tried 7 times');
    await terminal.shows(/tried 6 times.*Conflict: bob@example\.com changed the same lines/);
    terminal.type('gra');
    await terminal.shows('2: Keep local version');
    terminal.keys('2', 'Enter');
    await terminal.shows(/^(?![^]*Conflict)/);
    command(terminal, 'write');
    await bob.receives(path, text.replace('tried twice', 'tried 6 times'));
    assert.ok(bob.read(path).includes(`${WIDE} A failed export is tried 6 times.`));
    await quits(terminal, log);
    await passes(log);
  } finally {
    terminal?.stop();
    await both.stop();
  }
});
