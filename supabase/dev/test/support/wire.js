// Owns a Realtime client that hides nothing: it sends frames and hands out what came back.

import WebSocket from 'ws';

const TIMEOUT_MS = 8000;

export class Wire {
  #ws;
  #version;
  #waiting = [];
  /** What came and was not asked for yet. */
  inbox = [];
  #lastRef = 0;

  /** @returns {Promise<Wire>} */
  static async connect({ ready }, { version = 2, apikey = ready.publishable_key } = {}) {
    const query = `apikey=${apikey}${version === 2 ? '&vsn=2.0.0' : ''}`;
    const ws = new WebSocket(`${ready.realtime_url}/websocket?${query}`);
    const wire = new Wire(ws, version);
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
    return wire;
  }

  constructor(ws, version) {
    this.#ws = ws;
    this.#version = version;
    this.closed = new Promise((resolve) => ws.once('close', resolve));
    ws.on('message', (data, isBinary) => this.#receive(isBinary ? decodeBinary(data) : this.#decode(data)));
  }

  send(topic, event, payload, { joinRef = null } = {}) {
    const ref = String((this.#lastRef += 1));
    this.raw(
      this.#version === 2
        ? [joinRef, ref, topic, event, payload]
        : { topic, event, payload, ref, join_ref: joinRef },
    );
    return ref;
  }

  raw(frame) {
    this.#ws.send(Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** Joins and gives the join_ref with the answer. */
  async join(topic, config = {}, token) {
    const ref = String((this.#lastRef += 1));
    const payload = { config: { presence: { enabled: false }, ...config }, access_token: token };
    this.raw(
      this.#version === 2
        ? [ref, ref, topic, 'phx_join', payload]
        : { topic, event: 'phx_join', payload, ref, join_ref: ref },
    );
    const reply = await this.replyTo(ref);
    return { joinRef: ref, ...reply.payload };
  }

  replyTo(ref) {
    return this.next((frame) => frame.event === 'phx_reply' && frame.ref === ref);
  }

  event(name) {
    return this.next((frame) => frame.event === name);
  }

  /** The first frame that matches, now or soon. */
  next(matches) {
    const place = this.inbox.findIndex(matches);
    if (place >= 0) return Promise.resolve(this.inbox.splice(place, 1)[0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no such frame; got ${JSON.stringify(this.inbox)}`)),
        TIMEOUT_MS,
      );
      this.#waiting.push({ matches, resolve, timer });
    });
  }

  close() {
    this.#ws.close();
    return this.closed;
  }

  #decode(data) {
    const message = JSON.parse(data.toString());
    if (this.#version !== 2) return { ...message, keys: Object.keys(message) };
    const [joinRef, ref, topic, event, payload] = message;
    return { joinRef, ref, topic, event, payload };
  }

  #receive(frame) {
    const place = this.#waiting.findIndex(({ matches }) => matches(frame));
    if (place < 0) return void this.inbox.push(frame);
    const [{ resolve, timer }] = this.#waiting.splice(place, 1);
    clearTimeout(timer);
    resolve(frame);
  }
}

/** Written from the format's description, not from the server's code. */
function decodeBinary(data) {
  const [kind, topicLength, eventLength, metaLength, encoding] = data;
  const text = (from, length) => data.subarray(from, from + length).toString('utf8');
  const topic = text(5, topicLength);
  const userEvent = text(5 + topicLength, eventLength);
  const meta = text(5 + topicLength + eventLength, metaLength);
  const body = data.subarray(5 + topicLength + eventLength + metaLength);
  return {
    kind,
    joinRef: null,
    ref: null,
    topic,
    event: 'broadcast',
    payload: {
      type: 'broadcast',
      event: userEvent,
      payload: encoding === 1 ? JSON.parse(body.toString()) : body,
      meta: meta === '' ? undefined : JSON.parse(meta),
    },
  };
}

/** A broadcast as realtime-js 2.0.0 sends it: header lengths, then the parts. */
export function binaryBroadcast({ joinRef, ref = '99', topic, event, payload }) {
  const raw = Buffer.isBuffer(payload);
  const parts = [joinRef, ref, topic, event, ''].map((part) => Buffer.from(part));
  const header = [0x03, ...parts.map((part) => part.length), raw ? 0 : 1];
  return Buffer.concat([
    Buffer.from(header),
    ...parts,
    raw ? payload : Buffer.from(JSON.stringify(payload)),
  ]);
}
