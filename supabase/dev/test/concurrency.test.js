import assert from 'node:assert/strict';
import postgres from 'postgres';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, pullAll, push } from './support/people.js';

const PUSHERS = 32;

describe('many at once', () => {
  onEachDatabase((server) => {
    let ann;
    before(async () => (ann = await personWithTeam(server, 'ann')));

    test('one artifact: every version has exactly one winner, and seq has no gap', async () => {
      const rounds = 4;
      const seqs = [];
      for (let base = 0; base < rounds; base += 1) {
        const answers = await Promise.all(
          Array.from({ length: PUSHERS }, (_, n) => push(ann, change({ base_version: base, content: `${base}/${n}` }))),
        );
        const results = answers.flatMap(({ results }) => results);
        const winners = results.filter(({ result }) => result === 'applied');
        assert.equal(winners.length, 1);
        assert.equal(winners[0].version, base + 1);
        const losers = results.filter(({ result }) => result === 'conflict');
        assert.equal(losers.length, PUSHERS - 1);
        assert.ok(losers.every(({ current }) => current.version === base + 1));
        seqs.push(winners[0].seq);
      }
      assert.deepEqual(seqs, [1, 2, 3, 4]);
    });

    test('different artifacts: all win, and seq has no gap', async () => {
      const team = await ann.call('create_team', { name: 'busy' });
      const busy = { ...ann, team };
      const answers = await Promise.all(
        Array.from({ length: PUSHERS }, (_, n) => push(busy, change({ id: `A-${n}` }), change({ id: `B-${n}` }))),
      );
      for (const { results, from_seq, newest_seq } of answers) {
        assert.deepEqual(results.map(({ result }) => result), ['applied', 'applied']);
        assert.deepEqual(results.map(({ seq }) => seq), [from_seq, newest_seq]);
      }
      const rows = await pullAll(busy);
      assert.deepEqual(rows.map(({ seq }) => seq), Array.from({ length: 2 * PUSHERS }, (_, n) => n + 1));
    });

    test('a reader who follows the cursor misses nothing', async () => {
      const team = await ann.call('create_team', { name: 'followed' });
      const followed = { ...ann, team };
      let isPushing = true;
      const pushing = Promise.all(
        Array.from({ length: PUSHERS }, (_, n) => push(followed, change({ id: `A-${n}` }))),
      ).finally(() => (isPushing = false));
      const seen = [];
      let cursor = 0;
      const follow = async () => {
        const rows = await pullAll(followed, { after: cursor });
        seen.push(...rows.map(({ id }) => id));
        cursor = rows.at(-1)?.seq ?? cursor;
      };
      while (isPushing) await follow();
      await pushing;
      await follow();
      assert.equal(new Set(seen).size, PUSHERS);
      assert.equal(seen.length, PUSHERS);
    });

    test('who lost a role while waiting for the lock can no longer use it', async (t) => {
      if (!server.databaseUrl) return t.skip('PGlite is one session: nothing waits for a lock');
      const team = await ann.call('create_team', { name: 'contested' });
      const ben = { ...(await person(server, 'ben')), team };
      const setRole = (someone, { id }, role) => someone.call('set_member_role', { team, member: id, role });
      const remove = (someone, { id }) => someone.call('remove_team_member', { team, member: id });
      const sql = postgres(server.databaseUrl, { max: 2, onnotice() {} });
      const someoneWaits = async () => {
        const [{ waiting }] = await sql`select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting > 0;
      };
      try {
        for (const attempt of [
          () => setRole(ben, ben, 'admin'), () => setRole(ben, ann, 'viewer'), () => remove(ben, ann),
          () => ben.call('invite_member', { team, email: 'x@example.test', role: 'admin' }),
        ]) {
          await join(ann, ben, 'admin', team);
          let refused;
          // What ann does holds the lock until ben's attempt has passed its first check.
          await sql.begin(async (transaction) => {
            await transaction`select set_config('request.jwt.claim.sub', ${ann.id}, true)`;
            await transaction`select public.set_member_role(${team}, ${ben.id}, 'editor')`;
            refused = assert.rejects(attempt(), { code: '42501', status: 403 }, String(attempt));
            while (!(await someoneWaits())) await new Promise((resolve) => setTimeout(resolve, 10));
          });
          await refused;
          const { data } = await ann.client.from('team_members').select('role').eq('team_id', team).order('role');
          assert.deepEqual(data, [{ role: 'admin' }, { role: 'editor' }]);
        }
      } finally {
        await sql.end();
      }
    });
  });
});
