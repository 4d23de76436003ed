// Owns bringing a database up to date: the stand-ins for what a hosted project has, then the
// project's own migrations, recorded where the Supabase CLI records them.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const SQL_DIR = path.join(import.meta.dirname, '..', 'sql');
export const MIGRATIONS_DIR = path.join(import.meta.dirname, '..', '..', 'migrations');

/** The file names that the Supabase CLI takes for migrations. */
const MIGRATION_NAME = /^([0-9]+)_(.*)\.sql$/;

/** @typedef {{version: string, name: string, sql: string}} Migration */

/** @returns {Promise<{standIns: string[], migrations: Migration[]}>} */
export async function readScripts(migrationsDir = MIGRATIONS_DIR) {
  const names = (await readdir(migrationsDir)).filter((name) => MIGRATION_NAME.test(name)).sort();
  const read = (dir, name) => readFile(path.join(dir, name), 'utf8');
  const [standIns, migrations] = await Promise.all([
    Promise.all(['roles.sql', 'realtime.sql'].map((name) => read(SQL_DIR, name))),
    Promise.all(
      names.map(async (fileName) => {
        const [, version, name] = MIGRATION_NAME.exec(fileName);
        return { version, name, sql: await read(migrationsDir, fileName) };
      }),
    ),
  ]);
  return { standIns, migrations };
}

/** Equal exactly when `prepare` would lead to the same database. */
export function fingerprint({ standIns, migrations }, versions) {
  return createHash('sha256').update(JSON.stringify([standIns, migrations, versions])).digest('hex');
}

/**
 * @param {import('./database.js').Database} database
 * @param {object} app  Supabase Lite's App, which owns the auth schema
 */
export async function prepare(database, app, { standIns, migrations }) {
  await app.ensureSystemSchema();
  for (const script of standIns) await database.exec(script);
  await database.exec(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (
      version text primary key, statements text[], name text);`);
  for (const migration of migrations) await applyOnce(database, migration);
}

/** One transaction per file; the row's lock makes servers that start together apply it once. */
async function applyOnce(database, { version, name, sql }) {
  const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
  const tag = `migration_${version}`;
  if (sql.includes(`$${tag}$`)) throw new Error(`migration ${version} contains its own quote tag`);
  try {
    await database.exec(`
      do $outer_${tag}$
      begin
        insert into supabase_migrations.schema_migrations (version, name, statements)
          values (${quoted(version)}, ${quoted(name)}, array[$${tag}$${sql}$${tag}$])
          on conflict do nothing;
        if found then
          execute $${tag}$${sql}$${tag}$;
        end if;
      end $outer_${tag}$;`);
  } catch (cause) {
    throw new Error(`migration ${version}_${name}.sql failed: ${cause.message}`, { cause });
  }
}
