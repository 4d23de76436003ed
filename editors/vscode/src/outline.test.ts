import assert from 'node:assert/strict';
import { test } from 'node:test';

import { outlined } from './outline';

const of = (path: string, text = '') => outlined(path, `file:///w/${path}`, text);

test('kind, id, title and state are read off a file', () => {
  const found = of('.agent/plans/OPS-010-nightly-export.md', '# OPS-010: Nightly export\n\n## Status\n\nPROPOSED\n');
  assert.deepEqual([found?.kind, found?.id, found?.title, found?.state], ['plan', 'OPS-010', 'Nightly export', 'PROPOSED']);
  assert.equal(of('.agent/cache/stories/APP-1.md', '# T\r\n\r\nStatus: DRAFT\r\n')?.state, 'DRAFT');
  assert.equal(of('.agent/runbooks/restart.md')?.id, 'restart');
});

test('what is no artifact is not shown', () => {
  assert.equal(of('.agent/etc/sync.yaml'), undefined);
  assert.equal(of('docs/plans/OPS-1.md'), undefined);
  assert.equal(of('.agent/cache/agent.db'), undefined);
});
