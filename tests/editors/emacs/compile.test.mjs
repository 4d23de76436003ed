// The package is what Emacs' own tools want of one.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { ran } from '../lib/agent.mjs';
import { emacs } from '../lib/install/emacs.mjs';
import { project } from '../lib/places.mjs';

test('agent.el compiles and is documented without a warning', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-el-'));
  try {
    const file = join(folder, 'agent.el');
    copyFileSync(join(project, 'editors/emacs/agent.el'), file);
    const [command, ...args] = await emacs();
    const compiled = await ran(command, [...args, '-Q', '--batch', '--eval', '(setq byte-compile-error-on-warn t)', '-f', 'batch-byte-compile', file]);
    assert.deepEqual({ code: compiled.code, err: compiled.err }, { code: 0, err: '' });
    const documented = await ran(command, [...args, '-Q', '--batch', '--eval', `(progn (require 'checkdoc) (checkdoc-file "${file}"))`]);
    assert.deepEqual({ code: documented.code, err: documented.err }, { code: 0, err: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
