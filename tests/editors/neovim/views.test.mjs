// What the plugin shows beyond diagnostics: marks with author and age, the three-way view, the list of artifacts, the
// history; and what of the team reaches it: signing in, who is there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { after, before } from 'node:test';

import { agentBinary } from '../lib/agent.mjs';
import { kinds } from '../lib/install/neovim.mjs';
import { eventually } from '../lib/wait.mjs';
import { Stage, told } from './stage.mjs';
import { WIDE } from './texts.mjs';

let stage;

before(async () => {
  stage = await Stage.open({ sync: { presence: true } });
});

after(() => stage?.close());

/** The marks in the buffer: the line's text, the sign, what stands behind the line. 0.7 does not tell signs. */
const marks = (editor) => editor.lua(`
  local space = vim.api.nvim_get_namespaces().agent_marks
  return vim.tbl_map(function(mark)
    local line = vim.api.nvim_buf_get_lines(0, mark[2], mark[2] + 1, false)[1]
    local virtual = mark[4].virt_text and mark[4].virt_text[1][1]
    return { line = line, sign = mark[4].sign_text, text = virtual }
  end, vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))`);

async function marked(editor, check) {
  return eventually('the marks', async () => {
    const found = await marks(editor);
    assert.doesNotThrow(() => check(found), JSON.stringify(found));
    return true;
  });
}

for (const kind of kinds) {
  test(`Neovim ${kind} marks the team's lines with who and when, and no more once it is decided`, async () => {
    await stage.playing(`OPS-30${kinds.indexOf(kind)}`, async (editor, it) => {
      await editor.replace('Somebody', 'I');
      await stage.bob.sends(it.path, 'Between', 'Amid');
      await editor.shows('merges-cleanly');
      const remote = { line: `${WIDE} Between them.`, text: '  bob@example.com, just now', ...(kind === '0.7' ? {} : { sign: '▎ ' }) };
      await marked(editor, (found) => assert.deepEqual(found, [remote]));
      await editor.goTo('Between');
      await editor.command('Agent resolve merge');
      await editor.shows();
      await marked(editor, (found) => assert.equal(found.length ?? 0, 0));
      await editor.replace('a day', 'two days');
      await stage.bob.sends(it.path, 'a day', 'three days');
      await editor.shows('conflict');
      const conflict = { line: `${WIDE} It takes two days.`, text: remote.text, ...(kind === '0.7' ? {} : { sign: '▌ ' }) };
      await marked(editor, (found) => assert.deepEqual(found, [conflict]));
    }, { kind });
  });

  test(`:AgentDiff in Neovim ${kind} shows all three, follows the team, and takes its lines`, async () => {
    await stage.playing(`OPS-31${kinds.indexOf(kind)}`, async (editor, it) => {
      await stage.quarrel(editor, it);
      const mine = await editor.text();
      await editor.command('AgentDiff');
      const windows = () => editor.lua(`
        return vim.tbl_map(function(window)
          local buffer = vim.api.nvim_win_get_buf(window)
          return {
            text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\\n') .. '\\n', is_diff = vim.wo[window].diff,
            can_change = vim.bo[buffer].modifiable, bar = vim.fn.has('nvim-0.8') == 1 and vim.wo[window].winbar or nil,
          }
        end, vim.api.nvim_tabpage_list_wins(0))`);
      const texts = (...wanted) => eventually('the three texts', async () => {
        assert.deepEqual((await windows()).map(({ text }) => text), wanted);
        return true;
      });
      await texts(it.text, mine, stage.bob.read(it.path));
      const shown = await windows();
      assert.deepEqual(shown.map(({ is_diff }) => is_diff), [true, true, true]);
      assert.deepEqual(shown.map(({ can_change }) => can_change), [false, true, false]);
      if (kind !== '0.7') {
        const bars = shown.map(({ bar }) => bar);
        assert.match(bars[0], /^base version 1/);
        assert.match(bars[1], /^yours/);
        assert.match(bars[2], /^remote version 2 by bob@example\.com just now%<$/);
      }

      await stage.bob.sends(it.path, 'Somebody', 'Everybody');
      await texts(it.text, mine, stage.bob.read(it.path));

      await editor.goTo('6 times');
      await editor.command('diffget agent://remote');
      assert.ok((await editor.text()).includes('7 times'));
      await editor.lua(`
        vim.cmd('wincmd l')
        vim.api.nvim_feedkeys('q', 'mx', false)`);
      assert.equal(await editor.lua('return #vim.api.nvim_list_tabpages()'), 1);
      await editor.command('Agent resolve all-local');
      await editor.command('AgentDiff remote');
      assert.equal((await windows()).length, 2);
    }, { kind });
  });
}

