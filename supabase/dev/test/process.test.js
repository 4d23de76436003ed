// The server as a process: its one line, its end, and what outlives it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { anonymous, change, personWithTeam, push } from './support/people.js';
import { startServer } from './support/server.js';
import { Wire } from './support/wire.js';

const DEV_DIR = path.join(import.meta.dirname, '..');

describe('the process', () => {
  test('prints one line, and ends at once on a signal even with open sockets', async () => {
    const server = await startServer();
    const faults = await server.dev('GET', '/dev/faults');
    assert.deepEqual([faults.join_error_delay_ms, faults.handshake_error_delay_ms], [5000, 2000]);
    const wire = await Wire.connect(server);
    const start = performance.now();
    const { code } = await server.stop();
    assert.equal(code, 0);
    assert.ok(performance.now() - start < 2000);
    await wire.closed;
    assert.equal(server.stdout.length, 1);
    const line = JSON.parse(server.stdout[0]);
    assert.deepEqual(Object.keys(line), ['url', 'realtime_url', 'publishable_key', 'secret_key', 'jwt_secret']);
    const { port } = new URL(line.url);
    assert.equal(line.realtime_url, `ws://127.0.0.1:${port}/realtime/v1`);
    await assert.rejects(fetch(line.url));
  });

  test('ends when its standard input closes', async () => {
    const server = await startServer();
    server.child.stdin.end();
    assert.equal((await server.ended).code, 0);
  });

  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`ends with npm when npm gets ${signal}`, async () => {
      const server = await startServer([], {
        command: 'npm',
        prefix: ['--prefix', DEV_DIR, '--silent', 'start', '--'],
      });
      const { code } = await server.stop(signal);
      assert.equal(code, 0);
      await assert.rejects(fetch(server.ready.url));
    });
  }

  test('refuses flags it does not know, and says which it does', async () => {
    for (const [args, message] of [
      [['--prot', '1'], /--prot/],
      [['--port', 'x'], /--port takes a whole number/],
      [['--data', 'x', '--database-url', 'y'], /--data is for PGlite/],
      [['--publishable-key', 'x'], /must start with sb_publishable_/],
    ]) {
      const { code, stdout, stderr } = await new Promise((resolve) =>
        execFile(process.execPath, [path.join(DEV_DIR, 'src/main.js'), ...args], (error, stdout, stderr) =>
          resolve({ code: error?.code, stdout, stderr }),
        ),
      );
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
      assert.match(stderr, /Usage:/);
    }
  });
});

describe('--data', () => {
  let parent;
  before(async () => (parent = await mkdtemp(path.join(tmpdir(), 'agent-dev-'))));
  after(() => rm(parent, { recursive: true, force: true }));

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    test(`accounts, teams and artifacts outlive ${signal}`, async () => {
      const data = path.join(parent, signal);
      const first = await startServer(['--data', data]);
      const ann = await personWithTeam(first, 'ann');
      await push(ann, change({ content: 'kept' }));
      await first.stop(signal);

      const second = await startServer(['--data', data]);
      const client = anonymous(second);
      const { error } = await client.auth.signInWithPassword({ email: ann.email, password: 'correct horse' });
      assert.equal(error, null);
      const { data: page } = await client.rpc('pull_artifacts', { team: ann.team, after_seq: 0 });
      assert.deepEqual(page.rows.map(({ content }) => content), ['kept']);
      await second.stop();
    });
  }
});
