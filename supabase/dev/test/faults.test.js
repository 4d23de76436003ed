import assert from 'node:assert/strict';
import { afterEach, before, describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { change, personWithTeam, pullAll, push, topicOf } from './support/people.js';
import { Wire } from './support/wire.js';

const PRIVATE = { private: true };
const RPC = '/rest/v1/rpc/';

describe('fault knobs', () => {
  onEachDatabase((server) => {
    let ann;
    let topic;
    before(async () => {
      ann = await personWithTeam(server, 'ann');
      topic = `realtime:${await topicOf(ann)}`;
    });
    afterEach(() => server.dev('POST', '/dev/faults', { reset: true }));
    const faults = (body) => server.dev('POST', '/dev/faults', body);
    const pushOne = (fields) => push(ann, change({ id: crypto.randomUUID(), ...fields }));
    const joined = async () => {
      const wire = await Wire.connect(server);
      const { joinRef } = await wire.join(topic, PRIVATE, ann.token);
      return { wire, joinRef };
    };

    test('the next requests to a path fail, others do not', async () => {
      await faults({ rest: { path: `${RPC}pull`, action: 'fail', status: 503, count: 2 } });
      await pushOne();
      await assert.rejects(pullAll(ann), { status: 503 });
      await assert.rejects(pullAll(ann), { status: 503 });
      await pullAll(ann);
    });

    test('a reply is lost after the work was done', async () => {
      await faults({ rest: { path: `${RPC}push_artifacts`, action: 'drop_reply' } });
      const lost = change({ id: 'LOST-REPLY' });
      await assert.rejects(push(ann, lost), /fetch failed/);
      assert.equal((await push(ann, lost)).results[0].result, 'duplicate');
    });

    test('a request is delayed', async () => {
      await faults({ rest: { path: `${RPC}pull`, action: 'delay', delay_ms: 300 } });
      const start = performance.now();
      await pullAll(ann);
      assert.ok(performance.now() - start >= 295);
    });

    test('broadcasts are dropped, duplicated, delayed past later ones', async () => {
      const { wire } = await joined();
      await faults({ broadcasts: [{ action: 'drop' }, { action: 'duplicate' }, { action: 'delay', delay_ms: 300 }] });
      const seqs = [];
      for (let n = 0; n < 4; n += 1) seqs.push((await pushOne()).newest_seq);
      const heard = [];
      for (let n = 0; n < 4; n += 1) heard.push((await wire.event('broadcast')).payload.payload.to_seq);
      assert.deepEqual(heard, [seqs[1], seqs[1], seqs[3], seqs[2]]);
      await wire.close();
    });

    test('sockets are closed with the codes of a drain and a shutdown', async () => {
      for (const code of [1001, 1012]) {
        const { wire } = await joined();
        await faults({ close_sockets: code });
        assert.equal(await wire.closed, code);
      }
    });

    test('channels are closed for sending too much', async () => {
      const { wire } = await joined();
      await faults({ rate_limit_channels: true });
      assert.equal((await wire.event('system')).payload.message, 'Too many messages per second');
      await wire.event('phx_close');
      await wire.close();
    });

    test('refusing a join takes as long as it is told', async () => {
      await faults({ join_error_delay_ms: 300 });
      const wire = await Wire.connect(server);
      const start = performance.now();
      assert.equal((await wire.join(topic, PRIVATE)).status, 'error');
      assert.ok(performance.now() - start >= 295);
      await wire.close();
    });

    test('heartbeats stay unanswered', async () => {
      const { wire, joinRef } = await joined();
      await faults({ ignore_heartbeats: true });
      const ref = wire.send('phoenix', 'heartbeat', {});
      await wire.replyTo(wire.send(topic, 'phx_leave', {}, { joinRef }));
      assert.ok(!wire.inbox.some((frame) => frame.ref === ref));
      await wire.close();
    });

    test('joins are refused with a reason', async () => {
      await faults({ refuse_joins: { reason: 'ClientJoinRateLimitReached: Too many joins per second' } });
      const wire = await Wire.connect(server);
      const { status, response } = await wire.join(topic, PRIVATE, ann.token);
      assert.deepEqual([status, response.reason], ['error', 'ClientJoinRateLimitReached: Too many joins per second']);
      assert.equal((await wire.join(topic, PRIVATE, ann.token)).status, 'ok');
      await wire.close();
    });

    test('an outage of the database listener loses messages and refuses readiness', async () => {
      const { wire } = await joined();
      await faults({ listener_outage: true });
      const { newest_seq: lost } = await pushOne();
      await wire.join('realtime:other', { broadcast: { replication_ready: true } }, ann.token);
      const system = await wire.event('system');
      assert.equal(system.payload.message, 'Replication connection was not established in time');
      await wire.event('phx_close');
      await faults({ listener_outage: false });
      const { newest_seq } = await pushOne();
      assert.equal(newest_seq, lost + 1);
      assert.equal((await wire.event('broadcast')).payload.payload.to_seq, newest_seq);
      await wire.close();
    });

    test('knobs that do not exist or make no sense are refused, and change nothing', async () => {
      for (const body of [
        { nonsense: 1 }, { rest: {} }, { rest: { path: '/', action: 'explode' } }, { close_sockets: 1000 },
        { broadcasts: { action: 'drop', count: 0 } }, { ignore_heartbeats: true, system_delay_ms: -1 },
      ]) {
        await assert.rejects(faults(body), / 400 /, JSON.stringify(body));
      }
      assert.equal((await server.dev('GET', '/dev/faults')).ignore_heartbeats, false);
    });

    test('/dev wants the secret key', async () => {
      for (const apikey of [undefined, server.ready.publishable_key]) {
        const response = await fetch(`${server.ready.url}/dev/stats`, { headers: apikey && { apikey } });
        assert.equal(response.status, 401);
      }
    });

    test('requests, bytes, messages and deliveries are counted', async () => {
      const wires = [await joined(), await joined()];
      await server.dev('POST', '/dev/stats/reset');
      await pushOne({ content: 'x'.repeat(10_000) });
      for (const { wire } of wires) await wire.event('broadcast');
      await pullAll(ann, { after: 1e9 });
      const { requests, total, realtime } = await server.dev('GET', '/dev/stats');
      const pushes = requests[`POST ${RPC}push_artifacts`];
      const pulls = requests[`POST ${RPC}pull_artifacts`];
      assert.deepEqual([pushes.count, pulls.count], [1, 1]);
      assert.ok(pushes.bytes_in > 10_000 && pushes.bytes_in < 12_000, `${pushes.bytes_in}`);
      assert.ok(pulls.bytes_out < 1000, `${pulls.bytes_out}`);
      assert.ok(total.requests >= 2);
      assert.deepEqual([realtime.broadcasts, realtime.deliveries, realtime.frames_out], [1, 2, 2]);
      await Promise.all(wires.map(({ wire }) => wire.close()));
    });
  });
});
