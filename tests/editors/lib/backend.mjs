// A backend in memory with a team of two, and a project folder for each of them, signed in by the real command line.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { agent, agentOk, ran } from './agent.mjs';
import { project } from './places.mjs';

const FOLDER = join(project, 'supabase', 'dev');
export const PASSWORD = 'correct horse battery staple';

/** Installs the packages of the development backend, unless they are there and of this lockfile. */
export async function install(folder = FOLDER) {
  const [installed, locked] = ['node_modules/.package-lock.json', 'package-lock.json'].map((file) => join(folder, file));
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(locked).mtimeMs) return;
  const { code, err } = await ran('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  if (code !== 0) throw new Error(`npm ci in ${folder} failed:\n${err}`);
}

/**
 * Starts a backend and gathers a team. `sync` is the text of the section `sync` of each workspace's configuration.
 * Answers `{ url, ann, bob, artifacts(), artifact(path), faults(knobs), mails(to), stop() }`; `ann` and `bob` are
 * `{ name, dir, env, email, file(path), uri(path) }`, and `stop` removes their folders as well.
 */
export async function team({ sync = { presence: false } } = {}) {
  await install();
  const backend = await launch();
  const sides = [];
  try {
    const made = await gather(backend, sync, sides);
    return { ...backend, ...made, stop: () => end(backend, sides) };
  } catch (error) {
    await end(backend, sides);
    throw error;
  }
}

async function end(backend, sides) {
  await backend.stop();
  sides.forEach(({ base }) => rmSync(base, { recursive: true, force: true, maxRetries: 3 }));
}

async function gather(backend, sync, sides) {
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => side(name, backend, sides)));
  const id = await backend.rpc(ann, 'create_team', { name: 'The team' });
  const { invitation } = await backend.rpc(ann, 'invite_member', { team: id, email: bob.email, role: 'editor' });
  await backend.rpc(bob, 'accept_invitation', { invitation });
  for (const who of [ann, bob]) {
    writeFileSync(join(who.dir, '.agent/etc/sync.yaml'), configuration(backend.url, id, sync));
    await agentOk(who, ['login', '--email', who.email, '--password-stdin'], `${PASSWORD}\n`);
  }
  const artifacts = () => everything(backend, ann, id);
  const artifact = async (path) => (await artifacts()).get(path);
  return { id, ann, bob, artifacts, artifact };
}

/** The text of a `sync.yaml`. */
export function configuration(url, id, sync) {
  const lines = Object.entries(sync).map(([key, value]) => `  ${key}: ${value}\n`);
  return `remote:\n  url: ${url}\n  anon_key: \${SUPABASE_ANON_KEY}\n  team_id: ${id}\nsync:\n${lines.join('')}`;
}

async function side(name, backend, sides) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), `agent-${name}-`)));
  const who = { name, base, dir: join(base, 'project'), home: join(base, 'home'), email: `${name}@example.com` };
  sides.push(who);
  mkdirSync(join(who.dir, '.agent/etc'), { recursive: true });
  mkdirSync(who.home);
  who.env = {
    PATH: process.env.PATH, HOME: who.home, AGENT_HOME: who.home, AGENT_KEYRING: 'off', RUST_BACKTRACE: '1',
    LANG: 'C.UTF-8', SUPABASE_ANON_KEY: backend.key,
  };
  who.file = (path) => join(who.dir, path);
  who.uri = (path) => `file://${who.file(path).split('/').map(encodeURIComponent).join('/')}`;
  who.write = (path, text) => {
    mkdirSync(dirname(who.file(path)), { recursive: true });
    writeFileSync(who.file(path), text);
  };
  who.token = (await backend.call('/auth/v1/signup', { email: who.email, password: PASSWORD })).access_token;
  return who;
}

async function launch() {
  const args = ['src/main.js', '--port', '0', '--exit-on-stdin-close', '--no-delays'];
  const child = spawn(process.execPath, args, { cwd: FOLDER, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit');
  const first = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited.then(() => undefined)]);
  if (!first) throw new Error(`the backend did not start; it said:\n${said}`);
  const { url, publishable_key: key, secret_key: secret } = JSON.parse(first[0]);
  const post = async (path, body, headers) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', apikey: key, ...headers },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    return text && JSON.parse(text);
  };
  return {
    url, key,
    call: post,
    rpc: (who, name, args) => post(`/rest/v1/rpc/${name}`, args, { authorization: `Bearer ${who.token}` }),
    faults: (knobs) => post('/dev/faults', knobs, { apikey: secret }),
    mails: async (to) => (await fetch(`${url}/dev/mails?to=${encodeURIComponent(to)}`, { headers: { apikey: secret } })).json(),
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

async function everything(backend, who, id) {
  const all = new Map();
  for (let after = 0; ;) {
    const page = await backend.rpc(who, 'pull_artifacts', { team: id, after_seq: after });
    for (const row of page.rows) {
      after = row.seq;
      all.set(row.path, { version: row.version, content: row.content ?? null, author: row.author_name });
    }
    if (!page.more) return all;
  }
}

export { agent, agentOk };
