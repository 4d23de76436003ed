// What is not the main job, in a real VS Code: making, finding, changing the state, undoing; the menu, the walkthrough, the
// account; a configuration that is wrong; who else is there.

import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { passes } from '../../../../tests/editors/lib/check.mjs';
import { PATIENCE, eventually } from '../../../../tests/editors/lib/wait.mjs';
import { Client } from '../../../../tests/editors/scripted/client.mjs';
import { install, packed } from './install.mjs';
import { PLAN, RUNBOOK, STORY, agentBinary, gathered, kept, pictureOf, recording } from './play.mjs';
import { Workbench } from './workbench.mjs';

let all, ann, bob, code, recorded;

before(async () => {
  const tools = install();
  ({ all, ann, bob } = await gathered({ sync: { presence: true } }));
  recorded = await recording('vscode-verbs');
  code = await Workbench.open({
    tools, vsix: packed(), open: all.ann.dir, env: all.ann.env, settings: { 'agent.path': recorded.program },
  });
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
});

after(async () => {
  await code?.close();
  await all?.stop();
});

function plays(name, play) {
  test(name, async (t) => {
    try {
      await play(t);
    } catch (error) {
      await code.picture(`${kept('vscode', 'pictures')}/failed-${name.replace(/\W+/g, '-').slice(0, 40)}.png`).catch(() => {});
      await code.press('Escape').catch(() => {});
      throw error;
    }
  });
}

const nameOf = (path) => path.split('/').pop();

plays('the item in the status bar has a menu', async () => {
  await code.status('Agent: in sync').click();
  await code.row('Push Now').waitFor();
  await code.row('Sign Out').waitFor();
  await code.picture(pictureOf('vscode-menu'));
  await code.row('Show Artifacts').click();
  await code.item('Artifacts', 'OPS-021').waitFor();
});

plays('a new story is made with its title, and reaches the team', async () => {
  await code.command('Agent: New Story …');
  await code.answer('Its title', 'Warn before the export is late');
  await code.line('Warn before the export is late').waitFor();
  const made = () => readdirSync(ann.side.file('.agent/stories')).find((name) => /warn-before/.test(name));
  await eventually('the file', () => made());
  await eventually('the remote', () => all.artifact(`.agent/stories/${made()}`));
  await code.item('Artifacts', 'Warn before the export').waitFor();
});

plays('what is searched for is found, and opened at its line', async () => {
  await code.command('Agent: Search Artifacts …');
  await code.answer('All of these words', 'person call');
  await code.row('Failures page the person on call').click();
  await code.page.locator(`.tab.active[data-resource-name="${nameOf(PLAN[0])}"]`).waitFor();
  await code.status(/Ln 14/).waitFor();
});

plays('the state is changed to one that may follow', async () => {
  await code.openFile(nameOf(PLAN[0]));
  await code.command('Agent: Change State …');
  await code.row('DRAFT').click();
  await code.line('DRAFT').waitFor();
  await code.save();
  await bob.receives(PLAN[0], PLAN[1].replace('PROPOSED', 'DRAFT'));
});

plays('what was taken while the file was closed is undone in the editor', async () => {
  const [path, text] = RUNBOOK;
  const [check, checked] = ["Look at the last line of the export's log.", 'Run `export --status`.'];
  await bob.sends(path, check, checked);
  await eventually("the file on Ann's disk", () => ann.read(path) === text.replace(check, checked));
  await code.openFile(nameOf(path));
  await code.command('Agent: Undo the Last Merge or Choice');
  await code.line(check).waitFor();
  await code.save();
  await eventually("the file on Ann's disk", () => ann.read(path) === text);
});

plays('who else is there stands in the view and in the document', async (t) => {
  const client = new Client([await agentBinary(), 'lsp'], all.bob, { workspace: { workspaceFolders: true } });
  t.after(() => client.child.kill());
  await client.start();
  client.open(STORY[0]);
  await code.openFile(nameOf(STORY[0]));
  await code.item('Artifacts', 'bob@example.com here').waitFor();
  await code.page.getByText('bob@example.com has this open').first().waitFor();
  await client.stop();
  await eventually('nobody to be there', async () => (await code.item('Artifacts', 'bob@example.com here').count()) === 0);
});

plays('what prints runs in the terminal', async () => {
  await code.command('Agent: Show Team Members');
  await code.page.locator('.terminal-wrapper').getByText('bob@example.com').first().waitFor();
  await code.press('Control+J');
});

plays('Accounts shows who is signed in', async () => {
  await code.page.locator('.activitybar .action-label[aria-label^="Accounts"], .action-label[aria-label^="Accounts"]').first().click();
  await code.page.locator('.monaco-menu, .context-view').getByText(all.ann.email).first().waitFor();
  await code.press('Escape');
});

plays('the walkthrough leads from nothing to a conflict', async () => {
  await code.command('Welcome: Open Walkthrough');
  await code.row('Artifacts with your team').click();
  await code.page.getByText('Make this folder a workspace').first().waitFor();
  await code.command('View: Close Editor');
});

plays('a configuration that is wrong is shown at its line, and works again when it is put right', async () => {
  await code.command('Agent: Open sync.yaml');
  await code.page.locator('.tab.active[data-resource-name="sync.yaml"]').waitFor();
  await code.line('presence').waitFor();
  await code.rewrite('presence', 'presense: false');
  await code.save();
  await code.status('Agent: not syncing').waitFor({ timeout: 2 * PATIENCE });
  await code.editor.locator('.squiggly-error').first().waitFor();
  await code.rewrite('presense', 'presence: false');
  await code.save();
  await code.status('Agent: not syncing').waitFor({ state: 'detached', timeout: 2 * PATIENCE });
  await code.editor.locator('.squiggly-error').first().waitFor({ state: 'detached' });
});

test('what was said between VS Code and the server was the protocol', async () => {
  await code.close();
  await passes(recorded.log);
});
