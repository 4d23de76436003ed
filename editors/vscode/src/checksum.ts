// The program that comes with a platform's package, and the checksum it was packed with.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, readFile, stat } from 'node:fs/promises';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What the package says about a bundled program: nothing there, fit to run, or why not. */
export type Bundled =
  | { is: 'absent' }
  | { is: 'good'; path: string }
  | { is: 'bad'; path: string; why: string };

/** Looks for `agent` in `folder` and compares it with `agent.sha256` beside it. */
export async function bundled(folder: string, platform: string = process.platform): Promise<Bundled> {
  const file = path.join(folder, platform === 'win32' ? 'agent.exe' : 'agent');
  const expected = await readFile(path.join(folder, 'agent.sha256'), 'utf8').catch(() => undefined);
  const there = await stat(file).then((found) => found.isFile(), () => false);
  if (expected === undefined && !there) return { is: 'absent' };
  const bad = (why: string): Bundled => ({ is: 'bad', path: file, why });
  if (!there) return bad('it is missing');
  const sum = /^([0-9a-f]{64})\s/.exec(expected ?? '')?.[1];
  if (sum === undefined) return bad('its checksum is missing');
  if ((await sha256(file)) !== sum) return bad('it is not the one that was packed: its checksum differs');
  if (platform !== 'win32') await executable(file);
  return { is: 'good', path: file };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Some ways of installing lose the permission to execute. */
async function executable(file: string): Promise<void> {
  await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
}
