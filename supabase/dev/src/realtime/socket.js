// Owns one WebSocket: its frames in and out, its heartbeats, which channels it has.

import { Channel, JoinRefused } from './channel.js';
import { decode, encode } from './serializer.js';

/** The hosted service hangs up on clients that have been silent for this long. */
const IDLE_MS = 60_000;

export class Socket {
  #ws;
  #services;
  #channels = new Map();
  /** Per topic: frames are handled one after the other, in the order they came. */
  #work = new Map();
  #idle;

  constructor(ws, { version, apikey }, services) {
    this.version = version;
    this.apikey = apikey;
    this.#ws = ws;
    this.#services = services;
    this.#idle = setTimeout(() => ws.close(1000), IDLE_MS).unref();
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('close', () => this.#gone());
    // A broken connection also closes; there is nothing to add to that.
    ws.on('error', () => {});
  }

  send(frame) {
    this.write(encode(frame, this.version));
  }

  /** @param {string | Buffer} data  an encoded frame */
  write(data) {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#services.stats.frame('out', Buffer.byteLength(data));
    this.#ws.send(data);
  }

  close(code) {
    this.#ws.close(code);
  }

  closeChannels(message) {
    for (const channel of [...this.#channels.values()]) channel.closeBecause(message);
  }

  forget(channel) {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
  }

  #gone() {
    clearTimeout(this.#idle);
    for (const channel of this.#channels.values()) channel.stop();
    this.#channels.clear();
  }

  #receive(data, isBinary) {
    this.#services.stats.frame('in', data.length);
    this.#idle.refresh();
    const frame = decode(data, isBinary, this.version);
    if (!frame) return;
    if (frame.topic === 'phoenix') return this.#heartbeat(frame);
    const { topic } = frame;
    const done = (this.#work.get(topic) ?? Promise.resolve())
      .then(() => this.#handle(frame))
      .catch((error) => {
        console.error(`realtime: ${frame.event} on ${topic} failed:`, error);
        this.send({ ...frame, ref: frame.joinRef, event: 'phx_error', payload: {} });
      })
      .finally(() => {
        if (this.#work.get(topic) === done) this.#work.delete(topic);
      });
    this.#work.set(topic, done);
  }

  #heartbeat(frame) {
    if (frame.event === 'heartbeat' && !this.#services.faults.ignoreHeartbeats) {
      this.#answer({ ...frame, joinRef: null }, 'ok', {});
    }
  }

  async #handle(frame) {
    if (frame.event === 'phx_join') return this.#join(frame);
    const channel = this.#channels.get(frame.topic);
    if (!channel) {
      if (frame.event === 'phx_leave') return this.#answer(frame, 'ok', {});
      return this.#answer({ ...frame, joinRef: null }, 'error', { reason: 'unmatched topic' });
    }
    // Meant for an earlier join of this topic.
    if (frame.joinRef !== null && frame.joinRef !== channel.joinRef) return undefined;
    return channel.handle(frame);
  }

  async #join(frame) {
    this.#channels.get(frame.topic)?.close();
    const channel = new Channel(this, frame, this.#services);
    try {
      await channel.join();
    } catch (error) {
      if (!(error instanceof JoinRefused)) throw error;
      await delay(this.#services.faults.joinErrorDelayMs);
      return channel.reply(frame.ref, 'error', { reason: error.message });
    }
    if (this.#ws.readyState !== this.#ws.OPEN) return; // it left while its permissions were looked up
    this.#channels.set(frame.topic, channel);
    channel.start(frame.ref);
  }

  #answer({ joinRef, ref, topic }, status, response) {
    this.send({ joinRef, ref, topic, event: 'phx_reply', payload: { status, response } });
  }
}

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
