import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerOf, reasonOf, type Ran } from './answer';

const ran = (out: string, said = ''): Ran => ({ code: 128, out, said });

test('the reason is the program’s, as JSON or as text, else the one that is given', () => {
  assert.equal(reasonOf(ran('{"error":{"code":"config","message":"sync.yaml, line 3"}}', 'a warning'), 'none'), 'sync.yaml, line 3');
  assert.equal(reasonOf(ran('', 'fatal: no folder\n'), 'none'), 'fatal: no folder');
  assert.equal(reasonOf(ran('{"error":{}}'), 'none'), 'none');
  assert.equal(reasonOf(ran('no JSON'), 'none'), 'none');
});

test('what is no answer lacks what an answer has', () => {
  const artifacts = (out: string) => answerOf<{ artifacts: string[] }>(ran(out)).artifacts;
  assert.deepEqual(artifacts('{"artifacts":["café"]}'), ['café']);
  for (const out of ['', 'null', '{"error":{"message":"x"}}', '{"artif']) assert.equal(artifacts(out), undefined, out);
});
