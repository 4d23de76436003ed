// The container engine that the tests use: what AGENT_DOCKER names, else docker or podman, whichever answers.

import { execFileSync } from 'node:child_process';
import path from 'node:path';

const IMAGE = 'agent-test-remote';
const UNUSABLE = 'No container engine: neither docker nor podman can be used here, and AGENT_DOCKER names none. On Debian: apt-get install podman';

export class Engine {
  constructor() {
    const { AGENT_DOCKER: given } = process.env;
    this.program = (given ? [given] : ['docker', 'podman']).find(answers);
    if (!this.program) throw new Error(UNUSABLE);
  }

  /** Builds the image of the bare machine, and answers its name. */
  image() {
    const base = process.env.AGENT_TEST_IMAGE;
    this.run('build', '--network=host', '--tag', IMAGE, ...(base ? ['--build-arg', `BASE=${base}`] : []), path.join(import.meta.dirname));
    return IMAGE;
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
