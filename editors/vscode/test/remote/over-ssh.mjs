// Another machine that is reached over SSH alone, and has its own file system, network and home. As VS Code's extension
// "Remote - SSH" does it, VS Code's server runs there, and a forwarded port leads to it; a second one leads back to the
// backend, which such a machine would reach over the network.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { eventually } from '../../../../tests/editors/lib/wait.mjs';
import { given } from './engine.mjs';

export class OverSsh {
  /** A machine that has the folder of `side`, and reaches what listens here on the port `back`. */
  static async reach(engine, image, side, tools, back) {
    const there = new OverSsh();
    Object.assign(there, { engine, back, workspace: side.dir, ports: [], folder: path.join(side.base, 'there') });
    mkdirSync(there.folder);
    const key = path.join(side.base, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    given(side.dir, there.folder);
    const mounts = [[side.dir, ''], [there.folder, ''], ...tools.map((folder) => [folder, ',readonly'])]
      .flatMap(([at, options]) => ['--mount', `type=bind,source=${at},target=${at}${options}`]);
    const keys = ['--mount', `type=bind,source=${key}.pub,target=/etc/ssh/keys,readonly`];
    const sshd = ['/usr/sbin/sshd', '-D', '-e', '-o', 'StrictModes=no', '-o', 'AuthorizedKeysFile=/etc/ssh/keys'];
    there.id = engine.run('run', '--detach', '--publish', '127.0.0.1::22', ...mounts, ...keys, image, ...sshd);
    try {
      const port = engine.run('port', there.id, '22').split(':').at(-1);
      const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ExitOnForwardFailure=yes'];
      there.ssh = ['-F', 'none', '-i', key, '-p', port, ...options.flatMap((one) => ['-o', one]), 'vscode@127.0.0.1'];
      await eventually('the other machine to answer', () => there.run('true') ?? true);
      return there;
    } catch (error) {
      await there.close();
      throw error;
    }
  }

  /** Runs a command line there, to its end; what it printed. */
  run(line) {
    return execFileSync('ssh', [...this.ssh, line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** How a command is run there: with the environment of a fresh login, and nothing of this one. */
  command(argv) {
    given(this.folder);
    const line = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return { file: 'ssh', args: [...this.ssh, `cd '${this.workspace}' && exec ${line}`], env: process.env };
  }

  /** Lets VS Code's window here reach what listens there on a port. */
  async reach(port) {
    this.ports.push(port);
    await this.connect();
  }

  /** The machine may hold the ports of a connection that broke for a moment. */
  async connect() {
    await this.disconnect();
    await eventually('the ports to be forwarded', () => this.forward());
  }

  async forward() {
    const forwards = this.ports.flatMap((port) => ['-L', `127.0.0.1:${port}:127.0.0.1:${port}`]);
    const back = ['-R', `127.0.0.1:${this.back}:127.0.0.1:${this.back}`];
    // It runs this command when the ports are forwarded, and until its input ends.
    this.tunnel = spawn('ssh', [...forwards, ...back, ...this.ssh, 'echo forwarded; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(this.tunnel, 'exit').then(([code]) => Promise.reject(new Error(`ssh ended with ${code}`)));
    ended.catch(() => {});
    return Promise.race([once(this.tunnel.stdout, 'data'), ended]);
  }

  /** The connection breaks. */
  async disconnect() {
    if (!this.tunnel || this.tunnel.exitCode !== null || this.tunnel.signalCode) return;
    const gone = once(this.tunnel, 'exit');
    this.tunnel.kill('SIGKILL');
    await gone;
  }

  async close() {
    await this.disconnect();
    this.engine.run('rm', '--force', '--volumes', this.id);
  }
}
