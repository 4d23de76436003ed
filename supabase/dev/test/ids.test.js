import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, push } from './support/people.js';

describe('allocate_id', () => {
  onEachDatabase((server) => {
    let ann;
    before(async () => (ann = await personWithTeam(server, 'ann')));
    const fresh = async () => ({ ...ann, team: await ann.call('create_team', { name: 'fresh' }) });
    const next = ({ call, team }, prefix = 'INFRA', rest = {}) => call('allocate_id', { team, kind: 'story', prefix, ...rest });

    test('gives 50 callers 50 ids', async () => {
      const ann = await fresh();
      const ids = await Promise.all(Array.from({ length: 50 }, () => next(ann)));
      assert.deepEqual(ids.sort(), Array.from({ length: 50 }, (_, n) => `INFRA-${String(n + 1).padStart(3, '0')}`));
    });

    test('counts what exists, what is gone, and what is in local files as taken', async () => {
      const ann = await fresh();
      await push(ann, change({ id: 'INFRA-007' }), change({ id: 'INFRA-012x' }), change({ id: 'INFRA-9' }), change({ id: 'WEB-0100' }),
        change({ id: 'INFRA-20', kind: 'plan' }), change({ id: 'INFRA-99999999999' }), change({ id: 'INFRAX-30' }));
      await push(ann, change({ id: 'INFRA-9', base_version: 1, content: null }));
      assert.equal(await next(ann), 'INFRA-010');
      assert.equal(await next(ann, 'INFRA', { after_number: 40 }), 'INFRA-041');
      assert.equal(await next(ann, 'INFRA', { after_number: 5 }), 'INFRA-042');
      assert.equal(await next(ann, 'WEB'), 'WEB-0101');
      assert.equal(await next(ann, 'INFRA', { kind: 'plan' }), 'INFRA-021');
      await push(ann, change({ id: 'INFRA-999' }));
      assert.equal(await next(ann), 'INFRA-1000');
    });

    test('is not for viewers, and says what makes no sense', async () => {
      const ann = await fresh();
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      await join(ann, ben, 'viewer');
      await assert.rejects(next(ben), { code: '42501', status: 403 });
      for (const [prefix, rest] of [['infra'], ['A-B'], [''], [null], ['A%'], ['A', { after_number: -1 }], ['A', { kind: 'No' }]]) {
        await assert.rejects(next(ann, prefix, rest), { code: '22023', status: 400 }, String(prefix));
      }
      await join(ann, ben, 'editor');
      assert.equal(await next(ben), 'INFRA-001');
    });
  });
});
