// A dev container, made by the command line that VS Code's extension "Dev Containers" uses. What the tests bring in beside
// the project are the files of VS Code's server, where that extension would download them.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { given } from './engine.mjs';

const CLI = path.join(import.meta.dirname, '..', '..', 'node_modules', '@devcontainers', 'cli', 'devcontainer.js');

export class Container {
  /** For the folder of `side` (backend.mjs); `configuration` is what its devcontainer.json says besides. */
  constructor(engine, image, side, tools, configuration) {
    Object.assign(this, { engine, side });
    this.folder = path.join(side.base, 'there');
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(side.file('.devcontainer'), { recursive: true });
    const mounts = [[this.folder, ''], ...tools.map((folder) => [folder, ',readonly'])]
      .map(([at, options]) => `source=${at},target=${at},type=bind${options}`);
    const text = { image, remoteUser: 'vscode', runArgs: ['--network=host', ...engine.runArgs], ...configuration, mounts: [...mounts, ...configuration.mounts] };
    writeFileSync(side.file('.devcontainer/devcontainer.json'), JSON.stringify(text, undefined, 2));
    given(side.dir, this.folder);
    const { file, args, env } = this.cli('up', []);
    const made = JSON.parse(execFileSync(file, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n').at(-1));
    Object.assign(this, { id: made.containerId, workspace: made.remoteWorkspaceFolder });
  }

  /** How a command of the CLI is run. */
  cli(verb, args) {
    const common = ['--docker-path', this.engine.program, '--workspace-folder', this.side.dir];
    // What it takes from here is what devcontainer.json says it takes, out of this environment.
    const env = { ...process.env, SUPABASE_ANON_KEY: this.side.env.SUPABASE_ANON_KEY };
    return { file: process.execPath, args: [CLI, verb, ...common, ...args], env };
  }

  /** How a command is run in the container, where the folder it writes to is its user's. */
  command(argv) {
    given(this.folder);
    return this.cli('exec', argv);
  }

  close() {
    this.engine.run('rm', '--force', '--volumes', this.id);
  }
}
