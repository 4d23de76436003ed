// What a file's name and text say of an artifact, for Restricted Mode, where the program that knows may not be
// started: less than it, and only for showing. Pure.

import type { Artifact } from './protocol';

/** The standard folders (docs/configuration.md). */
const FOLDERS: Record<string, string> = {
  plans: 'plan', stories: 'story', runbooks: 'runbook', adrs: 'adr', journeys: 'journey',
};

/** An artifact, by its path below the project's folder and its text; nothing if it is none. */
export function outlined(path: string, uri: string, text: string): Artifact | undefined {
  const parts = /^\.agent\/(?:cache\/)?([^/]+)\/(?:.*\/)?([^/]+)\.(md|ya?ml)$/.exec(path);
  const kind = FOLDERS[parts?.[1] ?? ''];
  const stem = parts?.[2];
  if (kind === undefined || stem === undefined) return undefined;
  const id = /^[A-Z][A-Z0-9]*-[0-9]+/.exec(stem)?.[0] ?? stem;
  return { kind, id, title: title(text, id), state: state(text), uri, path, status: 'in-sync', people: [] };
}

function title(text: string, id: string): string | null {
  const heading = /^#\s+(.+?)\s*$/m.exec(text)?.[1];
  if (heading === undefined) return null;
  return heading.startsWith(id) ? heading.slice(id.length).replace(/^[\s:–—-]+/, '') : heading;
}

function state(text: string): string | null {
  const line = /^(?:Status|State|status|state):\s*(.+?)\s*$/m.exec(text)?.[1];
  const section = /^##\s+(?:Status|State)\s*\r?\n+([^\r\n#]+?)\s*$/m.exec(text)?.[1];
  return line ?? section ?? null;
}
