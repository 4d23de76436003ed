// What the server's status looks like in the status bar: pure, so that it can be tested alone.

/** One synced folder, as `agent/status` tells it (docs/lsp-extensions.md). */
export interface Status {
  uri: string;
  state: 'in-sync' | 'waiting' | 'behind' | 'conflict' | 'offline' | 'signed-out' | 'broken';
  live: boolean;
  artifacts: number;
  waiting: number;
  behind: number;
  conflicts: number;
  refused: number;
  since: number | null;
  problem: string | null;
}

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

/** One folder, in a few words. */
export function summary(status: Status): Summary {
  const icon = ICONS[status.state] ?? 'question';
  const said = (text: string, level: Level = 'normal'): Summary => ({ icon, text, level });
  switch (status.state) {
    case 'in-sync':
      return said('in sync');
    case 'waiting':
      return said(`${status.waiting} to push`);
    case 'behind':
      return said(`${status.behind} changed by the team`);
    case 'offline':
      return said(status.waiting > 0 ? `offline, ${status.waiting} to push` : 'offline');
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
  if (status.conflicts > 0) parts.push(`${status.conflicts} in conflict`);
  if (status.refused > 0) parts.push(`${status.refused} refused`);
  return parts.join(', ');
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

function span(millis: number): string {
  const minutes = Math.floor(Math.max(0, millis) / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return count(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? count(hours, 'hour') : count(Math.floor(hours / 24), 'day');
}
