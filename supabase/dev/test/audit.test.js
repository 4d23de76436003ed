import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, change, person, personWithTeam, push } from './support/people.js';

describe('the audit log', () => {
  onEachDatabase((server) => {
    let ann;
    let eve;
    before(async () => ([ann, eve] = [await personWithTeam(server, 'ann'), await personWithTeam(server, 'eve')]));
    const entries = (someone, args = {}) =>
      someone.call('audit_entries', { team: someone.team, ...args }).then(({ entries }) => entries);

    test('says who did what to which artifact, and what was refused', async () => {
      const draft = '# T\n\nState: DRAFT\n';
      const first = change({ id: 'A', content: draft });
      await push(ann, first);
      await push(ann, first); // a repetition is nothing new
      await push(ann, change({ id: 'A', content: 'stale' }), change({ id: 'A', base_version: 1, content: '# T\n\nState: APPROVED\n' }),
        change({ id: 'B', content_hash: 'x' }), change({ id: 'A', base_version: 1, content: null }));
      const log = (await entries(ann)).filter(({ action }) => action === 'push').reverse();
      assert.deepEqual(log.map(({ id, outcome, reason, from_version, to_version }) => [id, outcome, reason, from_version, to_version]), [
        ['A', 'applied', null, null, 1], ['A', 'conflict', null, 1, null], ['B', 'rejected', 'hash_mismatch', null, null],
        ['A', 'rejected', 'state', 1, null], ['A', 'applied', null, 1, 2],
      ]);
      const { at, entry, session, client, ...rest } = log[0];
      assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000 && entry > 0);
      assert.match(session, /^[0-9a-f-]{36}$/);
      assert.match(client, /^supabase-js/);
      assert.deepEqual(rest, {
        user_id: ann.id, user_name: ann.email, action: 'push', outcome: 'applied', reason: null, kind: 'story', id: 'A',
        from_version: null, to_version: 1, state_before: null, state_after: 'DRAFT', bytes_before: null,
        bytes_after: draft.length,
      });
      assert.deepEqual([log[4].state_before, log[4].state_after, log[4].bytes_before, log[4].bytes_after], ['DRAFT', null, draft.length, null]);
    });

    test('is read in pages, by time, and by person', async () => {
      const all = await entries(ann);
      const page = await ann.call('audit_entries', { team: ann.team, max_rows: 2 });
      assert.deepEqual([page.entries, page.more], [all.slice(0, 2), true]);
      const rest = await ann.call('audit_entries', { team: ann.team, before: page.entries[1].entry });
      assert.deepEqual([rest.entries, rest.more], [all.slice(2), false]);
      assert.deepEqual(await entries(ann, { since: '2999-01-01T00:00:00Z' }), []);
      assert.deepEqual(await entries(ann, { member: eve.id }), []);
      assert.deepEqual(await entries(ann, { member: ann.id }), all);
    });

    test('a stranger sees nothing and leaves no trace, and nobody reaches the table', async () => {
      const n = (await entries(ann)).length;
      for (const [name, args] of [['audit_entries', {}], ['set_lifecycle', { kind: 'x', states: null }], ['push_artifacts', { changes: [] }]]) {
        await assert.rejects(eve.call(name, { team: ann.team, ...args }), { code: '42501', status: 403 });
        assert.equal((await anonymous(server).rpc(name, { team: ann.team, ...args })).status, 401);
      }
      assert.equal((await entries(ann)).length, n);
      for (const key of [server.ready.publishable_key, server.ready.secret_key]) {
        for (const profile of ['public', 'private']) {
          const response = await fetch(`${server.ready.url}/rest/v1/audit_log`, {
            headers: { apikey: key, 'accept-profile': profile },
          });
          assert.ok([401, 404, 406].includes(response.status), `${profile}: ${response.status}`);
        }
      }
    });
  });
});
