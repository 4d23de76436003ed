// The main job of a terminal editor: what a teammate changed becomes a diagnostic, conflicts are settled in the editor's
// own menu of code actions, and both files and the remote are the same. Before the edits stand characters that are
// counted differently in every encoding.

import assert from 'node:assert/strict';

export const WIDE = 'é𝄞👩‍👩‍👧';

/** A story of which three lines will be changed; `id` is part of its path. */
export function story(id) {
  const path = `.agent/stories/${id}-retry-failed-exports.md`;
  const lines = [
    `# ${id} Retry failed exports`, '', 'Status: DRAFT', '', '## Acceptance', '',
    '- A failed export is tried 3 times.', '- Between two tries 5 minutes pass.', '', '## Notes', '',
    `${WIDE} The export takes four minutes.`, '', 'Nobody waits for it.', '', '## Estimate', '',
    `${WIDE} It costs ${WIDE} two days.`, '',
  ];
  return { path, text: lines.join('\n') };
}

/**
 * Plays it with Ann at `editor`, an OnScreen that shows the story, and `bob`, a Teammate. `pictured(name)` is called where
 * the page of the editor has a picture.
 */
export async function playsMainJob(editor, bob, { path, text }, pictured = () => {}) {
  const theirs = { '3 times': '5 times', 'four minutes': `${WIDE} six minutes`, 'two days': 'three days' };
  const ours = { '3 times': 'twice', 'four minutes': 'an hour', 'two days': 'four days' };

  // Bob's changes become diagnostics.
  await editor.sees('Retry failed exports');
  for (const [old, made] of Object.entries(theirs)) bob.edit(path, old, made);
  await bob.push();
  await editor.sees('bob@example.com changed this in version 2');
  await pictured('behind');

  // Ann changes the same lines: a conflict each. Nothing is overwritten.
  for (const [old, made] of Object.entries(ours)) await editor.replace(old, made);
  await editor.sees('Conflict: bob@example.com changed the same lines');

  // The first is settled and saved: the rest stands, and is not pushed.
  await editor.goTo(lineOf(text, '3 times'));
  await editor.menu('Accept remote version');
  await pictured('conflict');
  await editor.pick('Accept remote version');
  await editor.misses('tried twice');
  await editor.save();
  const half = text.replace('3 times', theirs['3 times']).replace('four minutes', ours['four minutes']).replace('two days', ours['two days']);
  await editor.saved(path, half);
  assert.equal((await bob.team.artifact(path)).version, 2);

  // The others, after characters of several units.
  await editor.goTo(lineOf(text, 'four minutes'));
  await editor.act('Accept remote version');
  await editor.misses('takes an hour');
  await editor.goTo(lineOf(text, 'two days'));
  await editor.act('Keep local version');
  await editor.misses('Conflict:');
  await editor.save();

  const wanted = half.replace(ours['four minutes'], theirs['four minutes']);
  await editor.saved(path, wanted);
  await bob.receives(path, wanted);
}

/** The number of the line that holds some words, counted from 1. */
export function lineOf(text, words) {
  const at = text.split('\n').findIndex((line) => line.includes(words));
  if (at < 0) throw new Error(`no line with ${words}`);
  return at + 1;
}
