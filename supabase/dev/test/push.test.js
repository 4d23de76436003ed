import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, pullAll, push, sha256 } from './support/people.js';

const outcomes = ({ results }) => results.map(({ result, version, seq }) => [result, version, seq]);

describe('push_artifacts', () => {
  onEachDatabase((server) => {
    let ann;
    before(async () => (ann = await personWithTeam(server, 'ann')));
    /** Every test has a team of its own, so that its seqs start at 1. */
    const fresh = async () => ({ ...ann, team: await ann.call('create_team', { name: 'fresh' }) });

    test('applies what is based on the current version', async () => {
      const ann = await fresh();
      const answer = await push(ann, change({ id: 'A' }), change({ id: 'B' }));
      assert.deepEqual(outcomes(answer), [['applied', 1, 1], ['applied', 1, 2]]);
      assert.equal(answer.from_seq, 1);
      assert.equal(answer.newest_seq, 2);
      const next = await push(ann, change({ id: 'A', base_version: 1, content: 'more' }));
      assert.deepEqual(outcomes(next), [['applied', 2, 3]]);
      assert.equal(next.from_seq, 3);
    });

    test('answers a repeated change as it answered the first time', async () => {
      const ann = await fresh();
      const first = change();
      await push(ann, first);
      await push(ann, change({ base_version: 1, content: 'newer' }));
      const retry = await push(ann, first);
      assert.deepEqual(outcomes(retry), [['duplicate', 1, 1]]);
      assert.deepEqual([retry.from_seq, retry.newest_seq], [3, 2]);
    });

    test('knows a repetition within one batch', async () => {
      const ann = await fresh();
      const twice = change();
      assert.deepEqual(outcomes(await push(ann, twice, twice)), [['applied', 1, 1], ['duplicate', 1, 1]]);
    });

    test('answers a stale change with the newest row, as a pull would give it', async () => {
      const ann = await fresh();
      await push(ann, change({ content: 'theirs' }));
      const answer = await push(ann, change({ content: 'mine' }));
      assert.deepEqual(outcomes(answer), [['conflict', 1, 1]]);
      assert.equal(answer.results[0].current.content, 'theirs');
      assert.deepEqual([answer.results[0].current], await pullAll(ann));
    });

    test('has no newest row to answer with for an artifact that never was', async () => {
      const ann = await fresh();
      const { results } = await push(ann, change({ base_version: 3 }));
      assert.deepEqual([results[0].result, results[0].current], ['conflict', null]);
    });

    test('applies several changes of one artifact in their order', async () => {
      const ann = await fresh();
      const answer = await push(
        ann,
        change({ content: 'one' }),
        change({ id: 'OTHER' }),
        change({ base_version: 1, content: 'two' }),
        change({ base_version: 1, content: 'late' }),
        change({ base_version: 2, content: 'three' }),
      );
      assert.deepEqual(answer.results.map(({ result, version }) => [result, version]), [
        ['applied', 1], ['applied', 1], ['applied', 2], ['conflict', 2], ['applied', 3],
      ]);
      const seqs = answer.results.filter(({ result }) => result === 'applied').map(({ seq }) => seq);
      assert.deepEqual(seqs.sort(), [1, 2, 3, 4]);
      assert.equal((await pullAll(ann)).find(({ id }) => id === 'INFRA-040').content, 'three');
    });

    test('a deletion is a version like any other', async () => {
      const ann = await fresh();
      await push(ann, change());
      const gone = change({ base_version: 1, content: null });
      assert.deepEqual(outcomes(await push(ann, gone)), [['applied', 2, 2]]);
      const [tombstone] = await pullAll(ann);
      assert.deepEqual([tombstone.content, tombstone.content_hash, tombstone.version], [null, null, 2]);
      const [early] = (await push(ann, change({ content: 'again' }))).results;
      assert.deepEqual([early.result, early.current.version], ['conflict', 2]);
      const again = await push(ann, change({ base_version: 2, content: 'again' }));
      assert.deepEqual(outcomes(again), [['applied', 3, 3]]);
    });

    test('keeps every byte: CRLF, BOM, no last newline, other scripts', async () => {
      const ann = await fresh();
      const content = '\ufeff# Überschrift\r\n\r\n日本語 🌱\r\nend';
      await push(ann, change({ content }));
      assert.equal((await pullAll(ann))[0].content, content);
    });

    test('refuses what is wrong with one change and applies the others', async () => {
      const ann = await fresh();
      const wrong = [
        ['invalid', { kind: 'Story' }],
        ['invalid', { kind: 7 }],
        ['invalid', { id: '' }],
        ['invalid', { id: 'a/b' }],
        ['invalid', { id: 'a\\b' }],
        ['invalid', { id: 'a\u0085b' }],
        ['invalid', { id: 'x'.repeat(201) }],
        ['invalid', { change_id: 'not a uuid' }],
        ['invalid', { base_version: -1 }],
        ['invalid', { base_version: '1' }],
        ['invalid', { base_version: 1.5 }],
        ['invalid', { base_version: null }],
        ...['/a.md', 'a//b.md', './a.md', 'a/../b.md', '..', 'a/', '', 'a\\b.md', 'C:/a.md', 'a\nb.md',
          'x'.repeat(1025), null].map((path) => ['invalid', { path }]),
        ['invalid', { content: 5, content_hash: sha256('5') }],
        ['invalid', { title: {} }],
        ['hash_mismatch', { content_hash: sha256('other') }],
        ['hash_mismatch', { content_hash: null }],
        ['hash_mismatch', { content: null, content_hash: sha256('') }],
        ['too_large', { content: 'ä'.repeat(1024 * 1024) + 'x' }],
        ['too_large', { title: 'x'.repeat(8193) }],
      ].map(([code, fields], n) => ({ code, change: change({ id: `W-${n}`, ...fields }) }));
      const forgotten = change();
      delete forgotten.content;
      const garbage = [forgotten, null, 5, 'text', []].map((it) => ({ code: 'invalid', change: it }));
      const all = [...wrong, ...garbage];
      const { results } = await push(ann, ...all.map(({ change }) => change), change({ id: 'GOOD' }));
      all.forEach(({ code, change }, n) => {
        assert.equal(results[n].reason?.code, code, JSON.stringify(change)?.slice(0, 200));
        assert.equal(results[n].result, 'rejected');
        assert.ok(results[n].reason.message);
      });
      assert.equal(results.at(-1).result, 'applied');
      assert.equal(results.at(-1).seq, 1);
      assert.equal(results.length, all.length + 1);
    });

    test('accepts what is unusual but right', async () => {
      const ann = await fresh();
      const { results } = await push(
        ann,
        change({ id: 'Ü 1', path: 'stories/..a/b...md' }),
        change({ id: 'x'.repeat(200) }),
        change({ id: 'NULLS', title: null, state: null }),
        change({ id: 'EMPTY', content: '' }),
        change({ id: 'LARGEST', content: 'x'.repeat(2 * 1024 * 1024) }),
      );
      assert.deepEqual(results.map(({ result }) => result), Array(5).fill('applied'));
    });

    test('takes the paths and ids that clients take, and no others', async () => {
      const ann = await fresh();
      // The tables of server/core/src/id_tests.rs and server/core/src/id.rs, but for U+0000, which jsonb
      // cannot hold.
      const paths = {
        good: ['a.md', '.agent/cache/plans/INFRA/INFRA-1.md', 'a b/ä–ö.md', 'a...b/c.md', 'ä'.repeat(512), ' a.md'],
        bad: ['', '/etc/passwd', '../x.md', 'a/../../x.md', 'a//b', 'a/./b', 'a\\b', 'C:/x.md', 'a\nb', 'a/b/',
          'x./a.md', 'x /a.md', 'a'.repeat(1025), 'a.md ', 'a.md.', 'a/b:c.md', 'a:b/c.md', '.', 'a/..', 'a\u0085b',
          'ä'.repeat(513)],
      };
      const ids = {
        good: ['128-ünïcode', 'a:b', 'a.', ' a', '🌱'.repeat(200)],
        bad: ['', 'a/b', 'a\\b', 'a\tb', 'x'.repeat(201)],
      };
      const changes = (kind) => [
        ...paths[kind].map((path, n) => change({ id: `P-${n}`, path })),
        ...ids[kind].map((id) => change({ id, path: 'x.md' })),
      ];
      for (const [kind, verdict] of [['good', undefined], ['bad', 'invalid']]) {
        const pushed = changes(kind);
        const { results } = await push(ann, ...pushed);
        results.forEach(({ reason }, n) =>
          assert.equal(reason?.code, verdict, JSON.stringify([pushed[n].id, pushed[n].path])));
      }
      assert.equal((await pullAll(ann)).length, changes('good').length);
    });

    test('does not take a change id for two contents or two paths', async () => {
      const ann = await fresh();
      const first = change({ content: 'one' });
      const altered = { ...change({ content: 'two' }), change_id: first.change_id };
      const { results } = await push(ann, first, altered);
      assert.deepEqual(results.map(({ result }) => result), ['applied', 'rejected']);
      const gone = change({ id: 'GONE', content: null });
      await push(ann, gone);
      const later = await push(ann, altered, { ...first, path: 'elsewhere.md' },
        { ...change({ id: 'GONE' }), change_id: gone.change_id }, { ...first, title: 'Other' }, gone);
      const reason = {
        code: 'invalid', message: 'change_id was already used for a change with another path or content',
      };
      assert.deepEqual(later.results.map(({ reason }) => reason), [reason, reason, reason, null, null]);
      assert.deepEqual(outcomes(later).slice(3), [['duplicate', 1, 1], ['duplicate', 1, 2]]);
      assert.deepEqual((await pullAll(ann)).map(({ content }) => content), ['one', null]);
    });

    test('shows about 4 MB of newest rows, and defers the conflicts beyond them', async () => {
      const ann = await fresh();
      const megabyte = 'x'.repeat(1_000_000);
      const ids = Array.from({ length: 12 }, (_, n) => `N-${n}`);
      await push(ann, ...ids.map((id) => change({ id, content: megabyte })), change({ id: 'SMALL' }));
      const stale = ids.map((id) => change({ id, content: 'mine' }));
      const retry = change({ id: 'RETRY' });
      await push(ann, retry);
      const batch = [...stale, change({ id: 'NEW' }), retry, change({ id: 'BAD', kind: '' }), change({ id: 'SMALL' })];
      const { results, newest_seq } = await push(ann, ...batch);
      assert.deepEqual(results.map(({ result }) => result), [
        ...Array(4).fill('conflict'), ...Array(8).fill('deferred'), 'applied', 'duplicate', 'rejected', 'deferred',
      ]);
      assert.equal(newest_seq, 15);
      assert.deepEqual(results[4], {
        change_id: stale[4].change_id, kind: 'story', id: 'N-4', result: 'deferred',
        version: null, seq: null, reason: null, current: null,
      });
      // Sent again, every one of them is decided.
      const decided = new Set();
      for (let left = stale; left.length > 0; ) {
        const { results } = await push(ann, ...left);
        const conflicts = results.filter(({ result }) => result === 'conflict');
        assert.ok(conflicts.length > 0 && conflicts.every(({ current }) => current.content === megabyte));
        for (const { id } of conflicts) decided.add(id);
        left = left.filter(({ id }) => !decided.has(id));
      }
      assert.deepEqual([...decided], ids);
    });

    test('counts what it shows across the changes of one artifact, however many they are', async () => {
      const ann = await fresh();
      const content = 'x'.repeat(2 * 1024 * 1024);
      await push(ann, change({ content }));
      const stale = Array.from({ length: 150 }, () => change());
      const { results } = await push(ann, ...stale, change({ base_version: 1 }), change());
      assert.deepEqual(results.map(({ result }) => result), [
        'conflict', 'conflict', ...Array(148).fill('deferred'), 'applied', 'deferred',
      ]);
      assert.deepEqual(results.map(({ current }) => current?.content), [content, content, ...Array(150).fill(undefined)]);
    });

    test('does not take a change id for two artifacts', async () => {
      const ann = await fresh();
      const first = change({ id: 'A' });
      const { results } = await push(ann, first, change({ id: 'B', change_id: first.change_id }));
      assert.deepEqual(results.map(({ result }) => result), ['applied', 'rejected']);
      const later = await push(ann, change({ id: 'C', change_id: first.change_id }));
      assert.equal(later.results[0].reason.code, 'invalid');
    });

    test('viewers push nothing, but hear that an earlier change of theirs was applied', async () => {
      const ann = await fresh();
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      const role = (role) => join(ann, ben, role);
      await role('editor');
      const applied = change({ id: 'A' });
      await push(ben, applied);
      await role('viewer');
      const { results, newest_seq } = await push(ben, applied, change({ id: 'B' }));
      assert.deepEqual(results.map(({ result }) => result), ['duplicate', 'rejected']);
      assert.equal(results[1].reason.code, 'forbidden');
      assert.equal(newest_seq, 1);
    });

    test('takes an empty batch, 1000 changes, and not one more', async () => {
      const ann = await fresh();
      assert.deepEqual(await push(ann), { results: [], from_seq: 1, newest_seq: 0 });
      const many = Array.from({ length: 1001 }, (_, n) => change({ id: `N-${n}` }));
      await assert.rejects(push(ann, ...many), { code: '22023', status: 400 });
      const { results } = await push(ann, ...many.slice(1));
      assert.ok(results.every(({ result }) => result === 'applied'));
    });

    test('refuses changes that are no array', async () => {
      for (const changes of [{}, null, 5]) {
        await assert.rejects(ann.call('push_artifacts', { team: ann.team, changes }), {
          code: '22023', status: 400, message: 'changes must be an array',
        });
      }
    });
  });
});
