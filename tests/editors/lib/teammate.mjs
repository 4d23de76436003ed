// The other side of the main job, who works with the command line only.

import { readFileSync } from 'node:fs';

import { agentOk } from './agent.mjs';
import { eventually } from './wait.mjs';

export class Teammate {
  /** `side` is `team.ann` or `team.bob`. */
  constructor(team, side) {
    Object.assign(this, { team, side });
  }

  read(path) {
    return readFileSync(this.side.file(path), 'utf8');
  }

  /** Writes a file. */
  write(path, text) {
    this.side.write(path, text);
  }

  /** Replaces the first `old` of a file, which must be there. */
  edit(path, old, text) {
    const before = this.read(path);
    if (!before.includes(old)) throw new Error(`no ${JSON.stringify(old)} in ${path}: ${JSON.stringify(before)}`);
    this.write(path, before.replace(old, () => text));
  }

  push() {
    return agentOk(this.side, ['sync', 'push']);
  }

  pull() {
    return agentOk(this.side, ['sync', 'pull']);
  }

  /** Edits a file and pushes it. */
  async sends(path, old, text) {
    this.edit(path, old, text);
    await this.push();
  }

  /** Waits until the remote holds exactly this text. */
  async remoteHas(path, text) {
    await eventually(`the remote to hold the text of ${path}`, async () => {
      const found = await this.team.artifact(path);
      if (found?.content !== text) throw new Error(`it holds ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
      return true;
    });
  }

  /** Pulls until the file here holds exactly this text, as it does on the remote. */
  async receives(path, text) {
    await this.remoteHas(path, text);
    await this.pull();
    const found = this.read(path);
    if (found !== text) throw new Error(`${path} of ${this.side.name} is ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
  }
}
