// Owns the guarantee that one request's transaction is never entered by another on PGlite.
//
// PGlite is a single connection, and Supabase Lite hands it to every request at once: two requests
// that overlap would share one BEGIN, and the second would run under the first one's identity. This
// Kysely dialect hands the connection out to one holder at a time, first come, first served.

import { CompiledQuery, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';

export function exclusiveDialect(pglite) {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new ExclusiveDriver(pglite),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class ExclusiveDriver {
  #pglite;
  #lastHolder = Promise.resolve();

  constructor(pglite) {
    this.#pglite = pglite;
  }

  async init() {}

  async acquireConnection() {
    const previous = this.#lastHolder;
    let release;
    this.#lastHolder = new Promise((resolve) => (release = resolve));
    await previous;
    return new PgliteSession(this.#pglite, release);
  }

  async releaseConnection(session) {
    session.release();
  }

  beginTransaction(session) {
    return session.executeQuery(CompiledQuery.raw('begin'));
  }

  commitTransaction(session) {
    return session.executeQuery(CompiledQuery.raw('commit'));
  }

  rollbackTransaction(session) {
    return session.executeQuery(CompiledQuery.raw('rollback'));
  }

  // PGlite itself is closed by the connection that owns it.
  async destroy() {}
}

class PgliteSession {
  #pglite;

  constructor(pglite, release) {
    this.#pglite = pglite;
    this.release = release;
  }

  async executeQuery({ sql, parameters }) {
    const { rows, affectedRows } = await this.#pglite.query(sql, [...parameters]);
    return {
      rows,
      numAffectedRows: typeof affectedRows === 'number' ? BigInt(affectedRows) : undefined,
    };
  }

  // Part of Kysely's interface; nothing here streams.
  async *streamQuery() {
    throw new Error('PGlite does not stream');
  }
}
