import { createClient } from '@supabase/supabase-js';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import ws from 'ws';
import { onEachDatabase } from './support/databases.js';
import { anonymous, person } from './support/people.js';

const KEY = 'session';
const REDIRECT = 'http://127.0.0.1:49152/callback/nonce';

describe('signing in without a password', () => {
  onEachDatabase((server) => {
    const mailsTo = (email) => server.dev('GET', `/dev/mails?to=${encodeURIComponent(email)}`);

    test('a code by mail is good once, and a wrong one is not', async () => {
      const ann = await person(server, 'ann');
      const client = anonymous(server);
      const options = { shouldCreateUser: false };
      assert.equal((await client.auth.signInWithOtp({ email: ann.email, options })).error, null);
      const [{ text }] = await mailsTo(ann.email);
      const [token] = /\b\d{6}\b/.exec(text);
      const verify = (token) => client.auth.verifyOtp({ email: ann.email, token, type: 'email' });
      const wrong = token === '000000' ? '000001' : '000000';
      assert.equal((await verify(wrong)).error.code, 'otp_expired');
      const { data, error } = await verify(token);
      assert.equal(error, null);
      assert.equal(data.user.id, ann.id);
      assert.equal((await verify(token)).error.code, 'otp_expired');
    });

    test('nobody gets an account by asking for a code', async () => {
      const email = `nobody-${crypto.randomUUID()}@example.test`;
      const options = { shouldCreateUser: false };
      const { error } = await anonymous(server).auth.signInWithOtp({ email, options });
      assert.equal(error.code, 'otp_disabled');
      assert.deepEqual(await mailsTo(email), []);
    });

    /** A browser that has no cookies and follows nothing by itself. */
    async function decide(client, fields) {
      const { data, error } = await client.auth.signInWithOAuth({
        provider: 'github',
        options: { redirectTo: REDIRECT, skipBrowserRedirect: true },
      });
      assert.equal(error, null);
      const toProvider = await fetch(data.url, { redirect: 'manual' });
      const form = await fetch(toProvider.headers.get('location')).then((response) => response.text());
      const hidden = [...form.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value.replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(code)),
      ]);
      const decided = await fetch(new URL('/provider/login/oauth/authorize', server.ready.url), {
        method: 'POST',
        body: new URLSearchParams([...hidden.filter(([name]) => name !== 'decision'), ...fields]),
        redirect: 'manual',
      });
      const back = await fetch(decided.headers.get('location'), { redirect: 'manual' });
      return new URL(back.headers.get('location'));
    }

    const pkceClient = (storage = memory()) =>
      createClient(server.ready.url, server.ready.publishable_key, {
        auth: { flowType: 'pkce', detectSessionInUrl: false, storageKey: KEY, storage },
        realtime: { transport: ws },
      });

    test('a provider in the browser, with PKCE, back to any port of this machine', async () => {
      const ann = await person(server, 'ann');
      const client = pkceClient();
      const back = await decide(client, [['email', ann.email], ['decision', 'allow']]);
      assert.equal(back.origin + back.pathname, REDIRECT);
      const code = back.searchParams.get('code');
      const guessed = memory();
      guessed.setItem(`${KEY}-code-verifier`, JSON.stringify('x'.repeat(56)));
      const stolen = await pkceClient(guessed).auth.exchangeCodeForSession(code);
      assert.equal(stolen.error.code, 'bad_code_verifier', 'a code is good for nothing without its verifier');
      const { data, error } = await client.auth.exchangeCodeForSession(code);
      assert.equal(error, null);
      assert.equal(data.user.id, ann.id);
      assert.ok((await client.auth.exchangeCodeForSession(code)).error, 'a code is good once');
    });

    test('who cancels at the provider comes back with the reason', async () => {
      const back = await decide(pkceClient(), [['decision', 'deny']]);
      assert.equal(back.searchParams.get('error'), 'access_denied');
      assert.match(back.searchParams.get('error_description'), /denied/);
    });
  });
});

function memory() {
  const items = new Map();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
