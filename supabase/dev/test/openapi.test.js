import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createClient } from '@supabase/supabase-js';
import { after, before, describe, test } from 'node:test';
import ws from 'ws';
import { readOptions } from '../src/options.js';
import { openBackend } from '../src/server.js';
import { checkedFetch, contract, operations, requestOf, rowOf } from './support/contract.js';
import { onEachDatabase } from './support/databases.js';
import { change, person, personWithTeam, push } from './support/people.js';

describe('openapi.yaml', () => {
  test('is a valid document', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(contract));
    assert.ok(valid, JSON.stringify(errors));
  });

  describe('has what the database offers, and nothing else', () => {
    let database;
    before(async () => ({ database } = await openBackend(readOptions([], {}))));
    after(() => database.close());
    const roles = ['anon', 'authenticated'];

    test('functions, their arguments, and whether they need a session', async () => {
      const rows = await database.query(`
        select p.proname as name, p.proargnames[1:p.pronargs] as args, p.pronargs - p.pronargdefaults as required,
          has_function_privilege('anon', p.oid, 'execute') as anon
        from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
          and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute'))`);
      const offered = rows.map(({ name, args, required, anon }) =>
        ({ name: `/rpc/${name}`, args: args ?? [], required: (args ?? []).slice(0, required), anon }));
      const documented = Object.entries(contract.paths).filter(([name]) => name.startsWith('/rpc/'))
        .map(([name, { post }]) => {
          const { properties = {}, required = [] } = requestOf(name);
          return { name, args: Object.keys(properties), required, anon: post.security?.[0].session === undefined && post.security !== undefined };
        });
      const byName = (a, b) => a.name.localeCompare(b.name);
      assert.deepEqual(documented.sort(byName), offered.sort(byName));
    });

    test('its number', async () => {
      const [{ version }] = await database.query('select public.schema_version() as version');
      assert.equal(contract.info.version, String(version));
    });

    test('tables and their columns, all of them for reading only', async () => {
      const rows = await database.query(`
        select c.relname as name, r.role, p.privilege
        from pg_class c, unnest($1::text[]) r (role),
          unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p (privilege)
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'f', 'p')
          and has_table_privilege(r.role, c.oid, p.privilege)`, [roles]);
      const documented = Object.keys(contract.paths).filter((name) => !name.startsWith('/rpc/'));
      assert.deepEqual(
        rows.map(({ name, role, privilege }) => `${role} ${privilege} /${name}`).sort(),
        documented.map((name) => `authenticated select ${name}`).sort(),
      );
      for (const name of documented) {
        const columns = await database.query(
          `select attname as name from pg_attribute where attrelid = ('public.' || $1)::regclass and attnum > 0
             and not attisdropped order by attname`, [name.slice(1)]);
        assert.deepEqual(Object.keys(rowOf(name).properties).sort(), columns.map((column) => column.name), name);
      }
    });
  });

  describe('describes what is asked and answered', () => {
    onEachDatabase((server) => {
      test('by every operation and with every result', async () => {
        const seen = new Set();
        const onCall = ({ operation, status, body }) => {
          seen.add(`${operation} ${status}`);
          for (const { result, reason } of body?.results ?? []) seen.add(`${result} ${reason?.code ?? ''}`.trim());
        };
        const anna = checked(server, await personWithTeam(server, 'anna'), onCall);
        const ben = checked(server, { ...(await person(server, 'ben')), team: anna.team }, onCall);
        await anna.call('schema_version', {});
        await anna.call('create_team', { name: 'Another' });
        await anna.call('team_channel', { team: anna.team });
        const invite = (email, role) => anna.call('invite_member', { team: anna.team, email, role });
        const { invitation: declined } = await invite(ben.email, 'viewer');
        await ben.call('decline_invitation', { invitation: declined });
        const { invitation } = await invite(ben.email, 'viewer');
        await ben.call('my_invitations', {});
        await ben.call('accept_invitation', { invitation });
        await anna.call('set_member_role', { team: anna.team, member: ben.id, role: 'editor' });
        await assert.rejects(ben.call('set_member_role', { team: anna.team, member: ben.id, role: 'admin' }));
        await anna.call('revoke_invitation', await invite('x@example.test', 'viewer').then(({ invitation }) => ({ invitation })));
        await invite('y@example.test', 'viewer');
        await anna.call('allocate_id', { team: anna.team, kind: 'story', prefix: 'X' });
        const cleo = checked(server, { ...(await personWithTeam(server, 'cleo')) }, onCall);
        await anna.call('accept_invitation', await cleo.call('invite_member', { team: cleo.team, email: anna.email, role: 'admin' })
          .then(({ invitation }) => ({ invitation })));
        await anna.call('export_author', { team: cleo.team, member: cleo.id });
        await anna.call('erase_author', { team: cleo.team, member: cleo.id, texts: 'remove' });
        const own = await anna.call('create_team', { name: 'Left' });
        await assert.rejects(anna.call('leave_team', { team: own }));
        const draft = change({ id: 'A', content: '# A\n\nState: APPROVED\n' });
        await push(anna, draft, draft, change({ id: 'B' }), change({ id: 'A', base_version: 7 }));
        await push(anna, change({ id: 'A', base_version: 1, content: '# A\n\nState: APPROVED\nmore\n' }),
          change({ id: 'B', base_version: 1, content: null }), change({ id: 'C', content_hash: '0'.repeat(64) }));
        await push(ben, change({ id: 'A', base_version: 1, content: '# A\n\nState: OPEN\n' }), change({ id: 'D', content: 'State: OPEN\n' }));
        await push(ben, change({ id: 'D', base_version: 1, content: 'State: DONE\n' }));
        const limits = { max_rows: 1, max_bytes: null };
        for (const after_seq of [0, 1, 99]) await anna.call('pull_artifacts', { team: anna.team, after_seq, ...limits });
        for (const with_content of [true, false]) {
          await anna.call('artifact_versions', { team: anna.team, kind: 'story', id: 'A', with_content });
        }
        await anna.call('artifact_approvals', { team: anna.team, kind: 'story', id: 'A' });
        const { kinds } = await anna.call('team_lifecycle', { team: anna.team });
        await anna.call('set_lifecycle', { team: anna.team, kind: 'note', states: kinds.plan });
        await assert.rejects(ben.call('set_lifecycle', { team: anna.team, kind: 'note', states: null }));
        await anna.call('audit_entries', { team: anna.team, max_rows: 5 });
        for (const name of Object.keys(contract.paths).filter((name) => !name.startsWith('/rpc/'))) {
          const { data, error } = await anna.client.from(name.slice(1)).select();
          assert.equal(error, null);
          assert.ok(data.length > 0, name);
        }
        await anna.call('remove_team_member', { team: anna.team, member: ben.id });
        const dora = checked(server, await person(server, 'dora'), onCall);
        const again = await invite(dora.email, 'viewer');
        await dora.call('accept_invitation', { invitation: again.invitation });
        await dora.call('leave_team', { team: anna.team });
        await assert.rejects(push(ben, change()));
        assert.deepEqual(operations().filter((operation) => !seen.has(`${operation} 200`)), []);
        const results = ['applied', 'duplicate', 'conflict', 'rejected approved', 'rejected state', 'rejected state_role',
          'rejected hash_mismatch'];
        assert.deepEqual(results.filter((result) => !seen.has(result)), []);
      });
    });
  });
});

/** The same person with a client whose requests are compared, too. */
function checked({ ready }, someone, onCall) {
  const client = createClient(ready.url, ready.publishable_key, {
    accessToken: async () => someone.token,
    realtime: { transport: ws },
    global: { fetch: checkedFetch({ checksRequests: true, onCall }) },
  });
  return {
    ...someone,
    client,
    async call(name, args) {
      const { data, error } = await client.rpc(name, args);
      if (error) throw Object.assign(new Error(error.message), error);
      return data;
    },
  };
}
