import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, person, personWithTeam } from './support/people.js';

describe('teams', () => {
  onEachDatabase((server) => {
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
    });

    test('nobody creates a team without signing in', async () => {
      const { status } = await anonymous(server).rpc('create_team', { name: 'x' });
      assert.equal(status, 401);
    });
  });
});
