// Owns the command line: flags, their defaults, and the refusal of anything else.

import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm --prefix supabase/dev start -- [options]

  --port N               port to listen on, 0 for any free one     (54321)
  --host ADDRESS         address to listen on                      (127.0.0.1)
  --database-url URL     use this PostgreSQL instead of PGlite
  --data DIR             keep the PGlite database here             (in memory)
  --migrations DIR       apply these instead of supabase/migrations
  --jwt-expiry SECONDS   lifetime of access tokens                 (3600)
  --otp-expiry SECONDS   lifetime of mailed codes                  (3600)
  --confirm-mail         who signs up must confirm the address first
  --publishable-key KEY  or AGENT_DEV_PUBLISHABLE_KEY
  --secret-key KEY       or AGENT_DEV_SECRET_KEY
  --jwt-secret SECRET    or AGENT_DEV_JWT_SECRET
  --no-delays            answer failed handshakes and joins at once
  --exit-on-stdin-close  stop when standard input closes
  --help

When ready, prints one line of JSON: url, realtime_url, publishable_key, secret_key, jwt_secret.`;

/** Fixed and worthless outside this machine; the prefixes tell secret scanners so. */
const LOCAL_ONLY = {
  publishableKey: 'sb_publishable_local_only_not_a_secret',
  secretKey: 'sb_secret_local_only_not_a_secret',
  jwtSecret: 'local-only-not-a-secret-local-only-not-a-secret',
};

export class UsageError extends Error {}

export function readOptions(args, env) {
  const { values } = parse(args);
  if (values.data !== undefined && values['database-url'] !== undefined) {
    throw new UsageError('--data is for PGlite; with --database-url the data is in PostgreSQL');
  }
  const options = {
    help: values.help ?? false,
    host: values.host ?? '127.0.0.1',
    port: wholeNumber('--port', values.port ?? '54321', 0, 65535),
    databaseUrl: values['database-url'],
    dataDir: values.data,
    migrationsDir: values.migrations,
    jwtExpiry: wholeNumber('--jwt-expiry', values['jwt-expiry'] ?? '3600', 1, 604800),
    otpExpiry: wholeNumber('--otp-expiry', values['otp-expiry'] ?? '3600', 1, 86400),
    confirmations: values['confirm-mail'] ?? false,
    publishableKey:
      values['publishable-key'] ?? env.AGENT_DEV_PUBLISHABLE_KEY ?? LOCAL_ONLY.publishableKey,
    secretKey: values['secret-key'] ?? env.AGENT_DEV_SECRET_KEY ?? LOCAL_ONLY.secretKey,
    jwtSecret: values['jwt-secret'] ?? env.AGENT_DEV_JWT_SECRET ?? LOCAL_ONLY.jwtSecret,
    delays: !values['no-delays'],
    exitOnStdinClose: values['exit-on-stdin-close'] ?? false,
  };
  requirePrefix('publishable key', options.publishableKey, 'sb_publishable_');
  requirePrefix('secret key', options.secretKey, 'sb_secret_');
  if (options.jwtSecret.length < 32) {
    throw new UsageError('the JWT secret needs at least 32 characters');
  }
  return options;
}

function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        'database-url': { type: 'string' },
        data: { type: 'string' },
        migrations: { type: 'string' },
        'jwt-expiry': { type: 'string' },
        'otp-expiry': { type: 'string' },
        'confirm-mail': { type: 'boolean' },
        'publishable-key': { type: 'string' },
        'secret-key': { type: 'string' },
        'jwt-secret': { type: 'string' },
        'no-delays': { type: 'boolean' },
        'exit-on-stdin-close': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function wholeNumber(flag, text, min, max) {
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || number < min || number > max) {
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not "${text}"`);
  }
  return number;
}

/** Lite and the clients tell keys apart by these prefixes. */
function requirePrefix(what, key, prefix) {
  if (!key.startsWith(prefix)) throw new UsageError(`the ${what} must start with ${prefix}`);
}
