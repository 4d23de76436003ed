// In a dev container: VS Code's server, the extension and the program run in it, the window here. The configuration is
// the one of docs/editors/vscode.md.

import { after, before } from 'node:test';

import { pasted } from '../../../../tests/editors/lib/page.mjs';
import { PATIENCE } from '../../../../tests/editors/lib/wait.mjs';
import { install, packed } from '../editor/install.mjs';
import { agentBinary, gathered, kept, scenes } from '../editor/play.mjs';
import { Workbench } from '../editor/workbench.mjs';
import { Container } from './container.mjs';
import { Engine } from './engine.mjs';
import { resolvesAConflict, signIn, takesAnEdit } from './play.mjs';

const VOLUME = `agent-sessions-${process.pid}`;

let tools, vsix, engine, image, team, container, code;

/** The part of devcontainer.json that the documentation shows. */
function documented() {
  const text = pasted('vscode', 'json').find((block) => block.includes('remoteEnv'));
  return JSON.parse(text.replaceAll('agent-sessions', VOLUME));
}

before(async () => {
  engine = new Engine();
  image = engine.image();
  tools = install();
  vsix = packed({ target: `linux-${process.arch}`, binary: await agentBinary() });
  team = await gathered();
  await enter();
});

async function enter() {
  container = new Container(engine, image, team.all.ann, [kept('vscode')], documented());
  code = await Workbench.open({ tools, vsix, open: container.workspace, env: {}, at: container });
}

async function leave() {
  // The container first: what runs in it writes to the window's folder.
  container?.close();
  await code?.close();
  code = undefined;
  container = undefined;
}

after(async () => {
  await leave();
  await team?.all.stop();
  if (engine?.run('volume', 'ls', '--quiet').split('\n').includes(VOLUME)) engine.run('volume', 'rm', VOLUME);
});

const scene = scenes(() => code);

scene('in a dev container, the package’s program runs, and somebody signs in', async () => {
  await signIn(code, team.all.ann.email);
});

scene('there, a teammate’s edit arrives and is taken', () => takesAnEdit(code, team));

scene('there, a conflict is resolved', () => resolvesAConflict(code, team));

scene('the container is made anew, and the session is still there', async () => {
  await leave();
  await enter();
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
});
