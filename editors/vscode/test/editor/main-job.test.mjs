// The main job, in a real VS Code with mouse and keyboard: Ann edits here, Bob from the command line, against the real
// backend. What stands on disk, at Bob's and on the remote is compared byte for byte after each scene.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { passes } from '../../../../tests/editors/lib/check.mjs';
import { PATIENCE, eventually } from '../../../../tests/editors/lib/wait.mjs';
import { install, packed } from './install.mjs';
import { ADR, PLAN, RUNBOOK, STORY, agreed as agree, gathered, nameOf, pictureOf, recording, scenes } from './play.mjs';
import { Workbench } from './workbench.mjs';

let all, ann, bob, code, recorded;

before(async () => {
  const tools = install();
  ({ all, ann, bob } = await gathered({ sync: { presence: true } }));
  recorded = await recording('vscode-main-job');
  code = await Workbench.open({
    tools, vsix: packed(), open: all.ann.dir, env: all.ann.env, settings: { 'agent.path': recorded.program },
  });
});

after(async () => {
  await code?.close();
  await all?.stop();
});

const scene = scenes(() => code);
const agreed = (file, text) => agree({ ann, bob }, file, text);

scene('the folder is in sync, and the view has its artifacts by kind and state', async () => {
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  await code.openView();
  for (const text of ['Plans', 'PROPOSED', 'OPS-010', 'Stories', 'OPS-021', 'Runbooks', 'Decision Records', 'ADR-004']) {
    await code.item('Artifacts', text).waitFor();
  }
  await code.item('Artifacts', 'OPS-010').click();
  await code.page.locator(`.tab.active[data-resource-name="${nameOf(PLAN[0])}"]`).waitFor();
});

scene('an edit arrives: who and when stand above the line, and a click accepts it', async () => {
  const [path, text] = PLAN;
  await code.openFile(nameOf(path));
  await bob.sends(path, '1. Export runs at 03:00.', '1. Export runs at 02:00.');
  await code.lens('Changed by bob').waitFor();
  await code.item('Artifacts', 'changed by the team').waitFor();
  await code.status('Agent: 1 remote').waitFor();
  await code.picture(pictureOf('vscode-behind'));
  await code.lens('Accept Remote').click();
  await code.line('Export runs at 02:00.').waitFor();
  await code.save();
  await agreed(path, text.replace('03:00', '02:00'));
  await code.status('Agent: in sync').waitFor();
});

scene('two edits at different places merge, by the light bulb', async () => {
  const [path, text] = RUNBOOK;
  const [check, checked] = ["Look at the last line of the export's log.", 'Run `export --status`.'];
  await code.openFile(nameOf(path));
  await code.rewrite('Write down what happened.', 'Write down what happened, in the incident’s page.');
  await bob.sends(path, check, checked);
  await code.lens('Changed by bob').waitFor();
  await code.clickLine(check);
  await code.quickFix('Merge remote changes');
  await code.line('export --status').waitFor();
  await code.save();
  await agreed(path, text.replace(check, checked).replace('what happened.', 'what happened, in the incident’s page.'));
});

scene('both change the same lines twice: one is taken by its lens, one kept by the light bulb', async () => {
  const [path, text] = STORY;
  await code.openFile(nameOf(path));
  await code.rewrite('tried 3 times.', '- A failed export is tried twice. 👩‍👩‍👧');
  await code.rewrite('Two days.', 'One day, with the new library.');
  bob.edit(path, 'tried 3 times.', 'tried 5 times.');
  await bob.sends(path, 'Two days.', 'Three days.');
  await eventually('both conflicts', async () => (await code.lens('Conflict with bob').count()) === 2);
  assert.equal(await code.lens('Accept Both').count(), 2, 'the choices stand once for each hunk');
  await code.status('Agent: 1 conflict').waitFor();
  await code.item('Artifacts', 'conflict').waitFor();
  await code.picture(pictureOf('vscode-conflict'));
  await code.lens('Accept Remote').first().click();
  await eventually('the first to be decided', async () => (await code.lens('Conflict with bob').count()) === 1);
  await code.clickLine('One day, with the new library.');
  await code.quickFix('Keep local version', pictureOf('vscode-light-bulb'));
  await code.lens('Conflict with bob').waitFor({ state: 'detached' });
  await code.save();
  await agreed(path, text.replace('tried 3 times.', 'tried 5 times.').replace('Two days.', 'One day, with the new library.'));
  assert.doesNotMatch(ann.read(path), /<<<<<<<|>>>>>>>/);
});

