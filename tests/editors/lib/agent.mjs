// The program under test: built once, run as a command, and as the command of a recorded language server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { project } from './places.mjs';

const here = dirname(fileURLToPath(import.meta.url));
let built;

/** Runs a program to its end: `{ code, out, err }`. */
export async function ran(command, args, { input, ...options } = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
  // One that reads nothing may be gone already.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const [code, signal] = await once(child, 'close');
  return { code: code ?? signal, out, err };
}

/** The path of the built `agent`; with `AGENT_BIN` (or `AGENT_BINARY`) that one is used as it is. */
export function agentBinary() {
  built ??= build();
  return built;
}

async function build() {
  const given = process.env.AGENT_BIN || process.env.AGENT_BINARY;
  if (given) {
    if (!existsSync(given)) throw new Error(`AGENT_BIN names ${given}, which is not there`);
    return given;
  }
  const args = ['build', '--quiet', '--locked', '--package', 'agent-cli', '--bin', 'agent', '--message-format=json-render-diagnostics'];
  const { code, out, err } = await ran('cargo', args, { cwd: project });
  if (code !== 0) throw new Error(`the program under test does not build:\n${err}`);
  const messages = out.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const found = messages.find(({ target, executable }) => target?.name === 'agent' && executable);
  if (!found) throw new Error('cargo built the program but did not say where');
  return found.executable;
}

/** Runs `agent …` for somebody (`{ dir, env }` of backend.mjs). */
export async function agent(side, args, input) {
  return ran(await agentBinary(), args, { cwd: side.dir, env: side.env, input });
}

/** Runs `agent …`, which must succeed; what it printed. */
export async function agentOk(side, args, input) {
  const { code, out, err } = await agent(side, args, input);
  if (code !== 0) throw new Error(`agent ${args.join(' ')} ended with ${code}:\n${out}${err}`);
  return out;
}

/** The command of a language server whose session is recorded in `log`, as an array. */
export async function recorded(log) {
  return [process.execPath, join(here, 'record.mjs'), log, '--', await agentBinary(), 'lsp'];
}
