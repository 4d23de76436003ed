import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filled, isKey, lineOf, missing, named } from './config';

const YAML = `# remote: \${SUPABASE_URL}
remote:
  url: https://x.supabase.co
  anon_key: \${SUPABASE_ANON_KEY} # not \${SUPABASE_OTHER}
  team_id: \${AGENT_TEAM}
  realtime_url: \${PATH}
sync:
  kinds: { plan: ["\${SUPABASE_PLANS}"] }
`;

test('the variables of the remote section are named, as far as the program reads them', () => {
  assert.deepEqual(named(YAML), ['SUPABASE_ANON_KEY', 'AGENT_TEAM']);
  assert.deepEqual(named(''), []);
});

test('a variable that is set, but empty, is missing too', () => {
  assert.deepEqual(missing(YAML, { SUPABASE_ANON_KEY: '', AGENT_TEAM: 'x' }), ['SUPABASE_ANON_KEY']);
  assert.deepEqual(missing(YAML, { SUPABASE_ANON_KEY: 'k', AGENT_TEAM: 'x' }), []);
});

test('what is kept stands in for what is not set, or set to nothing', () => {
  const kept = { SUPABASE_ANON_KEY: 'kept', AGENT_TEAM: 'kept' };
  assert.deepEqual(filled({ SUPABASE_ANON_KEY: '', AGENT_TEAM: 'set', HOME: '/' }, kept), { SUPABASE_ANON_KEY: 'kept', AGENT_TEAM: 'set', HOME: '/' });
  assert.equal(filled({}, kept).SUPABASE_ANON_KEY, 'kept');
});

test('keys are typed unseen', () => {
  assert.equal(isKey('SUPABASE_ANON_KEY'), true);
  assert.equal(isKey('AGENT_TEAM'), false);
});

test('a problem is shown at its line', () => {
  assert.equal(lineOf(YAML, 'error: line 3 column 5: no address'), 2);
  assert.equal(lineOf(YAML, 'sync.kinds: no such kind'), 7);
  assert.equal(lineOf(YAML, 'unknown field `team_id`, did you mean …'), 4);
  assert.equal(lineOf(YAML, 'not readable'), 0);
});
