import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, change, person, personWithTeam, pullAll, push } from './support/people.js';

describe('teams', () => {
  onEachDatabase((server) => {
    const memberOf = async ({ team, call }, role) => {
      const ben = { ...(await person(server, 'ben')), team };
      await call('add_team_member', { team, email: ben.email, role });
      return ben;
    };
    const remove = ({ team, call }, { id }) => call('remove_team_member', { team, member: id });
    const rolesIn = async ({ team, client }) =>
      (await client.from('team_members').select('role').eq('team_id', team).order('role')).data.map(({ role }) => role);

    test('whoever creates a team is its admin', async () => {
      const ann = await personWithTeam(server, 'ann');
      const { data } = await ann.client.from('team_members').select('user_id, role, display_name');
      assert.deepEqual(data, [{ user_id: ann.id, role: 'admin', display_name: ann.email }]);
    });

    test('an admin adds members, and changes their roles, by email', async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = await person(server, 'ben');
      const add = (role) =>
        ann.call('add_team_member', { team: ann.team, email: ben.email.toUpperCase(), role });
      assert.equal(await add('viewer'), ben.id);
      assert.equal(await add('editor'), ben.id);
      const { data } = await ben.client.from('team_members').select('role').eq('user_id', ben.id);
      assert.deepEqual(data, [{ role: 'editor' }]);
    });

    test('only an admin adds members', async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = await person(server, 'ben');
      const args = { team: ann.team, email: ben.email, role: 'editor' };
      await assert.rejects(ben.call('add_team_member', args), { code: '42501', status: 403 });
      await ann.call('add_team_member', args);
      await assert.rejects(ben.call('add_team_member', { ...args, role: 'admin' }), { code: '42501' });
    });

    test('an unknown email, role or name is named in the answer', async () => {
      const ann = await personWithTeam(server, 'ann');
      const add = (email, role) => ann.call('add_team_member', { team: ann.team, email, role });
      await assert.rejects(add('nobody@example.test', 'editor'), {
        code: 'PT404',
        status: 404,
        message: 'nobody has signed up as nobody@example.test',
      });
      await assert.rejects(add(ann.email, 'owner'), { code: '22023', status: 400, message: 'unknown role owner' });
      await assert.rejects(ann.call('create_team', { name: '  ' }), { code: '22023', status: 400 });
    });

    test('the last admin cannot step down', async () => {
      const ann = await personWithTeam(server, 'ann');
      await assert.rejects(
        ann.call('add_team_member', { team: ann.team, email: ann.email, role: 'viewer' }),
        { code: 'PT409', status: 409 },
      );
      await assert.rejects(remove(ann, ann), { code: 'PT409', status: 409 });
      assert.deepEqual(await rolesIn(ann), ['admin']);
    });

    test('an admin removes members, which ends what they may do at once', async () => {
      const ann = await personWithTeam(server, 'ann');
      for (const role of ['viewer', 'editor', 'approver', 'admin']) {
        const ben = await memberOf(ann, role);
        await pullAll(ben);
        assert.equal(await remove(ann, ben), true);
        assert.equal(await remove(ann, ben), false);
        await assert.rejects(pullAll(ben), { code: '42501', status: 403 });
        await assert.rejects(push(ben, change()), { code: '42501', status: 403 });
        await assert.rejects(remove(ben, ann), { code: '42501', status: 403 });
        for (const table of ['teams', 'team_members', 'artifacts', 'artifact_history']) {
          assert.deepEqual((await ben.client.from(table).select()).data, [], table);
        }
      }
      assert.deepEqual(await rolesIn(ann), ['admin']);
    });

    test('everybody may leave, and only admins remove others', async () => {
      const ann = await personWithTeam(server, 'ann');
      const cleo = await memberOf(ann, 'viewer');
      for (const role of ['viewer', 'editor', 'approver']) {
        const ben = await memberOf(ann, role);
        for (const other of [ann, cleo]) {
          await assert.rejects(remove(ben, other), { code: '42501', status: 403 }, role);
        }
        assert.equal(await remove(ben, ben), true);
        await assert.rejects(pullAll(ben), { code: '42501', status: 403 });
      }
      const dora = await memberOf(ann, 'admin');
      assert.equal(await remove(ann, ann), true);
      await assert.rejects(remove(dora, dora), { code: 'PT409', status: 409 });
      assert.deepEqual(await rolesIn(dora), ['admin', 'viewer']);
    });

    test('removing nobody in particular removes nobody', async () => {
      const ann = await personWithTeam(server, 'ann');
      const eve = await personWithTeam(server, 'eve');
      for (const member of [null, crypto.randomUUID(), eve.id]) {
        assert.equal(await ann.call('remove_team_member', { team: ann.team, member }), false);
      }
      assert.deepEqual([await rolesIn(ann), await rolesIn(eve)], [['admin'], ['admin']]);
    });

    test('nobody creates a team without signing in', async () => {
      const { status } = await anonymous(server).rpc('create_team', { name: 'x' });
      assert.equal(status, 401);
    });
  });
});
