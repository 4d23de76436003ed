import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { judge, openTap, readTests } from './support/pgtap.js';

const tests = await readTests();

describe('pgTAP', () => {
  onEachDatabase((server) => {
    let session;
    before(async () => (session = await openTap(server)));
    after(() => session?.close());

    for (const { name, script } of tests) {
      test(name, async () => {
        const { ok, problems } = judge(await session.run(script).finally(() => session.run('rollback')));
        assert.deepEqual(problems, []);
        assert.ok(ok > 0);
      });
    }
  });
});
