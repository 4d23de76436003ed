import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, pullAll, push, sha256 } from './support/people.js';

describe('reading', () => {
  onEachDatabase((server) => {
    let ann;
    before(async () => (ann = await personWithTeam(server, 'ann')));
    const fresh = async () => ({ ...ann, team: await ann.call('create_team', { name: 'fresh' }) });
    const pull = (someone, after_seq, limits) =>
      someone.call('pull_artifacts', { team: someone.team, after_seq, ...limits });

    test('a row says everything there is to know', async () => {
      const ann = await fresh();
      const content = '# T\n\nState: Draft (soon)\n';
      // The state is the one the text says, whatever the client does.
      const pushed = change({ title: 'A title', content, state: 'APPROVED' });
      await push(ann, pushed);
      const { rows: [row], newest_seq, more } = await pull(ann, 0);
      const { updated_at, ...rest } = row;
      assert.ok(Math.abs(Date.parse(updated_at) - Date.now()) < 60_000);
      assert.deepEqual(rest, {
        kind: 'story', id: 'INFRA-040', version: 1, seq: 1, path: 'stories/INFRA-040.md',
        title: 'A title', state: 'DRAFT', content, content_hash: sha256(content),
        author: ann.id, author_name: ann.email, change_id: pushed.change_id,
      });
      assert.deepEqual([newest_seq, more], [1, false]);
    });

    test('nothing new is a small answer', async () => {
      const ann = await fresh();
      const version = await ann.call('schema_version', {});
      const schema = { version, oldest_client: version };
      assert.deepEqual(await pull(ann, 0), { rows: [], erasures: [], newest_seq: 0, more: false, schema });
      await push(ann, ...Array.from({ length: 50 }, (_, n) => change({ id: `N-${n}` })));
      assert.deepEqual(await pull(ann, 50), { rows: [], erasures: [], newest_seq: 50, more: false, schema });
    });

    test('pages by rows, each artifact once, in seq order', async () => {
      const ann = await fresh();
      await push(ann, ...Array.from({ length: 25 }, (_, n) => change({ id: `N-${n}` })));
      await push(ann, change({ id: 'N-3', base_version: 1, content: 'newer' }));
      const first = await pull(ann, 0, { max_rows: 10 });
      assert.equal(first.rows.length, 10);
      assert.equal(first.more, true);
      assert.equal(first.newest_seq, 26);
      const rows = await pullAll(ann, { max_rows: 10 });
      assert.deepEqual(rows.map(({ seq }) => seq), [1, 2, 3, ...Array.from({ length: 22 }, (_, n) => n + 5)]);
      assert.equal(rows.at(-1).content, 'newer');
    });

    test('pages by bytes, but always moves on', async () => {
      const ann = await fresh();
      await push(ann, ...[10, 10, 5000, 10, 10].map((length, n) => change({ id: `N-${n}`, content: 'ä'.repeat(length) })));
      const sizes = [];
      for (let seq = 0, more = true; more; ) {
        const page = await pull(ann, seq, { max_bytes: 40 });
        sizes.push(page.rows.length);
        ({ more } = page);
        seq = page.rows.at(-1).seq;
      }
      assert.deepEqual(sizes, [2, 1, 2]);
    });

    test('an author who has left is still named by id', async () => {
      const ann = await fresh();
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      await join(ann, ben, 'editor');
      await push(ben, change());
      const removed = await fetch(`${server.ready.url}/rest/v1/team_members?user_id=eq.${ben.id}`, {
        method: 'DELETE',
        headers: { apikey: server.ready.secret_key },
      });
      assert.equal(removed.status, 204);
      const [row] = await pullAll(ann);
      assert.deepEqual([row.author, row.author_name], [ben.id, null]);
      await assert.rejects(pullAll(ben), { code: '42501', status: 403 });
    });

    test('every version can be listed, found by hash, and read', async () => {
      const ann = await fresh();
      for (const [n, content] of ['one', 'two', null, 'two'].entries()) {
        await push(ann, change({ base_version: n, content }));
      }
      const versions = (args) =>
        ann.call('artifact_versions', { team: ann.team, kind: 'story', id: 'INFRA-040', ...args });
      const all = await versions();
      assert.deepEqual(all.versions.map(({ version, deleted }) => [version, deleted]), [
        [4, false], [3, true], [2, false], [1, false],
      ]);
      assert.equal(all.more, false);
      assert.ok(!('content' in all.versions[0]));
      const found = await versions({ content_hash: sha256('two') });
      assert.deepEqual(found.versions.map(({ version }) => version), [4, 2]);
      assert.deepEqual((await versions({ content_hash: sha256('never') })).versions, []);
      const page = await versions({ before_version: 4, max_rows: 2, with_content: true });
      assert.deepEqual(page.versions.map(({ version, content }) => [version, content]), [[3, null], [2, 'two']]);
      assert.equal(page.more, true);
    });
  });
});
