// A real VS Code to test in: code-server, and a browser to drive it with. What is not there is put below
// target/editors/vscode, once. Nothing needs root.

import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { kept } from '../../../../tests/editors/lib/places.mjs';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** They belong together: this code-server needs Node 24. */
const CODE_SERVER = '4.139.1';
const NODE = '24.9.0';

/** Names a variable with the API proposal that VS Code is to refuse. code-server refuses none, VS Code all it is not told of. */
export const REFUSED = 'AGENT_TEST_REFUSED';

/** Installs what is missing; answers how to start it all. */
export function install() {
  const folder = kept('vscode');
  const node = nodeFor(folder);
  return { node, entry: codeServer(folder, node), browser: browser() };
}

/** The packed extension, as people install it. */
export function packed({ target, binary } = {}) {
  const out = path.join(kept('vscode'), target ? `under-test-${target}.vsix` : 'under-test.vsix');
  const args = ['scripts/package.mjs', '--out', out, ...(target ? ['--target', target, '--binary', binary] : [])];
  execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return out;
}

function nodeFor(folder) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const home = path.join(folder, `node-${NODE}`);
  const node = path.join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  once(home, node, (at) => npm(at, process.env, ['install', '--ignore-scripts', `${name}@${NODE}`]));
  return node;
}

/** Its own packages are installed by themselves: what it would compile, it runs without. */
function codeServer(folder, node) {
  const home = path.join(folder, `code-server-${CODE_SERVER}`);
  const entry = path.join(home, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
  once(home, entry, (at) => {
    const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
    npm(at, env, ['install', '--ignore-scripts', `code-server@${CODE_SERVER}`]);
    npm(path.join(at, 'node_modules', 'code-server', 'lib', 'vscode'), env, ['install', '--omit=dev', '--ignore-scripts']);
  });
  refusing(path.join(home, 'node_modules', 'code-server', 'lib', 'vscode', 'out/vs/workbench/api/node/extensionHostProcess.js'));
  return entry;
}

/** Lets the extension host refuse its Timeline, as VS Code's own does. */
function refusing(file) {
  const source = readFileSync(file, 'utf8');
  if (source.includes(REFUSED)) return;
  const made = source.replace(/\((\w+)\((\w+),"timeline"\),/, (_, check, extension) =>
    `(((of,name)=>{if(process.env.${REFUSED}===name)throw new Error("CANNOT use API proposal: "+name);return ${check}(of,name)})(${extension},"timeline"),`);
  if (made === source) throw new Error(`this code-server lets extensions use the Timeline in another way: ${file}`);
  writeFileSync(`${file}.new`, made);
  renameSync(`${file}.new`, file);
}

/** Made beside its place and moved there when it is whole, so that an interrupted download is begun anew. */
function once(home, proof, make) {
  if (existsSync(proof)) return;
  const beside = `${home}.new`;
  rmSync(beside, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true });
  writeFileSync(path.join(beside, 'package.json'), '{ "private": true }\n');
  console.log(`Installing ${path.basename(home)} …`);
  make(beside);
  renameSync(beside, home);
}

function npm(cwd, env, args) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function browser() {
  const given = process.env.AGENT_CHROMIUM;
  if (given) return given;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const found = names.flatMap((name) => (process.env.PATH ?? '').split(path.delimiter).map((at) => path.join(at, name))).find(runs);
  return found ?? playwrights();
}

/** Playwright's own download, which needs the system's libraries and fonts to be there. */
function playwrights() {
  const own = chromium.executablePath();
  if (existsSync(own)) return own;
  try {
    const cli = path.join(root, 'node_modules', 'playwright-core', 'cli.js');
    execFileSync(process.execPath, [cli, 'install', 'chromium'], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch {
    throw new Error('No Chromium: none is on PATH (chromium, google-chrome), AGENT_CHROMIUM names none, and Playwright could not download one. Install it, on Debian with: apt-get install chromium');
  }
  return own;
}

function runs(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
