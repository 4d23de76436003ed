// Which program to start, and whether it is the right one.

import { execFile } from 'node:child_process';
import * as os from 'node:os';
import * as path from 'node:path';

import { workspace } from 'vscode';

export interface Program {
  command: string;
  env: NodeJS.ProcessEnv;
}

/** Why a program cannot be started, for people. */
export class NotUsable extends Error {}

/** The program that the settings name. */
export function configured(): Program {
  const settings = workspace.getConfiguration('agent');
  const named = settings.get<string>('path', 'agent').trim() || 'agent';
  const command = named.startsWith('~/') ? path.join(os.homedir(), named.slice(2)) : named;
  const env = { ...process.env };
  for (const [name, value] of Object.entries(settings.get<Record<string, unknown>>('env', {}))) {
    env[name] = String(value);
  }
  return { command, env };
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

function reason({ command }: Program, error: NodeJS.ErrnoException | null): string {
  const on_path = path.basename(command) === command;
  switch (error?.code) {
    case 'ENOENT':
      return on_path
        ? `The program “${command}” was not found on PATH. Install it, or say where it is in the setting agent.path.`
        : `There is no program ${command}. The setting agent.path names it.`;
    case 'EACCES':
      return `${command} may not be executed. The setting agent.path names it.`;
    default:
      return `“${command}” is another program, or does not run: “${command} --version” did not answer “agent” and a version. Say in the setting agent.path where the right one is.`;
  }
}
