// Programs that are on the machine already, and new enough.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { ran } from '../agent.mjs';

/**
 * The path of a program of at least a version: what `variable` names, which must be one, or the first on the PATH.
 * `version` finds the number in what `--version` says. Undefined if there is none.
 */
export async function present({ variable, name, version, atLeast, ask = '--version' }) {
  const given = process.env[variable];
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)).filter((file) => existsSync(file));
  for (const candidate of given ? [given] : places) {
    const { code, out } = await ran(candidate, [ask]).catch(() => ({ code: 1, out: '' }));
    const [found] = code === 0 ? (version.exec(out)?.slice(1) ?? []) : [];
    if (Number(found) >= atLeast) return candidate;
  }
  if (given) throw new Error(`${variable} names ${given}, which is no ${name} of version ${atLeast} or newer`);
  return undefined;
}
