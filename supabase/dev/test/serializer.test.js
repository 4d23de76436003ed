import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, encodeBroadcast } from '../src/realtime/serializer.js';
import { binaryBroadcast } from './support/wire.js';

const frame = { joinRef: '1', ref: '2', topic: 'realtime:ä', event: 'ev', payload: { n: 1 } };

test('frames survive both versions, but 1.0.0 carries no join_ref to the client', () => {
  assert.deepEqual(decode(Buffer.from(encode(frame, 2)), false, 2), frame);
  const { joinRef, ...rest } = frame;
  assert.deepEqual(JSON.parse(encode(frame, 1)), rest);
});

test('1.0.0 requires all four keys', () => {
  for (const key of ['topic', 'event', 'payload', 'ref']) {
    const message = { topic: 't', event: 'e', payload: {}, ref: '1' };
    assert.ok(decode(Buffer.from(JSON.stringify(message)), false, 1));
    delete message[key];
    assert.equal(decode(Buffer.from(JSON.stringify(message)), false, 1), undefined, key);
  }
});

test('binary pushes are decoded, lengths counted in bytes', () => {
  const json = binaryBroadcast({ joinRef: '1', ref: '2', topic: 'realtime:ä', event: 'é', payload: { a: 'ü' } });
  assert.deepEqual(decode(json, true, 2), {
    joinRef: '1', ref: '2', topic: 'realtime:ä', event: 'broadcast', binary: true,
    payload: { type: 'broadcast', event: 'é', payload: { a: 'ü' } },
  });
  const raw = binaryBroadcast({ joinRef: '1', topic: 't', event: 'e', payload: Buffer.from([0, 255]) });
  assert.deepEqual(decode(raw, true, 2).payload.payload, Buffer.from([0, 255]));
});

test('what is malformed is ignored', () => {
  const malformed = ['', '{', '[]', '[1,2,3]', 'null', '5', '["1","1",null,"e",{}]'];
  for (const text of malformed) assert.equal(decode(Buffer.from(text), false, 2), undefined, text);
  const whole = binaryBroadcast({ joinRef: '1', topic: 't', event: 'e', payload: {} });
  for (const bytes of [Buffer.of(), Buffer.of(3), Buffer.of(4, 0, 0, 0, 0, 0, 0), whole.subarray(0, 9)]) {
    assert.equal(decode(bytes, true, 2), undefined);
  }
  assert.equal(decode(whole, true, 1), undefined);
});

test('a topic too long for a one-byte length goes out as text', () => {
  const broadcast = { topic: `realtime:${'x'.repeat(300)}`, event: 'e', payload: {}, binary: true };
  assert.equal(typeof encodeBroadcast(broadcast, 2), 'string');
  assert.ok(Buffer.isBuffer(encodeBroadcast({ ...broadcast, topic: 'realtime:x' }, 2)));
});
