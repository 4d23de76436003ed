// What the tests share: a team of two with four artifacts, Ann's editor settings, and where pictures and recordings go.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { agentBinary, agentOk } from '../../../../tests/editors/lib/agent.mjs';
import { team } from '../../../../tests/editors/lib/backend.mjs';
import { kept, tests } from '../../../../tests/editors/lib/places.mjs';
import { Teammate } from '../../../../tests/editors/lib/teammate.mjs';
import { eventually } from '../../../../tests/editors/lib/wait.mjs';

const project = fileURLToPath(new URL('../../../../', import.meta.url));

export const PLAN = ['.agent/plans/OPS-010-nightly-export.md', `# OPS-010 Nightly export

## Status

PROPOSED

## Goal

The export is on the shared drive before the first meeting.

## Milestones

1. Export runs at 03:00.
2. Failures page the person on call.
3. The old script is removed.
`];

export const STORY = ['.agent/stories/OPS-021-retry-failed-exports.md', `# OPS-021 Retry failed exports

Status: DRAFT

## Story

As the person on call I want a failed export to be tried again, so that a short outage wakes nobody.

## Acceptance

- A failed export is tried 3 times.
- Between two tries 5 minutes pass.

## Notes

The café’s 𝄞 export takes about four minutes.

## Estimate

Two days.
`];

export const RUNBOOK = ['.agent/runbooks/export-failed.md', `# The nightly export failed

## Check

Look at the last line of the export's log.

## Repair

Start the export by hand: \`export --today\`.

## Afterwards

Write down what happened.
`];

export const ADR = ['.agent/adrs/ADR-004-exports-as-csv.md', `# ADR-004 Exports are CSV

## Status

PROPOSED

## Decision

Every export is one CSV file in UTF-8, with a header line.

## Consequences

Spreadsheets open it; nested data needs another way.
`];

/** A team with a backend, Ann with everything, Bob who has it too. */
export async function gathered(options) {
  const all = await team(options);
  const [ann, bob] = [new Teammate(all, all.ann), new Teammate(all, all.bob)];
  for (const [file, text] of [PLAN, STORY, RUNBOOK, ADR]) ann.write(file, text);
  await ann.push();
  await bob.pull();
  return { all, ann, bob };
}

/** The name of a file. */
export const nameOf = (file) => file.split('/').pop();

/** Ann's file, Bob's after a pull, and the remote hold exactly this. */
export async function agreed({ ann, bob }, file, text) {
  await eventually(`${file} on Ann's disk`, () => ann.read(file) === text);
  await bob.receives(file, text);
}

/**
 * Scenes, each of which needs what those before it did. There is a picture of what there was when one failed; `window()`
 * answers the window it is played in.
 */
export function scenes(window) {
  let failed;
  return (name, play) => test(name, async () => {
    assert.equal(failed, undefined, 'an earlier scene failed');
    try {
      await play(window());
    } catch (error) {
      failed = name;
      await window()?.picture(`${kept('vscode', 'pictures')}/failed-${name.replace(/\W+/g, '-').slice(0, 40)}.png`).catch(() => {});
      throw error;
    }
  });
}

/** A program that is `agent`, and records what its language server and the editor say to each other. */
export async function recording(name) {
  const log = path.join(kept('recorded'), `${name}.jsonl`);
  const wrapper = path.join(kept('vscode'), `${name}.sh`);
  const binary = await agentBinary();
  const record = path.join(tests, 'lib', 'record.mjs');
  writeFileSync(log, '');
  writeFileSync(wrapper, `#!/bin/sh
if [ "$1" = lsp ]; then exec '${process.execPath}' '${record}' '${log}' -- '${binary}' "$@"; fi
exec '${binary}' "$@"
`);
  chmodSync(wrapper, 0o755);
  return { log, program: wrapper };
}

/** Pictures for the documentation are replaced only on request; otherwise they go where nobody keeps them. */
export function pictureOf(name) {
  const folder = process.env.AGENT_UPDATE_DOCS ? path.join(project, 'docs', 'images') : kept('vscode', 'pictures');
  return path.join(folder, `${name}.png`);
}

export { agentBinary, agentOk, kept };
