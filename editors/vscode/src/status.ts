// The item in the status bar, and what a click on it shows.

import {
  MarkdownString, QuickPickItemKind, StatusBarAlignment, ThemeColor, Uri, commands, window, workspace,
  type Disposable, type QuickPickItem, type StatusBarItem,
} from 'vscode';

import type { HunkStore } from './hunks';
import type { Status } from './protocol';
import type { Server } from './server';
import { details, summary, withOpen, worst, type Level } from './summary';

const COLOURS: Record<Level, ThemeColor | undefined> = {
  normal: undefined,
  warning: new ThemeColor('statusBarItem.warningBackground'),
  error: new ThemeColor('statusBarItem.errorBackground'),
};

/** How long a folder may take until it has a status, in milliseconds. */
const PATIENCE = 5_000;

interface Choice extends QuickPickItem {
  command?: string;
}

/** What is known of the server and of each folder. */
export class StatusView implements Disposable {
  private readonly item: StatusBarItem;
  private readonly folders = new Map<string, Status>();
  private readonly parts: Disposable[];
  private trouble: string | undefined;
  private patience: NodeJS.Timeout | undefined;

  constructor(
    server: Server,
    private readonly hunks: HunkStore,
  ) {
    this.item = window.createStatusBarItem('agent.status', StatusBarAlignment.Left, 10);
    this.item.name = 'Agent';
    this.item.command = 'agent.showStatus';
    this.parts = [
      this.item,
      hunks.onDidChange(() => this.render()),
      server.onFolders((all) => this.replace(all)),
      server.onStatus((status) => this.update(status)),
      server.onStopped((trouble) => this.stopped(trouble)),
      workspace.onDidGrantWorkspaceTrust(() => this.render()),
      commands.registerCommand('agent.showStatus', () => this.pick()),
    ];
    this.render();
    this.item.show();
  }

  dispose(): void {
    clearTimeout(this.patience);
    this.parts.forEach((part) => part.dispose());
  }

  /** How every folder stands. */
  get all(): Status[] {
    const conflicts = this.hunks.inConflict().map((uri) => Uri.parse(uri).fsPath);
    return [...this.folders.values()].map((status) => {
      const root = Uri.parse(status.uri).fsPath;
      return withOpen(status, conflicts.filter((file) => file.startsWith(root)).length);
    });
  }

  private replace(all: readonly Status[]): void {
    this.trouble = undefined;
    this.folders.clear();
    all.forEach((status) => this.folders.set(status.uri, status));
    this.render();
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.render(true), PATIENCE);
  }

  private update(status: Status): void {
    this.trouble = undefined;
    this.folders.set(status.uri, status);
    this.render();
  }

  private stopped(trouble: string): void {
    this.folders.clear();
    this.trouble = trouble;
    this.render();
  }

  private async pick(): Promise<void> {
    const choices = workspace.isTrusted ? [...this.standing(), ...this.verbs()] : RESTRICTED;
    const chosen = await window.showQuickPick(choices, { title: 'Agent', placeHolder: 'How your artifacts stand with the team' });
    if (chosen?.command !== undefined) await commands.executeCommand(chosen.command);
  }

  private standing(): Choice[] {
    const folders: Choice[] = this.all.map((status) => {
      const { icon, text } = summary(status);
      return { label: `$(${icon}) ${folderName(status.uri)}: ${text}`, detail: details(status, Date.now()).join(' · '), command: 'agent.artifacts.focus' };
    });
    if (this.trouble !== undefined) folders.push({ label: '$(error) The server does not run', detail: this.trouble, command: 'agent.showOutput' });
    return folders;
  }

  private verbs(): Choice[] {
    const any = (is: (status: Status) => boolean) => this.all.some(is);
    const offer = (when: boolean, label: string, command: string): Choice[] => (when ? [{ label, command }] : []);
    const runs = this.trouble === undefined;
    return [
      { label: 'Actions', kind: QuickPickItemKind.Separator },
      ...offer(any((status) => status.state === 'signed-out'), '$(account) Sign In …', 'agent.account.signIn'),
      ...offer(any((status) => status.conflicts > 0), '$(warning) Go to Next Conflict', 'agent.nextConflict'),
      ...offer(any((status) => status.conflicts > 0), '$(git-merge) Open Merge Editor', 'agent.openMergeEditor'),
      ...offer(any((status) => status.state === 'broken'), '$(settings-gear) Open sync.yaml', 'agent.openConfiguration'),
      ...offer(runs, '$(cloud-upload) Push Now', 'agent.push'),
      ...offer(runs, '$(cloud-download) Pull Now', 'agent.pull'),
      ...offer(runs, '$(new-file) New Artifact …', 'agent.newArtifact'),
      ...offer(runs, '$(search) Search Artifacts …', 'agent.search'),
      { label: '$(list-tree) Show Artifacts', command: 'agent.artifacts.focus' },
      { label: '$(list-unordered) Show Problems', command: 'workbench.actions.view.problems' },
      ...offer(runs && !any((status) => status.state === 'signed-out'), '$(sign-out) Sign Out', 'agent.account.signOut'),
      { label: '$(pulse) Check the Setup (doctor)', command: 'agent.cli.doctor' },
      { label: '$(output) Show Output', command: 'agent.showOutput' },
      { label: '$(debug-restart) Restart Server', command: 'agent.restart' },
    ];
  }

  private render(waited = false): void {
    const status = worst(this.all);
    if (!workspace.isTrusted) {
      this.show('shield', 'reading only', 'normal', 'Restricted Mode: artifacts are shown as their files are. Nothing is started and nothing is synced until you trust this folder.');
    } else if (this.trouble !== undefined) {
      this.show('error', 'not running', 'error', this.trouble);
    } else if (status === undefined) {
      if (waited) this.show('circle-slash', 'nothing synced', 'normal', 'No folder is synced. Messages and output say why.');
      else this.show('sync', 'starting', 'normal', 'Reading artifacts');
    } else {
      const { icon, text, level } = summary(status);
      const lines = this.all.map((one) => `${folderName(one.uri)}: ${details(one, Date.now()).join('; ')}`);
      this.show(icon, text, level, lines.join('\n\n'));
    }
  }

  private show(icon: string, text: string, level: Level, tooltip: string): void {
    this.item.text = `$(${icon}) Agent: ${text}`;
    this.item.backgroundColor = COLOURS[level];
    this.item.accessibilityInformation = { label: `Agent: ${text}` };
    this.item.tooltip = new MarkdownString().appendText(tooltip);
  }
}

const RESTRICTED: Choice[] = [
  { label: '$(shield) Manage Workspace Trust …', detail: 'Trusted, the program agent is started and syncs with the project that sync.yaml names.', command: 'workbench.trust.manage' },
  { label: '$(list-tree) Show Artifacts', command: 'agent.artifacts.focus' },
];

export function folderName(address: string): string {
  const uri = Uri.parse(address);
  const folder = workspace.getWorkspaceFolder(uri);
  return folder?.name ?? uri.path.split('/').filter(Boolean).pop() ?? address;
}
