// Owns /dev/*: counters, mails and fault knobs, for test harnesses that hold the secret key.

import { InvalidFault } from './faults.js';

const CLOSE_CODES = [1001, 1012];

export function createDevApi({ secretKey, stats, faults, realtime, mailbox }) {
  const routes = {
    'GET /dev/stats': () => stats.snapshot(),
    'POST /dev/stats/reset': () => {
      stats.reset();
      return {};
    },
    'GET /dev/mails': (request) => mailbox.to(new URL(request.url).searchParams.get('to')),
    'GET /dev/faults': () => faults.pending(),
    'POST /dev/faults': async (request) => {
      const { close_sockets: closeCode, rate_limit_channels: rateLimit, ...knobs } = await json(request);
      if (closeCode !== undefined && !CLOSE_CODES.includes(closeCode)) {
        throw new InvalidFault(`close_sockets is one of ${CLOSE_CODES.join(', ')}`);
      }
      faults.configure(knobs);
      // These two happen now; the others wait for something to happen to.
      if (closeCode !== undefined) realtime.closeSockets(closeCode);
      if (rateLimit === true) realtime.closeChannels('Too many messages per second');
      return faults.pending();
    },
  };
  return async function handle(request, path) {
    if (request.headers.get('apikey') !== secretKey) {
      return Response.json({ message: '/dev needs the secret key as apikey' }, { status: 401 });
    }
    const route = routes[`${request.method} ${path}`];
    if (!route) return Response.json({ message: `no ${request.method} ${path}` }, { status: 404 });
    try {
      return Response.json(await route(request));
    } catch (error) {
      if (!(error instanceof InvalidFault)) throw error;
      return Response.json({ message: error.message }, { status: 400 });
    }
  };
}

async function json(request) {
  const body = await request.json().catch(() => undefined);
  if (body === null || typeof body !== 'object') {
    throw new InvalidFault('the body must be a JSON object');
  }
  return body;
}
