// One artifact's history in words: pure.

import type { PastEvent } from './protocol';
import { ago } from './words';

interface Cause {
  /** What happened, with the version where it is about one. */
  words: (version: string) => string;
  icon: string;
  /** It is about a version of the team's; the file stayed as it was. */
  ofTeam?: true;
}

const CAUSES: Record<string, Cause> = {
  saved: { words: () => 'Saved here', icon: 'save' },
  pushed: { words: (version) => `${version} pushed`, icon: 'cloud-upload' },
  received: { words: (version) => `${version} received`, icon: 'cloud-download', ofTeam: true },
  updated: { words: (version) => `${version} taken`, icon: 'arrow-down' },
  merged: { words: (version) => `${version} merged`, icon: 'git-merge' },
  resolved: { words: (version) => `Decided over ${version.toLowerCase()}`, icon: 'check' },
  settled: { words: (version) => `${version} agreed`, icon: 'check-all', ofTeam: true },
  restored: { words: () => 'Restored', icon: 'history' },
  undone: { words: () => 'Undone', icon: 'discard' },
  rebased: { words: (version) => `Compared with ${version.toLowerCase()}`, icon: 'git-compare', ofTeam: true },
  refused: { words: () => 'Refused', icon: 'error', ofTeam: true },
  moved: { words: () => 'Moved', icon: 'arrow-right' },
  deleted: { words: () => 'Deleted', icon: 'trash' },
};

export interface Told {
  label: string;
  note: string;
  icon: string;
}

/** An event as a line of the view. A cause of a newer server is shown by its name. */
export function told(event: PastEvent, now: number): Told {
  const { words, icon } = CAUSES[event.cause] ?? { words: () => event.cause, icon: 'circle-small' };
  const { version } = event.after;
  const label = words(version === null ? 'The team’s' : `Version ${version}`);
  return { label, note: [event.author, ago(event.at, now)].filter(Boolean).join(', '), icon };
}

/** What an event left behind: the text of the file, or a version of the team's; nothing where neither is known. */
export function subject(event: PastEvent): { content: string } | { version: number } | undefined {
  const { content, version } = event.after;
  if (event.restorable && content !== null && !CAUSES[event.cause]?.ofTeam) return { content };
  return version === null ? undefined : { version };
}

/**
 * A page of a history, newest first: after the event `cursor`, and `limit` events long. An editor that shows some already
 * names the last of them instead, as `{ id }`; the page then begins with the newest, wherever the last one did, and ends there.
 */
export function page(events: readonly PastEvent[], cursor?: string, limit?: number | { id: number }): { some: PastEvent[]; next: string | undefined } {
  const from = cursor === undefined || typeof limit === 'object' ? 0 : events.findIndex(({ id }) => id < Number(cursor));
  if (from === -1) return { some: [], next: undefined };
  const end = typeof limit === 'object' ? events.findLastIndex(({ id }) => id >= limit.id) + 1 : from + (limit ?? events.length);
  const some = events.slice(from, end);
  const last = some.at(-1);
  return { some, next: last !== undefined && end < events.length ? String(last.id) : undefined };
}
