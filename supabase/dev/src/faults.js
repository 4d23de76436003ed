// Owns the fault knobs: what is to go wrong next, and how often. The parts that can fail ask it;
// it never acts on its own. The knobs are documented in docs/backend.md.

const REST_ACTIONS = ['fail', 'drop_reply', 'delay'];
const BROADCAST_ACTIONS = ['drop', 'duplicate', 'delay'];

export class InvalidFault extends Error {}

export class Faults {
  #usualDelays;

  /** @param {{delays: boolean}} options  whether refusals take as long as on hosted projects */
  constructor({ delays }) {
    this.#usualDelays = delays ? { join: 5000, handshake: 2000 } : { join: 0, handshake: 0 };
    this.reset();
  }

  reset() {
    this.joinErrorDelayMs = this.#usualDelays.join;
    this.handshakeErrorDelayMs = this.#usualDelays.handshake;
    this.systemDelayMs = 0;
    this.ignoreHeartbeats = false;
    this.listenerOutage = false;
    this.rest = [];
    this.broadcasts = [];
    this.joinRefusals = [];
  }

  /** Sets the knobs that the body names and leaves the others alone. All or nothing. */
  configure(body) {
    if (body === null || typeof body !== 'object' || Array.isArray(body)) {
      throw new InvalidFault('the body must be a JSON object');
    }
    const changes = Object.entries(body).map(([knob, value]) => {
      const parse = KNOBS[knob];
      if (!parse) throw new InvalidFault(`unknown knob "${knob}"; known: ${Object.keys(KNOBS).join(', ')}`);
      return parse(value, knob);
    });
    if (body.reset) this.reset();
    for (const change of changes) change(this);
  }

  /** The fault for this request, if one is waiting. */
  takeRest(path) {
    return take(this.rest, (fault) => path.startsWith(fault.path));
  }

  /** When to deliver the next broadcast: one delay in milliseconds per copy. */
  takeBroadcast() {
    const fault = take(this.broadcasts, () => true);
    if (!fault) return [0];
    return { drop: [], duplicate: [0, 0], delay: [fault.delay_ms] }[fault.action];
  }

  /** The reason to refuse the next join with, if it is to be refused. */
  takeJoinRefusal() {
    return take(this.joinRefusals, () => true)?.reason;
  }

  pending() {
    return {
      join_error_delay_ms: this.joinErrorDelayMs,
      handshake_error_delay_ms: this.handshakeErrorDelayMs,
      system_delay_ms: this.systemDelayMs,
      ignore_heartbeats: this.ignoreHeartbeats,
      listener_outage: this.listenerOutage,
      rest: this.rest,
      broadcasts: this.broadcasts,
      refuse_joins: this.joinRefusals,
    };
  }
}

function take(queue, matches) {
  const place = queue.findIndex(matches);
  if (place < 0) return undefined;
  const fault = queue[place];
  fault.count -= 1;
  if (fault.count === 0) queue.splice(place, 1);
  return fault;
}

/** What each knob accepts, and what it then does to the faults. */
const KNOBS = {
  reset: (value) => {
    if (value !== true) throw new InvalidFault('reset takes true');
    return () => {};
  },
  join_error_delay_ms: milliseconds('joinErrorDelayMs'),
  handshake_error_delay_ms: milliseconds('handshakeErrorDelayMs'),
  system_delay_ms: milliseconds('systemDelayMs'),
  ignore_heartbeats: toggle('ignoreHeartbeats'),
  listener_outage: toggle('listenerOutage'),
  rest: list('rest', (fault, knob) => ({
    path: text(fault.path, `${knob}.path`),
    action: oneOf(fault.action, REST_ACTIONS, `${knob}.action`),
    status: whole(fault.status ?? 503, 400, 599, `${knob}.status`),
    delay_ms: whole(fault.delay_ms ?? 0, 0, 600_000, `${knob}.delay_ms`),
  })),
  broadcasts: list('broadcasts', (fault, knob) => ({
    action: oneOf(fault.action, BROADCAST_ACTIONS, `${knob}.action`),
    delay_ms: whole(fault.delay_ms ?? 0, 0, 600_000, `${knob}.delay_ms`),
  })),
  refuse_joins: list('joinRefusals', (fault, knob) => ({
    reason: text(fault.reason ?? 'InitializingProjectConnection: Connecting', `${knob}.reason`),
  })),
};

function milliseconds(field) {
  return (value, knob) => {
    const ms = whole(value, 0, 600_000, knob);
    return (faults) => (faults[field] = ms);
  };
}

function toggle(field) {
  return (value, knob) => {
    if (typeof value !== 'boolean') throw new InvalidFault(`${knob} takes true or false`);
    return (faults) => (faults[field] = value);
  };
}

/** Adds to what is already waiting; each entry may say how often it applies. */
function list(field, parse) {
  return (value, knob) => {
    const entries = (Array.isArray(value) ? value : [value]).map((fault) => {
      if (fault === null || typeof fault !== 'object') throw new InvalidFault(`${knob} takes objects`);
      return { ...parse(fault, knob), count: whole(fault.count ?? 1, 1, 1e9, `${knob}.count`) };
    });
    return (faults) => faults[field].push(...entries);
  };
}

function whole(value, min, max, what) {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidFault(`${what} takes a whole number from ${min} to ${max}`);
  }
  return value;
}

function text(value, what) {
  if (typeof value !== 'string' || value === '') throw new InvalidFault(`${what} takes a string`);
  return value;
}

function oneOf(value, allowed, what) {
  if (!allowed.includes(value)) throw new InvalidFault(`${what} is one of ${allowed.join(', ')}`);
  return value;
}
