// The requests that docs/lsp-extensions.md documents, as types. Nothing else: whoever asks them is `server.ts`.

import type { Range } from 'vscode-languageclient/node';

/** One synced folder, as `agent/status` tells it. */
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

/** One folder's artifacts, as `agent/artifacts` answers. */
export interface FolderArtifacts {
  uri: string;
  artifacts: Artifact[];
}

export interface Artifact {
  kind: string;
  id: string;
  title: string | null;
  state: string | null;
  uri: string | null;
  path: string;
  status: string;
  /** Who else has it open. */
  people: string[];
}

export type Side = 'base' | 'local' | 'remote';

/** What `agent/text` is asked: a side of an artifact, a version of the team's, or a content by its hash. */
export type TextParams =
  | { uri: string; side: Side }
  | { uri: string; version: number }
  | { uri: string; content: string };

export interface TextAnswer {
  text: string | null;
  version: number | null;
  author: string | null;
  at: number | null;
}

/** Where the three sides differ, as `agent/hunks` answers. */
export interface Hunks {
  /** The document's version; null when it is not open, and the ranges are the file's. */
  version: number | null;
  remoteVersion: number | null;
  hunks: Hunk[];
}

export interface Hunk {
  kind: 'remote' | 'local' | 'conflict';
  range: Range;
  base: string;
  local: string;
  remote: string;
  author: string | null;
  at: number | null;
  /** What can be chosen, as commands of the server's. */
  actions: { title: string; command: string; arguments?: unknown[] }[];
}

/** One thing that happened to an artifact, as `agent/history` answers, newest first. */
export interface PastEvent {
  id: number;
  at: number;
  cause: string;
  author: string | null;
  before: PastContent;
  after: PastContent;
  /** The content afterwards is still on this machine. */
  restorable: boolean;
}

export interface PastContent {
  version: number | null;
  /** SHA-256, in hex; null where there was no file. */
  content: string | null;
}

/** What `agent.resolve` is to take. */
export type Take =
  | 'remote' | 'local' | 'local-then-remote' | 'remote-then-local' | 'all-local' | 'all-remote' | 'incoming';

/** The argument of `agent.resolve`, as its code actions carry it. */
export interface ResolveArgs {
  uri: string;
  take: Take;
  hunk?: number;
  version: number;
  base?: string;
  remoteVersion: number;
}
