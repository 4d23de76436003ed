// What the plugin for Neovim adds to the protocol: words, mappings, marks, views, lists, health.

import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { agentBinary, ran } from '../lib/agent.mjs';
import { kinds, neovim } from '../lib/install/neovim.mjs';
import { kept } from '../lib/places.mjs';
import { eventually } from '../lib/wait.mjs';
import { plugin } from './editor.mjs';
import { Stage, told } from './stage.mjs';

const HELP = readFileSync(join(plugin, 'doc/agent.txt'), 'utf8');

let stage;

before(async () => {
  stage = await Stage.open();
});

after(() => stage?.close());

/** How the report names the versions that a kind stands for. */
const VERSIONS = { '0.7': /0\.7\.\d+: /, '0.10': /0\.(8|9|10)\.\d+: /, '0.11': /0\.1[1-9]\.\d+: / };

const line = (editor) => editor.lua('return vim.api.nvim_win_get_cursor(0)[1]');

for (const kind of kinds) {
  test(`Neovim ${kind} takes the help file, and the help has every word of :Agent`, async () => {
    const copy = join(kept('help'), kind);
    rmSync(copy, { recursive: true, force: true });
    cpSync(plugin, copy, { recursive: true });
    const words = "lua io.stdout:write(table.concat(vim.fn.getcompletion('Agent ', 'cmdline'), ' '))";
    const args = ['--headless', '-u', 'NONE', '-i', 'NONE', '-n', '-c', `set rtp^=${copy}`, '-c', `helptags ${copy}/doc`,
      '-c', 'runtime plugin/agent.lua', '-c', words, '-c', 'qall!'];
    const { code, out, err } = await ran(await neovim(kind), args);
    assert.equal(code, 0, err);
    const tags = readFileSync(join(copy, 'doc/tags'), 'utf8').split('\n').map((entry) => entry.split('\t')[0]);
    for (const tag of ['agent.txt', ':Agent', ':AgentDiff', 'agent-mappings', '<Plug>(agent-next)']) assert.ok(tags.includes(tag), tag);
    const verbs = out.trim().split(' ');
    assert.ok(verbs.includes('resolve') && verbs.length > 15, out + err);
    const documented = [...HELP.matchAll(/^:Agent ([\w-]+)/gm)].map(([, verb]) => verb);
    assert.deepEqual([...new Set(documented)].sort(), verbs);
  });
}

test('the words behind a verb complete, and no key is mapped', async () => {
  await stage.playing('OPS-201', async (editor) => {
    const complete = (start) => editor.lua("return vim.fn.getcompletion(..., 'cmdline')", start);
    assert.deepEqual(await complete('Agent resolve all'), ['all-local', 'all-remote']);
    assert.deepEqual(await complete('Agent new '), ['adr', 'plan', 'runbook', 'story']);
    assert.deepEqual(await complete('AgentDiff r'), ['remote']);
    const mapped = await editor.lua(`
      local found = {}
      for _, mode in ipairs({ 'n', 'x', 'o', 'i', 't' }) do
        for _, map in ipairs(vim.list_extend(vim.api.nvim_get_keymap(mode), vim.api.nvim_buf_get_keymap(0, mode))) do
          table.insert(found, map.lhs .. ' ' .. (map.desc or '') .. (map.rhs or ''))
        end
      end
      return found`);
    const ours = mapped.filter((map) => /agent|team|hunk/i.test(map));
    assert.ok(ours.length >= 7, mapped.join('\n'));
    assert.deepEqual(ours.filter((map) => !map.startsWith('<Plug>')), []);
    await editor.command('Agent nonsense');
    await told(editor, /nonsense: no such command/);
  });
});

