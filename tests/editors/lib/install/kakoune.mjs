// Kakoune and kakoune-lsp: those of the machine (or of the variables KAKOUNE and KAK_LSP), else Debian's Kakoune, and
// kakoune-lsp built by cargo, which takes minutes once. Both below `target/editors`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ran } from '../agent.mjs';
import { kept } from '../places.mjs';
import { ofDebian } from './of-debian.mjs';
import { present } from './present.mjs';

const KAK_LSP = '22.0.0';

/** `{ kak, lsp }`: the paths of both. Throws with the reason when there is none and none can be fetched. */
export async function kakoune() {
  const kak = { variable: 'KAKOUNE', name: 'kak', ask: '-version', version: /(\d{4}\.\d+)/, atLeast: 2022.1 };
  const lsp = { variable: 'KAK_LSP', name: 'kak-lsp', version: /(\d+)\.\d+\.\d+/, atLeast: 18 };
  return {
    kak: (await present(kak)) ?? (await ofDebian('trixie', ['kakoune'], '/usr/bin/kak', { KAKOUNE_RUNTIME: 'usr/share/kak' })),
    lsp: (await present(lsp)) ?? (await built()),
  };
}

async function built() {
  const folder = kept('kak-lsp');
  const binary = join(folder, 'bin/kak-lsp');
  if (existsSync(binary)) return binary;
  console.log(`building kak-lsp ${KAK_LSP} into ${folder}; this takes minutes`);
  const { code, err } = await ran('cargo', ['install', 'kak-lsp', '--version', KAK_LSP, '--locked', '--quiet', '--root', folder]);
  if (code !== 0) throw new Error(`cargo install kak-lsp failed:\n${err}`);
  return binary;
}

if (import.meta.url === `file://${process.argv[1]}`) console.log(await kakoune());
