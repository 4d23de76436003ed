// Owns which databases a test runs on: PGlite always, PostgreSQL where one can be reached.

import postgres from 'postgres';
import { after, before, describe } from 'node:test';
import { startServer } from './server.js';

const configured = process.env.TEST_DATABASE_URL;
const adminUrl = configured ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const unreachable = await reasonUnreachable();

async function reasonUnreachable() {
  const sql = postgres(adminUrl, { max: 1, connect_timeout: 2, onnotice() {} });
  try {
    await sql`select 1`;
    return undefined;
  } catch (error) {
    // Whoever names a database wants it tested.
    if (configured) throw new Error(`TEST_DATABASE_URL: ${error.message}`, { cause: error });
    return `PostgreSQL was not reachable at 127.0.0.1:5432 (${error.code}): only PGlite was tested`;
  } finally {
    await sql.end();
  }
}

/** A new database for one server, and how to get rid of it. */
async function createDatabase() {
  const name = `agent_dev_test_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = async (statement) => {
    const sql = postgres(adminUrl, { max: 1, onnotice() {} });
    await sql.unsafe(statement).finally(() => sql.end());
  };
  await admin(`create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => admin(`drop database if exists ${name} with (force)`) };
}

/**
 * Runs a suite against a fresh server on each database. `server` is filled in before its tests run.
 * @param {(server: import('./server.js').TestServer) => void} suite
 */
export function onEachDatabase(suite, { args = ['--no-delays'] } = {}) {
  describe('on PGlite', () => {
    const server = {};
    before(async () => Object.assign(server, await startServer(args)));
    after(() => server.stop?.());
    suite(server);
  });
  describe('on PostgreSQL', { skip: unreachable }, () => {
    const server = {};
    let database;
    before(async () => {
      database = await createDatabase();
      Object.assign(server, await startServer(['--database-url', database.url, ...args]));
    });
    after(async () => {
      await server.stop?.();
      await database?.drop();
    });
    suite(server);
  });
}

if (unreachable) console.error(unreachable);