for (const kind of kinds) {
  test(`in Neovim ${kind} the mappings walk the hunks, around the end, and one key decides`, async () => {
    await stage.playing(`OPS-21${kinds.indexOf(kind)}`, async (editor, it) => {
      const conflicts = await stage.quarrel(editor, it);
      await editor.stands('agent: 1 in conflict');
      const [first, second] = conflicts.map((found) => found.line + 1);
      const press = (keys) => editor.lua(`
        vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(..., true, true, true), 'mx', false)`, keys);
      await editor.lua('vim.api.nvim_win_set_cursor(0, { 1, 0 })');
      await press('<Plug>(agent-next)');
      assert.equal(await line(editor), first);
      await press('<Plug>(agent-next)');
      assert.equal(await line(editor), second);
      await press('<Plug>(agent-next)');
      assert.equal(await line(editor), first);
      await press('2<Plug>(agent-next)');
      assert.equal(await line(editor), first);
      await press('<Plug>(agent-previous)');
      assert.equal(await line(editor), second);
      await press('<Plug>(agent-take-remote)');
      await editor.shows('conflict');
      assert.ok((await editor.text()).includes('three days'));
      await editor.command('Agent resolve all-local');
      await editor.shows();
      await editor.command('Agent next');
      await told(editor, /nothing of the team's is new/);
      await editor.save();
      await stage.bob.receives(it.path, it.text.replace('tried twice', 'tried 6 times').replace('a day', 'three days'));
    }, { kind });
  });
}

for (const kind of kinds) {
  test(`in Neovim ${kind} a file that changed on disk is read again where nothing is unsaved, and decided in after that`, async () => {
    await stage.playing(`OPS-28${kinds.indexOf(kind)}`, async (editor, it) => {
      const changed = it.text.replace('Between', 'Amid');
      stage.both.ann.write(it.path, changed);
      await editor.command('checktime');
      assert.equal(await editor.text(), changed);
      await stage.bob.receives(it.path, changed);
      await editor.replace('a day', 'two days');
      await stage.bob.sends(it.path, 'a day', 'three days');
      await editor.shows('conflict');
      await editor.goTo('two days');
      await editor.command('Agent resolve both');
      await editor.shows();
      await editor.save();
      await stage.bob.receives(it.path, changed.replace(/(.*)a day(.*\n)/, '$1two days$2$1three days$2'));
    }, { kind });
  });
}

test('an edit that was made for an older text of the buffer is refused, one for this text is made', async () => {
  await stage.playing('OPS-221', async (editor, { path }) => {
    const apply = (version) => editor.lua(`
      local client = require('agent.compat').clients(0)[1]
      local at = { line = 0, character = 0 }
      local document = { uri = vim.uri_from_bufnr(0), version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()] + ... }
      local edit = { textDocument = document, edits = { { range = { start = at, ['end'] = at }, newText = '!' } } }
      return client.handlers['workspace/applyEdit'](nil, { edit = { documentChanges = { edit } } },
        { client_id = client.id, method = 'workspace/applyEdit' })`, version);
    const before = await editor.text();
    await editor.replace('a day', 'two days');
    const refused = await apply(-1);
    assert.equal(refused.applied, false);
    assert.match(refused.failureReason, /OPS-221.* changed meanwhile/);
    assert.equal(await editor.text(), before.replace('a day', 'two days'));
    assert.equal((await apply(0)).applied, true);
    assert.equal(await editor.text(), `!${before.replace('a day', 'two days')}`);
    assert.equal(stage.bob.read(path), before);
  });
});

for (const kind of kinds) {
  test(`:checkhealth agent in Neovim ${kind} names program, project and what agent doctor finds`, async () => {
    await stage.playing(`OPS-23${kinds.indexOf(kind)}`, async (editor) => {
      const binary = await agentBinary();
      await editor.lua("require('agent.options').get().cmd = { ..., 'lsp' }", binary);
      await editor.command('Agent health');
      const report = await editor.text();
      assert.match(report, VERSIONS[kind]);
      assert.ok(report.includes(`${binary}: agent `), report);
      assert.ok(report.includes(`${stage.both.ann.dir}: positions in`), report);
      assert.match(report, /: in sync, \d+ artifacts?/);
      assert.match(report, /agent doctor/);
      await editor.lua("require('agent.options').get().cmd = { 'no-such-agent', 'lsp' }");
      await editor.command('Agent health');
      assert.match(await editor.text(), /no-such-agent was not found/);
    }, { kind });
  });
}

test('a server that ended is said no more, and comes back with :Agent restart', async () => {
  await stage.playing('OPS-241', async (editor) => {
    await editor.lua("for _, client in ipairs(require('agent.compat').clients()) do require('agent.compat').stop(client) end");
    await editor.stands('');
    await editor.command('edit');
    await editor.stands('agent: in sync');
    await editor.command('Agent restart');
    await told(editor, /started anew for 1 buffer/);
    await editor.stands('agent: in sync');
  });
});

test('vim.lsp.enable alone is enough on 0.11', async () => {
  const { path } = await stage.shared('OPS-251');
  await stage.with('enabled', async (editor) => {
    await editor.lua("vim.lsp.config('agent', { cmd = vim.json.decode(vim.env.AGENT_CMD) }); vim.lsp.enable('agent')");
    await editor.open(path);
    await editor.stands('agent: in sync');
    await stage.bob.sends(path, 'a day', 'two days');
    await editor.shows('behind');
    await editor.goTo('a day');
    await editor.command('Agent resolve remote');
    await editor.shows();
  }, { isSetUp: false });
});

test('what happened is taken back, an earlier text comes back, a state is set', async () => {
  await stage.playing('OPS-261', async (editor, { path, text }) => {
    await stage.quarrel(editor, { path });
    await editor.command('Agent resolve all-remote');
    await editor.shows();
    await editor.save();
    await editor.stands('agent: in sync');
    const theirs = stage.bob.read(path);
    assert.equal(await editor.text(), theirs);

    await editor.lua('_G.choices = { ... }', 'version 1');
    await editor.command('Agent restore');
    await eventually('the first version in the buffer', async () => (await editor.text()) !== theirs);
    assert.equal(await editor.text(), text);
    await editor.save();
    await stage.bob.receives(path, text);

    // What came in while the file was closed is taken back out of the buffer.
    await editor.command('bdelete');
    await stage.bob.sends(path, 'Somebody looks', 'Nobody looks');
    await eventually('the file to follow', () => stage.onDisk(path) === stage.bob.read(path));
    await editor.open(path);
    await editor.stands('agent: in sync');
    await editor.command('Agent undo');
    await eventually('the update to be undone', async () => (await editor.text()) === text);
    await editor.command('Agent state Nonsense');
    await told(editor, /Nonsense may not follow/);
  });
});

test('a buffer outside of a project, or without a server, is told so and left alone', async () => {
  await stage.playing('OPS-271', async (editor) => {
    await editor.command('enew');
    await editor.command('Agent resolve remote');
    await told(editor, /no server for this buffer/);
    await editor.command('AgentDiff');
    assert.equal(await editor.lua('return #vim.api.nvim_list_tabpages()'), 1);
  });
});
