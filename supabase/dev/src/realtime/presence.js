// Owns who is present in one topic: Phoenix presence, reduced to a single server.

import { isDeepStrictEqual } from 'node:util';

let lastRef = 0;
const nextRef = () => `F${(lastRef += 1).toString(36)}`;

export class Presence {
  /** channel → {key, meta, tracked}; one person may be here through several channels. */
  #entries = new Map();

  /** @returns {object | undefined} the diff to announce; undefined if nothing changed */
  track(channel, key, tracked) {
    const previous = this.#entries.get(channel);
    if (previous && isDeepStrictEqual(previous.tracked, tracked)) return undefined;
    const meta = { ...tracked, phx_ref: nextRef() };
    if (previous) meta.phx_ref_prev = previous.meta.phx_ref;
    this.#entries.set(channel, { key, meta, tracked });
    return { joins: entry(key, meta), leaves: previous ? entry(key, previous.meta) : {} };
  }

  /** @returns {object | undefined} the diff to announce; undefined if it was not tracked */
  untrack(channel) {
    const previous = this.#entries.get(channel);
    if (!previous) return undefined;
    this.#entries.delete(channel);
    return { joins: {}, leaves: entry(previous.key, previous.meta) };
  }

  state() {
    const state = {};
    for (const { key, meta } of this.#entries.values()) (state[key] ??= { metas: [] }).metas.push(meta);
    return state;
  }
}

const entry = (key, meta) => ({ [key]: { metas: [meta] } });
