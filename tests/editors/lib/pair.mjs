// Two people in two different editors, on one team: what one saves becomes a diagnostic in the other, and a conflict is
// settled there, in each direction. Both files and the remote are the same in the end. A person has `side`, `sees`,
// `misses`, `goTo`, `replace`, `act`, `save` and `saved` (on-screen.mjs).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { agentOk } from './agent.mjs';
import { lineOf, WIDE } from './main-job.mjs';
import { Teammate } from './teammate.mjs';

/** A story that both have, whose lines begin with characters that are counted differently in every encoding. */
export async function shared(both, id) {
  const lines = [
    `# ${id} Between two editors`, '', 'Status: DRAFT', '', '## Plan', '',
    `${WIDE} A failed export is tried twice.`, '', 'Between the two.', '', `${WIDE} It takes ${WIDE} a day.`, '',
  ];
  const [path, text] = [`.agent/stories/${id}-between-two-editors.md`, lines.join('\n')];
  both.ann.write(path, text);
  await agentOk(both.ann, ['sync', 'push']);
  await agentOk(both.bob, ['sync', 'pull']);
  return { path, text };
}

/** Plays it with both at their editors, the story open in each. */
export async function playsBothWays(both, ann, bob, { path, text }) {
  await bob.sees('Between two editors');
  await ann.sees('Between two editors');
  const half = await plays({ saver: ann, decider: bob, path, text, old: 'tried twice', theirs: 'tried 5 times', ours: 'tried once', take: 'Accept remote version' });
  const wanted = await plays({ saver: bob, decider: ann, path, text: half, old: 'a day', theirs: 'two days', ours: 'a week', take: 'Keep local version' });
  for (const side of [both.ann, both.bob]) assert.equal(readFileSync(side.file(path), 'utf8'), wanted);
  await new Teammate(both, both.bob).remoteHas(path, wanted);
}

/**
 * `saver` replaces `old` by `theirs` and saves, while `decider` has replaced it by `ours`, and takes one of them. The text
 * that both files have afterwards.
 */
async function plays({ saver, decider, path, text, old, theirs, ours, take }) {
  const line = lineOf(text, old);
  await saver.replace(old, theirs);
  await saver.save();
  await saver.saved(path, text.replace(old, theirs));
  // A change becomes a diagnostic.
  await decider.sees(`${saver.side.email} changed this in version`);
  // And a conflict where it is changed here, too.
  await decider.replace(old, ours);
  await decider.sees(`Conflict: ${saver.side.email} changed the same lines`);
  await decider.goTo(line);
  await decider.act(take);
  await decider.misses('Conflict:');
  await decider.save();
  const decided = text.replace(old, take.startsWith('Accept') ? theirs : ours);
  await decider.saved(path, decided);
  if (take.startsWith('Accept')) return decided;
  // What was kept is a change for the other one, who takes it.
  await saver.sees(`${decider.side.email} changed this in version`);
  await saver.goTo(line);
  await saver.act('Accept remote version');
  await saver.misses(`${decider.side.email} changed this`);
  await saver.save();
  await saver.saved(path, decided);
  return decided;
}
