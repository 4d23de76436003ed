import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, pullAll, push } from './support/people.js';

const text = (state, body = 'body') => `# T\n\n${state ? `## State\n\n${state}\n\n` : ''}## Text\n\n${body}\n`;

describe('the lifecycle', () => {
  onEachDatabase((server) => {
    let admin;
    let editor;
    let approver;
    let viewer;
    before(async () => {
      admin = await personWithTeam(server, 'ann');
      const member = async (role) => {
        const someone = { ...(await person(server, role)), team: admin.team };
        await join(admin, someone, role);
        return someone;
      };
      [editor, approver, viewer] = await Promise.all(['editor', 'approver', 'viewer'].map(member));
    });
    /** An artifact that somebody moves through states; `code` is the refusal's, or the result. */
    const artifact = (kind = 'story') => {
      const id = crypto.randomUUID();
      let version = 0;
      return {
        id,
        kind,
        async to(someone, content, fields = {}) {
          const [result] = (await push(someone, change({ kind, id, base_version: version, content, ...fields }))).results;
          if (result.result === 'applied') ({ version } = result);
          return { ...result, code: result.reason?.code ?? result.result };
        },
        async row() {
          return (await pullAll(admin)).find((row) => row.id === id);
        },
      };
    };
    const approvals = ({ kind, id }) =>
      viewer.call('artifact_approvals', { team: admin.team, kind, id }).then(({ approvals }) => approvals);

    test('a story goes from draft to approved, and each step is for its role', async () => {
      const story = artifact();
      const steps = [
        [editor, 'DRAFT', 'applied'], [editor, 'COMMITTED', 'state'], [editor, 'OPEN', 'applied'],
        [viewer, 'COMMITTED', 'forbidden'], [approver, 'APPROVED', 'state'], [editor, 'COMMITTED', 'applied'],
        [editor, 'APPROVED', 'state_role'], [approver, 'APPROVED', 'applied'], [editor, 'DRAFT', 'state_role'],
        [editor, 'OPEN', 'state_role'], [approver, 'ICEBOX', 'state'], [admin, 'OPEN', 'applied'],
      ];
      for (const [who, state, code] of steps) {
        assert.equal((await story.to(who, text(state))).code, code, `${state} by ${who.email}`);
      }
      assert.equal((await story.row()).state, 'OPEN');
    });

    test('a refusal says from where, to where, and what this role may do instead', async () => {
      const story = artifact();
      const { reason, detail, version, current } = await story.to(editor, text('Approved (by me)'));
      assert.deepEqual([version, current], [null, null]);
      assert.equal(reason.message, 'an editor may not move a new artifact to APPROVED');
      assert.deepEqual(detail, {
        from: null, to: 'APPROVED', role: 'editor', may_follow: ['DRAFT', 'OPEN', 'COMMITTED', 'DONE', 'ICEBOX'],
      });
      await story.to(approver, text('approved'));
      const edited = await story.to(approver, text('Approved'), { content: text('Approved', 'other'), content_hash: undefined });
      assert.equal(edited.code, 'hash_mismatch');
    });

    test('what a client says of the state counts for nothing', async () => {
      const story = artifact();
      assert.equal((await story.to(editor, text('APPROVED'), { state: 'DRAFT' })).code, 'state_role');
      assert.equal((await story.to(editor, text('DRAFT'), { state: 'APPROVED' })).code, 'applied');
      assert.equal((await story.row()).state, 'DRAFT');
    });

    test('approved bytes stay, whoever pushes, until the same push takes the state back', async () => {
      const plan = artifact('plan');
      await plan.to(editor, text('PROPOSED'));
      await plan.to(approver, text('APPROVED'));
      for (const who of [editor, approver, admin]) {
        const { code, detail } = await plan.to(who, text('APPROVED', 'changed'));
        assert.equal(code, 'approved');
        assert.deepEqual([detail.from, detail.to], ['APPROVED', 'APPROVED']);
      }
      assert.equal((await plan.to(editor, text('PROPOSED', 'changed'))).code, 'state_role');
      assert.equal((await plan.row()).content, text('APPROVED'));
      assert.equal((await plan.to(approver, text('PROPOSED', 'changed'))).code, 'applied');
      assert.equal((await plan.to(editor, text('PROPOSED', 'and again'))).code, 'applied');
    });

    test('a state nobody knows is taken as it is, but does not open what is approved', async () => {
      const story = artifact();
      for (const content of [text('REVIEW_NEEDED'), text('Decomposed', 'other'), text(''), text('DRAFT'), text('Someday')]) {
        assert.equal((await story.to(editor, content)).code, 'applied', content);
      }
      assert.equal((await story.row()).state, 'SOMEDAY');
      assert.equal((await story.to(editor, text('APPROVED'))).code, 'state_role');
      assert.equal((await story.to(approver, text('APPROVED'))).code, 'applied');
      for (const content of [text('Someday'), text(''), text('APPROVEDX', 'forged'), null]) {
        assert.equal((await story.to(editor, content)).code, 'state_role', content);
      }
      assert.equal((await story.to(approver, text('Someday'))).code, 'applied');
      const note = artifact('note');
      assert.equal((await note.to(editor, text('APPROVED'))).code, 'applied');
      assert.equal((await note.to(editor, text('APPROVED', 'other'))).code, 'applied');
    });

    test('an approved artifact may be moved to another path, and deleted by an approver', async () => {
      const adr = artifact('adr');
      await adr.to(approver, text('ACCEPTED'));
      assert.equal((await adr.to(editor, text('ACCEPTED'), { path: 'adrs/elsewhere.md' })).code, 'applied');
      assert.equal((await adr.to(editor, null)).code, 'state_role');
      assert.equal((await adr.to(approver, null)).code, 'applied');
      assert.equal((await adr.to(editor, text('ACCEPTED'))).code, 'state_role');
      assert.equal((await adr.to(editor, text('DRAFT'))).code, 'applied');
    });

    test('who approved which content is kept', async () => {
      const runbook = artifact('runbook');
      const accepted = text('ACCEPTED');
      const first = await runbook.to(admin, accepted);
      await runbook.to(admin, accepted, { path: 'runbooks/moved.md' });
      await runbook.to(approver, text('DRAFT'));
      assert.deepEqual((await approvals(runbook)).map((a) => [a.version, a.is_in_force]), [[1, false]]);
      await runbook.to(editor, text('PROPOSED', 'new'));
      await runbook.to(approver, text('ACCEPTED', 'new'));
      const [now, then] = await approvals(runbook);
      assert.deepEqual([now.version, now.state, now.approved_by, now.approver_name, now.is_in_force],
        [5, 'ACCEPTED', approver.id, approver.email, true]);
      assert.deepEqual([then.version, then.approved_by, then.is_in_force], [first.version, admin.id, false]);
      assert.notEqual(now.content_hash, then.content_hash);
    });

    test('several changes of one artifact in a push are judged one after another', async () => {
      const id = crypto.randomUUID();
      const { results } = await push(editor,
        change({ id, content: text('DRAFT') }),
        change({ id, base_version: 1, content: text('OPEN') }),
        change({ id, base_version: 2, content: text('DONE') }),
        change({ id, base_version: 2, content: text('COMMITTED') }));
      assert.deepEqual(results.map(({ result, reason }) => reason?.code ?? result), ['applied', 'applied', 'state', 'applied']);
    });

    test('an admin gives the team other states, and nobody else does', async () => {
      const own = await personWithTeam(server, 'own');
      const { version, kinds } = await own.call('team_lifecycle', { team: own.team });
      assert.deepEqual(Object.keys(kinds).sort(), ['adr', 'journey', 'plan', 'runbook', 'story']);
      assert.deepEqual(kinds.plan.approved, ['APPROVED']);
      const states = {
        states: ['IDEA', 'SHIPPED'], approved: ['SHIPPED'],
        transitions: [{ from: null, to: 'IDEA', role: 'editor' }, { from: 'IDEA', to: 'SHIPPED', role: 'admin' }],
      };
      const set = (someone, kind, definition) =>
        someone.call('set_lifecycle', { team: someone.team, kind, states: definition });
      const changed = await set(own, 'note', states);
      assert.ok(changed.version > version);
      assert.deepEqual(changed.kinds.note, states);
      const outcome = async (fields) => (await push(own, change({ kind: 'note', id: 'N', ...fields }))).results[0];
      assert.equal((await outcome({ content: text('SHIPPED') })).reason.code, 'state');
      assert.equal((await outcome({ content: text('IDEA') })).result, 'applied');
      assert.equal((await outcome({ base_version: 1, content: text('SHIPPED') })).result, 'applied');
      assert.equal((await outcome({ base_version: 2, content: text('SHIPPED', 'x') })).reason.code, 'approved');
      // Nothing leads out of it, so only an admin takes it away.
      assert.equal((await outcome({ base_version: 2, content: null })).result, 'applied');
      assert.deepEqual((await set(own, 'note', null)).kinds.note, undefined);
      assert.deepEqual((await set(own, 'story', states)).kinds.story, states);
      assert.deepEqual((await set(own, 'story', null)).kinds.story, kinds.story);

      for (const someone of [viewer, editor, approver]) {
        await assert.rejects(set(someone, 'note', states), { code: '42501', status: 403 });
      }
      const move = (fields) => ({ ...states, transitions: [{ from: null, to: 'IDEA', role: 'editor', ...fields }] });
      const wrong = [
        [], {}, { ...states, more: 1 }, { ...states, states: [] }, { ...states, states: ['IDEA', 'IDEA', 'SHIPPED'] },
        { ...states, states: ['idea', 'SHIPPED'] }, { ...states, states: ['A B', 'IDEA', 'SHIPPED'] }, { ...states, approved: ['OTHER'] },
        { ...states, transitions: [...states.transitions, ...states.transitions] },
        move({ to: 'OTHER' }), move({ from: 'OTHER' }), move({ role: 'viewer' }), move({ from: 'IDEA' }), move({ from: undefined }),
        move({ to: 'SHIPPED' }), move({ from: 'SHIPPED' }), move({ extra: 1 }), move({ to: null }),
      ];
      for (const definition of wrong) {
        await assert.rejects(set(own, 'note', definition), { code: '22023', status: 400 }, JSON.stringify(definition));
      }
      await assert.rejects(set(own, 'No kind', states), { code: '22023' });
    });

    test('who writes the table directly keeps to it, too', async () => {
      const story = artifact();
      await story.to(approver, text('APPROVED'));
      const rest = (method, body, query = `?id=eq.${story.id}`) =>
        fetch(`${server.ready.url}/rest/v1/artifacts${query}`, {
          method,
          headers: { apikey: server.ready.secret_key, 'content-type': 'application/json' },
          body: body && JSON.stringify(body),
        });
      const forged = { content: text('APPROVED', 'forged'), content_hash: 'x', version: 2 };
      for (const [method, body] of [['PATCH', forged], ['PATCH', { ...forged, state: 'DRAFT' }], ['DELETE', undefined],
        ['PATCH', { content: text('ICEBOX'), content_hash: 'x' }]]) {
        const response = await rest(method, body);
        assert.equal(response.status, 400, method);
        assert.equal((await response.json()).code, '23514');
      }
      assert.equal((await story.row()).content, text('APPROVED'));
      const back = await rest('PATCH', { content: text('OPEN', 'x'), content_hash: '0'.repeat(64), state: 'APPROVED' });
      assert.equal(back.status, 204);
      assert.equal((await story.row()).state, 'OPEN');
    });
  });
});