test('the list of artifacts says how each stands, and opens the chosen one', async () => {
  await stage.playing('OPS-320', async (editor) => {
    const other = await stage.shared('OPS-321');
    const offered = async () => {
      await editor.command('Agent artifacts story');
      return eventually('the list', async () => {
        const all = await editor.lua('return _G.offered');
        return all.length > 0 && all;
      });
    };
    await eventually('both stories in the list', async () => (await offered()).filter((entry) => /^story +OPS-32[01] /.test(entry)).length === 2);
    const own = (await offered()).find((entry) => entry.includes('OPS-320'));
    assert.match(own, /^story +OPS-320 +é\S+ Retry failed exports +\[DRAFT\]/);
    await editor.lua('_G.choices = { ... }', (await offered()).find((entry) => entry.includes('OPS-321')));
    await editor.command('Agent artifacts');
    await eventually('the chosen file', async () => (await editor.lua('return vim.api.nvim_buf_get_name(0)')).endsWith(other.path));
  });
});

test('the history compares an earlier text with the buffer, and brings it back', async () => {
  await stage.playing('OPS-330', async (editor, it) => {
    await editor.replace('a day', 'a week');
    await editor.save();
    await stage.bob.remoteHas(it.path, it.text.replace('a day', 'a week'));
    const pick = async (...choices) => {
      await editor.lua('_G.choices = { ... }; _G.offered = {}', ...choices);
      await editor.command('Agent history');
    };
    await pick();
    const entries = await eventually('the history', async () => {
      const all = await editor.lua('return _G.offered');
      return all.length > 1 && all;
    });
    assert.ok(entries.some((entry) => /just now +saved/.test(entry)), entries.join('\n'));
    const received = entries.find((entry) => /updated|received/.test(entry));
    await pick(received, 'Compare');
    await eventually('the earlier text', async () => {
      const text = await editor.lua(`
        local other = vim.api.nvim_tabpage_list_wins(0)[1]
        return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(other), 0, -1, false), '\\n') .. '\\n'`);
      return text === it.text && (await editor.lua('return #vim.api.nvim_tabpage_list_wins(0)')) === 2;
    });
    await editor.command('tabclose');
    await pick(received, 'Bring it');
    await eventually('the text of then in the buffer', async () => (await editor.text()) === it.text);
  });
});

test('a new artifact comes from its template, and is shown', async () => {
  await stage.playing('OPS-340', async (editor) => {
    await editor.command('Agent new story Count the exports');
    await eventually('the new story', async () => /OPS-\d+-count-the-exports\.md$/.test(await editor.lua('return vim.api.nvim_buf_get_name(0)')));
    assert.match(await editor.text(), /^# OPS-\d+: Count the exports\n/);
  });
});

test('signing out and in again with a code by mail', async () => {
  await stage.playing('OPS-350', async (editor) => {
    await editor.command('Agent sign-out');
    await editor.stands('agent: signed out');
    await editor.lua(`
      vim.ui.input = function(options, answered)
        _G.asked = options.prompt
        _G.answered = answered
      end`);
    await editor.command('Agent sign-in ann@example.com');
    await eventually('the question for the code', async () => /ann@example\.com/.test(await editor.lua('return _G.asked')));
    const [mail] = await stage.both.mails('ann@example.com');
    await editor.lua('_G.answered(...)', /\b\d{6,}\b/.exec(mail.text)[0]);
    await editor.stands('agent: in sync');
  });
});

for (const kind of kinds) {
  test(`in Neovim ${kind} who else has the artifact open is told, in words, for a statusline, and behind the line`, async () => {
    await stage.playing(`OPS-36${kinds.indexOf(kind)}`, async (editor, it) => {
      const binary = await agentBinary();
      const there = spawn(binary, ['sync', 'watch', '--open', `story/${it.id}`], { cwd: stage.both.bob.dir, env: stage.both.bob.env, stdio: 'ignore' });
      const gone = once(there, 'exit');
      try {
        await eventually('bob to be there', async () => (await editor.lua("return require('agent').here()")) === 'bob@example.com');
        await editor.command('Agent who');
        await told(editor, new RegExp(`bob@example\\.com: story ${it.id}`));
        await eventually('the lens that says so', async () => {
          const shown = await editor.lua(`
            local space = vim.api.nvim_get_namespaces().agent_lenses
            return vim.tbl_map(function(mark)
              return mark[4].virt_text[1][1]
            end, vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))`);
          return shown.some?.((text) => /bob@example\.com/.test(text));
        });
      } finally {
        there.kill('SIGTERM');
        await gone;
      }
      await eventually('bob to be gone', async () => (await editor.lua("return require('agent').here()")) === '');
      assert.equal(stage.onDisk(it.path), it.text);
    }, { kind });
  });
}