scene('compare shows the team’s version beside the file', async () => {
  const [path] = STORY;
  await code.rewrite('Between two tries', '- Between two tries 6 minutes pass.');
  await bob.sends(path, 'Between two tries 5 minutes pass.', 'Between two tries 10 minutes pass.');
  await code.lens('Conflict with bob').waitFor();
  await code.lens('Compare').first().click();
  const diff = code.page.locator('.monaco-diff-editor');
  await diff.locator('.editor.original .view-line', { hasText: '10 minutes' }).waitFor();
  await diff.locator('.editor.modified .view-line', { hasText: '6 minutes' }).waitFor();
  await code.picture(pictureOf('vscode-compare'));
  await code.command('View: Close Editor');
  await diff.waitFor({ state: 'detached' });
});

scene('the three-way merge editor makes the result, with what only the team changed, and completing it settles the conflict', async () => {
  const [path] = STORY;
  const before = ann.read(path);
  await code.openFile(nameOf(path));
  await bob.sends(path, 'about four minutes.', 'about five minutes.');
  await code.lens('Changed by bob').waitFor();
  await eventually('one conflict beside it', async () => (await code.lens('Conflict with bob').count()) === 1);
  await code.lens('Merge Editor').click();
  const merge = code.page.locator('.merge-editor');
  await merge.waitFor();
  await merge.locator('.view-line', { hasText: '10 minutes' }).first().waitFor();
  await code.picture(pictureOf('vscode-merge-editor'));
  const result = merge.locator('.code-view.result, .code-view').last().locator('.view-line', { hasText: '6 minutes' }).first();
  await result.click({ position: { x: 4, y: 9 } });
  await code.press('End');
  await code.press('Shift+Home');
  await code.type('- Between two tries 8 minutes pass.');
  await code.page.locator('.action-label[aria-label^="Complete Merge"]').first().click();
  await merge.waitFor({ state: 'detached' });
  await agreed(path, before.replace('5 minutes pass.', '8 minutes pass.').replace('about four minutes.', 'about five minutes.'));
  await eventually('nothing left to decide', async () => (await code.lens('Conflict with bob').count()) === 0);
});

scene('history brings an earlier version back', async () => {
  const [path, text] = PLAN;
  await code.openFile(nameOf(path));
  // The view shows the last artifact's until it has this one's, which alone has this entry.
  await code.item('History', 'Version 2 agreed').waitFor();
  const first = code.item('History', 'Version 1');
  await first.click();
  const diff = code.page.locator('.monaco-diff-editor');
  await diff.locator('.editor.original .view-line', { hasText: '03:00' }).waitFor();
  await diff.locator('.editor.modified .view-line', { hasText: '02:00' }).waitFor();
  await code.picture(pictureOf('vscode-history'));
  await code.command('View: Close Editor');
  await first.hover();
  await first.locator('.action-label[aria-label^="Restore"]').click();
  await code.line('Export runs at 03:00.').waitFor();
  await code.save();
  await agreed(path, text);
  await eventually('no choice to be left', async () => (await code.lens('Accept Remote').count()) === 0);
});

scene('VS Code’s Timeline has the same history, and brings a version back', async () => {
  const [path, text] = PLAN;
  await code.openFile(nameOf(path));
  await code.command('Explorer: Focus on Timeline View');
  await code.item('Timeline', 'Version 3 pushed').waitFor();
  const accepted = code.items('Timeline', 'Saved here').nth(1);
  await accepted.click();
  const diff = code.page.locator('.monaco-diff-editor');
  await diff.locator('.editor.original .view-line', { hasText: '02:00' }).waitFor();
  await diff.locator('.editor.modified .view-line', { hasText: '03:00' }).waitFor();
  await code.picture(pictureOf('vscode-timeline'));
  await code.command('View: Close Editor');
  await accepted.click({ button: 'right' });
  // A menu that has just opened takes no click, lest it be the one that opened it.
  await code.page.locator('.monaco-menu .action-item', { hasText: 'Restore This Version' }).hover();
  await code.press('Enter');
  await code.line('Export runs at 02:00.').waitFor();
  await code.save();
  await agreed(path, text.replace('03:00', '02:00'));
  await code.openView();
});

scene('offline, work goes on; back, everything goes out', async () => {
  const [path, text] = ADR;
  await code.openFile(nameOf(path));
  await all.faults({ rest: { path: '/rest/v1', action: 'fail', status: 503, count: 100_000 } });
  await all.faults({ close_sockets: 1001 });
  const edited = 'Spreadsheets open it; nested data goes into a second file.';
  await code.rewrite('Spreadsheets open it', edited);
  await code.save();
  await code.status(/offline since .*1 waiting/).waitFor({ timeout: 2 * PATIENCE });
  await eventually("the file on Ann's disk", () => ann.read(path).includes(edited));
  await all.faults({ reset: true });
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
  await agreed(path, text.replace('Spreadsheets open it; nested data needs another way.', edited));
});

test('what was said between VS Code and the server was the protocol', async () => {
  await code.close();
  await passes(recorded.log);
  const said = readFileSync(recorded.log, 'utf8');
  for (const method of ['agent/hunks', 'agent/text', 'agent/artifacts', 'agent/history']) assert.ok(said.includes(`"${method}"`), method);
});
