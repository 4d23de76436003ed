import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Status } from './protocol';
import { details, summary, withOpen, worst } from './summary';

const CALM: Status = {
  uri: 'file:///w', state: 'in-sync', live: true, artifacts: 4,
  waiting: 0, behind: 0, conflicts: 0, refused: 0, since: null, problem: null,
};

test('a folder in a few words', () => {
  const said = (status: Partial<Status>) => summary({ ...CALM, ...status }, (at) => `${at} o’clock`).text;
  assert.equal(said({}), 'in sync');
  assert.equal(said({ state: 'waiting', waiting: 2 }), '2 waiting');
  assert.equal(said({ state: 'behind', behind: 3 }), '3 remote');
  assert.equal(said({ state: 'conflict', conflicts: 1 }), '1 conflict');
  assert.equal(said({ state: 'conflict', conflicts: 2, refused: 1 }), '2 conflicts, 1 refused');
  assert.equal(said({ state: 'conflict', refused: 1 }), '1 refused');
  assert.equal(said({ state: 'offline' }), 'offline');
  assert.equal(said({ state: 'offline', since: 5, waiting: 3 }), 'offline since 5 o’clock, 3 waiting');
  assert.equal(said({ state: 'signed-out' }), 'signed out');
});

test('a state of a newer server is shown as it is', () => {
  const status = { ...CALM, state: 'moving' } as unknown as Status;
  assert.deepEqual(summary(status), { icon: 'question', text: 'moving', level: 'normal' });
});

test('the folder that needs attention most decides', () => {
  const behind: Status = { ...CALM, state: 'behind', behind: 1 };
  const conflict: Status = { ...CALM, state: 'conflict', conflicts: 1 };
  assert.equal(worst([CALM, conflict, behind]), conflict);
  assert.equal(worst([]), undefined);
});

test('details say only what is so', () => {
  assert.deepEqual(details(CALM, 0), ['4 artifacts, live']);
  const offline: Status = { ...CALM, state: 'offline', live: false, artifacts: 1, waiting: 1, since: 0, problem: 'no answer' };
  assert.deepEqual(details(offline, 3 * 60_000), [
    '1 artifact', '1 saved here, not pushed yet', 'no answer', 'since 3 minutes',
  ]);
});

test('a conflict in a buffer that is not saved counts as one', () => {
  const behind: Status = { ...CALM, state: 'behind', behind: 1 };
  assert.equal(summary(withOpen(behind, 1)).text, '1 conflict');
  assert.equal(withOpen(behind, 0), behind);
  assert.equal(withOpen({ ...CALM, state: 'offline' }, 1).state, 'offline');
});
