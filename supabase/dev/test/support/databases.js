// Owns which databases a test runs on: PGlite always, PostgreSQL where one can be reached.

import { after, before, describe } from 'node:test';
import { createDatabase, reasonUnreachable } from './postgres.js';
import { startServer } from './server.js';

const unreachable = await reasonUnreachable();

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
