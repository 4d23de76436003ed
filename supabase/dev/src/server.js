// Owns the server: one port for REST, Auth, Realtime and the development endpoints.

import { createAdaptorServer } from '@hono/node-server';
import { App } from '@supabase/lite';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { openPglite, openPostgres } from './database.js';
import { createDevApi } from './dev-api.js';
import { Faults } from './faults.js';
import { Mailbox } from './mailbox.js';
import { fingerprint, prepare, readScripts } from './migrate.js';
import { CLIENT, createProvider, PROVIDER_PREFIX } from './provider.js';
import { createRealtime } from './realtime/index.js';
import { REST_PREFIX } from './realtime/rest.js';
import { loadSnapshot, packageVersions, saveSnapshot } from './snapshot.js';
import { Stats } from './stats.js';
import { verify, VERIFY_PATH } from './verify.js';

/** Like hosted gateways, and well above the pauses of a client that reuses its connection. */
const KEEP_ALIVE_MS = 75_000;

/** @param {ReturnType<import('./options.js').readOptions>} options */
export async function startServer(options) {
  const mailbox = new Mailbox();
  const { database, app } = await openBackend(options, mailbox);
  const stats = new Stats();
  const faults = new Faults(options);
  const realtime = await createRealtime({ database, options, faults, stats });
  const handleDev = createDevApi({ secretKey: options.secretKey, stats, faults, realtime, mailbox });
  const handleProvider = createProvider();

  async function route(request, pathname, peerAddress) {
    if (pathname.startsWith('/dev/')) return handleDev(request, pathname);
    if (pathname.startsWith(PROVIDER_PREFIX)) return handleProvider(request, pathname);
    if (pathname.startsWith(REST_PREFIX)) return realtime.handleBroadcast(request, pathname);
    const lite = (request) => app.fetch(request, { peerAddress });
    if (pathname === VERIFY_PATH && request.method === 'POST') return verify(request, lite);
    return lite(request);
  }

  async function fetch(request, { incoming, outgoing }) {
    const { pathname } = new URL(request.url);
    stats.request({ method: request.method, path: pathname, incoming, outgoing });
    const fault = pathname.startsWith('/dev/') ? undefined : faults.takeRest(pathname);
    if (fault?.delay_ms) await new Promise((resolve) => setTimeout(resolve, fault.delay_ms).unref());
    if (fault?.action === 'fail') {
      return Response.json({ message: 'injected fault' }, { status: fault.status });
    }
    const response = await route(request, pathname, incoming.socket.remoteAddress ?? null);
    if (fault?.action === 'drop_reply') {
      await response.arrayBuffer(); // the work is done and committed; only its answer is lost
      incoming.socket.resetAndDestroy();
    }
    return response;
  }

  const server = createAdaptorServer({ fetch });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('upgrade', realtime.upgrade);
  await listen(server, options);
  const { port } = server.address();
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  // Only now is it known where Auth finds the provider, and where the provider sends people back to.
  Object.assign(app.config.auth.external.github, {
    url: `http://${host}:${port}${PROVIDER_PREFIX}`,
    redirect_uri: `http://${host}:${port}/auth/v1/callback`,
  });

  return {
    ready: {
      url: `http://${host}:${port}`,
      realtime_url: `ws://${host}:${port}/realtime/v1`,
      publishable_key: options.publishableKey,
      secret_key: options.secretKey,
      jwt_secret: options.jwtSecret,
    },
    async close() {
      server.close();
      realtime.close();
      server.closeAllConnections();
      await database.close();
    },
  };
}

/** A database with everything in it, and Supabase Lite on top. */
export async function openBackend(options, mailbox = new Mailbox()) {
  const scripts = await readScripts(options.migrationsDir);
  if (options.databaseUrl !== undefined) {
    const database = await openPostgres(options.databaseUrl);
    const app = await createApp(database, options, mailbox);
    await prepare(database, app, scripts);
    return { database, app };
  }
  const { dataDir } = options;
  const exists = dataDir !== undefined && existsSync(path.join(dataDir, 'PG_VERSION'));
  const key = fingerprint(scripts, await packageVersions());
  const snapshot = exists ? undefined : await loadSnapshot(key);
  const database = await openPglite({ dataDir, snapshot });
  const app = await createApp(database, options, mailbox);
  if (!snapshot) await prepare(database, app, scripts);
  if (!snapshot && !exists) await saveSnapshot(key, database.connection.driver);
  return { database, app };
}

/** Configured by this object alone: no config.toml is read, whatever the working directory. */
function createApp({ connection }, options, mailbox) {
  return new App({
    connection,
    api: { schemas: ['public'], max_rows: 1000 },
    db: {
      driver: options.databaseUrl === undefined ? 'pglite' : 'postgres',
      migrations: { schema_paths: [] },
      seed: { enabled: false },
    },
    auth: {
      enabled: true,
      enable_signup: true,
      jwt_expiry: options.jwtExpiry,
      jwt_secret: options.jwtSecret,
      publishable_key: options.publishableKey,
      secret_key: options.secretKey,
      email: { enable_confirmations: options.confirmations, otp_expiry: options.otpExpiry },
      external: { github: { enabled: true, ...CLIENT } },
    },
    options: { drivers: { email: mailbox } },
    // Otherwise unknown paths answer 200 with a page.
    studio: { enabled: false },
  }).init();
}

function listen(server, { port, host }) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
