// Programs of any Debian suite, beside the system: apt fetches the packages and all they need, they are unpacked below
// `target/editors`, and started by their own loader with their own libraries. Nothing is installed, nobody is root.

import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ran } from '../agent.mjs';
import { kept } from '../places.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

async function must(command, args, options) {
  const { code, out, err } = await ran(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${err || out}`);
  return out;
}

/** Why this machine cannot do it; undefined if it can. */
export async function lacksApt() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Debian packages are unpacked on Linux x64 only';
  if (!existsSync(KEYRING)) return `there is no apt of Debian here (${KEYRING})`;
  return undefined;
}

async function mirror() {
  const said = await must('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  return said.split('\n').find(Boolean) ?? 'http://deb.debian.org/debian';
}

/** Options for an apt of its own: its lists, its cache, and nothing installed yet. */
async function apart(folder, suite) {
  const apt = join(folder, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, name), { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'), 'Dir::Etc::sourceparts': '/dev/null', 'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'), 'Dir::State::status': join(apt, 'status'), 'APT::Install-Recommends': '0', 'APT::Sandbox::User': '',
    'Debug::NoLocking': '1', 'Acquire::Retries': '3',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function unpack(suite, packages, folder) {
  const options = await apart(folder, suite);
  await must('apt-get', ['-qq', ...options, 'update']);
  await must('apt-get', ['-qq', ...options, '--download-only', '-y', 'install', ...packages]);
  const archives = join(folder, 'apt/cache/archives');
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    await must('dpkg-deb', ['-x', join(archives, file), join(folder, 'root')]);
  }
  rmSync(join(folder, 'apt'), { recursive: true });
}

function loader(root) {
  const places = ['lib64', 'usr/lib64', 'lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];
  const found = places.map((place) => join(root, place, 'ld-linux-x86-64.so.2')).find(existsSync);
  if (!found) throw new Error(`no loader in ${root}`);
  return found;
}

/** A script that starts a program of the unpacked packages. Children it starts find the system's libraries. */
function starter(folder, program, env) {
  const root = join(folder, 'root');
  const script = join(folder, program.split('/').pop());
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((place) => join(root, place)).join(':');
  const set = Object.entries(env).map(([name, place]) => `export ${name}='${join(root, place)}'\n`).join('');
  writeFileSync(script, `#!/bin/sh\n${set}exec '${loader(root)}' --argv0 '${root}${program}' --library-path '${libraries}' '${root}${program}' "$@"\n`);
  chmodSync(script, 0o755);
}

/**
 * The path of a script that starts `program` (its path in its package) of a Debian suite; fetched and unpacked if need be.
 * `env` names variables that hold a place below the unpacked root.
 */
export async function ofDebian(suite, packages, program, env = {}) {
  const reason = await lacksApt();
  if (reason) throw new Error(reason);
  // What this file does is part of what is kept: the unpacked programs of an older one are made anew.
  const as = createHash('sha256').update(JSON.stringify([suite, packages, program, env])).update(readFileSync(new URL(import.meta.url)));
  const folder = join(kept('debian'), `${suite}-${packages[0]}-${as.digest('hex').slice(0, 12)}`);
  const script = join(folder, program.split('/').pop());
  if (existsSync(script)) return script;
  console.log(`fetching ${packages.join(', ')} of Debian ${suite} into ${folder}`);
  const partial = `${folder}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  await unpack(suite, packages, partial);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  starter(folder, program, env);
  return script;
}
