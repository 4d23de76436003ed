import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, change, join, person, personWithTeam, pullAll, push, topicOf } from './support/people.js';
import { Wire } from './support/wire.js';

const TABLES = ['teams', 'team_members', 'artifacts', 'artifact_history', 'team_lifecycles', 'artifact_approvals',
  'team_invitations'];

describe('another team', () => {
  onEachDatabase((server) => {
    let ann;
    let eve;
    let anon;
    before(async () => {
      [ann, eve] = await Promise.all([personWithTeam(server, 'ann'), personWithTeam(server, 'eve')]);
      anon = anonymous(server);
      await push(ann, change({ content: 'secret' }));
    });
    const request = (path, { method = 'POST', token, body, headers } = {}) =>
      fetch(server.ready.url + path, {
        method,
        headers: {
          apikey: server.ready.publishable_key,
          'content-type': 'application/json',
          ...(token && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: body && JSON.stringify(body),
      });

    test('functions answer strangers as if the team did not exist', async () => {
      const calls = (team) => [
        ['push_artifacts', { team, changes: [change()] }],
        ['pull_artifacts', { team, after_seq: 0 }],
        ['artifact_versions', { team, kind: 'story', id: 'INFRA-040' }],
        ['invite_member', { team, email: eve.email, role: 'admin' }],
        ['set_member_role', { team, member: eve.id, role: 'admin' }],
        ['leave_team', { team }],
        ['allocate_id', { team, kind: 'story', prefix: 'X' }],
        ['team_channel', { team }],
        ['team_lifecycle', { team }],
        ['set_lifecycle', { team, kind: 'story', states: null }],
        ['artifact_approvals', { team, kind: 'story', id: 'INFRA-040' }],
        ['audit_entries', { team }],
        ['remove_team_member', { team, member: ann.id }],
        ['remove_team_member', { team, member: eve.id }],
      ];
      const unknown = calls(crypto.randomUUID());
      for (const [n, [name, args]] of calls(ann.team).entries()) {
        const stranger = await eve.client.rpc(name, args);
        assert.equal(stranger.status, 403, name);
        assert.equal(stranger.error.code, '42501');
        assert.deepEqual(stranger.error, (await eve.client.rpc(...unknown[n])).error);
        const nobody = await anon.rpc(name, args);
        assert.equal(nobody.status, 401, name);
      }
    });

    test('tables show a stranger nothing, and nobody signed out gets to ask', async () => {
      for (const table of TABLES) {
        const column = table === 'teams' ? 'id' : 'team_id';
        const { data } = await eve.client.from(table).select().eq(column, ann.team);
        assert.deepEqual(data, [], table);
        assert.equal((await anon.from(table).select()).status, 401, table);
      }
    });

    test('tables are written by nobody, not even their own members', async () => {
      const artifact = { team_id: ann.team, kind: 'story', id: 'X', version: 1, seq: 9, path: 'x' };
      const rows = {
        teams: { name: 'x' },
        team_members: { team_id: ann.team, user_id: eve.id, role: 'admin', display_name: 'Eve' },
        artifacts: artifact,
        artifact_history: artifact,
        team_lifecycles: { team_id: ann.team, kind: 'story', definition: {} },
        lifecycle_defaults: { kind: 'x', definition: {} },
        artifact_approvals: { team_id: ann.team, kind: 'story', id: 'X', version: 1, content_hash: 'x', state: 'APPROVED', approved_by: ann.id },
        team_invitations: { team_id: ann.team, email: eve.email, role: 'admin', invited_by: ann.id },
      };
      for (const [table, row] of Object.entries(rows)) {
        const column = { teams: 'id', lifecycle_defaults: 'kind' }[table] ?? 'team_id';
        for (const someone of [ann.client, eve.client]) {
          const writes = [
            someone.from(table).insert(row),
            someone.from(table).update({ [column]: eve.team }).eq(column, ann.team),
            someone.from(table).delete().eq(column, ann.team),
          ];
          for (const write of writes) assert.equal((await write).status, 403, table);
        }
        assert.equal((await anon.from(table).delete().eq(column, ann.team)).status, 401, table);
      }
      assert.equal((await pullAll(ann)).length, 1);
    });

    test('the helpers behind the functions are out of reach', async () => {
      for (const name of ['push_round', 'my_team_ids', 'my_role', 'require_role', 'require_admin']) {
        const { status } = await request(`/rest/v1/rpc/${name}`, {
          token: eve.token,
          body: {},
          headers: { 'content-profile': 'private' },
        });
        assert.ok(status === 404 || status === 406, `${name}: ${status}`);
      }
    });

    test('a stranger joins neither the channel nor its presence', async () => {
      const wire = await Wire.connect(server);
      const topic = `realtime:${await topicOf(ann)}`;
      for (const token of [eve.token, undefined]) {
        const { status, response } = await wire.join(topic, { private: true }, token);
        assert.equal(status, 'error');
        assert.match(response.reason, /^Unauthorized: You do not have permissions to read/);
      }
      await wire.close();
    });

    test('a stranger hears nothing on a public channel of the same name', async () => {
      const wire = await Wire.connect(server);
      const topic = `realtime:${await topicOf(ann)}`;
      assert.equal((await wire.join(topic, {}, eve.token)).status, 'ok');
      await push(ann, change({ id: 'UNHEARD' }));
      // Delivery is in order: were the push audible, it would come before this.
      await push(eve, change({ id: crypto.randomUUID() }));
      const marker = { topic: await topicOf(ann), event: 'marker', payload: {} };
      await request('/realtime/v1/api/broadcast', { token: eve.token, body: { messages: [marker] } });
      assert.equal((await wire.event('broadcast')).payload.event, 'marker');
      await wire.close();
    });

    test('nobody speaks in the channel but the server: no stranger, no member', async () => {
      const wire = await Wire.connect(server);
      const topic = `realtime:${await topicOf(ann)}`;
      assert.equal((await wire.join(topic, { private: true }, ann.token)).status, 'ok');
      const message = { topic: await topicOf(ann), event: 'forged', payload: {}, private: true };
      for (const token of [eve.token, undefined, ann.token]) {
        const batch = await request('/realtime/v1/api/broadcast', { token, body: { messages: [message] } });
        assert.equal(batch.status, 202);
        const single = await request(
          `/realtime/v1/api/broadcast/${message.topic}/events/forged?private=true`,
          { token, body: {} },
        );
        assert.equal(single.status, 403);
      }
      await push(ann, change({ id: crypto.randomUUID() }));
      assert.equal((await wire.event('broadcast')).payload.event, 'artifacts_changed');
      await wire.close();
    });

    test('members of every role are present in the channel, and their broadcasts vanish', async () => {
      const ann = await personWithTeam(server, 'ann');
      const topic = `realtime:${await topicOf(ann)}`;
      const ear = await Wire.connect(server);
      await ear.join(topic, { private: true }, ann.token);
      const ben = await person(server, 'ben');
      for (const role of ['viewer', 'editor', 'approver', 'admin']) {
        await join(ann, ben, role);
        const wire = await Wire.connect(server);
        const { joinRef } = await wire.join(topic, { private: true, broadcast: { ack: true } }, ben.token);
        const forged = { type: 'broadcast', event: 'artifacts_changed', payload: { to_seq: 999 } };
        const denied = wire.send(topic, 'broadcast', forged, { joinRef });
        const tracked = wire.send(topic, 'presence', { event: 'track', payload: {} }, { joinRef });
        assert.equal((await wire.replyTo(tracked)).payload.status, 'ok', role);
        // Not even the acknowledgement it asked for.
        assert.ok(!wire.inbox.some(({ ref }) => ref === denied), role);
        await wire.close();
      }
      const { newest_seq } = await push(ann, change({ id: crypto.randomUUID() }));
      assert.equal((await ear.event('broadcast')).payload.payload.to_seq, newest_seq);
      await ear.close();
    });

    test('requests that overlap keep their identities', async () => {
      const both = await Promise.all(
        Array.from({ length: 40 }, async (_, n) => {
          const [someone, other] = n % 2 ? [ann, eve] : [eve, ann];
          const { data } = await someone.client.from('team_members').select('user_id');
          return data.length === 1 && data[0].user_id === someone.id && someone.id !== other.id;
        }),
      );
      assert.deepEqual(both, Array(40).fill(true));
    });

    test('membership ends with the row that gave it', async () => {
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      await join(ann, ben, 'editor');
      await pullAll(ben);
      await request(`/rest/v1/team_members?user_id=eq.${ben.id}`, {
        method: 'DELETE',
        headers: { apikey: server.ready.secret_key },
      });
      await assert.rejects(pullAll(ben), { status: 403 });
      assert.deepEqual((await ben.client.from('artifacts').select()).data, []);
    });
  });
});
