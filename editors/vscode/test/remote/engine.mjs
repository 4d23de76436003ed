// The container engine that the tests use: what AGENT_DOCKER names, else docker or podman, whichever answers.

import { execFileSync } from 'node:child_process';

const IMAGE = 'agent-test-remote';

/** Who the files that a container is given belong to: whoever runs the tests, or somebody who is not root. */
export const OWNER = process.getuid() || 1000;

export class Engine {
  constructor() {
    const { AGENT_DOCKER: given } = process.env;
    this.program = (given ? [given] : ['docker', 'podman']).find(answers);
    if (this.program) return;
    throw new Error(`No container engine: ${given ? `AGENT_DOCKER names ${given}, which does not answer` : 'neither docker nor podman answers'} here. On Debian: apt-get install podman`);
  }

  /** Builds the image of the bare machine, and answers its name. */
  image() {
    const base = process.env.AGENT_TEST_IMAGE;
    const given = [`OWNER=${OWNER}`, ...(base ? [`BASE=${base}`] : [])].flatMap((one) => ['--build-arg', one]);
    this.run('build', '--network=host', '--tag', IMAGE, ...given, import.meta.dirname);
    return IMAGE;
  }

  /** What the Dev Containers CLI must be given beside: without it, it asks of podman what only podman without root does. */
  get runArgs() {
    const isPodman = /podman/.test(this.run('--version'));
    return isPodman && process.getuid() === 0 ? ['--uidmap=0:0:100000', '--gidmap=0:0:100000'] : [];
  }

  /** Runs a command of the engine to its end; what it printed. */
  run(...args) {
    return execFileSync(this.program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }
}

function answers(program) {
  try {
    execFileSync(program, ['info'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Gives folders to OWNER where root made them. */
export function given(...folders) {
  if (process.getuid() === 0) execFileSync('chown', ['-R', `${OWNER}:${OWNER}`, ...folders]);
}
