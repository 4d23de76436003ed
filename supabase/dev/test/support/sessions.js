// A program: sessions on a prepared database, for tests that call the functions far more often than
// HTTP allows, or that need a session of their own. One JSON request a line on standard input, one
// answer a line on standard output, in whatever order they are done. Ends when standard input closes.
//
//   node sessions.js pglite | postgres [SESSIONS]
//
// First line: {"ready": true}, or {"unreachable": "why"}. Requests:
//   {"id", "session", "as": uuid | null, "call": "function", "args": "{…}"}  as PostgREST calls it; args are
//                                                         text, for JSON.parse rounds numbers
//   {"id", "session", "query": "one statement that answers one JSON value"}  as the superuser
//   {"id", "session", "script": "statements"}                                 as the superuser
// Answers: {"id", "value"} or {"id", "error": {"code", "message", "detail", "hint"}}.

import { writeSync } from 'node:fs';
import postgres from 'postgres';
import { createInterface } from 'node:readline';
import { readOptions } from '../../src/options.js';
import { openBackend } from '../../src/server.js';
import { createDatabase, reasonUnreachable } from './postgres.js';

const SUPERUSER = Symbol('superuser');
const [kind, sessionCount = '1'] = process.argv.slice(2);

/** All of it, however long the answer is: a pipe takes it in pieces. */
function say(line) {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

/** Sessions that take `(text, params)` and answer rows, and how to end them all. */
async function openPostgres(count) {
  const created = await createDatabase();
  const { database } = await openBackend(readOptions(['--database-url', created.url], {}));
  await database.close();
  // Each with a single connection, which it keeps.
  const clients = Array.from({ length: count }, () =>
    postgres(created.url, {
      max: 1,
      max_lifetime: null,
      fetch_types: false,
      onnotice() {},
      // Nobody needs the data after a power cut.
      connection: { synchronous_commit: 'off' },
    }));
  const sessions = clients.map((sql) => ({
    query: (text, params) => sql.unsafe(text, params),
    script: (text) => sql.unsafe(text).simple(),
  }));
  const close = () => Promise.all(clients.map((sql) => sql.end({ timeout: 1 }))).then(created.drop);
  return { sessions, close };
}

async function openPglite() {
  const { database } = await openBackend(readOptions([], {}));
  const { driver } = database.connection;
  const session = {
    query: async (text, params) => (await driver.query(text, params)).rows,
    script: (text) => driver.exec(text),
  };
  return { sessions: [session], close: () => database.close() };
}

/** One request after the other, each as whoever it is for. */
class Session {
  #query;
  #script;
  #identity = SUPERUSER;
  #queue = Promise.resolve();

  constructor({ query, script }) {
    this.#query = query;
    this.#script = script;
  }

  answer(request) {
    const { id } = request;
    this.#queue = this.#queue
      .then(() => this.#do(request))
      .then((value) => say(`{"id":${id},"value":${value ?? 'null'}}`))
      .catch(({ code, message, detail, hint }) => say(JSON.stringify({ id, error: { code, message, detail, hint } })));
    return this.#queue;
  }

  async #do({ as = null, call, args, query, script }) {
    await this.#become(call === undefined ? SUPERUSER : as);
    if (script !== undefined) return void (await this.#script(script));
    if (query !== undefined) return (await this.#query(`select (${query})::text as value`, []))[0].value;
    const given = Object.keys(JSON.parse(args));
    const [row] = await this.#query(this.#callText(call, given), given.length === 0 ? [] : [args]);
    return row.value;
  }

  /** What PostgREST sets for each request. */
  async #become(identity) {
    if (this.#identity === identity) return;
    const role = identity === SUPERUSER ? 'none' : identity === null ? 'anon' : 'authenticated';
    const sub = role === 'authenticated' ? identity : '';
    const claims = sub === '' ? '' : JSON.stringify({ sub, role });
    await this.#query(
      `select set_config('role', $1::text, false), set_config('request.jwt.claim.sub', $2::text, false),
        set_config('request.jwt.claims', $3::text, false)`,
      [role, sub, claims],
    );
    this.#identity = identity;
  }

  #callText(name, given) {
    const types = signatures.get(name);
    if (types === undefined) throw Object.assign(new Error(`there is no function ${name}`), { code: 'PGRST202' });
    if (given.length === 0) return `select to_jsonb(public."${name}"())::text as value`;
    const passed = given.map((arg) => `"${arg}" => a."${arg}"`).join(', ');
    const typed = given.map((arg) => `"${arg}" ${types[arg]}`).join(', ');
    return `select to_jsonb(public."${name}"(${passed}))::text as value
      from json_to_record($1::text::json) as a(${typed})`;
  }
}

const unreachable = kind === 'postgres' ? await reasonUnreachable() : undefined;
if (unreachable) {
  say(JSON.stringify({ unreachable }));
  process.exit(0);
}
const { sessions: opened, close } = await (kind === 'postgres' ? openPostgres(Number(sessionCount)) : openPglite());

/** The argument types of every function of the API: {"push_artifacts": {"team": "uuid", …}}. */
const signatures = new Map(
  (
    await opened[0].query(
      `select p.proname as name, (
          select json_object_agg(a.name, a.type::regtype::text)::text
          from unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) a (name, type)) as types
        from pg_proc p where p.pronamespace = 'public'::regnamespace`,
      [],
    )
  ).map(({ name, types }) => [name, JSON.parse(types) ?? {}]),
);
const sessions = opened.map((session) => new Session(session));
say('{"ready":true}');
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  void sessions[request.session % sessions.length].answer(request);
}
await close();
process.exit(0);
