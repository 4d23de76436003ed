// Owns the way from a committed row of realtime.messages to the hub: notified by id, read back, and
// published in commit order. Rows that nobody is listening for are not kept for later.

const NOTIFIED = 'realtime_messages';
const MAX_REPLAY = 25;

export class Feed {
  #database;
  #hub;
  #faults;
  #waiting = [];
  #isDraining = false;

  constructor({ database, hub, faults }) {
    this.#database = database;
    this.#hub = hub;
    this.#faults = faults;
  }

  async start() {
    await this.#database.listen(NOTIFIED, (id) => {
      // The hosted service's replication slot is temporary: what an outage misses stays missed.
      if (this.#faults.listenerOutage) return;
      this.#waiting.push(id);
      this.#drain();
    });
  }

  /** What was sent to a private topic since a time, as a join replays it: oldest first. */
  async recent(topic, { since, limit }) {
    const rows = await this.#database.query(
      `select id, event, payload from realtime.messages
       where topic = $1 and private and extension = 'broadcast'
         and inserted_at >= to_timestamp($2::float8 / 1000) at time zone 'utc'
       order by inserted_at desc, id limit $3`,
      [topic, since, Math.min(Number.isInteger(limit) && limit > 0 ? limit : MAX_REPLAY, MAX_REPLAY)],
    );
    return rows.reverse().map(({ id, event, payload }) => ({
      type: 'broadcast',
      event,
      payload,
      meta: { id, replayed: true },
    }));
  }

  /** One reader at a time, or a slow read could be overtaken by the next. */
  async #drain() {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      while (this.#waiting.length > 0) await this.#publish(this.#waiting.splice(0));
    } catch (error) {
      console.error('realtime: reading messages failed:', error);
    } finally {
      this.#isDraining = false;
    }
  }

  async #publish(ids) {
    const rows = await this.#database.query(
      `select id, topic, event, payload, private from realtime.messages
       where id in (select unnest(string_to_array($1, ','))::uuid) and extension = 'broadcast'`,
      [ids.join(',')],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const id of ids) {
      const row = byId.get(id);
      if (!row) continue; // already removed again
      this.#hub.publish({
        topic: `realtime:${row.topic}`,
        isPrivate: row.private,
        event: row.event,
        payload: row.payload,
        meta: { id },
        binary: true,
      });
    }
  }
}
