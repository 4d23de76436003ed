// Which program to start, with which environment, and whether it is the right one.

import { execFile, spawn } from 'node:child_process';
import * as os from 'node:os';
import * as path from 'node:path';

import { workspace } from 'vscode';

import type { Ran } from './answer';
import { bundled } from './checksum';
import { filled } from './config';
import type { Keys } from './keys';

export interface Program {
  command: string;
  env: NodeJS.ProcessEnv;
  /** Who named it. */
  from: 'setting' | 'package' | 'PATH';
}

/** Why a program cannot be started, for people. */
export class NotUsable extends Error {}

/** The program that the settings name, else the one in this package, else the one on PATH. */
export async function configured(extension: string, keys: Keys): Promise<Program> {
  const env = await environment(keys);
  const named = workspace.getConfiguration('agent').get<string>('path', '').trim();
  if (named !== '') {
    const command = named.startsWith('~/') ? path.join(os.homedir(), named.slice(2)) : named;
    return { command, env, from: 'setting' };
  }
  const own = await bundled(path.join(extension, 'bin'));
  if (own.is === 'bad') {
    throw new NotUsable(`The program in this package, ${own.path}, is not used: ${own.why}. Install the extension again, or name another program in the setting agent.path.`);
  }
  return own.is === 'good' ? { command: own.path, env, from: 'package' } : { command: 'agent', env, from: 'PATH' };
}

/** The environment of every `agent`: the editor's, what is kept for it, and the setting on top. */
export async function environment(keys: Keys): Promise<NodeJS.ProcessEnv> {
  const env = filled(process.env, await keys.all());
  for (const [name, value] of Object.entries(workspace.getConfiguration('agent').get<Record<string, unknown>>('env', {}))) {
    env[name] = String(value);
  }
  return env;
}

/** Asks the program for its version, because other tools are called `agent` too. */
export function version(program: Program): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: program.env, timeout: 10_000, windowsHide: true };
    const child = execFile(program.command, ['--version'], options, (error, stdout) => {
      const said = /^agent (\S+)\s*$/.exec(stdout)?.[1];
      if (said !== undefined) return resolve(said);
      reject(new NotUsable(reason(program, error as NodeJS.ErrnoException | null)));
    });
    child.stdin?.end();
  });
}

/** Runs one command to its end. What goes to its standard input is in no argument and no log. */
export function run(program: Program, args: readonly string[], cwd: string, input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program.command, args, { cwd, env: program.env, windowsHide: true });
    const ran: Ran = { code: null, out: '', said: '' };
    // Decoded by the stream: a chunk may end within a character.
    child.stdout.setEncoding('utf8').on('data', (data: string) => (ran.out += data));
    child.stderr.setEncoding('utf8').on('data', (data: string) => (ran.said += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ran, code }));
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function reason({ command, from }: Program, error: NodeJS.ErrnoException | null): string {
  const named = from === 'setting' ? ' The setting agent.path names it.' : '';
  switch (error?.code) {
    case 'ENOENT':
      return path.basename(command) === command
        ? `The program “${command}” was not found on PATH, and this package brings none. Install it, or say where it is in the setting agent.path.`
        : `There is no program ${command}.${named}`;
    case 'EACCES':
      return `${command} may not be executed.${named}`;
    default:
      return `“${command}” is another program, or does not run: “${command} --version” did not answer “agent” and a version. Say in the setting agent.path where the right one is.`;
  }
}
