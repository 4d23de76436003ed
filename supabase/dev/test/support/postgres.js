// Owns where tests find PostgreSQL: TEST_DATABASE_URL, or 127.0.0.1:5432 for the user postgres.

import postgres from 'postgres';

const configured = process.env.TEST_DATABASE_URL || undefined;
const adminUrl = configured ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Why there is none, or undefined. */
export async function reasonUnreachable() {
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

/** A new, empty database, and how to get rid of it. */
export async function createDatabase() {
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
