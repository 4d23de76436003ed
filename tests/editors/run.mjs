#!/usr/bin/env node
// `node run.mjs [NAME…]` runs the editor tests, or those whose path contains a name, one file after the other: what they
// share is installed and built first. Each test says itself why it cannot run here.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { tests } from './lib/places.mjs';

const { positionals } = parseArgs({ allowPositionals: true });
const all = readdirSync(tests, { recursive: true }).filter((file) => file.endsWith('.test.mjs') && !file.includes('node_modules'));
const chosen = all.filter((file) => positionals.length === 0 || positionals.some((name) => file.includes(name))).sort();
if (chosen.length === 0) throw new Error(`no test among ${all.join(', ')} is meant by ${positionals.join(', ')}`);

// Only now: these need the packages.
const { install } = await import('./lib/backend.mjs');
await install(tests);
await install();
const { agentBinary } = await import('./lib/agent.mjs');
const AGENT_BIN = await agentBinary();

const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...chosen.map((file) => relative(process.cwd(), join(tests, file)))];
const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, AGENT_BIN } }), 'exit');
process.exit(code ?? 1);
