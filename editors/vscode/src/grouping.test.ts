import assert from 'node:assert/strict';
import { test } from 'node:test';

import { artifactNote, groupNote, look, toDecide, tree, withConflicts, type Node } from './grouping';
import type { Artifact } from './protocol';

const artifact = (kind: string, id: string, more: Partial<Artifact> = {}): Artifact => ({
  kind, id, title: null, state: null, uri: `file:///w/${id}.md`, path: `${id}.md`, status: 'in-sync', people: [], ...more,
});

const shape = (node: Node): unknown => {
  switch (node.at) {
    case 'artifact': return node.artifact.id;
    case 'folder': return [node.uri, node.children.map(shape)];
    case 'kind': return [node.kind, node.children.map(shape)];
    case 'state': return [node.state, node.children.map(shape)];
  }
};

test('artifacts are grouped by kind and state, and ordered as people count', () => {
  const artifacts = [
    artifact('story', 'OPS-10', { state: 'DRAFT' }),
    artifact('story', 'OPS-9', { state: 'DRAFT' }),
    artifact('story', 'OPS-1', { state: 'COMMITTED' }),
    artifact('story', 'LOOSE'),
    artifact('memo', 'M'),
    artifact('plan', 'P-1', { state: 'PROPOSED' }),
    artifact('runbook', 'restart'),
  ];
  assert.deepEqual(tree([{ uri: 'file:///w/', artifacts }]).map(shape), [
    ['plan', [['PROPOSED', ['P-1']]]],
    ['story', [['COMMITTED', ['OPS-1']], ['DRAFT', ['OPS-9', 'OPS-10']], ['without a state', ['LOOSE']]]],
    ['runbook', ['restart']],
    ['memo', ['M']],
  ]);
});

test('folders are told apart only where there are several', () => {
  const one = { uri: 'file:///a/', artifacts: [artifact('plan', 'P-1')] };
  const two = { uri: 'file:///b/', artifacts: [artifact('plan', 'P-1')] };
  assert.deepEqual(tree([one, two]).map(shape), [['file:///a/', [['plan', ['P-1']]]], ['file:///b/', [['plan', ['P-1']]]]]);
  assert.deepEqual(tree([]), []);
});

test('a group says what in it needs attention', () => {
  const artifacts = [
    artifact('plan', 'P-1', { status: 'conflict' }),
    artifact('plan', 'P-2', { status: 'refused' }),
    artifact('plan', 'P-3', { status: 'behind' }),
    artifact('plan', 'P-4', { status: 'waiting' }),
  ];
  const folder = { uri: 'file:///w/', artifacts };
  assert.equal(groupNote(tree([folder])[0] as Node), '4 · 2 to decide · 1 remote');
  assert.equal(toDecide([folder]), 3);
});

test('an artifact says its title, how it stands, and who is there', () => {
  assert.equal(artifactNote(artifact('plan', 'P-1')), '');
  assert.equal(
    artifactNote(artifact('plan', 'P-1', { title: 'Export', status: 'behind', people: ['ann', 'ben'] })),
    'Export · changed by the team · ann, ben here',
  );
});

test('a title does not repeat the id', () => {
  assert.equal(artifactNote(artifact('plan', 'P-1', { title: 'P-1: Export' })), 'Export');
  assert.equal(artifactNote(artifact('plan', 'P-1', { title: 'P-1' })), '');
});

test('a conflict of an unsaved buffer counts, unless the remote refused the artifact', () => {
  const folder = { uri: 'file:///w/', artifacts: [artifact('plan', 'P-1', { status: 'behind' }), artifact('plan', 'P-2'), artifact('plan', 'P-3', { status: 'refused' })] };
  const [marked] = withConflicts([folder], (uri) => uri !== 'file:///w/P-2.md');
  assert.deepEqual(marked?.artifacts.map(({ status }) => status), ['conflict', 'in-sync', 'refused']);
});

test('a status of a newer server is shown by its name', () => {
  assert.deepEqual(look('deleted-there'), { words: 'deleted there', badge: '•', urgency: 1 });
});
