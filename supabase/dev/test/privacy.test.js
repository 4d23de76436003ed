import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, change, join, person, personWithTeam, pullAll, push, sha256 } from './support/people.js';

describe('one person\'s data', () => {
  onEachDatabase((server) => {
    /** A team in which ben wrote A (newest version his), B (ann's since) and C (deleted by him). */
    const written = async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      await join(ann, ben, 'approver');
      const first = change({ id: 'A', title: 'Bens title', content: '# A\n\nState: APPROVED\n\nbens words\n' });
      await push(ben, first, change({ id: 'B', content: 'bens words too' }), change({ id: 'C', content: 'bens third' }));
      await push(ben, change({ id: 'C', base_version: 1, content: null }));
      await push(ann, change({ id: 'B', base_version: 1, content: 'anns words' }));
      return { ann, ben, first };
    };
    const erase = (someone, { id }, texts) => someone.call('erase_author', { team: someone.team, member: id, texts });
    const everything = async (ann) => JSON.stringify([
      await pullAll(ann), await ann.call('audit_entries', { team: ann.team, max_rows: 1000 }),
      await Promise.all(['A', 'B', 'C'].map((id) =>
        ann.call('artifact_versions', { team: ann.team, kind: 'story', id, with_content: true }))),
      await Promise.all(['teams', 'team_members', 'artifacts', 'artifact_history', 'artifact_approvals', 'team_invitations']
        .map(async (table) => (await ann.client.from(table).select()).data)),
    ]);

    test('is exported as a whole, for themselves and for admins', async () => {
      const { ann, ben } = await written();
      const cleo = { ...(await person(server, 'cleo')), team: ann.team };
      await join(ann, cleo, 'approver');
      await assert.rejects(cleo.call('export_author', { team: ann.team, member: ben.id }), { code: '42501', status: 403 });
      for (const someone of [ann, ben]) {
        const all = await someone.call('export_author', { team: ann.team, member: ben.id });
        assert.equal(all.account.email, ben.email);
        assert.equal(all.membership.role, 'approver');
        assert.deepEqual(all.versions.map(({ id, version }) => [id, version]), [['A', 1], ['B', 1], ['C', 1], ['C', 2]]);
        assert.equal(all.versions[1].content, 'bens words too');
        assert.deepEqual(all.approvals.map(({ id }) => id), ['A']);
        assert.ok(all.audit.some(({ action }) => action === 'accept_invitation'));
        assert.ok(!JSON.stringify(all).includes('anns words'));
      }
    });

    test('erased, leaves the texts and a pseudonym, which every replica hears of', async () => {
      const { ann, ben, first } = await written();
      const before = await pullAll(ann);
      const cursor = before.at(-1).seq;
      const summary = await erase(ann, ben, 'keep');
      assert.deepEqual([summary.versions, summary.artifacts, summary.deleted, summary.removed_texts], [4, 2, 0, 0]);
      assert.ok(summary.sessions >= 1);
      const after = await pullAll(ann, { after: cursor });
      const strip = ({ author, author_name, seq, ...rest }) => rest;
      assert.deepEqual(after.map(strip), before.filter(({ id }) => id !== 'B').map(strip));
      assert.deepEqual(after.map(({ seq }) => seq), [cursor + 2, cursor + 3]);
      assert.ok(after.every(({ author, author_name }) => author === summary.pseudonym && author_name === summary.name));
      const all = await everything(ann);
      for (const trace of [ben.id, ben.email]) assert.ok(!all.includes(trace), trace);
      assert.ok(all.includes('bens words too'));
      // What is queued elsewhere is based on a version that still is the newest.
      const { results } = await push(ann, change({ id: 'A', base_version: 1, content: '# A\n\nState: DRAFT\n' }), first);
      assert.deepEqual(results.map(({ result }) => result), ['applied', 'duplicate']);
      await assert.rejects(push(ben, change({ id: 'D' })), { code: '42501', status: 403 });
      const client = anonymous(server);
      assert.equal((await client.auth.signInWithPassword({ email: ben.email, password: 'correct horse' })).error, null);
    });

    test('erased, is known again by whoever knew their id, and by nobody else', async () => {
      const { ann, ben } = await written();
      const pull = (after_seq, limits) => ann.call('pull_artifacts', { team: ann.team, after_seq, ...limits });
      // Nothing of hers comes again, only that somebody was erased.
      const { newest_seq: cursor } = await pull(0);
      const cleo = { ...(await person(server, 'cleo')), team: ann.team };
      await join(ann, cleo, 'editor');
      const { pseudonym, name, artifacts, newest_seq } = await erase(ann, cleo, 'keep');
      assert.deepEqual([artifacts, newest_seq], [0, cursor + 1]);
      const erasure = { seq: cursor + 1, pseudonym, name, mark: sha256(`${pseudonym}/${cleo.id}`) };
      const heard = await pull(cursor);
      assert.deepEqual([heard.rows, heard.erasures, heard.more], [[], [erasure], false]);
      assert.deepEqual((await pull(cursor + 1)).erasures, []);
      assert.ok(!JSON.stringify(heard).includes(cleo.id) && heard.erasures[0].mark !== sha256(`${pseudonym}/${ben.id}`));
      // In pages, each comes once, no later than what was written after it.
      await erase(ann, ben, 'keep');
      await push(ann, change({ id: 'Z' }));
      const seen = [];
      for (let after = 0, more = true; more; ) {
        const page = await pull(after, { max_rows: 1 });
        seen.push(...page.rows.map(({ id }) => id), ...page.erasures.map(({ seq }) => seq));
        ({ more } = page);
        after = page.rows.at(-1).seq;
      }
      assert.deepEqual(seen, ['B', 'A', cursor + 1, cursor + 2, 'C', 'Z']);
      const eve = await personWithTeam(server, 'eve');
      assert.deepEqual((await eve.call('pull_artifacts', { team: eve.team, after_seq: 0 })).erasures, []);
      await assert.rejects(eve.call('pull_artifacts', { team: ann.team, after_seq: 0 }), { code: '42501', status: 403 });
    });

    test('erased with their texts, leaves none, and no repetition brings one back', async () => {
      const { ann, ben, first } = await written();
      const summary = await erase(ben, ben, 'remove');
      assert.deepEqual([summary.artifacts, summary.deleted, summary.removed_texts], [2, 1, 3]);
      const rows = await pullAll(ann);
      assert.deepEqual(rows.map(({ id, version, content, title }) => [id, version, content, title]),
        [['B', 2, 'anns words', 'Title'], ['A', 2, null, null], ['C', 2, null, 'Title']]);
      const all = await everything(ann);
      for (const trace of [ben.id, ben.email, 'bens']) assert.ok(!all.toLowerCase().includes(trace), trace);
      const { versions } = await ann.call('artifact_versions', { team: ann.team, kind: 'story', id: 'B', with_content: true });
      assert.deepEqual(versions.map(({ content, content_hash, is_erased }) => [content, content_hash === null, is_erased]),
        [['anns words', false, undefined], [null, true, true]]);
      const { results } = await push(ann, first);
      assert.equal(results[0].result, 'duplicate');
      assert.ok(!(await everything(ann)).includes('bens'));
      const { versions: found } = await ann.call('artifact_versions', {
        team: ann.team, kind: 'story', id: 'B', content_hash: change({ content: 'bens words too' }).content_hash,
      });
      assert.deepEqual(found, []);
    });

    test('is erased by admins and oneself only, and never the last admin\'s', async () => {
      const { ann, ben } = await written();
      const cleo = { ...(await person(server, 'cleo')), team: ann.team };
      await join(ann, cleo, 'approver');
      await assert.rejects(erase(cleo, ben, 'keep'), { code: '42501', status: 403 });
      await assert.rejects(erase(ann, ann, 'keep'), { code: 'PT409', status: 409 });
      await assert.rejects(erase(ann, ben, 'maybe'), { code: '22023', status: 400 });
      const eve = await personWithTeam(server, 'eve');
      await assert.rejects(eve.call('erase_author', { team: ann.team, member: eve.id, texts: 'keep' }), { code: '42501' });
      assert.equal((await erase(ann, eve, 'remove')).versions, 0);
      assert.equal((await pullAll(ann)).length, 3);
    });

    test('erasing, pushing and pulling at once neither deadlock nor bring anything back', async () => {
      const { ann, ben } = await written();
      const work = [];
      for (let n = 0; n < 8; n += 1) {
        work.push(push(ben, change({ id: `X-${n}`, content: `bens ${n}` })), push(ann, change({ id: `Y-${n}`, content: `anns ${n}` })),
          pullAll(ann));
        if (n === 3) work.push(erase(ann, ben, 'remove'));
      }
      for (const { status, reason } of await Promise.allSettled(work)) {
        if (status === 'rejected') assert.deepEqual([reason.code, reason.status], ['42501', 403]);
      }
      assert.ok(!(await everything(ann)).includes('bens'));
      const rows = await pullAll(ann);
      assert.equal(rows.filter(({ content }) => content?.startsWith('anns')).length, 9);
      assert.equal(new Set(rows.map(({ seq }) => seq)).size, rows.length);
    });
  });
});
