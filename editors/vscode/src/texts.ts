// Base, local, remote and earlier versions as read-only documents: `agent-text:/path/name.md?{…}`.
// A document follows the server; a snapshot is what it was when it was taken.

import { EventEmitter, Uri, workspace, type Disposable, type TextDocumentContentProvider } from 'vscode';

import type { Server } from './server';
import type { Side, TextAnswer, TextParams } from './protocol';

export const SCHEME = 'agent-text';

const ABSENT = '';

export class Texts implements TextDocumentContentProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  readonly onDidChange = this.changed.event;
  private readonly snapshots = new Map<string, string>();
  private readonly parts: Disposable[];
  private taken = 0;

  constructor(private readonly server: Server) {
    this.parts = [
      this.changed,
      workspace.registerTextDocumentContentProvider(SCHEME, this),
      server.onStatus(() => this.followed().forEach((uri) => this.changed.fire(uri))),
      workspace.onDidCloseTextDocument((document) => {
        if (document.uri.scheme === SCHEME) this.snapshots.delete(document.uri.toString());
      }),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const kept = this.snapshots.get(uri.toString());
    if (kept !== undefined) return kept;
    const answer = await this.server.demand<TextAnswer>('agent/text', JSON.parse(uri.query) as TextParams);
    return answer.text ?? ABSENT;
  }

  /** Asks for a text itself. */
  get(params: TextParams): Promise<TextAnswer> {
    return this.server.demand<TextAnswer>('agent/text', params);
  }

  /** A side of a document, as it is and becomes. */
  side(document: Uri, side: Side): Uri {
    return address(document, { uri: document.toString(), side });
  }

  /** A version of the team's. */
  version(document: Uri, version: number): Uri {
    return address(document, { uri: document.toString(), version });
  }

  /** A content that this machine holds. */
  content(document: Uri, content: string): Uri {
    return address(document, { uri: document.toString(), content });
  }

  /** A text that stays as it is now. */
  snapshot(document: Uri, label: string, text: string): Uri {
    this.taken += 1;
    const uri = address(document, { snapshot: this.taken, label });
    this.snapshots.set(uri.toString(), text);
    return uri;
  }

  /** The sides that are shown somewhere; versions never change. */
  private followed(): Uri[] {
    const shown = workspace.textDocuments.filter((document) => document.uri.scheme === SCHEME);
    return shown.map((document) => document.uri).filter((uri) => uri.query.includes('"side"'));
  }
}

/** The path is the document's, so that the name, the icon and the language are. */
function address(document: Uri, query: object): Uri {
  return Uri.from({ scheme: SCHEME, path: document.path, query: JSON.stringify(query) });
}
