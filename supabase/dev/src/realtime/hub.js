// Owns who is joined where, and the fan-out to them.
//
// A public and a private topic of one name are separate spaces.

import { Presence } from './presence.js';
import { encodeBroadcast } from './serializer.js';

export class Hub {
  #spaces = new Map();
  #faults;
  #stats;

  constructor({ faults, stats }) {
    this.#faults = faults;
    this.#stats = stats;
  }

  enter(channel) {
    const name = spaceName(channel.topic, channel.isPrivate);
    let space = this.#spaces.get(name);
    if (!space) this.#spaces.set(name, (space = { channels: new Set(), presence: new Presence() }));
    space.channels.add(channel);
    return space;
  }

  leave(channel) {
    const name = spaceName(channel.topic, channel.isPrivate);
    const space = this.#spaces.get(name);
    if (!space?.channels.delete(channel)) return;
    this.announcePresence(space, space.presence.untrack(channel));
    if (space.channels.size === 0) this.#spaces.delete(name);
  }

  announcePresence(space, diff) {
    if (!diff) return;
    for (const channel of space.channels) channel.sendPresenceDiff(diff);
  }

  /**
   * @param {object} broadcast
   * @param {string} broadcast.topic  with its `realtime:` prefix
   * @param {boolean} broadcast.isPrivate
   * @param {boolean} broadcast.binary  whether 2.0.0 receivers get it as a binary frame
   * @param {object} [except]  the sending channel, unless it wants its own messages
   */
  publish(broadcast, except) {
    this.#stats.realtime('broadcasts');
    for (const delay of this.#faults.takeBroadcast()) {
      if (delay === 0) this.#fanOut(broadcast, except);
      else setTimeout(() => this.#fanOut(broadcast, except), delay).unref();
    }
  }

  #fanOut(broadcast, except) {
    const space = this.#spaces.get(spaceName(broadcast.topic, broadcast.isPrivate));
    if (!space) return;
    const frames = new Map(); // version → bytes, encoded once
    for (const channel of space.channels) {
      if (channel === except) continue;
      const { version } = channel.socket;
      if (!frames.has(version)) frames.set(version, encodeBroadcast(broadcast, version));
      const frame = frames.get(version);
      if (frame === undefined) continue;
      this.#stats.realtime('deliveries');
      channel.socket.write(frame);
    }
  }
}

const spaceName = (topic, isPrivate) => `${isPrivate ? 'private' : 'public'} ${topic}`;
