// All tests in one process, so that they share a server per database.

import { readdirSync } from 'node:fs';

for (const name of readdirSync(import.meta.dirname).sort()) {
  if (name.endsWith('.test.js')) await import(`./${name}`);
}
