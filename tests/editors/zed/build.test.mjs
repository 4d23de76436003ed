// The extension compiles: for its target where this Rust has that, and else for this machine. Zed itself is not run.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { ran } from '../lib/agent.mjs';
import { kept, project } from '../lib/places.mjs';

const FOLDER = join(project, 'editors/zed');
const TARGET = 'wasm32-wasip2';

test('the extension for Zed compiles', async (t) => {
  const { out } = await ran('rustc', ['--print', 'target-libdir', '--target', TARGET], { cwd: FOLDER });
  const hasTarget = existsSync(out.trim());
  if (!hasTarget) t.diagnostic(`this Rust has no standard library for ${TARGET}: compiled for this machine`);
  const how = hasTarget ? ['build', '--release', '--target', TARGET] : ['check'];
  const { code, err } = await ran('cargo', [...how, '--quiet', '--locked', '--target-dir', kept('zed')], { cwd: FOLDER });
  assert.deepEqual({ code, err }, { code: 0, err: '' });
});

test('the manifest names the language server that the code is asked for', () => {
  const manifest = readFileSync(join(FOLDER, 'extension.toml'), 'utf8');
  assert.match(manifest, /^\[language_servers\.agent\]$/m);
  assert.match(manifest, /^languages = \["Markdown", "YAML"\]$/m);
  const version = (text) => /^version = "(.*)"$/m.exec(text)[1];
  assert.equal(version(manifest), version(readFileSync(join(FOLDER, 'Cargo.toml'), 'utf8')));
});
