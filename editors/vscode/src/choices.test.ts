import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asMerged, choices, headline, isNews, offered, type Action } from './choices';
import type { Hunk, ResolveArgs } from './protocol';

const resolve = (take: ResolveArgs['take'], hunk?: number): Action => ({
  title: take,
  command: {
    command: 'agent.resolve',
    arguments: [{ uri: 'file:///x', take, version: 7, base: 'b', remoteVersion: 3, ...(hunk === undefined ? {} : { hunk }) }],
  },
});

const commands = (...takes: ResolveArgs['take'][]): Hunk['actions'] =>
  takes.map((take) => ({ title: take, command: 'agent.resolve', arguments: resolve(take, 1).command?.arguments ?? [] }));

const HUNK: Hunk = {
  kind: 'conflict', range: { start: { line: 1, character: 0 }, end: { line: 1, character: 3 } },
  base: 'a', local: 'b', remote: 'c', author: 'ben', at: 0,
  actions: commands('remote', 'local', 'local-then-remote', 'remote-then-local'),
};

test('a conflict offers three choices, a change of the remote two, one’s own none', () => {
  const titles = (hunk: Hunk) => choices(hunk).map((choice) => choice.title);
  assert.deepEqual(titles(HUNK), ['Accept Remote', 'Accept Local', 'Accept Both']);
  assert.deepEqual(titles({ ...HUNK, kind: 'remote', actions: commands('remote', 'local') }), ['Accept Remote', 'Keep Local']);
  assert.equal(isNews({ ...HUNK, kind: 'local' }), false);
});

test('a choice is the server’s command, and none is offered that the server does not', () => {
  assert.deepEqual(choices(HUNK)[2]?.args, resolve('local-then-remote', 1).command?.arguments?.[0]);
  const titles = choices({ ...HUNK, actions: [...commands('local'), { title: 'x', command: 'agent.compare' }] });
  assert.deepEqual(titles.map((choice) => choice.title), ['Accept Local']);
});

test('a headline says who and when, as far as it is known', () => {
  assert.equal(headline(HUNK, 5 * 60_000), 'Conflict with ben, 5 minutes ago');
  assert.equal(headline({ ...HUNK, kind: 'remote', author: null, at: null }, 0), 'Changed by the team');
});

test('a finished merge counts as decided over the version that was merged, and no other', () => {
  const actions = [resolve('remote', 1)];
  assert.deepEqual(asMerged(actions, 3), { uri: 'file:///x', take: 'local', version: 7, base: 'b', remoteVersion: 3 });
  assert.equal(asMerged(actions, 2), undefined);
  assert.equal(asMerged([], 3), undefined);
});

test('a merge without what the team changed alone does not count as decided', () => {
  assert.equal(asMerged([resolve('remote', 1), resolve('all-local'), resolve('incoming')], 3), undefined);
  assert.deepEqual(offered([resolve('remote', 1), resolve('incoming')], 'incoming'), resolve('incoming').command?.arguments?.[0]);
  assert.equal(offered([resolve('remote', 1)], 'incoming'), undefined);
});
