import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';

import { bundled } from './checksum';

async function folder(t: TestContext, files: Record<string, string>): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'agent-bundled-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(made, name), text, { mode: 0o644 });
  return made;
}

const sum = (text: string) => createHash('sha256').update(text).digest('hex');

test('a package without a program has none', async (t) => {
  assert.deepEqual(await bundled(await folder(t, {}), 'linux'), { is: 'absent' });
});

test('the packed program is fit to run, also where the permission to was lost', async (t) => {
  const at = await folder(t, { agent: 'program', 'agent.sha256': `${sum('program')}  agent\n` });
  assert.deepEqual(await bundled(at, 'linux'), { is: 'good', path: path.join(at, 'agent') });
  await access(path.join(at, 'agent'), constants.X_OK);
});

test('Windows has its own name', async (t) => {
  const at = await folder(t, { 'agent.exe': 'program', 'agent.sha256': `${sum('program')}  agent.exe\n` });
  assert.deepEqual(await bundled(at, 'win32'), { is: 'good', path: path.join(at, 'agent.exe') });
});

test('a program that was changed, or half of a package, is said to be so', async (t) => {
  const why = async (files: Record<string, string>) => {
    const found = await bundled(await folder(t, files), 'linux');
    return found.is === 'bad' ? found.why : found.is;
  };
  assert.match(await why({ agent: 'other', 'agent.sha256': `${sum('program')}  agent\n` }), /checksum differs/);
  assert.match(await why({ agent: 'program' }), /checksum is missing/);
  assert.match(await why({ 'agent.sha256': `${sum('program')}  agent\n` }), /it is missing/);
});
