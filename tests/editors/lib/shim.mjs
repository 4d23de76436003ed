// A program `agent` for the PATH of an editor whose session is recorded, so that the editor is set up as its page says.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { recorded } from './agent.mjs';

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/** The environment of `side`, with that program and the folders `more` first on its PATH, and with `desktop`, if any. */
export async function withRecorded(side, log, { more = [], desktop } = {}) {
  const folder = join(side.base, `bin-${Math.random().toString(36).slice(2)}`);
  const [node, recorder, to, dashes, agent] = await recorded(log);
  mkdirSync(folder);
  const file = join(folder, 'agent');
  writeFileSync(file, `#!/bin/sh\nexec ${[node, recorder, to, dashes, agent].map(quoted).join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  const env = { ...side.env, ...desktop?.inFront(side.env) };
  return { ...env, PATH: [folder, ...more, env.PATH].join(delimiter) };
}

/** The same environment without that program on its PATH, and where the program is. */
export function offPath(env) {
  const [folder, ...others] = env.PATH.split(delimiter);
  return { env: { ...env, PATH: others.join(delimiter) }, program: join(folder, 'agent') };
}
