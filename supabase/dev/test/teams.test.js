import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, change, join, person, personWithTeam, pullAll, push } from './support/people.js';

const ROLES = ['viewer', 'editor', 'approver', 'admin'];

describe('teams', () => {
  onEachDatabase((server) => {
    const memberOf = async (admin, role) => {
      const ben = { ...(await person(server, 'ben')), team: admin.team };
      await join(admin, ben, role);
      return ben;
    };
    const remove = ({ team, call }, { id }) => call('remove_team_member', { team, member: id });
    const setRole = ({ team, call }, { id }, role) => call('set_member_role', { team, member: id, role });
    const invite = ({ team, call }, email, role) => call('invite_member', { team, email, role });
    const invitationsOf = ({ call }) => call('my_invitations', {});
    const rolesIn = async ({ team, client }) =>
      (await client.from('team_members').select('role').eq('team_id', team).order('role')).data.map(({ role }) => role);
    const logOf = async (admin) => (await admin.call('audit_entries', { team: admin.team })).entries
      .map(({ user_id, action, outcome, reason, id, state_before, state_after }) =>
        [user_id === admin.id, action, outcome, reason, id, state_before, state_after]);

    test('whoever creates a team is its admin', async () => {
      const ann = await personWithTeam(server, 'ann');
      const { data } = await ann.client.from('team_members').select('user_id, role, display_name');
      assert.deepEqual(data, [{ user_id: ann.id, role: 'admin', display_name: ann.email }]);
    });

    test('an invitation makes a member of whoever accepts it, and nothing before', async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = { ...(await person(server, 'ben')), team: ann.team };
      const { invitation } = await invite(ann, ` ${ben.email.toUpperCase()} `, 'editor');
      await assert.rejects(pullAll(ben), { code: '42501' });
      const [offered, ...others] = await invitationsOf(ben);
      assert.deepEqual([offered.invitation, offered.team, offered.team_name, offered.role], [invitation, ann.team, "ann's team", 'editor']);
      assert.deepEqual(others, []);
      assert.deepEqual(await ben.call('accept_invitation', { invitation }), { team: ann.team, name: "ann's team", role: 'editor' });
      await pullAll(ben);
      assert.deepEqual(await invitationsOf(ben), []);
      await assert.rejects(ben.call('accept_invitation', { invitation }), { code: 'PT404', status: 404 });
      assert.deepEqual(await rolesIn(ann), ['admin', 'editor']);
    });

    test('inviting tells nothing about accounts, and whoever signs up later finds it', async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = await person(server, 'ben');
      const shape = (answer) => [Object.keys(answer).sort(), answer.role];
      const later = `later-${crypto.randomUUID()}@example.test`;
      assert.deepEqual(shape(await invite(ann, later, 'viewer')), shape(await invite(ann, ben.email, 'viewer')));
      const { data } = await anonymous(server).auth.signUp({ email: later, password: 'correct horse' });
      const headers = { apikey: server.ready.publishable_key, authorization: `Bearer ${data.session.access_token}` };
      const answer = await fetch(`${server.ready.url}/rest/v1/rpc/my_invitations`, { method: 'POST', headers });
      assert.deepEqual((await answer.json()).map(({ team }) => team), [ann.team]);
    });

    test('an invitation is for its address alone', async () => {
      const ann = await personWithTeam(server, 'ann');
      const [ben, eve] = await Promise.all([person(server, 'ben'), personWithTeam(server, 'eve')]);
      const { invitation } = await invite(ann, ben.email, 'admin');
      assert.deepEqual(await invitationsOf(eve), []);
      for (const name of ['accept_invitation', 'decline_invitation']) {
        const foreign = await eve.client.rpc(name, { invitation });
        assert.deepEqual([foreign.status, foreign.error.code], [404, 'PT404']);
        assert.deepEqual(foreign.error, (await eve.client.rpc(name, { invitation: crypto.randomUUID() })).error);
        assert.equal((await anonymous(server).rpc(name, { invitation })).status, 401);
      }
      assert.equal(await eve.call('revoke_invitation', { invitation }), false);
      assert.deepEqual((await eve.client.from('team_invitations').select()).data, []);
      assert.equal((await ann.client.from('team_invitations').select()).data.length, 1);
      assert.equal(await ben.call('decline_invitation', { invitation }), true);
      assert.deepEqual(await invitationsOf(ben), []);
    });

    test('an admin takes an invitation back, or offers another role', async () => {
      const ann = await personWithTeam(server, 'ann');
      const ben = await person(server, 'ben');
      const { invitation } = await invite(ann, ben.email, 'viewer');
      assert.equal((await invite(ann, ben.email, 'approver')).invitation, invitation);
      assert.deepEqual((await invitationsOf(ben)).map(({ role }) => role), ['approver']);
      assert.equal(await ann.call('revoke_invitation', { invitation }), true);
      assert.equal(await ann.call('revoke_invitation', { invitation }), false);
      await assert.rejects(ben.call('accept_invitation', { invitation }), { code: 'PT404' });
      const cleo = await memberOf(ann, 'editor');
      const { invitation: again } = await invite(ann, cleo.email, 'admin');
      assert.equal((await cleo.call('accept_invitation', { invitation: again })).role, 'editor', 'a member keeps their role');
    });

    test('only an admin invites and changes roles, and refusals are kept', async () => {
      const ann = await personWithTeam(server, 'ann');
      for (const role of ROLES.slice(0, 3)) {
        const ben = await memberOf(ann, role);
        const attempts = [
          () => invite(ben, 'x@example.test', 'admin'), () => setRole(ben, ben, 'admin'), () => setRole(ben, ann, 'viewer'),
          () => remove(ben, ann),
        ];
        for (const attempt of attempts) await assert.rejects(attempt(), { code: '42501', status: 403 }, role);
        const refused = (await logOf(ann)).filter(([byAnn, , outcome]) => !byAnn && outcome === 'refused');
        assert.deepEqual(refused.slice(0, 4).map(([, action, , reason]) => [action, reason]),
          ['remove_member', 'set_role', 'set_role', 'invite'].map((action) => [action, '42501']));
      }
    });

    test('what makes no sense is named in the answer', async () => {
      const ann = await personWithTeam(server, 'ann');
      await assert.rejects(invite(ann, ann.email, 'owner'), { code: '22023', status: 400, message: 'unknown role owner' });
      await assert.rejects(setRole(ann, ann, null), { code: '22023', status: 400, message: 'unknown role null' });
      await assert.rejects(setRole(ann, { id: crypto.randomUUID() }, 'viewer'), { code: 'PT404', status: 404 });
      for (const email of ['', 'nobody', 'a@b@c', 'a b@example.test', null, `${'x'.repeat(320)}@example.test`]) {
        await assert.rejects(invite(ann, email, 'viewer'), { code: '22023', status: 400 }, String(email));
      }
      await assert.rejects(ann.call('create_team', { name: '  ' }), { code: '22023', status: 400 });
    });

    test('the last admin can neither step down nor leave', async () => {
      const ann = await personWithTeam(server, 'ann');
      await memberOf(ann, 'approver');
      const attempts = [
        () => setRole(ann, ann, 'viewer'), () => remove(ann, ann), () => ann.call('leave_team', { team: ann.team }),
      ];
      for (const attempt of attempts) {
        await assert.rejects(attempt, { code: 'PT409', status: 409 });
      }
      assert.deepEqual(await rolesIn(ann), ['admin', 'approver']);
    });

    test('two admins who leave at the same moment leave one', async () => {
      for (let round = 0; round < 3; round += 1) {
        const ann = await personWithTeam(server, 'ann');
        const ben = await memberOf(ann, 'admin');
        const outcomes = await Promise.allSettled([
          remove(ann, ann), remove(ben, ben), setRole(ann, ben, 'viewer'), setRole(ben, ann, 'viewer'),
        ]);
        assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
        const roles = (await Promise.all([ann, ben].map(rolesIn))).find((roles) => roles.length > 0);
        assert.ok(roles.includes('admin'), String(roles));
      }
    });

    test('an admin removes members, which ends what they may do at once', async () => {
      const ann = await personWithTeam(server, 'ann');
      for (const role of ROLES) {
        const ben = await memberOf(ann, role);
        await pullAll(ben);
        assert.equal(await remove(ann, ben), true);
        assert.equal(await remove(ann, ben), false);
        await assert.rejects(pullAll(ben), { code: '42501', status: 403 });
        await assert.rejects(push(ben, change()), { code: '42501', status: 403 });
        await assert.rejects(remove(ben, ann), { code: '42501', status: 403 });
        for (const table of ['teams', 'team_members', 'artifacts', 'artifact_history', 'artifact_approvals', 'team_lifecycles']) {
          assert.deepEqual((await ben.client.from(table).select()).data, [], table);
        }
      }
      assert.deepEqual(await rolesIn(ann), ['admin']);
    });

    test('everybody may leave, and only admins remove others', async () => {
      const ann = await personWithTeam(server, 'ann');
      const cleo = await memberOf(ann, 'viewer');
      for (const role of ROLES.slice(0, 3)) {
        const ben = await memberOf(ann, role);
        for (const other of [ann, cleo]) {
          await assert.rejects(remove(ben, other), { code: '42501', status: 403 }, role);
        }
        assert.equal(await ben.call('leave_team', { team: ann.team }), true);
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
