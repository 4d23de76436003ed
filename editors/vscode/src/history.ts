// The History view: what happened to the artifact in the active editor, newest first. What can be done with an entry is
// in versions.ts. The same entries are in VS Code's Timeline where it takes them (timeline.ts).

import {
  EventEmitter, ThemeIcon, TreeItem, Uri, window, workspace,
  type Disposable, type TextDocument, type TreeDataProvider, type TreeView,
} from 'vscode';

import { name } from './compare';
import { told } from './past';
import type { PastEvent } from './protocol';
import type { Server } from './server';
import { canRestore, click, tooltip, type Entry } from './versions';

const PAUSE = 150;

export class History implements TreeDataProvider<Entry>, Disposable {
  private document: Uri | undefined;
  private readonly changed = new EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: TreeView<Entry>;
  private readonly parts: Disposable[];
  private due: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {
    this.view = window.createTreeView('agent.history', { treeDataProvider: this });
    const again = () => this.again();
    this.parts = [
      this.view,
      this.changed,
      window.onDidChangeActiveTextEditor((editor) => this.follow(editor?.document)),
      server.onStatus(again), server.onFolders(again), server.onStopped(again),
      workspace.onDidSaveTextDocument(again),
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
    // Another may have been asked for meanwhile.
    if (document === this.document) this.view.description = name(document);
    return (events ?? []).map((event) => ({ document, event }));
  }

  getTreeItem({ document, event }: Entry): TreeItem {
    const { label, note, icon } = told(event, Date.now());
    const item = new TreeItem(label);
    item.id = `${document.toString()}#${event.id}`;
    item.description = note;
    item.tooltip = tooltip(event);
    item.iconPath = new ThemeIcon(icon);
    item.contextValue = canRestore(event) ? 'restorable' : 'event';
    item.command = click({ document, event });
    return item;
  }

  /** The view stays with the last artifact while a diff of it, or a view, is active. */
  private follow(document: TextDocument | undefined): void {
    if (document?.uri.scheme !== 'file' || document.uri.toString() === this.document?.toString()) return;
    this.document = document.uri;
    this.again();
  }

  private again(): void {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.changed.fire(), PAUSE);
  }
}
