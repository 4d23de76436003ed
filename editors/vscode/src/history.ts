// The History view: what happened to the artifact in the active editor, newest first; look at a version, restore it.
// A tree of its own, since VS Code's timeline API is not open to published extensions.

import {
  EventEmitter, ThemeIcon, TreeItem, Uri, commands, window, workspace,
  type Disposable, type TextDocument, type TreeDataProvider, type TreeView,
} from 'vscode';

import { documentOf } from './compare';
import { subject, told } from './past';
import type { PastEvent } from './protocol';
import { tell, type Server } from './server';
import type { Texts } from './texts';

const PAUSE = 150;

/** An event of a document. */
interface Entry {
  document: Uri;
  event: PastEvent;
}

export class History implements TreeDataProvider<Entry>, Disposable {
  private document: Uri | undefined;
  private readonly changed = new EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: TreeView<Entry>;
  private readonly parts: Disposable[];
  private due: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: Server,
    private readonly texts: Texts,
  ) {
    this.view = window.createTreeView('agent.history', { treeDataProvider: this });
    const again = () => this.again();
    this.parts = [
      this.view,
      this.changed,
      window.onDidChangeActiveTextEditor((editor) => this.follow(editor?.document)),
      server.onStatus(again), server.onFolders(again), server.onStopped(again),
      workspace.onDidSaveTextDocument(again),
      commands.registerCommand('agent.showVersion', (entry?: Entry) => this.show(entry).catch(tell)),
      commands.registerCommand('agent.restoreVersion', (entry?: Entry) => this.restore(entry).catch(tell)),
    ];
    this.follow(window.activeTextEditor?.document);
  }

  dispose(): void {
    clearTimeout(this.due);
    this.parts.forEach((part) => part.dispose());
  }

  async getChildren(entry?: Entry): Promise<Entry[]> {
    const { document } = this;
    if (entry !== undefined || document === undefined) return [];
    const events = await this.server.ask<PastEvent[]>('agent/history', { uri: document.toString() });
    return (events ?? []).map((event) => ({ document, event }));
  }

  getTreeItem({ document, event }: Entry): TreeItem {
    const { label, note, icon } = told(event, Date.now());
    const item = new TreeItem(label);
    item.id = `${document.toString()}#${event.id}`;
    item.description = note;
    item.tooltip = `${label}\n${note}\n${new Date(event.at).toLocaleString()}`;
    item.iconPath = new ThemeIcon(icon);
    item.contextValue = canRestore(event) ? 'restorable' : 'event';
    if (subject(event) !== undefined) {
      item.command = { command: 'agent.showVersion', title: 'Compare with This', arguments: [{ document, event }] };
    }
    return item;
  }

  /** What it was after an event on the left, the file on the right. */
  private async show(given?: Entry): Promise<void> {
    const entry = given ?? (await this.choose('Which is to be compared with the file?'));
    if (entry === undefined) return;
    const { document, event } = entry;
    const left = subject(event);
    if (left === undefined) throw new Error('What it was then is not on this machine any more.');
    const then = 'content' in left ? this.texts.content(document, left.content) : this.texts.version(document, left.version);
    const { label, note } = told(event, Date.now());
    await commands.executeCommand('vscode.diff', then, document, `${base(document)} (${label}, ${note} ↔ now)`);
  }

  /** The server brings it into the buffer; saving is the user's. */
  private async restore(given?: Entry): Promise<void> {
    const entry = given ?? (await this.choose('Which is to be brought back into the editor?'));
    if (entry === undefined) return;
    const document = await documentOf(entry.document);
    await window.showTextDocument(document);
    const left = subject(entry.event);
    if (left === undefined || !('content' in left)) throw new Error('This machine does not hold that text; agent sync restore asks the team for it.');
    await this.server.execute('agent.restore', { uri: document.uri.toString(), version: document.version, content: left.content });
  }

  private async choose(placeHolder: string): Promise<Entry | undefined> {
    const { uri } = await documentOf(undefined);
    const events = await this.server.demand<PastEvent[]>('agent/history', { uri: uri.toString() });
    const items = events.filter(canRestore).map((event) => {
      const { label, note, icon } = told(event, Date.now());
      return { label: `$(${icon}) ${label}`, description: note, event };
    });
    if (items.length === 0) throw new Error('Nothing earlier is known of this here.');
    const chosen = await window.showQuickPick(items, { title: base(uri), placeHolder });
    return chosen && { document: uri, event: chosen.event };
  }

  /** The view stays with the last artifact while a diff of it, or a view, is active. */
  private follow(document: TextDocument | undefined): void {
    if (document?.uri.scheme !== 'file' || document.uri.toString() === this.document?.toString()) return;
    this.document = document.uri;
    this.view.description = base(document.uri);
    this.again();
  }

  private again(): void {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.changed.fire(), PAUSE);
  }
}

function canRestore(event: PastEvent): boolean {
  return 'content' in (subject(event) ?? {});
}

function base(uri: Uri): string {
  return uri.path.split('/').pop() ?? uri.path;
}
