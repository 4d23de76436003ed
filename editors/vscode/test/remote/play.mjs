// What is played wherever VS Code's server runs: a teammate's edit arrives and is taken, a conflict is resolved, and the
// files there, at the teammate's and on the remote are the same.

import assert from 'node:assert/strict';

import { PASSWORD } from '../../../../tests/editors/lib/backend.mjs';
import { PLAN, STORY, agreed, nameOf } from '../editor/play.mjs';

/** Signs in with a password, by VS Code's own boxes. */
export async function signIn(code, email) {
  await code.status('Agent: signed out').waitFor();
  await code.command('Agent: Sign In …');
  await code.row('standard input').click();
  await code.answer('Your address', email);
  await code.answer('The password of', PASSWORD);
  await code.status('Agent: in sync').waitFor();
}

export async function takesAnEdit(code, team) {
  const [path, text] = PLAN;
  await code.openFile(nameOf(path));
  await team.bob.sends(path, '1. Export runs at 03:00.', '1. Export runs at 02:00.');
  await code.lens('Changed by bob').waitFor();
  await code.lens('Accept Remote').click();
  await code.line('Export runs at 02:00.').waitFor();
  await code.save();
  await agreed(team, path, text.replace('03:00', '02:00'));
}

export async function resolvesAConflict(code, team) {
  const [path, text] = STORY;
  await code.openFile(nameOf(path));
  await code.rewrite('tried 3 times.', '- A failed export is tried twice. 👩‍👩‍👧');
  await team.bob.sends(path, 'tried 3 times.', 'tried 5 times.');
  await code.lens('Conflict with bob').waitFor();
  await code.lens('Accept Local').click();
  await code.lens('Conflict with bob').waitFor({ state: 'detached' });
  await code.save();
  await agreed(team, path, text.replace('tried 3 times.', 'tried twice. 👩‍👩‍👧'));
  assert.doesNotMatch(team.ann.read(path), /<<<<<<<|>>>>>>>/);
}

/** What is edited while the window is cut off, and what the team sends meanwhile, meet again. */
export async function comesBack(code, team, there) {
  const [path] = PLAN;
  await code.openFile(nameOf(path));
  const before = team.ann.read(path);
  await there.disconnect();
  await code.rewrite('The old script is removed.', '3. The old script is gone.');
  await team.bob.sends(path, 'before the first meeting.', 'at nine.');
  await there.connect();
  await code.lens('Changed by bob').waitFor();
  await code.lens('Accept Remote').click();
  await code.line('at nine.').waitFor();
  await code.save();
  await agreed(team, path, before.replace('before the first meeting.', 'at nine.').replace('script is removed', 'script is gone'));
}
