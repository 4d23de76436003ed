// Makes the .vsix. Without a target one for every platform, which takes `agent` from PATH; with `--target` one for that
// platform, with the program in it and its checksum beside it.
//
//   npm run package
//   npm run package -- --target linux-x64 [--binary FILE]
//
// Without `--binary` the program is built here, for the platform that this is.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const TARGETS = ['linux-x64', 'linux-arm64', 'alpine-x64', 'alpine-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

const { values } = parseArgs({ options: { target: { type: 'string' }, binary: { type: 'string' }, out: { type: 'string' } } });
const { target } = values;
if (target !== undefined && !TARGETS.includes(target)) fail(`--target is one of: ${TARGETS.join(', ')}`);
if (target === undefined && values.binary !== undefined) fail('--binary goes with --target');
if (values.binary !== undefined && !existsSync(given(values.binary))) fail(`--binary: there is no ${given(values.binary)}`);

const bin = path.join(root, 'bin');
rmSync(bin, { recursive: true, force: true });
try {
  if (target !== undefined) bundle(target);
  const out = values.out ? given(values.out) : path.join(root, target === undefined ? 'agent-artifacts.vsix' : `agent-artifacts-${target}.vsix`);
  const args = ['package', '--no-dependencies', '--allow-missing-repository', '--out', out, ...(target === undefined ? [] : ['--target', target])];
  execFileSync(process.execPath, [path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce'), ...args], { cwd: root, stdio: 'inherit' });
} finally {
  rmSync(bin, { recursive: true, force: true });
}

function bundle(target) {
  const program = values.binary === undefined ? built(target) : given(values.binary);
  const name = target.startsWith('win32') ? 'agent.exe' : 'agent';
  mkdirSync(bin);
  const file = path.join(bin, name);
  copyFileSync(program, file);
  chmodSync(file, 0o755);
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  writeFileSync(path.join(bin, 'agent.sha256'), `${sum}  ${name}\n`);
  console.log(`Bundled ${program}, SHA-256 ${sum}`);
}

/** A file as it was named where npm was called, which runs this elsewhere. */
function given(file) {
  return path.resolve(process.env.INIT_CWD ?? '.', file);
}

/** The program, built for this machine. For any other it is built there, and named with --binary. */
function built(target) {
  const here = `${process.platform}-${process.arch}`;
  if (target !== here) fail(`This machine is ${here}. Build agent for ${target} elsewhere, and name it with --binary.`);
  const args = ['build', '--release', '--locked', '--package', 'agent-cli', '--message-format=json-render-diagnostics'];
  const said = execFileSync('cargo', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
  const messages = said.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const found = messages.find((message) => message.target?.name === 'agent' && message.executable);
  return found?.executable ?? fail('cargo did not say where it put the program.');
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
