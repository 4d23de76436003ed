// On another machine, over SSH: VS Code's server, the extension and the program run there, the window here. The machine
// has nothing but Debian and sshd, and the environment is that of a fresh login.

import { after, before } from 'node:test';

import { PATIENCE } from '../../../../tests/editors/lib/wait.mjs';
import { install, packed } from '../editor/install.mjs';
import { agentBinary, gathered, kept, scenes } from '../editor/play.mjs';
import { Workbench } from '../editor/workbench.mjs';
import { Engine } from './engine.mjs';
import { OverSsh } from './over-ssh.mjs';
import { comesBack, resolvesAConflict, signIn, takesAnEdit } from './play.mjs';

let team, there, code;

before(async () => {
  const engine = new Engine();
  const image = engine.image();
  const tools = install();
  const vsix = packed({ target: `linux-${process.arch}`, binary: await agentBinary() });
  team = await gathered();
  there = await OverSsh.reach(engine, image, team.all.ann, [kept('vscode')], new URL(team.all.url).port);
  code = await Workbench.open({ tools, vsix, open: there.workspace, env: {}, at: there });
});

after(async () => {
  // The machine first: what runs there writes to the window's folder.
  await there?.close();
  await code?.close();
  await team?.all.stop();
});

const scene = scenes(() => code);

scene('over SSH, the key that the machine does not have is asked for, and somebody signs in', async () => {
  await code.message('takes SUPABASE_ANON_KEY from the environment').getByRole('button', { name: 'Set It …' }).click();
  await code.answer('The value that SUPABASE_ANON_KEY stands for', team.all.key);
  await signIn(code, team.all.ann.email);
});

scene('there, a teammate’s edit arrives and is taken', () => takesAnEdit(code, team));

scene('there, a conflict is resolved', () => resolvesAConflict(code, team));

scene('the connection breaks and comes back, and nothing is lost', async () => {
  await comesBack(code, team, there);
  await code.status('Agent: in sync').waitFor({ timeout: 2 * PATIENCE });
});
