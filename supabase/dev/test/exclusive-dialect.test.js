import { Kysely, sql } from 'kysely';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exclusiveDialect } from '../src/exclusive-dialect.js';

test('transactions that overlap run one after the other', async () => {
  const log = [];
  const pglite = {
    async query(text, [name] = []) {
      log.push(name ?? text);
      await new Promise(setImmediate); // where another transaction would get in
      if (name === 'fails') throw new Error('query failed');
      return { rows: [] };
    },
  };
  const db = new Kysely({ dialect: exclusiveDialect(pglite) });
  const transaction = (...names) =>
    db.transaction().execute(async (trx) => {
      for (const name of names) await sql`${name}`.execute(trx);
    });
  await Promise.allSettled([transaction('a1', 'a2'), transaction('fails'), transaction('b1', 'b2')]);
  assert.deepEqual(log, [
    'begin', 'a1', 'a2', 'commit', 'begin', 'fails', 'rollback', 'begin', 'b1', 'b2', 'commit',
  ]);
});
