// Owns the two wire formats of Phoenix channels as Realtime speaks them: 1.0.0 (JSON objects) and
// 2.0.0 (JSON arrays, and binary frames for broadcasts).

const CLIENT_BROADCAST = 0x03;
const SERVER_BROADCAST = 0x04;
const RAW = 0;
const JSON_ENCODED = 1;
/** Lengths in binary headers are one byte. */
const MAX_LENGTH = 255;

/**
 * @typedef {object} Frame
 * @property {string | null} joinRef
 * @property {string | null} ref
 * @property {string} topic
 * @property {string} event
 * @property {object} payload
 * @property {boolean} [binary]  a broadcast that came as a binary frame
 */

/** @returns {Frame | undefined} undefined for a malformed frame, which the server ignores */
export function decode(data, isBinary, version) {
  try {
    if (isBinary) return version === 2 ? decodeBroadcast(data) : undefined;
    const message = JSON.parse(data.toString('utf8'));
    const frame = version === 2 ? fromArray(message) : fromObject(message);
    const wellFormed =
      frame && typeof frame.topic === 'string' && typeof frame.event === 'string';
    return wellFormed ? { ...frame, payload: frame.payload ?? {} } : undefined;
  } catch {
    return undefined;
  }
}

function fromArray(message) {
  if (!Array.isArray(message) || message.length !== 5) return undefined;
  const [joinRef, ref, topic, event, payload] = message;
  return { joinRef, ref, topic, event, payload };
}

function fromObject(message) {
  for (const key of ['topic', 'event', 'payload', 'ref']) if (!(key in message)) return undefined;
  const { join_ref: joinRef = null, ref, topic, event, payload } = message;
  return { joinRef, ref, topic, event, payload };
}

function decodeBroadcast(data) {
  if (data.length < 7 || data[0] !== CLIENT_BROADCAST) return undefined;
  const encoding = data[6];
  let offset = 7;
  const [joinRef, ref, topic, event] = [1, 2, 3, 4].map((place) => {
    const part = data.subarray(offset, offset + data[place]).toString('utf8');
    offset += data[place];
    return part;
  });
  offset += data[5]; // client metadata: nothing here reads it
  if (offset > data.length) return undefined;
  const body = data.subarray(offset);
  return {
    joinRef: joinRef || null,
    ref: ref || null,
    topic,
    event: 'broadcast',
    payload: {
      type: 'broadcast',
      event,
      payload: encoding === JSON_ENCODED ? JSON.parse(body.toString('utf8')) : body,
    },
    binary: true,
  };
}

/** @param {Frame} frame  @returns {string} */
export function encode({ joinRef, ref, topic, event, payload }, version) {
  return JSON.stringify(
    version === 2 ? [joinRef, ref, topic, event, payload] : { topic, event, payload, ref },
  );
}

/**
 * A broadcast as it fans out, the same bytes for every receiver of one version.
 * @param {{topic: string, event: string, payload: unknown, meta?: object, binary: boolean}} broadcast
 * @returns {string | Buffer | undefined} undefined where the version cannot express it
 */
export function encodeBroadcast({ topic, event, payload, meta, binary }, version) {
  const raw = Buffer.isBuffer(payload);
  if (version === 2 && binary) {
    const frame = encodeBinary(topic, event, meta, raw ? payload : JSON.stringify(payload), raw);
    if (frame) return frame;
  }
  if (raw) return undefined;
  const body = { type: 'broadcast', event, payload, ...(meta && { meta }) };
  return encode({ joinRef: null, ref: null, topic, event: 'broadcast', payload: body }, version);
}

function encodeBinary(topic, event, meta, body, raw) {
  const parts = [topic, event, meta ? JSON.stringify(meta) : ''].map((part) => Buffer.from(part));
  if (parts.some((part) => part.length > MAX_LENGTH)) return undefined;
  const header = [SERVER_BROADCAST, ...parts.map((part) => part.length), raw ? RAW : JSON_ENCODED];
  return Buffer.concat([Buffer.from(header), ...parts, Buffer.from(body)]);
}
