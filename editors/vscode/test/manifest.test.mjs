// The package's manifest against what it must agree with: the sources, the documentation, the program's own keys.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const project = path.dirname(path.dirname(root));
const read = (...parts) => readFileSync(path.join(...parts), 'utf8');
const manifest = JSON.parse(read(root, 'package.json'));
const { contributes } = manifest;
const sources = readdirSync(path.join(root, 'src')).filter((name) => !name.includes('.test.')).map((name) => read(root, 'src', name));
const source = sources.join('\n');
const commands = contributes.commands.map(({ command }) => command);

/** Commands that the server has, which its client registers. */
const SERVERS = ['agent.push', 'agent.pull'];

test('every command of the manifest is registered, and every one has a title', () => {
  const verbs = [...read(root, 'src', 'terminal.ts').matchAll(/^ {2}(\w+): \{ words:/gm)].map(([, name]) => `agent.cli.${name}`);
  const kinds = ['plan', 'story', 'runbook', 'adr'].map((kind) => `agent.new.${kind}`);
  for (const { command, title, category } of contributes.commands) {
    assert.ok(title && category === 'Agent', command);
    const known = SERVERS.includes(command) || verbs.includes(command) || kinds.includes(command) || source.includes(`'${command}'`);
    assert.ok(known, `${command} is in no source`);
  }
  for (const verb of verbs) assert.ok(commands.includes(verb), `${verb} is missing from the manifest`);
  assert.equal(new Set(commands).size, commands.length);
});

test('menus, views and walkthrough name commands that there are', () => {
  const used = Object.values(contributes.menus).flat().map(({ command }) => command);
  const linked = [...JSON.stringify([contributes.walkthroughs, contributes.viewsWelcome]).matchAll(/\(command:(agent\.[\w.]+)/g)].map(([, name]) => name);
  for (const command of [...used, ...linked]) assert.ok(commands.includes(command), command);
  for (const step of contributes.walkthroughs.flatMap(({ steps }) => steps)) read(root, step.media.markdown);
});

test('no key is taken from anybody', () => {
  assert.equal(contributes.keybindings, undefined);
});

test('nothing is measured, and nobody is told', () => {
  assert.doesNotMatch(source, /createTelemetryLogger|TelemetryLogger|\bfetch\(|node:https?'|XMLHttpRequest/);
  assert.equal(manifest.dependencies['@vscode/extension-telemetry'], undefined);
});

test('in Restricted Mode no setting of the folder can name a program', () => {
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, 'limited');
  assert.deepEqual(restrictedConfigurations, ['agent.path', 'agent.env']);
  assert.deepEqual(manifest.extensionKind, ['workspace']);
});

test('the README and the page of the documentation describe every setting', () => {
  for (const page of [read(root, 'README.md'), read(project, 'docs', 'editors', 'vscode.md')]) {
    for (const setting of Object.keys(contributes.configuration.properties)) assert.ok(page.includes(`\`${setting}\``), setting);
  }
});

test('the schema of sync.yaml has the keys that the program has, and no others', () => {
  const program = read(project, 'server', 'engine', 'src', 'config.rs');
  const keys = [.../const KEYS: \[&str; \d+\] = \[([^\]]*)\]/.exec(program)[1].matchAll(/"(\w+)"/g)].map(([, key]) => key);
  const found = new Set();
  const walk = ({ properties = {} }) => Object.entries(properties).forEach(([key, schema]) => {
    found.add(key);
    walk(schema);
  });
  const schema = JSON.parse(read(root, 'schemas', 'sync.schema.json'));
  walk(schema);
  assert.deepEqual([...found].sort(), [...keys].sort());
  const page = read(project, 'docs', 'configuration.md');
  for (const [section, { properties }] of Object.entries(schema.properties)) {
    for (const [key, { default: value }] of Object.entries(properties)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${section}.${key}\``));
      assert.ok(row, `${section}.${key} is on no line of docs/configuration.md`);
      if (value !== undefined) assert.ok(row.split('|')[2].includes(`\`${value}\``), `${section}.${key} is not ${value} there`);
    }
  }
});

test('every verb of the command line has a command here, or a reason not to', () => {
  const reference = read(project, 'docs', 'reference.md');
  const verbs = [...reference.matchAll(/^## agent (.+)$/gm)].map(([, words]) => words);
  const groups = ['team', 'sync', 'git'];
  const elsewhere = {
    lsp: 'is what the extension starts',
    'merge-file': 'is for Git', 'git textconv': 'is for Git', completions: 'is for shells', man: 'is for shells',
    login: 'agent.account.signIn', logout: 'agent.account.signOut', state: 'agent.changeState', search: 'agent.search',
    'sync push': 'agent.push', 'sync pull': 'agent.pull', 'sync resolve': 'agent.acceptAllLocal',
    'sync restore': 'agent.restoreVersion', 'sync undo': 'agent.undoLast',
    'new-plan': 'agent.new.plan', 'new-story': 'agent.new.story', 'new-runbook': 'agent.new.runbook', 'new-adr': 'agent.new.adr',
  };
  const inTerminal = [...read(root, 'src', 'terminal.ts').matchAll(/words: \[([^\]]*)\]/g)]
    .map(([, words]) => [...words.matchAll(/'([^']*)'/g)].map(([, word]) => word).filter((word) => !word.startsWith('-')).join(' '));
  for (const verb of verbs.filter((one) => !groups.includes(one))) {
    const there = elsewhere[verb];
    if (there?.startsWith('agent.')) assert.ok(commands.includes(there), there);
    assert.ok(there || inTerminal.includes(verb), `agent ${verb} has no command`);
  }
  for (const verb of inTerminal) assert.ok(verbs.includes(verb), `there is no agent ${verb}`);
});
