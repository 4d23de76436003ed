// A terminal editor with a story open that a team of two has, and its recorded session.

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { agentOk } from './agent.mjs';
import { team } from './backend.mjs';
import { passes } from './check.mjs';
import { Desktop } from './desktop.mjs';
import { story } from './main-job.mjs';
import { kept } from './places.mjs';
import { Teammate } from './teammate.mjs';

/**
 * Plays with it: `open(side, path, log, desktop)` starts the editor, `play(editor, { both, bob, path, text, desktop })` uses it.
 * Answers the session, named `name`, once it is found to be without a fault. `sync` is as for `team`.
 */
export async function onStory(name, { open, sync }, play) {
  const log = join(kept('recordings'), `${name}.jsonl`);
  rmSync(log, { force: true });
  const both = await team(sync && { sync });
  let editor;
  try {
    const bob = new Teammate(both, both.bob);
    const { path, text } = story('OPS-021');
    bob.write(path, text);
    await bob.push();
    await agentOk(both.ann, ['sync', 'pull']);
    const desktop = new Desktop(both.ann);
    editor = await open(both.ann, path, log, desktop);
    await play(editor, { both, bob, path, text, desktop });
    await editor.stop();
  } finally {
    editor?.kill();
    await both.stop();
  }
  return passes(log);
}

/** The server's commands that were run in a session, each that was answered, in order. */
export function commandsOf(session) {
  const answered = new Set(session.filter(({ from, message }) => from === 'server' && message && 'result' in message).map(({ message }) => message.id));
  const asked = session.filter(({ from, message }) => from === 'client' && message?.method === 'workspace/executeCommand');
  return asked.filter(({ message }) => answered.has(message.id)).map(({ message }) => message.params.command);
}
