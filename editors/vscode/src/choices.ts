// From a hunk to what can be chosen for it: the titles of its lenses, and which of the server's commands does each.
// The server computes every choice and refuses stale ones; nothing here edits text. Pure.

import type { Hunk, ResolveArgs, Take } from './protocol';
import { byline } from './words';

export interface Choice {
  title: string;
  take: Take;
}

/** A hunk that is news here: the user has something to choose. */
export function isNews(hunk: Hunk): boolean {
  return hunk.kind !== 'local';
}

/** What a hunk is, who made it, and when. */
export function headline(hunk: Hunk, now: number): string {
  const what = hunk.kind === 'conflict' ? 'Conflict with' : 'Changed by';
  return `${what} ${byline(hunk.author, hunk.at, now)}`;
}

/** What can be chosen, with the argument that the server's command takes. */
export function choices(hunk: Hunk): { title: string; args: ResolveArgs }[] {
  const wanted: Choice[] = [
    { title: 'Accept Remote', take: 'remote' },
    { title: hunk.kind === 'conflict' ? 'Accept Local' : 'Keep Local', take: 'local' },
    ...(hunk.kind === 'conflict' ? [{ title: 'Accept Both', take: 'local-then-remote' } as const] : []),
  ];
  return wanted.flatMap(({ title, take }) => {
    const args = resolutionOf(hunk, take);
    return args === undefined ? [] : [{ title, args }];
  });
}

/** The parts of a code action that matter here. */
export interface Action {
  title: string;
  command?: { command: string; arguments?: unknown[] };
}

function resolution(action: Action): ResolveArgs | undefined {
  if (action.command?.command !== 'agent.resolve') return undefined;
  return action.command.arguments?.[0] as ResolveArgs | undefined;
}

/** Every resolution among code actions. */
export function resolutions(actions: readonly Action[]): ResolveArgs[] {
  return actions.map(resolution).filter((args) => args !== undefined);
}

/** The first resolution of a kind among code actions. */
export function offered(actions: readonly Action[], take: Take): ResolveArgs | undefined {
  return resolutions(actions).find((args) => args.take === take);
}

/** The server's command for a choice of a hunk, if it offers that. */
export function resolutionOf(hunk: Hunk, take: Take): ResolveArgs | undefined {
  return offered(hunk.actions.map((command) => ({ title: command.title, command })), take);
}

/**
 * What says that the buffer, as it is, is the merge: the local text counts as decided over the remote's version that
 * was merged. The server refuses it if either has moved since. Nothing says so while the team has a change that conflicts
 * with nothing: it would be undone for everybody.
 */
export function asMerged(actions: readonly Action[], remoteVersion: number | null): ResolveArgs | undefined {
  const any = resolutions(actions)[0];
  if (any === undefined || offered(actions, 'incoming') !== undefined) return undefined;
  if (remoteVersion !== null && any.remoteVersion !== remoteVersion) return undefined;
  const { hunk: _, ...rest } = any;
  return { ...rest, take: 'local' };
}
