// The way to a running extension, in a real VS Code: Restricted Mode, no program, the program of the package, signing in,
// several folders.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { PASSWORD } from '../../../../tests/editors/lib/backend.mjs';
import { pasted } from '../../../../tests/editors/lib/page.mjs';
import { PATIENCE, eventually } from '../../../../tests/editors/lib/wait.mjs';
import { REFUSED, install, packed } from './install.mjs';
import { PLAN, agentBinary, agentOk, gathered, kept, pictureOf, recording } from './play.mjs';
import { Workbench } from './workbench.mjs';


let tools, plain, whole, all, ann, bob;

before(async () => {
  tools = install();
  plain = packed();
  whole = packed({ target: `${process.platform}-${process.arch}`, binary: await agentBinary() });
  ({ all, ann, bob } = await gathered());
});

after(() => all?.stop());

/** Plays in a window of its own. */
function playing(name, options, play) {
  test(name, async () => {
    const code = await Workbench.open({ tools, vsix: plain, open: all.ann.dir, env: all.ann.env, ...(await options()) });
    try {
      await play(code);
    } catch (error) {
      await code.picture(`${kept('vscode', 'pictures')}/failed-${name.replace(/\W+/g, '-').slice(0, 40)}.png`);
      throw error;
    } finally {
      await code.close();
    }
  });
}

const session = () => path.join(kept('recorded'), 'vscode-restricted.jsonl');

playing('in Restricted Mode artifacts are shown, and nothing is started until the folder is trusted', async () => {
  const { program } = await recording('vscode-restricted');
  return { trust: true, settings: { 'agent.path': program } };
}, async (code) => {
  await code.status('Agent: reading only').waitFor();
  await code.openView();
  await code.item('Artifacts', 'OPS-010').waitFor();
  await code.item('Artifacts', 'PROPOSED').first().waitFor();
  await code.picture(pictureOf('vscode-restricted'));
  assert.equal(readFileSync(session(), 'utf8'), '', 'no session was begun');
  await code.command('Workspaces: Manage Workspace Trust');
  await code.page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  assert.match(readFileSync(session(), 'utf8'), /"initialize"/);
});

playing('without a program, a message says so and where to name one', async () => ({}), async (code) => {
  await code.message('was not found on PATH, and this package brings none').waitFor();
  await code.status('Agent: not running').waitFor();
});

playing('a package is installed from the terminal of a window, as the page says', async () => ({
  vsix: undefined, env: { ...all.ann.env, SHELL: '/bin/sh' },
}), async (code) => {
  // VS Code's program is `code`, code-server's has its own name.
  const [line] = pasted('vscode', 'sh').flatMap((block) => block.split('\n')).filter((one) => one.startsWith('code --install-extension'));
  await code.command('Terminal: Create New Terminal');
  await code.page.locator('.terminal-wrapper.active .xterm-rows', { hasText: /[#$]/ }).waitFor();
  await code.type(`${line.replace('code ', 'code-server ').replace(/\S+\.vsix/, `'${whole}'`)}\n`);
  await code.page.locator('.terminal-wrapper.active', { hasText: 'was successfully installed' }).waitFor();
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
});

playing('the program of a platform’s package runs, and one that was changed does not', async () => ({ vsix: whole }), async (code) => {
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  const program = code.bundled();
  assert.ok(existsSync(program));
  rmSync(program);
  writeFileSync(program, '#!/bin/sh\necho agent 0.0.0\n', { mode: 0o755 });
  await code.command('Agent: Restart Server');
  await code.message('its checksum differs').waitFor();
  await code.status('Agent: not running').waitFor();
});

playing('signing out and in again, with a password, with a code by mail and in the browser, by VS Code’s own boxes', async () => ({
  vsix: whole,
}), async (code) => {
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  await code.command('Agent: Sign Out');
  await code.status('Agent: signed out').waitFor();
  await code.command('Agent: Sign In …');
  await code.row('standard input').waitFor();
  await code.picture(pictureOf('vscode-sign-in'));
  await code.row('standard input').click();
  await code.answer('Your address', all.ann.email);
  await code.answer('The password of', 'wrong');
  await code.answer(/address or the password is wrong/, PASSWORD);
  await code.status('Agent: in sync').waitFor();
  await code.command('Agent: Sign Out');
  await code.status('Agent: signed out').waitFor();
  await code.command('Agent: Sign In …');
  await code.row('Code by mail').click();
  await code.answer('Your address', all.ann.email);
  await code.answer('A code was sent', await codeOf(all.ann.email));
  await code.status('Agent: in sync').waitFor();
  await code.command('Agent: Sign Out');
  await code.status('Agent: signed out').waitFor();
  await code.command('Agent: Sign In …');
  await code.row('In the browser').click();
  // VS Code asks before it opens an address, but not for one of this machine.
  const opened = code.context.waitForEvent('page');
  await code.message('Sign in in the browser?').getByRole('button', { name: 'With github' }).click();
  const page = await opened;
  await page.getByLabel('Address').fill(all.ann.email);
  await page.getByRole('button', { name: 'Authorize' }).click();
  await page.getByText('You are signed in').waitFor();
  await page.close();
  await code.status('Agent: in sync').waitFor();
  const kept = readFileSync(path.join(code.base, 'server.log'), 'utf8');
  assert.doesNotMatch(kept, new RegExp(PASSWORD));
});

playing('a key that the editor was not started with is asked for, and kept', async () => {
  const { SUPABASE_ANON_KEY: _, ...env } = all.ann.env;
  return { vsix: whole, env };
}, async (code) => {
  await code.message('takes SUPABASE_ANON_KEY from the environment').getByRole('button', { name: 'Set It …' }).click();
  await code.answer('The value that SUPABASE_ANON_KEY stands for', all.key);
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
});

playing('where VS Code keeps its Timeline to itself, everything else runs', async () => ({
  vsix: whole, env: { ...all.ann.env, [REFUSED]: 'timeline' },
}), async (code) => {
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  await code.openFile(path.basename(PLAN[0]));
  await code.command('Explorer: Focus on Timeline View');
  await code.page.getByText('Local History will track recent changes').waitFor();
  await code.openView();
  await code.item('History', 'Version 1').waitFor();
});

playing('two folders in one window are two workspaces of one server', async () => {
  const file = path.join(all.ann.base, 'both.code-workspace');
  const folders = [{ path: all.ann.dir, name: 'here' }, { path: all.bob.dir, name: 'there' }];
  writeFileSync(file, JSON.stringify({ folders }));
  return { vsix: whole, open: file };
}, async (code) => {
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  await code.openView();
  for (const folder of ['here', 'there']) await code.item('Artifacts', folder).waitFor();
  await code.openFile(path.basename(PLAN[0]));
});

/** The newest code that was mailed to somebody. */
async function codeOf(email) {
  return eventually(`a code for ${email}`, async () => {
    const [newest] = await all.mails(email);
    return /\b\d{6}\b/.exec(newest?.text ?? '')?.[0];
  });
}
