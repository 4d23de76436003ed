// Owns the Realtime service as a whole: it wires the parts, and lets WebSocket clients in.

import { WebSocketServer } from 'ws';
import { createAuthorizer } from './authorizer.js';
import { Feed } from './feed.js';
import { Hub } from './hub.js';
import { createBroadcastApi } from './rest.js';
import { Socket } from './socket.js';
import { createTokens, TokenError } from './tokens.js';

const WEBSOCKET_PATH = '/realtime/v1/websocket';
const MAX_FRAME_BYTES = 5_000_000;

export async function createRealtime({ database, options, faults, stats }) {
  const tokens = createTokens(options);
  const authorizer = createAuthorizer(database);
  const hub = new Hub({ faults, stats });
  const feed = new Feed({ database, hub, faults });
  const services = { tokens, authorizer, hub, feed, faults, stats };
  const sockets = new Set();
  // Decompression is off because the hosted service never negotiates it.
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  await feed.start();

  async function upgrade(request, tcp, head) {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    if (pathname !== WEBSOCKET_PATH) return refuse(tcp, 404, 'not found');
    const apikey = request.headers['x-api-key'] ?? searchParams.get('apikey');
    try {
      await tokens.verify(apikey);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return setTimeout(() => refuse(tcp, 401, error.message), faults.handshakeErrorDelayMs).unref();
    }
    const version = searchParams.get('vsn')?.startsWith('2.') ? 2 : 1;
    return wss.handleUpgrade(request, tcp, head, (ws) => {
      stats.realtime('connections');
      const socket = new Socket(ws, { version, apikey }, services);
      sockets.add(socket);
      ws.on('close', () => sockets.delete(socket));
    });
  }

  return {
    handleBroadcast: createBroadcastApi(services),
    upgrade(request, tcp, head) {
      tcp.on('error', () => {}); // a client that hangs up during the handshake
      upgrade(request, tcp, head).catch((error) => {
        console.error('realtime: handshake failed:', error);
        tcp.destroy();
      });
    },
    closeSockets(code) {
      for (const socket of sockets) socket.close(code);
    },
    closeChannels(message) {
      for (const socket of sockets) socket.closeChannels(message);
    },
    close() {
      for (const ws of wss.clients) ws.terminate();
    },
  };
}

function refuse(tcp, status, error) {
  const body = JSON.stringify({ error });
  const reason = status === 401 ? 'Unauthorized' : 'Not Found';
  tcp.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
