// Where things are: the project, and what the editor tests keep below its target folder.

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const tests = dirname(dirname(fileURLToPath(import.meta.url)));
export const project = dirname(dirname(tests));

/** A folder below `target/editors`, made if need be: downloads, recordings, what is generated. */
export function kept(...names) {
  const folder = join(process.env.CARGO_TARGET_DIR || join(project, 'target'), 'editors', ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}
