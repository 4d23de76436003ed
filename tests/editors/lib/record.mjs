#!/usr/bin/env node
// `node record.mjs LOG -- agent lsp` stands between an editor and its server: every byte passes unchanged, and each
// message is written to LOG as one line of JSON, `{ at, from, message }` with the milliseconds since the start. How the
// session ended stands there as `{ at, event }`. The end of either side is passed on to the other, and the exit code back.

import { spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';

const HEADER_END = Buffer.from('\r\n\r\n');

/** Cuts a stream of bytes into messages. */
class Frames {
  constructor(found) {
    this.found = found;
    this.bytes = Buffer.alloc(0);
  }

  push(bytes) {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    for (;;) {
      const header = this.bytes.indexOf(HEADER_END);
      if (header < 0) return;
      const [, length] = /content-length:\s*(\d+)/i.exec(this.bytes.toString('latin1', 0, header)) ?? [];
      const start = header + HEADER_END.length;
      const end = start + Number(length ?? 0);
      if (this.bytes.length < end) return;
      this.found(this.bytes.toString('utf8', start, end));
      this.bytes = this.bytes.subarray(end);
    }
  }
}

function main([file, dashes, command, ...args]) {
  if (dashes !== '--' || !command) throw new Error('node record.mjs LOG -- COMMAND…');
  const started = performance.now();
  const log = openSync(file, 'a');
  // Written at once, so that a recording ends where the session did, however it ended.
  const note = (entry) => writeSync(log, `${JSON.stringify({ at: Math.round(performance.now() - started), ...entry })}\n`);
  const of = (from) => (body) => {
    let message;
    try {
      message = JSON.parse(body);
    } catch {
      return note({ from, garbage: body.slice(0, 500), message: { method: '(no JSON)' } });
    }
    note({ from, message });
  };
  const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [fromClient, fromServer] = [new Frames(of('client')), new Frames(of('server'))];
  process.stdin.on('data', (bytes) => {
    fromClient.push(bytes);
    server.stdin.write(bytes);
  });
  process.stdin.on('end', () => {
    note({ event: 'client ended' });
    server.stdin.end();
  });
  server.stdout.on('data', (bytes) => {
    fromServer.push(bytes);
    process.stdout.write(bytes);
  });
  // Whoever reads is gone: the other side hears of it by its own pipe, and the session goes on until then.
  for (const pipe of [process.stdin, process.stdout, server.stdin]) pipe.on('error', () => {});
  process.stdout.on('error', () => server.stdout.destroy());
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => server.kill(signal));
  server.on('error', (error) => {
    process.stderr.write(`${command} does not start: ${error.message}\n`);
    process.exit(127);
  });
  server.on('close', (code, signal) => {
    note({ event: 'server ended', code, signal });
    closeSync(log);
    process.exit(code ?? 1);
  });
}

main(process.argv.slice(2));
