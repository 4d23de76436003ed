// Runs the tests in a real VS Code, after installing what they share with the other editors' tests.
// `node test/run.mjs [NAME…]` runs the files whose name contains one; `--remote` those in a container and over SSH.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

import { agentBinary } from '../../../tests/editors/lib/agent.mjs';
import { install } from '../../../tests/editors/lib/backend.mjs';
import { tests } from '../../../tests/editors/lib/places.mjs';

const isRemote = process.argv.includes('--remote');
const folder = path.join(import.meta.dirname, isRemote ? 'remote' : 'editor');
const names = process.argv.slice(2).filter((word) => word !== '--remote');
const all = readdirSync(folder).filter((name) => name.endsWith('.test.mjs'));
const chosen = all.filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
if (chosen.length === 0) throw new Error(`no test among ${all.join(', ')} is meant by ${names.join(', ')}`);

await install(tests);
await install();
const env = { ...process.env, AGENT_BIN: await agentBinary() };
const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...chosen.map((file) => path.join(folder, file))];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env });
process.exit(status ?? 1);
