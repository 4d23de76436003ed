// What the server's status looks like in the status bar: pure, so that it can be tested alone.

import type { Status } from './protocol';
import { count, span } from './words';

export type Level = 'normal' | 'warning' | 'error';

export interface Summary {
  icon: string;
  text: string;
  level: Level;
}

/** From what needs least attention to what needs most. */
const ORDER: Status['state'][] = ['in-sync', 'waiting', 'behind', 'offline', 'conflict', 'signed-out', 'broken'];

const ICONS: Record<Status['state'], string> = {
  'in-sync': 'check',
  waiting: 'cloud-upload',
  behind: 'cloud-download',
  offline: 'debug-disconnect',
  conflict: 'warning',
  'signed-out': 'account',
  broken: 'error',
};

/** The folder that needs attention most decides for all. */
export function worst(all: readonly Status[]): Status | undefined {
  return [...all].sort((a, b) => ORDER.indexOf(b.state) - ORDER.indexOf(a.state))[0];
}

/** A status with the documents that are in conflict in the editor: the server counts those on disk. */
export function withOpen(status: Status, conflicts: number): Status {
  if (conflicts <= status.conflicts) return status;
  const state = ['in-sync', 'waiting', 'behind'].includes(status.state) ? 'conflict' : status.state;
  return { ...status, state, conflicts };
}

/** One folder, in a few words. `clock` writes a time of the day. */
export function summary(status: Status, clock: (at: number) => string = timeOfDay): Summary {
  const icon = ICONS[status.state] ?? 'question';
  const said = (text: string, level: Level = 'normal'): Summary => ({ icon, text, level });
  switch (status.state) {
    case 'in-sync':
      return said('in sync');
    case 'waiting':
      return said(`${status.waiting} waiting`);
    case 'behind':
      return said(`${status.behind} remote`);
    case 'offline': {
      const since = status.since === null ? '' : ` since ${clock(status.since)}`;
      return said(`offline${since}${status.waiting > 0 ? `, ${status.waiting} waiting` : ''}`);
    }
    case 'conflict':
      return said(attention(status), 'warning');
    case 'signed-out':
      return said('signed out', 'warning');
    case 'broken':
      return said('not syncing', 'error');
    default:
      return said(status.state);
  }
}

/** Everything there is to say about a folder, one fact per line. */
export function details(status: Status, now: number): string[] {
  const lines = [`${count(status.artifacts, 'artifact')}${status.live ? ', live' : ''}`];
  if (status.conflicts > 0) lines.push(`${status.conflicts} in conflict`);
  if (status.refused > 0) lines.push(`${status.refused} refused by the remote`);
  if (status.behind > 0) lines.push(`${status.behind} changed by the team, not taken yet`);
  if (status.waiting > 0) lines.push(`${status.waiting} saved here, not pushed yet`);
  if (status.problem !== null) lines.push(status.problem);
  if (status.since !== null) lines.push(`since ${span(now - status.since)}`);
  return lines;
}

function attention(status: Status): string {
  const parts: string[] = [];
  if (status.conflicts > 0) parts.push(count(status.conflicts, 'conflict'));
  if (status.refused > 0) parts.push(`${status.refused} refused`);
  return parts.join(', ');
}

function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
