// The recorder passes bytes as they are, and lives and dies with the two it stands between.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { entries } from './check.mjs';
import { kept } from './places.mjs';
import { eventually } from './wait.mjs';

const RECORDER = fileURLToPath(new URL('record.mjs', import.meta.url));
const ECHO = 'process.stdin.pipe(process.stdout)';
const framed = (body) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

function recorder(name, script) {
  const log = join(kept('selftest'), `${name}-${process.pid}.jsonl`);
  if (existsSync(log)) rmSync(log);
  const child = spawn(process.execPath, [RECORDER, log, '--', process.execPath, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  return { child, log, ended: once(child, 'close') };
}

test('bytes pass unchanged, in pieces and in one, and each message is one line', async () => {
  const { child, log, ended } = recorder('echo', ECHO);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  const sent = framed('{"jsonrpc":"2.0","method":"é𝄞👩‍👩‍👧"}') + framed('{"no json') + framed('{"jsonrpc":"2.0","id":1,"result":null}');
  const bytes = Buffer.from(sent);
  child.stdin.write(bytes.subarray(0, 40));
  await eventually('the first piece to come back', () => out.length > 0);
  child.stdin.end(bytes.subarray(40));
  assert.deepEqual(await ended, [0, null]);
  assert.equal(out, sent);
  const session = entries(log);
  const client = session.filter(({ from }) => from === 'client');
  assert.deepEqual(client.map(({ message }) => message.method ?? message.id), ['é𝄞👩‍👩‍👧', '(no JSON)', 1]);
  assert.equal(session.filter(({ from }) => from === 'server').length, 3);
  assert.deepEqual(session.filter(({ event }) => event).map(({ event }) => event), ['client ended', 'server ended']);
});

test('the end of the server is the end of the recorder, with its exit code', async () => {
  const { ended } = recorder('exit', 'process.exit(7)');
  assert.deepEqual(await ended, [7, null]);
});

test('a server whose client reads no more hears of it', async () => {
  const { child, log, ended } = recorder('pipe', `
    process.stdout.on('error', () => process.exit(3));
    setInterval(() => process.stdout.write('Content-Length: 2\\r\\n\\r\\n{}'), 5);`);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  assert.deepEqual(await ended, [3, null]);
  assert.ok(entries(log).length > 0);
});

test('a recorder that is killed takes its server along, by the end of its input', async () => {
  const { child, log } = recorder('killed', `
    process.stdout.write('Content-Length: 16\\r\\n\\r\\n{"pid":' + String(process.pid).padStart(8) + '}');
    process.stdin.resume().on('end', () => process.exit(0));`);
  await once(child.stdout, 'data');
  const { pid } = entries(log)[0].message;
  child.kill('SIGKILL');
  await eventually('the server to end', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});
