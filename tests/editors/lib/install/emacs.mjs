// Emacs with eglot: the one of the machine from 29 on (or of the variable EMACS), else Debian's, below `target/editors`.
// lsp-mode comes from Debian in either case.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ofDebian } from './of-debian.mjs';
import { present } from './present.mjs';

const VERSION = '30.1';
const PACKAGES = ['emacs-nox', 'elpa-lsp-mode', 'elpa-markdown-mode'];

/** The command of an Emacs, as an array. Throws with the reason when there is none and none can be fetched. */
export async function emacs() {
  const found = await present({ variable: 'EMACS', name: 'emacs', version: /^GNU Emacs (\d+\.\d+)/, atLeast: 29.1 });
  return found ? [found] : debians();
}

/** The folders of lsp-mode and what it needs, and of markdown-mode: for the load path. */
export async function packages() {
  const [script] = await debians();
  const folder = join(dirname(script), 'root/usr/share/emacs/site-lisp/elpa-src');
  return readdirSync(folder).map((name) => join(folder, name));
}

async function debians() {
  const libexec = `usr/libexec/emacs/${VERSION}/x86_64-linux-gnu`;
  const lisp = `usr/share/emacs/${VERSION}`;
  const script = await ofDebian('trixie', PACKAGES, '/usr/bin/emacs-nox', {
    EMACSLOADPATH: `${lisp}/lisp`, EMACSDATA: `${lisp}/etc`, EMACSDOC: `${lisp}/etc`, EMACSPATH: libexec,
  });
  // Emacs looks for the image of its memory where it was built for.
  const image = readdirSync(join(dirname(script), 'root', libexec)).find((name) => name.endsWith('.pdmp'));
  if (!image) throw new Error(`Debian's Emacs is not ${VERSION} any more`);
  return [script, `--dump-file=${join(dirname(script), 'root', libexec, image)}`];
}

if (import.meta.url === `file://${process.argv[1]}`) console.log((await emacs()).join(' '), existsSync((await packages())[0]));
