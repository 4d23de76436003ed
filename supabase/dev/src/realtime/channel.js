// Owns one joined topic of one socket: its permissions, its token, what its client sends on it.

import { expiredMessage, TokenError } from './tokens.js';

const TOPIC_PREFIX = 'realtime:';
/** Of a broadcast, as JSON; the hosted limit of the paid plans. */
const MAX_PAYLOAD_BYTES = 3_000_000;
/** Calls a client may make in a while; whoever makes more is shown out. */
const PRESENCE_CALLS = 5;
const PRESENCE_WINDOW_MS = 30_000;
/** A token is looked at again at least this often. */
const MAX_RECHECK_MS = 5 * 60 * 1000;

/** Why a join is refused, in the words of the hosted service. */
export class JoinRefused extends Error {}

export class Channel {
  #services;
  #space;
  #config;
  #token;
  #claims;
  #recheck;
  /** Asked at the first send, then remembered until the token changes. */
  #mayWrite;
  #mayReadPresence;
  /** When the latest presence calls came. */
  #presenceCalls = [];

  constructor(socket, frame, services) {
    this.socket = socket;
    this.topic = frame.topic;
    this.joinRef = frame.joinRef ?? frame.ref;
    this.#services = services;
    this.#config = parseConfig(frame.payload.config);
    this.#token = bearerToken(frame.payload.access_token) ?? socket.apikey;
  }

  get isPrivate() {
    return this.#config.isPrivate;
  }

  /** As policies and clients know it. */
  get name() {
    return this.topic.slice(TOPIC_PREFIX.length);
  }

