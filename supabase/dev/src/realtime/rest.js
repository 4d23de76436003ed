// Owns broadcasting over HTTP: a batch, or one message in its own path.

import { TokenError } from './tokens.js';

export const REST_PREFIX = '/realtime/v1/api/broadcast';
const SINGLE = /^\/([^/]+)\/events\/([^/]+)$/;

export function createBroadcastApi({ hub, tokens, authorizer }) {
  const mayWrite = async (claims, topic) =>
    (await authorizer.mayWrite(claims, topic)).broadcast;

  const publish = ({ topic, event, payload, isPrivate, binary }) =>
    hub.publish({ topic: `realtime:${topic}`, event, payload, isPrivate, binary });

  async function batch(request, claims) {
    const body = await readJson(request);
    if (!Array.isArray(body?.messages) || !body.messages.every(isMessage)) return unprocessable();
    for (const { topic, event, payload, private: isPrivate = false } of body.messages) {
      // The batch form skips what its sender may not send, and says nothing.
      if (isPrivate && !(await mayWrite(claims, topic))) continue;
      publish({ topic, event, payload, isPrivate, binary: false });
    }
    return accepted();
  }

  async function single(request, claims, [topic, event]) {
    const payload = await readJson(request);
    if (payload === undefined) return unprocessable();
    const isPrivate = new URL(request.url).searchParams.get('private') === 'true';
    if (isPrivate && !(await mayWrite(claims, topic))) {
      return Response.json({ message: 'Unauthorized' }, { status: 403 });
    }
    publish({ topic, event, payload, isPrivate, binary: true });
    return accepted();
  }

  return async function handle(request, path) {
    const rest = path.slice(REST_PREFIX.length);
    const one = SINGLE.exec(rest);
    if (request.method !== 'POST' || (rest !== '' && !one)) {
      return Response.json({ message: 'Not found' }, { status: 404 });
    }
    let claims;
    try {
      claims = await bearer(request, tokens);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return Response.json({ message: error.message }, { status: 401 });
    }
    if (!request.headers.get('content-type')?.startsWith('application/json')) {
      return Response.json({ message: 'Unsupported media type' }, { status: 415 });
    }
    return one
      ? single(request, claims, one.slice(1).map(decodeURIComponent))
      : batch(request, claims);
  };
}

/** The key lets a request in; a token beside it says on whose behalf it comes. */
async function bearer(request, tokens) {
  const apikey = request.headers.get('apikey');
  const claims = await tokens.verify(apikey);
  const token = request.headers.get('authorization')?.replace(/^Bearer /i, '');
  return token && token !== apikey ? tokens.verify(token) : claims;
}

function isMessage(message) {
  return (
    typeof message?.topic === 'string' &&
    typeof message.event === 'string' &&
    message.payload !== null &&
    typeof message.payload === 'object'
  );
}

const readJson = (request) => request.json().catch(() => undefined);
const accepted = () => new Response(null, { status: 202 });
const unprocessable = () => Response.json({ message: 'Unprocessable content' }, { status: 422 });
