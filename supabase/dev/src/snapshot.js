// Owns the cache of prepared PGlite databases. Creating one takes seconds (initdb in WebAssembly);
// loading a dump of one with the migrations already applied takes a fraction of that.

import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const CACHE_DIR = path.join(import.meta.dirname, '..', '.cache');
const LOCKFILE = path.join(import.meta.dirname, '..', 'package-lock.json');
const STALE_AFTER_MS = 7 * 24 * 3600 * 1000;

const fileOf = (fingerprint) => path.join(CACHE_DIR, `pglite-${fingerprint}.tar`);

/** The exact versions of everything that takes part in making a snapshot. */
export const packageVersions = () => readFile(LOCKFILE, 'utf8');

/** @returns {Promise<Blob | undefined>} */
export async function loadSnapshot(fingerprint) {
  try {
    return new Blob([await readFile(fileOf(fingerprint))]);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Servers that start together may all save: each writes its own file, the last rename wins. */
export async function saveSnapshot(fingerprint, pglite) {
  const dump = await pglite.dumpDataDir('none');
  await mkdir(CACHE_DIR, { recursive: true });
  const unfinished = path.join(CACHE_DIR, `${crypto.randomUUID()}.tmp`);
  try {
    await writeFile(unfinished, Buffer.from(await dump.arrayBuffer()));
    await rename(unfinished, fileOf(fingerprint));
  } finally {
    await rm(unfinished, { force: true });
  }
  await removeStale();
}

/** Also what a killed server left unfinished. */
async function removeStale() {
  for (const name of await readdir(CACHE_DIR)) {
    const file = path.join(CACHE_DIR, name);
    // Another server may have removed it in between.
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < Date.now() - STALE_AFTER_MS) await rm(file, { force: true });
  }
}
