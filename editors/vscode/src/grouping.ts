// Artifacts in order for the view: by folder, kind and state, with what each one's status looks like. Pure.

import type { Artifact, FolderArtifacts } from './protocol';
import { count } from './words';

export type Node =
  | { at: 'folder'; uri: string; children: Node[] }
  | { at: 'kind'; folder: string; kind: string; children: Node[] }
  | { at: 'state'; folder: string; kind: string; state: string; children: Node[] }
  | { at: 'artifact'; folder: string; artifact: Artifact };

/** How a status looks: in words, as a mark of at most two characters, and how urgent it is. */
export interface Look {
  words: string;
  badge?: string;
  urgency: 0 | 1 | 2;
}

const LOOKS: Record<string, Look> = {
  conflict: { words: 'conflict', badge: '!', urgency: 2 },
  refused: { words: 'refused by the team’s server', badge: '✗', urgency: 2 },
  behind: { words: 'changed by the team', badge: '↓', urgency: 1 },
  waiting: { words: 'waiting to be pushed', badge: '↑', urgency: 0 },
  ahead: { words: 'waiting to be pushed', badge: '↑', urgency: 0 },
  'in-sync': { words: '', urgency: 0 },
};

/** A status that a newer server tells is shown by its name. */
export function look(status: string): Look {
  return LOOKS[status] ?? { words: status.replace(/-/g, ' '), badge: '•', urgency: 1 };
}

const KINDS = ['plan', 'story', 'runbook', 'adr', 'journey'];
const PLURALS: Record<string, string> = {
  plan: 'Plans', story: 'Stories', runbook: 'Runbooks', adr: 'Decision Records', journey: 'Journeys',
};
const NO_STATE = 'without a state';

export function kindTitle(kind: string): string {
  return PLURALS[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** The tree. Folders appear only where there are several; states only where a kind has any. */
export function tree(folders: readonly FolderArtifacts[]): Node[] {
  if (folders.length === 1 && folders[0]) return kinds(folders[0]);
  return folders.map((folder) => ({ at: 'folder', uri: folder.uri, children: kinds(folder) }));
}

function kinds(folder: FolderArtifacts): Node[] {
  const by = groups(folder.artifacts, (artifact) => artifact.kind);
  const rank = (kind: string) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);
  const sorted = [...by].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  return sorted.map(([kind, artifacts]) => ({
    at: 'kind', folder: folder.uri, kind, children: states(folder.uri, kind, artifacts),
  }));
}

function states(folder: string, kind: string, artifacts: Artifact[]): Node[] {
  const leaves = (of: Artifact[]): Node[] =>
    [...of].sort(byId).map((artifact) => ({ at: 'artifact', folder, artifact }));
  const by = groups(artifacts, (artifact) => artifact.state ?? NO_STATE);
  if (by.size === 1 && by.has(NO_STATE)) return leaves(artifacts);
  const last = (state: string) => (state === NO_STATE ? 1 : 0);
  const sorted = [...by].sort(([a], [b]) => last(a) - last(b) || a.localeCompare(b));
  return sorted.map(([state, some]) => ({ at: 'state', folder, kind, state, children: leaves(some) }));
}

/** `OPS-9` before `OPS-10`. */
function byId(a: Artifact, b: Artifact): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true });
}

function groups<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = found.get(name);
    if (group) group.push(item);
    else found.set(name, [item]);
  }
  return found;
}

export function artifactsOf(node: Node): Artifact[] {
  return node.at === 'artifact' ? [node.artifact] : node.children.flatMap(artifactsOf);
}

/** What a group says beside its name: how many, and what of them needs attention. */
export function groupNote(node: Node): string {
  const all = artifactsOf(node);
  const some = (urgency: number) => all.filter((artifact) => look(artifact.status).urgency === urgency).length;
  const parts = [String(all.length)];
  if (some(2) > 0) parts.push(count(some(2), 'to decide', 'to decide'));
  if (some(1) > 0) parts.push(count(some(1), 'remote', 'remote'));
  return parts.join(' · ');
}

/** The same artifacts, with the conflicts of buffers that are not saved yet: on disk there may be none. */
export function withConflicts(folders: readonly FolderArtifacts[], isIn: (uri: string) => boolean): FolderArtifacts[] {
  const marked = (artifact: Artifact): Artifact =>
    artifact.uri !== null && artifact.status !== 'refused' && isIn(artifact.uri) ? { ...artifact, status: 'conflict' } : artifact;
  return folders.map((folder) => ({ ...folder, artifacts: folder.artifacts.map(marked) }));
}

/** The title without the id, which stands before it already. */
function plainTitle({ id, title }: Artifact): string {
  if (title === null || title === id) return '';
  return title.startsWith(id) ? title.slice(id.length).replace(/^[\s:–—-]+/, '') : title;
}

/** What an artifact says beside its name. */
export function artifactNote(artifact: Artifact): string {
  const { words } = look(artifact.status);
  const parts = [plainTitle(artifact), words, artifact.people.length > 0 ? `${artifact.people.join(', ')} here` : ''];
  return parts.filter((part) => part !== '').join(' · ');
}

/** How many artifacts wait for a decision here: the number on the view's icon. */
export function toDecide(folders: readonly FolderArtifacts[]): number {
  const all = folders.flatMap((folder) => folder.artifacts);
  return all.filter((artifact) => look(artifact.status).urgency > 0).length;
}
