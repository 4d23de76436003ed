import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onEachDatabase } from './support/databases.js';
import { anonymous, person } from './support/people.js';

describe('accounts', () => {
  onEachDatabase((server) => {
    test('sign up, sign in, refresh, sign out', async () => {
      const ann = await person(server, 'ann');
      const client = anonymous(server);
      const signIn = await client.auth.signInWithPassword({ email: ann.email, password: 'correct horse' });
      assert.equal(signIn.error, null);
      assert.equal(signIn.data.user.id, ann.id);
      const refreshed = await client.auth.refreshSession();
      assert.equal(refreshed.error, null);
      assert.notEqual(refreshed.data.session.refresh_token, signIn.data.session.refresh_token);
      assert.equal((await client.auth.getUser()).data.user.email, ann.email);
      assert.equal((await client.auth.signOut()).error, null);
    });

    test('a wrong password is refused', async () => {
      const ann = await person(server, 'ann');
      const { error } = await anonymous(server).auth.signInWithPassword({
        email: ann.email,
        password: 'wrong',
      });
      assert.equal(error.code, 'invalid_credentials');
    });
  });
});
