// Owns the cast of a test: people with accounts, their teams, and what they push.

import { createClient } from '@supabase/supabase-js';
import { createHash } from 'node:crypto';
import ws from 'ws';
import { checkedFetch } from './contract.js';

export const sha256 = (content) => createHash('sha256').update(content, 'utf8').digest('hex');

export function anonymous({ ready }) {
  return createClient(ready.url, ready.publishable_key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws },
    // Whatever a test asks, the answer is one that openapi.yaml describes.
    global: { fetch: checkedFetch() },
  });
}

/** Signs somebody up. */
export async function person(server, name) {
  const client = anonymous(server);
  const email = `${name}-${crypto.randomUUID()}@example.test`;
  const { data, error } = await client.auth.signUp({ email, password: 'correct horse' });
  if (error) throw error;
  const token = data.session.access_token;
  await client.realtime.setAuth(token);
  return {
    client,
    email,
    token,
    id: data.user.id,
    /** Calls a function and gives its result, or throws what it answered. */
    async call(name, args) {
      const answer = await client.rpc(name, args);
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error, { status: answer.status });
      return answer.data;
    },
  };
}

/** An admin with a team of their own. */
export async function personWithTeam(server, name) {
  const admin = await person(server, name);
  const team = await admin.call('create_team', { name: `${name}'s team` });
  return { ...admin, team };
}

/** Makes somebody a member of the admin's team, with their consent, or gives a member another role. */
export async function join(admin, someone, role, team = admin.team) {
  const { data } = await admin.client.from('team_members').select().eq('team_id', team).eq('user_id', someone.id);
  if (data.length > 0) return admin.call('set_member_role', { team, member: someone.id, role });
  const { invitation } = await admin.call('invite_member', { team, email: someone.email, role });
  return someone.call('accept_invitation', { invitation });
}

/** Where a team's channel is, as members may ask. */
export const topicOf = (someone, team = someone.team) => someone.call('team_channel', { team });

/** A change to push, valid unless told otherwise. */
export function change(fields = {}) {
  const content = fields.content === undefined ? 'text\n' : fields.content;
  const id = fields.id ?? 'INFRA-040';
  return {
    change_id: crypto.randomUUID(),
    kind: 'story',
    id,
    base_version: 0,
    path: `stories/${id}.md`,
    title: 'Title',
    state: 'DRAFT',
    content,
    content_hash: content === null ? null : sha256(String(content)),
    ...fields,
  };
}

export async function push(someone, ...changes) {
  return someone.call('push_artifacts', { team: someone.team, changes });
}

/** Pulls everything after a seq, page by page. */
export async function pullAll(someone, { after = 0, ...limits } = {}) {
  const rows = [];
  for (let seq = after, more = true; more; ) {
    const page = await someone.call('pull_artifacts', { team: someone.team, after_seq: seq, ...limits });
    rows.push(...page.rows);
    seq = page.rows.at(-1)?.seq ?? seq;
    ({ more } = page);
  }
  return rows;
}
