// VS Code's tests are the extension's own (editors/vscode/test), since they are told what its views look like. This runs
// all of them: types, units, and the main job in a real VS Code with mouse and keyboard.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { ran } from '../lib/agent.mjs';
import { install } from '../lib/backend.mjs';
import { project } from '../lib/places.mjs';

test('the extension for VS Code passes its own tests', async () => {
  const folder = join(project, 'editors', 'vscode');
  await install(folder);
  // A test runner inside of one would report to the outer one, and not end with a code of its own.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { code, out, err } = await ran('npm', ['test', '--loglevel=error'], { cwd: folder, env });
  assert.equal(code, 0, `${out}\n${err}`);
});
