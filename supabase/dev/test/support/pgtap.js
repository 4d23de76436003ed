// Owns running supabase/tests/*.test.sql, as `supabase test db` does on a local project: pgTAP comes from
// PGlite's bundle, whose plain SQL any PostgreSQL takes, so that nothing has to be installed.

import postgres from 'postgres';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openPglite } from '../../src/database.js';
import { fingerprint, readScripts } from '../../src/migrate.js';
import { loadSnapshot, packageVersions } from '../../src/snapshot.js';

const TESTS_DIR = path.join(import.meta.dirname, '..', '..', '..', 'tests');
const PGTAP = path.join(import.meta.dirname, '..', '..', 'node_modules', '@electric-sql', 'pglite', 'dist', 'pgtap.tar.gz');
const EXTENSION = /^create extension if not exists pgtap .*$/m;

/** @returns {Promise<{name: string, script: string}[]>} */
export async function readTests() {
  const names = (await readdir(TESTS_DIR)).filter((name) => name.endsWith('.test.sql')).sort();
  return Promise.all(names.map(async (name) => {
    const script = await readFile(path.join(TESTS_DIR, name), 'utf8');
    if (!EXTENSION.test(script)) throw new Error(`${name} does not ask for pgtap`);
    return { name, script: script.replace(EXTENSION, 'set search_path = public, tap;') };
  }));
}

/** A session of the database's owner, with pgTAP, beside the server's. */
export async function openTap(server) {
  const session = server.databaseUrl ? overPostgres(server.databaseUrl) : await inPglite();
  await session.run(`create schema if not exists tap;
    grant usage on schema tap to anon, authenticated, service_role;
    set search_path = tap; ${await pgtap()}`);
  return session;
}

/** The lines of TAP that a script said, and the problems among them. */
export function judge(results) {
  const lines = results.flatMap((rows) => rows.map((row) => Object.values(row)[0]))
    .filter((value) => typeof value === 'string').flatMap((value) => value.split('\n'));
  const planned = Number(lines.find((line) => /^1\.\.\d+$/.test(line))?.slice(3));
  const ok = lines.filter((line) => line.startsWith('ok ')).length;
  const problems = lines.filter((line) => line.startsWith('not ok') || line.startsWith('#'));
  if (ok !== planned) problems.push(`${ok} of ${planned} passed`);
  return { ok, problems };
}

function overPostgres(url) {
  const sql = postgres(url, { max: 1, onnotice() {} });
  return {
    async run(script) {
      const results = await sql.unsafe(script).simple();
      return Array.isArray(results[0]) ? results : [results];
    },
    close: () => sql.end(),
  };
}

/** The snapshot is there: the server under test has started from it, or made it. */
async function inPglite() {
  const snapshot = await loadSnapshot(fingerprint(await readScripts(), await packageVersions()));
  const database = await openPglite({ snapshot });
  return {
    run: async (script) => (await database.connection.driver.exec(script)).map(({ rows }) => rows),
    close: database.close,
  };
}

/** The entry of a tar archive that holds pgTAP's SQL. */
async function pgtap() {
  const tar = gunzipSync(await readFile(PGTAP));
  for (let at = 0; at + 512 <= tar.length;) {
    const field = (from, length) => tar.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8) || 0;
    if (/\/pgtap--\d+\.\d+\.\d+\.sql$/.test(field(0, 100))) return tar.toString('utf8', at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('PGlite has no pgTAP any more');
}
