// Owns the database connection: PGlite or PostgreSQL behind one small interface, with the repairs
// that Supabase Lite needs to behave like a hosted project.

import { createPgliteConnection } from '@supabase/lite/pglite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { CompiledQuery, Kysely } from 'kysely';
import { asPostgrestError } from './errors.js';
import { exclusiveDialect } from './exclusive-dialect.js';

/**
 * @typedef {object} Database
 * @property {object} connection  what Supabase Lite's App takes
 * @property {(script: string) => Promise<void>} exec  several statements, no parameters
 * @property {(text: string, params?: unknown[]) => Promise<object[]>} query
 * @property {<T>(work: (query) => Promise<T>) => Promise<T>} transaction
 * @property {(channel: string, onPayload: (payload: string) => void) => Promise<void>} listen
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Database>} */
export async function openPostgres(url) {
  // Lite has already stringified json arguments; postgres.js would do it a second time.
  const alreadyJson = (oid) => ({
    to: oid,
    from: [oid],
    parse: JSON.parse,
    serialize: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  });
  const connection = createPostgresConnection({
    url,
    postgresOptions: {
      max: 10,
      onnotice() {},
      types: { json: alreadyJson(114), jsonb: alreadyJson(3802) },
    },
  });
  const { driver } = connection;
  return repaired(connection, {
    exec: async (script) => void (await driver.unsafe(script).simple()),
    listen: async (channel, onPayload) => void (await driver.listen(channel, onPayload)),
    // Idle pooled connections end politely; one stuck in a query must not hold up the exit.
    close: () => driver.end({ timeout: 1 }),
  });
}

/**
 * @param {{dataDir?: string, snapshot?: Blob}} options  in memory without a directory
 * @returns {Promise<Database>}
 */
export async function openPglite({ dataDir, snapshot }) {
  const connection = await createPgliteConnection({
    url: dataDir,
    pgliteOptions: { loadDataDir: snapshot },
  });
  const { driver } = connection;
  await driver.waitReady;
  connection.kysely = new Kysely({ dialect: exclusiveDialect(driver) });
  return repaired(connection, {
    exec: async (script) => void (await driver.exec(script)),
    listen: async (channel, onPayload) => void (await driver.listen(channel, onPayload)),
    close: () => driver.close(),
  });
}

function repaired(connection, { exec, listen, close }) {
  connection.normalizeDbError = asPostgrestError;
  // "unknown" makes Lite's first request GRANT ALL on every table, undoing the migrations' REVOKEs.
  connection.rlsState = 'active';
  const queryOn = (executor) => async (text, params = []) =>
    (await executor.executeQuery(CompiledQuery.raw(text, params))).rows;
  return {
    connection,
    exec,
    listen,
    close,
    query: queryOn(connection.kysely),
    transaction: (work) => connection.kysely.transaction().execute((trx) => work(queryOn(trx))),
  };
}
