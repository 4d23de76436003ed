// The hunks of every visible artifact, as the server has them: asked for when a document, its diagnostics or the
// team's side changed. Lenses and marks are drawn from here.

import { EventEmitter, Uri, languages, window, workspace, type Disposable, type TextDocument } from 'vscode';

import { isNews } from './choices';
import type { Hunk, Hunks } from './protocol';
import type { Server } from './server';

/** What follows closely on one another, as keystrokes do, is one question. */
const PAUSE = 120;

export class HunkStore implements Disposable {
  private readonly known = new Map<string, Hunks>();
  private readonly due = new Map<string, NodeJS.Timeout>();
  /** The diagnostics that were last asked about. */
  private readonly said = new Map<string, string>();
  private readonly changed = new EventEmitter<Uri>();
  readonly onDidChange = this.changed.event;
  private readonly parts: Disposable[];

  constructor(private readonly server: Server) {
    this.parts = [
      this.changed,
      workspace.onDidChangeTextDocument(({ document }) => this.ask(document)),
      workspace.onDidCloseTextDocument((document) => this.forget(document.uri)),
      languages.onDidChangeDiagnostics(({ uris }) => uris.forEach((uri) => this.diagnosed(uri))),
      window.onDidChangeVisibleTextEditors((editors) => editors.forEach((editor) => this.ask(editor.document))),
      server.onStatus(() => this.askAll()),
      server.onFolders(() => this.askAll()),
      server.onStopped(() => [...this.known.keys()].forEach((uri) => this.forget(Uri.parse(uri)))),
    ];
  }

  dispose(): void {
    this.due.forEach(clearTimeout);
    this.parts.forEach((part) => part.dispose());
  }

  /** What is new in a document, if that is known of this version of it. */
  news(document: TextDocument): Hunk[] {
    const hunks = this.known.get(document.uri.toString());
    return hunks?.version === document.version ? hunks.hunks.filter(isNews) : [];
  }

  /** The last that was known, for drawing: the editor moves what it has drawn with the text. */
  isCurrent(document: TextDocument): boolean {
    return this.known.get(document.uri.toString())?.version === document.version;
  }

  /** The documents that hold a conflict, saved or not: the server counts those on disk alone. */
  inConflict(): string[] {
    const holds = ([, { hunks }]: [string, Hunks]) => hunks.some((hunk) => hunk.kind === 'conflict');
    return [...this.known].filter(holds).map(([uri]) => uri);
  }

  askAll(): void {
    window.visibleTextEditors.forEach((editor) => this.ask(editor.document));
  }

  /** VS Code tells of diagnostics also where they are the same as before, again and again. */
  private diagnosed(uri: Uri): void {
    const ours = languages.getDiagnostics(uri).filter(({ source }) => source === 'agent');
    const said = ours.map(({ code, message, range }) => JSON.stringify([code, message, range])).join();
    if (said === (this.said.get(uri.toString()) ?? '')) return;
    this.said.set(uri.toString(), said);
    this.askUri(uri);
  }

  private askUri(uri: Uri): void {
    const document = workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    if (document) this.ask(document);
  }

  private ask(document: TextDocument): void {
    if (document.uri.scheme !== 'file' || !['markdown', 'yaml'].includes(document.languageId)) return;
    const uri = document.uri.toString();
    clearTimeout(this.due.get(uri));
    this.due.set(uri, setTimeout(() => void this.load(document), PAUSE));
  }

  private async load(document: TextDocument): Promise<void> {
    const uri = document.uri.toString();
    const asked = document.version;
    const hunks = await this.server.ask<Hunks | null>('agent/hunks', { uri });
    // A later version has asked again.
    if (document.isClosed || document.version !== asked) return;
    const found = hunks ?? { version: asked, remoteVersion: null, hunks: [] };
    if (JSON.stringify(found) === JSON.stringify(this.known.get(uri))) return;
    this.known.set(uri, found);
    this.changed.fire(document.uri);
  }

  private forget(uri: Uri): void {
    clearTimeout(this.due.get(uri.toString()));
    this.due.delete(uri.toString());
    this.said.delete(uri.toString());
    if (this.known.delete(uri.toString())) this.changed.fire(uri);
  }
}
