// docs/threat-model.md names a test for each attack; each is there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const PAGE = readFileSync(path.join(ROOT, 'docs', 'threat-model.md'), 'utf8');

/** How a test of this name begins, by the language of its file. */
const BEGINNINGS = {
  '.rs': (name) => `fn ${name}()`,
  '.js': (name) => `test('${name.replaceAll("'", "\\'")}'`,
  '.sql': (name) => `'${name.replaceAll("'", "''")}')`,
};

const rows = PAGE.split('\n').filter((line) => /^\| (?!attack \|)/.test(line))
  .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

describe('the threat model', () => {
  test('has attacks, each with what stops it, and none twice', () => {
    assert.ok(rows.length > 30, String(rows.length));
    for (const row of rows) assert.ok(row.length === 3 && row.every((cell) => cell.length > 0), String(row));
    assert.equal(new Set(rows.map(([attack]) => attack)).size, rows.length);
  });

  test('names tests that exist', () => {
    for (const [attack, , tests] of rows) {
      for (const named of tests.split('; ')) {
        const [, file, name] = /^`([^`]+)`: (.+)$/.exec(named) ?? assert.fail(`${attack}: ${named}`);
        const beginning = BEGINNINGS[path.extname(file)](name);
        const text = readFileSync(path.join(ROOT, file), 'utf8');
        assert.ok(text.includes(beginning), `${attack}: ${file} has no ${beginning}`);
      }
    }
  });
});
