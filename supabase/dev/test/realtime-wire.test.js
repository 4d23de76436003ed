// What is on the wire, frame by frame: the behaviours clients rely on or break on.

import assert from 'node:assert/strict';
import { SignJWT } from 'jose';
import { before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { onEachDatabase } from './support/databases.js';
import { change, join, person, personWithTeam, push, topicOf } from './support/people.js';
import { binaryBroadcast, Wire } from './support/wire.js';

const PRIVATE = { private: true };

describe('the realtime wire', () => {
  onEachDatabase((server) => {
    let ann;
    let topic;
    before(async () => {
      ann = await personWithTeam(server, 'ann');
      topic = `realtime:${await topicOf(ann)}`;
    });
    const token = (seconds, claims = {}) =>
      new SignJWT({ role: 'authenticated', aud: 'authenticated', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(claims.sub ?? ann.id)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(new TextEncoder().encode(server.ready.jwt_secret));

    async function withWire(options, work) {
      const wire = await Wire.connect(server, options);
      await work(wire);
      await wire.close();
    }

    test('heartbeats are answered without a join_ref', () =>
      withWire({}, async (wire) => {
        const ref = wire.send('phoenix', 'heartbeat', {});
        assert.deepEqual(await wire.replyTo(ref), {
          joinRef: null, ref, topic: 'phoenix', event: 'phx_reply', payload: { status: 'ok', response: {} },
        });
      }));

    test('a handshake needs a key or a valid token', async () => {
      for (const [apikey, status, error] of [
        ['', 401, /MalformedJWT/],
        ['sb_publishable_other', 401, /MalformedJWT/],
        [await token(-5), 401, /Token has expired \d+ seconds ago/],
      ]) {
        const ws = new WebSocket(`${server.ready.realtime_url}/websocket?apikey=${apikey}&vsn=2.0.0`);
        const response = await new Promise((resolve) => ws.once('unexpected-response', (_, it) => resolve(it)));
        assert.equal(response.statusCode, status);
        const body = Buffer.concat(await response.toArray()).toString();
        assert.match(JSON.parse(body).error, error);
      }
      await withWire({ apikey: ann.token }, async (wire) => {
        assert.equal((await wire.join(topic, PRIVATE)).status, 'ok'); // its token is the connection's
      });
    });

    test('after a join: reply, presence_state, system, in this order', () =>
      withWire({}, async (wire) => {
        const config = { ...PRIVATE, presence: { enabled: true }, broadcast: { replication_ready: true } };
        const { joinRef, response } = await wire.join(topic, config, ann.token);
        assert.deepEqual(response, { postgres_changes: [] });
        const state = await wire.next(() => true);
        assert.deepEqual([state.event, state.joinRef, state.ref, state.payload], ['presence_state', joinRef, null, {}]);
        const system = await wire.next(() => true);
        assert.deepEqual([system.event, system.joinRef, system.ref], ['system', joinRef, null]);
        assert.deepEqual(system.payload, {
          extension: 'system', status: 'ok', message: 'Replication connection established',
          channel: topic.slice('realtime:'.length),
        });
      }));

    test('a push reaches 2.0.0 clients as a binary frame and 1.0.0 clients as text', async () => {
      const two = await Wire.connect(server);
      const one = await Wire.connect(server, { version: 1 });
      for (const wire of [two, one]) assert.equal((await wire.join(topic, PRIVATE, ann.token)).status, 'ok');
      await push(ann, change({ id: crypto.randomUUID() }));
      const binary = await two.event('broadcast');
      assert.equal(binary.kind, 0x04);
      const text = await one.event('broadcast');
      assert.deepEqual(text.keys.sort(), ['event', 'payload', 'ref', 'topic']);
      assert.deepEqual(text.payload, binary.payload);
      assert.equal(text.payload.event, 'artifacts_changed');
      await Promise.all([two.close(), one.close()]);
    });

    test('binary broadcasts go out binary, text ones as text, and not back to the sender', async () => {
      // Members may not broadcast; the secret key may.
      const apikey = server.ready.secret_key;
      const [sender, receiver] = await Promise.all([Wire.connect(server, { apikey }), Wire.connect(server)]);
      const { joinRef } = await sender.join(topic, { ...PRIVATE, broadcast: { ack: true } });
      await receiver.join(topic, PRIVATE, ann.token);
      sender.raw(binaryBroadcast({ joinRef, ref: '50', topic, event: 'bin', payload: { n: 1 } }));
      assert.equal((await sender.replyTo('50')).payload.status, 'ok');
      const ref = sender.send(topic, 'broadcast', { type: 'broadcast', event: 'txt', payload: { n: 2 } }, { joinRef });
      assert.equal((await sender.replyTo(ref)).payload.status, 'ok');
      sender.raw(binaryBroadcast({ joinRef, ref: '51', topic, event: 'raw', payload: Buffer.from([1, 0, 255]) }));
      const [bin, txt, raw] = [await receiver.event('broadcast'), await receiver.event('broadcast'), await receiver.event('broadcast')];
      assert.deepEqual([bin.kind, bin.payload.event, bin.payload.payload], [0x04, 'bin', { n: 1 }]);
      assert.deepEqual([txt.kind, txt.joinRef, txt.ref, txt.payload.event], [undefined, null, null, 'txt']);
      assert.deepEqual(raw.payload.payload, Buffer.from([1, 0, 255]));
      await sender.replyTo('51');
      assert.deepEqual(sender.inbox, []);
      await Promise.all([sender.close(), receiver.close()]);
    });

    test('an unjoined topic is answered: unmatched, but leaving it is fine', () =>
      withWire({}, async (wire) => {
        const ref = wire.send(topic, 'broadcast', {}, { joinRef: '7' });
        const reply = await wire.replyTo(ref);
        assert.deepEqual([reply.joinRef, reply.payload], [null, { status: 'error', response: { reason: 'unmatched topic' } }]);
        assert.equal((await wire.replyTo(wire.send(topic, 'phx_leave', {}))).payload.status, 'ok');
      }));

    test('joining again closes the earlier join, and its frames are ignored', () =>
      withWire({}, async (wire) => {
        const first = await wire.join(topic, PRIVATE, ann.token);
        const second = await wire.join(topic, PRIVATE, ann.token);
        const close = await wire.event('phx_close');
        assert.deepEqual([close.joinRef, close.ref], [first.joinRef, first.joinRef]);
        const stale = wire.send(topic, 'phx_leave', {}, { joinRef: first.joinRef });
        const current = wire.send(topic, 'phx_leave', {}, { joinRef: second.joinRef });
        await wire.replyTo(current);
        assert.ok(!wire.inbox.some((frame) => frame.ref === stale));
        assert.equal((await wire.event('phx_close')).joinRef, second.joinRef);
      }));

    test('what cannot be joined says why', () =>
      withWire({}, async (wire) => {
        const reason = async (...args) => (await wire.join(...args)).response.reason;
        assert.match(await reason('realtime:', {}, ann.token), /^TopicNameRequired/);
        assert.match(await reason(topic, PRIVATE, await token(-5)), /^InvalidJWTToken: Token has expired \d+ seconds ago$/);
        assert.match(await reason(topic, PRIVATE, 'a.b.c'), /^MalformedJWT/);
        assert.match(await reason(topic, PRIVATE, `${ann.token.slice(0, -6)}AAAAAA`), /^JwtSignatureError/);
        assert.match(await reason(topic, { broadcast: { replay: { since: 1 } } }, ann.token), /^UnableToReplayMessages/);
      }));

    test('public and private topics of one name are separate', async () => {
      const [open, closed] = await Promise.all([Wire.connect(server), Wire.connect(server)]);
      const { joinRef } = await open.join(topic, {}, ann.token);
      await closed.join(topic, PRIVATE, ann.token);
      open.send(topic, 'broadcast', { type: 'broadcast', event: 'public', payload: {} }, { joinRef });
      await push(ann, change({ id: crypto.randomUUID() }));
      assert.equal((await closed.event('broadcast')).payload.event, 'artifacts_changed');
      await open.replyTo(open.send('phoenix', 'heartbeat', {}));
      assert.deepEqual(open.inbox, []);
      await Promise.all([open.close(), closed.close()]);
    });

    test('a channel ends with its token, the socket does not', () =>
      withWire({}, async (wire) => {
        const { joinRef } = await wire.join(topic, PRIVATE, await token(2));
        const system = await wire.event('system');
        assert.equal(system.payload.status, 'error');
        assert.match(system.payload.message, /^Token has expired \d+ seconds ago$/);
        assert.equal((await wire.event('phx_close')).joinRef, joinRef);
        await wire.replyTo(wire.send('phoenix', 'heartbeat', {}));
      }));

    test('a new token keeps a channel open past the old one', () =>
      withWire({}, async (wire) => {
        const { joinRef } = await wire.join(topic, PRIVATE, await token(2));
        wire.send(topic, 'access_token', { access_token: await token(60) }, { joinRef });
        const shortLived = await wire.join('realtime:clock', {}, await token(3));
        assert.equal((await wire.event('phx_close')).joinRef, shortLived.joinRef); // the old one is over, too
        const leave = wire.send(topic, 'phx_leave', {}, { joinRef });
        assert.equal((await wire.replyTo(leave)).payload.status, 'ok');
        assert.deepEqual(wire.inbox.filter((frame) => frame.topic === topic && frame.event === 'system'), []);
      }));

    test('permissions last until the next token', async () => {
      const cleo = await personWithTeam(server, 'cleo');
      const ben = await person(server, 'ben');
      await join(cleo, ben, 'editor');
      const own = await topicOf(cleo);
      await withWire({}, async (wire) => {
        const { joinRef } = await wire.join(`realtime:${own}`, PRIVATE, ben.token);
        await cleo.call('remove_team_member', { team: cleo.team, member: ben.id });
        assert.equal((await wire.event('broadcast')).payload.event, 'channel_moved');
        wire.send(`realtime:${own}`, 'access_token', { access_token: await token(60, { sub: ben.id }) }, { joinRef });
        const system = await wire.event('system');
        assert.equal(
          system.payload.message,
          `You no longer have permission to read from this Channel topic: ${own}`,
        );
        await wire.event('phx_close');
      });
    });

    test('a join can ask for the newest 25 messages again', async () => {
      const team = await ann.call('create_team', { name: 'replayed' });
      const since = Date.now() - 60_000;
      for (let n = 0; n < 27; n += 1) await push({ ...ann, team }, change({ id: `N-${n}` }));
      await withWire({}, async (wire) => {
        const config = { ...PRIVATE, broadcast: { replay: { since, limit: 50 } } };
        const { joinRef } = await wire.join(`realtime:${await topicOf(ann, team)}`, config, ann.token);
        for (let seq = 3; seq <= 27; seq += 1) {
          const frame = await wire.event('broadcast');
          assert.deepEqual([frame.joinRef, frame.payload.meta.replayed, frame.payload.payload.to_seq], [joinRef, true, seq]);
        }
      });
    });

    test('a rolled-back push says nothing', async () => {
      await withWire({}, async (wire) => {
        await wire.join(topic, PRIVATE, ann.token);
        await assert.rejects(ann.call('push_artifacts', { team: ann.team, changes: {} }));
        await push(ann, change({ id: crypto.randomUUID() }));
        await wire.event('broadcast');
        await wire.replyTo(wire.send('phoenix', 'heartbeat', {}));
        assert.deepEqual(wire.inbox, []);
      });
    });

    test('presence: updates name the entry they replace, repetitions say nothing', () =>
      withWire({}, async (wire) => {
        const config = { ...PRIVATE, presence: { enabled: true, key: 'ann' } };
        const { joinRef } = await wire.join(topic, config, ann.token);
        await wire.event('presence_state');
        const track = async (payload) => {
          const ref = wire.send(topic, 'presence', { type: 'presence', event: 'track', payload }, { joinRef });
          assert.equal((await wire.replyTo(ref)).payload.status, 'ok');
        };
        await track({ at: 1 });
        const [first] = (await wire.event('presence_diff')).payload.joins.ann.metas;
        await track({ at: 1 });
        await track({ at: 2 });
        const { joins, leaves } = (await wire.event('presence_diff')).payload;
        assert.equal(joins.ann.metas[0].phx_ref_prev, first.phx_ref);
        assert.deepEqual(leaves.ann.metas, [first]);
        const untrack = wire.send(topic, 'presence', { type: 'presence', event: 'untrack' }, { joinRef });
        await wire.replyTo(untrack);
        assert.equal((await wire.event('presence_diff')).payload.leaves.ann.metas[0].at, 2);
        assert.deepEqual(wire.inbox, []);
      }));

    test('presence: whoever calls too often is shown out of the channel, and may come back', () =>
      withWire({}, async (wire) => {
        const config = { ...PRIVATE, presence: { enabled: true, key: 'ann' } };
        const { joinRef } = await wire.join(topic, config, ann.token);
        const track = (at) =>
          wire.send(topic, 'presence', { type: 'presence', event: 'track', payload: { at } }, { joinRef });
        for (let call = 0; call < 5; call += 1) assert.equal((await wire.replyTo(track(call))).payload.status, 'ok');
        track(5);
        const system = await wire.next(({ event, payload }) => event === 'system' && payload.status === 'error');
        assert.equal(system.payload.message, 'Client presence rate limit exceeded');
        await wire.event('phx_close');
        assert.equal((await wire.join(topic, config, ann.token)).status, 'ok');
      }));

    test('malformed frames are dropped, the socket stays', () =>
      withWire({}, async (wire) => {
        for (const frame of [Buffer.from('not json'), Buffer.of(9, 9), [1], { topic: 5 }]) wire.raw(frame);
        await wire.replyTo(wire.send('phoenix', 'heartbeat', {}));
      }));

    test('broadcasting over HTTP wants a key, JSON, and messages', async () => {
      const request = async (headers, body, path = '') => {
        const response = await fetch(`${server.ready.url}/realtime/v1/api/broadcast${path}`, { method: 'POST', headers, body });
        return response.status;
      };
      const apikey = server.ready.publishable_key;
      const json = { apikey, 'content-type': 'application/json' };
      assert.equal(await request({ 'content-type': 'application/json' }, '{}'), 401);
      assert.equal(await request({ apikey, 'content-type': 'text/plain' }, '{}'), 415);
      assert.equal(await request(json, '{"messages":[{}]}'), 422);
      assert.equal(await request(json, '{', '/open/events/hi'), 422);
      await withWire({}, async (wire) => {
        await wire.join('realtime:open', {});
        assert.equal(await request(json, '{"a":1}', '/open/events/hi'), 202);
        const frame = await wire.event('broadcast');
        assert.deepEqual([frame.kind, frame.payload.event, frame.payload.payload], [0x04, 'hi', { a: 1 }]);
      });
    });
  });
});
