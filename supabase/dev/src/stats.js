// Owns the counters behind GET /dev/stats: what clients asked for and what it cost on the wire.

const nothing = () => ({
  requests: {},
  total: { requests: 0, bytes_in: 0, bytes_out: 0 },
  realtime: {
    connections: 0, // opened
    joins: 0, // granted
    broadcasts: 0, // messages published, whatever their origin
    deliveries: 0, // one per message and receiving channel
    frames_in: 0,
    frames_out: 0,
    bytes_in: 0, // frame payloads
    bytes_out: 0,
  },
});

export class Stats {
  #counts = nothing();
  /** What of a kept-alive socket's bytes has been attributed to earlier requests. */
  #attributed = new WeakMap();

  /** Counts a request when its reply has ended, headers and framing included. */
  request({ method, path, incoming, outgoing }) {
    const counts = this.#counts;
    const { socket } = incoming;
    outgoing.once('close', () => {
      const before = this.#attributed.get(socket) ?? { read: 0, written: 0 };
      const now = { read: socket.bytesRead, written: socket.bytesWritten };
      this.#attributed.set(socket, now);
      const entry = (counts.requests[`${method} ${path}`] ??= {
        count: 0,
        bytes_in: 0,
        bytes_out: 0,
      });
      entry.count += 1;
      counts.total.requests += 1;
      for (const sum of [entry, counts.total]) {
        sum.bytes_in += now.read - before.read;
        sum.bytes_out += now.written - before.written;
      }
    });
  }

  realtime(counter, by = 1) {
    this.#counts.realtime[counter] += by;
  }

  frame(direction, bytes) {
    this.#counts.realtime[`frames_${direction}`] += 1;
    this.#counts.realtime[`bytes_${direction}`] += bytes;
  }

  snapshot() {
    return structuredClone(this.#counts);
  }

  reset() {
    this.#counts = nothing();
  }
}
