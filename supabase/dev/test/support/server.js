// Owns a server under test: the real process, started as its users start it.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.js');
const START_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} TestServer
 * @property {{url, realtime_url, publishable_key, secret_key, jwt_secret}} ready
 * @property {string[]} stdout  the lines it printed
 * @property {() => Promise<{code: number | null, signal: string | null}>} stop
 * @property {(method: string, path: string, body?: unknown) => Promise<any>} dev
 */

/** @returns {Promise<TestServer>} */
export async function startServer(args = [], { command = process.execPath, prefix = [MAIN] } = {}) {
  const child = spawn(command, [...prefix, '--port', '0', '--exit-on-stdin-close', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  const stdout = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready in time: ${stderr}`)), START_TIMEOUT_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout.push(line);
      if (!line.startsWith('{')) return;
      clearTimeout(timer);
      resolve(JSON.parse(line));
    });
    ended.then(({ code }) => reject(new Error(`ended with ${code} before it was ready: ${stderr}`)));
  });

  return {
    ready,
    child,
    stdout,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
    async dev(method, devPath, body) {
      const response = await fetch(ready.url + devPath, {
        method,
        headers: { apikey: ready.secret_key, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${devPath}: ${response.status} ${answer.message}`);
      return answer;
    },
  };
}
