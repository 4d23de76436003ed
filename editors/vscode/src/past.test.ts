import assert from 'node:assert/strict';
import { test } from 'node:test';

import { page, subject, told } from './past';
import type { PastEvent } from './protocol';

const EVENT: PastEvent = {
  id: 1, at: 0, cause: 'received', author: 'ben', before: { version: 2, content: 'a' }, after: { version: 3, content: 'b' }, restorable: true,
};

test('an event says what, which version, who and when', () => {
  assert.deepEqual(told(EVENT, 2 * 3_600_000), { label: 'Version 3 received', note: 'ben, 2 hours ago', icon: 'cloud-download' });
  assert.equal(told({ ...EVENT, cause: 'resolved' }, 0).label, 'Decided over version 3');
  const saved: PastEvent = { ...EVENT, cause: 'saved', author: null };
  assert.deepEqual(told(saved, 0), { label: 'Saved here', note: 'just now', icon: 'save' });
});

test('a cause of a newer server is shown by its name', () => {
  assert.equal(told({ ...EVENT, cause: 'teleported' }, 0).label, 'teleported');
});

test('what an event left behind is the file’s text, or the version that the team has', () => {
  assert.deepEqual(subject({ ...EVENT, cause: 'saved' }), { content: 'b' });
  assert.deepEqual(subject(EVENT), { version: 3 }, 'the file stayed as it was when a version was received');
  assert.deepEqual(subject({ ...EVENT, cause: 'pushed', restorable: false }), { version: 3 });
  assert.equal(subject({ ...EVENT, cause: 'saved', restorable: false, after: { version: null, content: 'b' } }), undefined);
});

test('a history is given in pages, from the newest to the oldest, none twice', () => {
  const events = [9, 7, 4, 2, 1].map((id) => ({ ...EVENT, id }));
  const ids = (...asked: [string?, (number | { id: number })?]) => {
    const { some, next } = page(events, ...asked);
    return [some.map(({ id }) => id), next];
  };
  assert.deepEqual(ids(undefined, 2), [[9, 7], '7']);
  assert.deepEqual(ids('7', 2), [[4, 2], '2']);
  assert.deepEqual(ids('2', 2), [[1], undefined]);
  assert.deepEqual(ids('1', 2), [[], undefined]);
  assert.deepEqual(ids(), [[9, 7, 4, 2, 1], undefined]);
});

test('a history that is shown already is given again down to its last entry, or the one after a last that is gone', () => {
  const events = [9, 7, 4, 2, 1].map((id) => ({ ...EVENT, id }));
  assert.deepEqual(page(events, undefined, { id: 4 }).some.map(({ id }) => id), [9, 7, 4]);
  assert.equal(page(events, undefined, { id: 4 }).next, '4');
  assert.deepEqual(page(events, undefined, { id: 3 }).some.map(({ id }) => id), [9, 7, 4]);
  assert.equal(page(events, undefined, { id: 1 }).next, undefined);
  assert.deepEqual(page(events, '7', { id: 7 }).some.map(({ id }) => id), [9, 7], 'also where the page after it was asked for');
});
