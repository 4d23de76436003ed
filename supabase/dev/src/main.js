// Owns the process: start, the one line on standard output, and a clean end.

// Before anything of Supabase Lite is loaded, for it reads these as it loads.
process.env.LITE_TELEMETRY = '0';
process.env.DO_NOT_TRACK = '1';

import { readOptions, USAGE, UsageError } from './options.js';

/** What a stuck connection may cost at the end. */
const CLOSE_DEADLINE_MS = 1500;

// Whatever the libraries print belongs on standard error: callers parse standard output.
console.log = console.info = console.debug = console.error;

let stop;
const stopRequested = new Promise((resolve) => (stop = resolve));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, stop);

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exit(error instanceof UsageError ? 2 : 1);
}

async function main() {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) return void process.stdout.write(`${USAGE}\n`);
  if (options.exitOnStdinClose) process.stdin.on('close', stop).resume();

  const { startServer } = await import('./server.js');
  const starting = startServer(options);
  const server = await Promise.race([starting, stopRequested.then(() => undefined)]);
  if (server) {
    process.stdout.write(`${JSON.stringify(server.ready)}\n`);
    await stopRequested;
    await Promise.race([
      server.close(),
      new Promise((resolve) => setTimeout(resolve, CLOSE_DEADLINE_MS)),
    ]);
  }
  process.exit(0);
}