  /** @throws {JoinRefused} */
  async join() {
    if (!this.topic.startsWith(TOPIC_PREFIX) || this.name === '') {
      throw new JoinRefused('TopicNameRequired: You must provide a topic name');
    }
    const refusal = this.#services.faults.takeJoinRefusal();
    if (refusal) throw new JoinRefused(refusal);
    if (this.#config.replay && !this.isPrivate) {
      throw new JoinRefused('UnableToReplayMessages: Replay is not allowed for public channels');
    }
    try {
      this.#claims = await this.#services.tokens.verify(this.#token);
    } catch (error) {
      if (error instanceof TokenError) throw new JoinRefused(error.message);
      throw error;
    }
    if (!(await this.#mayRead())) {
      throw new JoinRefused(
        `Unauthorized: You do not have permissions to read from this Channel topic: ${this.name}`,
      );
    }
    if (this.#config.replay) {
      this.#config.replayed = await this.#services.feed.recent(this.name, this.#config.replay);
    }
  }

  /** Everything a client may expect right after its join was granted, in the hosted order. */
  start(ref) {
    this.#space = this.#services.hub.enter(this);
    this.#services.stats.realtime('joins');
    this.#scheduleRecheck();
    // Postgres Changes are not served: a client that asked for any sees that its list is not echoed.
    this.reply(ref, 'ok', { postgres_changes: [] });
    if (this.#config.presenceEnabled) this.#sendPresenceState();
    if (this.#config.replicationReady) this.#announceReplication();
    for (const message of this.#config.replayed ?? []) this.#send('broadcast', message);
  }

  async handle({ event, payload, ref, binary }) {
    switch (event) {
      case 'broadcast':
        return this.#broadcast(payload, ref, binary ?? false);
      case 'presence':
        return this.#presence(payload, ref);
      case 'access_token':
        return this.#newToken(payload.access_token);
      case 'phx_leave':
        this.reply(ref, 'ok', {});
        return this.close();
      default:
      // Realtime answers nothing to events that it does not know.
    }
  }

  reply(ref, status, response) {
    this.#frame('phx_reply', { status, response }, ref);
  }

  sendPresenceDiff(diff) {
    if (!this.#config.presenceEnabled) return;
    const { topic } = this;
    this.socket.send({ joinRef: null, ref: null, topic, event: 'presence_diff', payload: diff });
  }

  /** Tells the client why, then closes the channel; the socket stays open. */
  closeBecause(message) {
    this.#system('error', message);
    this.close();
  }

  close() {
    this.stop();
    this.#frame('phx_close', {}, this.joinRef);
    this.socket.forget(this);
  }

  /** Leaves without a word: for a socket that is gone. */
  stop() {
    clearTimeout(this.#recheck);
    this.#services.hub.leave(this);
  }

  async #mayRead() {
    this.#mayWrite = undefined;
    if (!this.isPrivate) {
      this.#mayReadPresence = true;
      return true;
    }
    const { broadcast, presence } = await this.#services.authorizer.mayRead(this.#claims, this.name);
    this.#mayReadPresence = presence;
    return broadcast || presence;
  }

  async #mayWriteTo(extension) {
    if (!this.isPrivate) return true;
    this.#mayWrite ??= await this.#services.authorizer.mayWrite(this.#claims, this.name);
    return this.#mayWrite[extension];
  }

  async #broadcast({ event, payload = {} }, ref, binary) {
    // A denied broadcast is dropped in silence, even if the client asked for an acknowledgement.
    if (typeof event !== 'string' || !(await this.#mayWriteTo('broadcast'))) return;
    const size = Buffer.isBuffer(payload) ? payload.length : JSON.stringify(payload).length;
    if (size > MAX_PAYLOAD_BYTES) {
      if (this.#config.ack) this.reply(ref, 'error', 'payload_size_exceeded');
      return;
    }
    const { topic, isPrivate } = this;
    this.#services.hub.publish(
      { topic, isPrivate, event, payload, binary },
      this.#config.self ? undefined : this,
    );
    if (this.#config.ack) this.reply(ref, 'ok', {});
  }

  async #presence({ event, payload = {} }, ref) {
    const now = Date.now();
    this.#presenceCalls = this.#presenceCalls.filter((at) => at > now - PRESENCE_WINDOW_MS);
    if (this.#presenceCalls.push(now) > PRESENCE_CALLS) {
      return this.closeBecause('Client presence rate limit exceeded');
    }
    if (JSON.stringify(payload).length > MAX_PAYLOAD_BYTES) {
      return this.closeBecause('Track message size exceeded');
    }
    if (!(await this.#mayWriteTo('presence'))) return this.reply(ref, 'error', {});
    const { hub } = this.#services;
    const { presence } = this.#space;
    switch (event?.toLowerCase?.()) {
      case 'track':
        if (!this.#config.presenceEnabled) {
          this.#config.presenceEnabled = true;
          this.#sendPresenceState();
        }
        hub.announcePresence(this.#space, presence.track(this, this.#config.presenceKey, payload));
        return this.reply(ref, 'ok', {});
      case 'untrack':
        hub.announcePresence(this.#space, presence.untrack(this));
        return this.reply(ref, 'ok', {});
      default:
        return this.reply(ref, 'error', {});
    }
  }

  async #newToken(offered) {
    const token = bearerToken(offered);
    if (token === undefined || token === this.#token) return;
    try {
      const claims = await this.#services.tokens.verify(token);
      this.#token = token;
      this.#claims = claims;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return this.closeBecause(error.message.replace(/^\w+: /, ''));
    }
    if (!(await this.#mayRead())) {
      return this.closeBecause(
        `You no longer have permission to read from this Channel topic: ${this.name}`,
      );
    }
    this.#scheduleRecheck();
  }

  #scheduleRecheck() {
    clearTimeout(this.#recheck);
    const remainingMs = this.#claims.exp * 1000 - Date.now();
    this.#recheck = setTimeout(
      () => {
        if (this.#claims.exp * 1000 <= Date.now()) this.closeBecause(expiredMessage(this.#claims.exp));
        else this.#scheduleRecheck();
      },
      Math.min(Math.max(remainingMs, 0), MAX_RECHECK_MS),
    ).unref();
  }

  #announceReplication() {
    const { faults } = this.#services;
    setTimeout(() => {
      if (!this.#isOpen()) return;
      if (faults.listenerOutage) {
        this.closeBecause('Replication connection was not established in time');
      } else {
        this.#system('ok', 'Replication connection established');
      }
    }, faults.systemDelayMs).unref();
  }

  #isOpen() {
    return this.#space.channels.has(this);
  }

  #sendPresenceState() {
    if (this.#mayReadPresence) this.#send('presence_state', this.#space.presence.state());
  }

  #system(status, message) {
    this.#send('system', { extension: 'system', status, message, channel: this.name });
  }

  #send(event, payload) {
    this.#frame(event, payload, null);
  }

  #frame(event, payload, ref) {
    this.socket.send({ joinRef: this.joinRef, ref, topic: this.topic, event, payload });
  }
}

/** Publishable and secret keys are no tokens: the connection's own key stands in for them. */
function bearerToken(token) {
  return typeof token === 'string' && !token.startsWith('sb_') ? token : undefined;
}

const flag = (value, otherwise) =>
  value === undefined || value === null ? otherwise : value === true || value === 'true';

/** Like the hosted service: what is malformed takes its default instead of failing the join. */
function parseConfig(config) {
  const { broadcast = {}, presence = {} } = config ?? {};
  const { replay } = broadcast ?? {};
  return {
    isPrivate: flag(config?.private, false),
    ack: flag(broadcast?.ack, false),
    self: flag(broadcast?.self, false),
    replicationReady: flag(broadcast?.replication_ready, false),
    replay: Number.isFinite(replay?.since) ? replay : undefined,
    presenceEnabled: flag(presence?.enabled, true),
    presenceKey: presence?.key || crypto.randomUUID(),
  };
}
