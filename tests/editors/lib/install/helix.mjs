// Helix: the one of the machine from 24.7 on (or of the variable HELIX), else Debian's, below `target/editors`.

import { ofDebian } from './of-debian.mjs';
import { present } from './present.mjs';

/** The path of a Helix. Throws with the reason when there is none and none can be fetched. */
export async function helix() {
  const wanted = { variable: 'HELIX', name: 'hx', version: /^helix (\d+\.\d+)/, atLeast: 24.07 };
  return (await present(wanted)) ?? ofDebian('trixie', ['hx'], '/usr/bin/hx', { HELIX_RUNTIME: 'usr/lib/hx/runtime' });
}

if (import.meta.url === `file://${process.argv[1]}`) console.log(await helix());
