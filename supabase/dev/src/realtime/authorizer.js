// Owns the question "may this bearer read or write this topic?", answered the way the hosted service
// answers it: by the policies on realtime.messages, as the bearer, in a transaction that is undone.

const EXTENSIONS = ['broadcast', 'presence'];
const ROLES = new Set(['anon', 'authenticated', 'service_role']);
const NOTHING = { broadcast: false, presence: false };

/** Thrown to undo the transaction; carries what was learned in it. */
class Undo extends Error {
  constructor(answer) {
    super('undo');
    this.answer = answer;
  }
}

/** @param {import('../database.js').Database} database */
export function createAuthorizer(database) {
  async function undoing(claims, probe) {
    if (!ROLES.has(claims.role)) return NOTHING;
    try {
      return await database.transaction(async (query) => {
        throw new Undo(await probe(query));
      });
    } catch (error) {
      if (error instanceof Undo) return error.answer;
      throw error;
    }
  }

  const become = (query, claims, topic) =>
    query(
      `select set_config('realtime.topic', $1, true), set_config('request.jwt.claims', $2, true),
         set_config('request.jwt.claim.sub', $3, true), set_config('request.jwt.claim.role', $4, true),
         set_config('request.headers', '{}', true), set_config('role', $4, true)`,
      [topic, JSON.stringify(claims), claims.sub ?? '', claims.role],
    );

  return {
    /** @returns {Promise<{broadcast: boolean, presence: boolean}>} */
    mayRead: (claims, topic) =>
      undoing(claims, async (query) => {
        const probes = await query(
          `insert into realtime.messages (topic, extension, private)
           select $1, unnest(array['broadcast', 'presence']), true returning id`,
          [topic],
        );
        await become(query, claims, topic);
        const visible = await query(
          'select extension from realtime.messages where topic = $1 and id in ($2, $3)',
          [topic, ...probes.map((probe) => probe.id)],
        );
        return {
          broadcast: visible.some((row) => row.extension === 'broadcast'),
          presence: visible.some((row) => row.extension === 'presence'),
        };
      }),

    /** @returns {Promise<{broadcast: boolean, presence: boolean}>} */
    mayWrite: (claims, topic) =>
      undoing(claims, async (query) => {
        await become(query, claims, topic);
        const allowed = { ...NOTHING };
        for (const extension of EXTENSIONS) {
          await query('savepoint probe');
          try {
            await query(
              'insert into realtime.messages (topic, extension, private) values ($1, $2, true)',
              [topic, extension],
            );
            allowed[extension] = true;
          } catch (error) {
            if (error.code !== '42501') throw error; // anything but "no policy allows it" is a fault
          }
          await query('rollback to savepoint probe');
        }
        return allowed;
      }),
  };
}
