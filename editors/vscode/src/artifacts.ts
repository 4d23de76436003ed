// The Artifacts view: by kind and state, with marks for what stands open and who is where. In Restricted Mode, where
// no program may be started, it shows the files alone (`onDisk.ts`).

import {
  EventEmitter, FileDecoration, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, Uri, window, workspace,
  type Disposable, type FileDecorationProvider, type TreeDataProvider, type TreeView,
} from 'vscode';

import { artifactNote, groupNote, kindTitle, look, toDecide, tree, withConflicts, type Node } from './grouping';
import type { HunkStore } from './hunks';
import { onDisk } from './onDisk';
import type { Artifact, FolderArtifacts } from './protocol';
import type { Server } from './server';

/** What the server tells in quick succession is one question. */
const PAUSE = 100;

const ICONS: Record<string, string> = {
  plan: 'milestone', story: 'book', runbook: 'checklist', adr: 'law', journey: 'map',
};

const COLOURS = [undefined, 'list.warningForeground', 'list.errorForeground'];

export class Artifacts implements TreeDataProvider<Node>, FileDecorationProvider, Disposable {
  private folders: FolderArtifacts[] = [];
  private readonly changed = new EventEmitter<void>();
  private readonly marked = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly onDidChangeFileDecorations = this.marked.event;
  private readonly view: TreeView<Node>;
  private readonly parts: Disposable[];
  private due: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: Server,
    private readonly hunks: HunkStore,
  ) {
    this.view = window.createTreeView('agent.artifacts', { treeDataProvider: this, showCollapseAll: true });
    const files = workspace.createFileSystemWatcher('**/.agent/**/*.{md,yaml}');
    const ask = () => this.ask();
    this.parts = [
      this.view, this.changed, this.marked, files,
      window.registerFileDecorationProvider(this),
      hunks.onDidChange(ask),
      server.onStatus(ask), server.onFolders(ask), server.onPresence(ask), server.onStopped(ask),
      files.onDidCreate(ask), files.onDidDelete(ask),
      workspace.onDidSaveTextDocument(ask),
      workspace.onDidGrantWorkspaceTrust(ask),
    ];
    ask();
  }

  dispose(): void {
    clearTimeout(this.due);
    this.parts.forEach((part) => part.dispose());
  }

  /** Everything that is known. */
  get all(): Artifact[] {
    return this.folders.flatMap((folder) => folder.artifacts);
  }

  ask(): void {
    clearTimeout(this.due);
    this.due = setTimeout(() => void this.load(), PAUSE);
  }

  private async load(): Promise<void> {
    const told = workspace.isTrusted ? await this.server.ask<FolderArtifacts[]>('agent/artifacts', {}) : await onDisk();
    const conflicts = this.hunks.inConflict();
    this.folders = withConflicts(told ?? [], (uri) => conflicts.includes(canonical(uri)));
    const open = toDecide(this.folders);
    this.view.badge = open === 0 ? undefined : { value: open, tooltip: `${open} with news of the team` };
    this.view.message = workspace.isTrusted ? undefined : 'Restricted Mode: the files as they are here. Nothing is synced until you trust this folder.';
    this.changed.fire();
    this.marked.fire(undefined);
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return tree(this.folders);
    return node.at === 'artifact' ? [] : node.children;
  }

  getTreeItem(node: Node): TreeItem {
    if (node.at === 'artifact') return leaf(node.artifact, node.folder);
    const item = new TreeItem(title(node), TreeItemCollapsibleState.Expanded);
    item.id = `${node.at}:${path(node)}`;
    item.description = groupNote(node);
    item.contextValue = node.at;
    if (node.at === 'kind') item.iconPath = new ThemeIcon(ICONS[node.kind] ?? 'file-text');
    return item;
  }

  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== 'file') return undefined;
    const artifact = this.all.find((one) => one.uri !== null && canonical(one.uri) === uri.toString());
    if (!artifact) return undefined;
    const { badge, words, urgency } = look(artifact.status);
    const colour = COLOURS[urgency];
    return badge === undefined ? undefined : new FileDecoration(badge, words, colour === undefined ? undefined : new ThemeColor(colour));
  }
}

function leaf(artifact: Artifact, folder: string): TreeItem {
  const item = new TreeItem(artifact.id, TreeItemCollapsibleState.None);
  item.id = `artifact:${folder}:${artifact.kind}:${artifact.id}:${artifact.path}`;
  item.description = artifactNote(artifact);
  item.tooltip = [artifact.path, artifact.state ?? '', artifactNote(artifact)].filter(Boolean).join('\n');
  item.contextValue = `artifact ${artifact.status}`;
  item.accessibilityInformation = { label: `${artifact.kind} ${artifact.id} ${artifactNote(artifact)}` };
  item.iconPath = artifact.people.length > 0 ? new ThemeIcon('person') : new ThemeIcon('markdown');
  if (artifact.uri === null) return item;
  item.resourceUri = Uri.parse(artifact.uri);
  item.command = { command: 'vscode.open', title: 'Open', arguments: [item.resourceUri] };
  return item;
}

function title(node: Exclude<Node, { at: 'artifact' }>): string {
  switch (node.at) {
    case 'folder': {
      const uri = Uri.parse(node.uri);
      return workspace.getWorkspaceFolder(uri)?.name ?? uri.path.split('/').filter(Boolean).pop() ?? node.uri;
    }
    case 'kind':
      return kindTitle(node.kind);
    case 'state':
      return node.state;
  }
}

function path(node: Exclude<Node, { at: 'artifact' }>): string {
  switch (node.at) {
    case 'folder': return node.uri;
    case 'kind': return `${node.folder}:${node.kind}`;
    case 'state': return `${node.folder}:${node.kind}:${node.state}`;
  }
}


/** An address as VS Code writes it. */
function canonical(address: string): string {
  return Uri.parse(address).toString();
}
