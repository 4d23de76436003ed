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

/** One server per database for the whole run: starting them would take most of its time. */
const shared = new Map();
const cleanUps = [];

async function start(name) {
  if (name === 'PGlite') {
    const server = await startServer(['--no-delays']);
    cleanUps.push(() => server.stop());
    return server;
  }
  const database = await createDatabase();
  cleanUps.push(database.drop);
  const server = await startServer(['--no-delays', '--database-url', database.url]);
  cleanUps.push(() => server.stop());
  return { ...server, databaseUrl: database.url };
}

after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/**
 * Runs a suite on each database. `server` is filled in before its tests run; other suites have used
 * it, so a test makes its own people and teams. Tests that need a session of the database's own find
 * it at `server.databaseUrl` on PostgreSQL; PGlite has a single one, which the server holds.
 * @param {(server: import('./server.js').TestServer) => void} suite
 */
export function onEachDatabase(suite) {
  for (const name of ['PGlite', 'PostgreSQL']) {
    describe(`on ${name}`, { skip: name === 'PostgreSQL' && unreachable }, () => {
      const server = {};
      before(async () => {
        if (!shared.has(name)) shared.set(name, start(name));
        Object.assign(server, await shared.get(name));
      });
      suite(server);
    });
  }
}

if (unreachable) console.error(unreachable);
