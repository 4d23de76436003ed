// The item in the status bar, and what a click on it shows.

import {
  MarkdownString, QuickPickItemKind, StatusBarAlignment, ThemeColor, Uri, commands, window, workspace,
  type Disposable, type QuickPickItem, type StatusBarItem,
} from 'vscode';

import { details, summary, worst, type Level, type Status } from './summary';

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
  private trouble: string | undefined;
  private patience: NodeJS.Timeout | undefined;

  constructor() {
    this.item = window.createStatusBarItem('agent.status', StatusBarAlignment.Left, 10);
    this.item.name = 'Agent';
    this.item.command = 'agent.showStatus';
    this.render();
    this.item.show();
  }

  dispose(): void {
    clearTimeout(this.patience);
    this.item.dispose();
  }

  /** The server runs, and these are its folders. */
  replace(all: readonly Status[]): void {
    this.trouble = undefined;
    this.folders.clear();
    all.forEach((status) => this.folders.set(status.uri, status));
    this.render();
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.render(true), PATIENCE);
  }

  /** A folder's status changed. */
  update(status: Status): void {
    this.trouble = undefined;
    this.folders.set(status.uri, status);
    this.render();
  }

  /** The server does not run. */
  stopped(trouble: string): void {
    this.folders.clear();
    this.trouble = trouble;
    this.render();
  }

  async pick(): Promise<void> {
    const folders: Choice[] = [...this.folders.values()].map((status) => {
      const { icon, text } = summary(status);
      return { label: `$(${icon}) ${name(status)}: ${text}`, detail: details(status, Date.now()).join(' · ') };
    });
    if (this.trouble !== undefined) folders.push({ label: '$(error) The server does not run', detail: this.trouble });
    const runs: Choice[] = [
      { label: '$(cloud-upload) Push now', command: 'agent.push' },
      { label: '$(cloud-download) Pull now', command: 'agent.pull' },
    ];
    const verbs: Choice[] = [
      { label: 'Actions', kind: QuickPickItemKind.Separator },
      { label: '$(list-unordered) Show Problems', command: 'workbench.actions.view.problems' },
      ...(this.trouble === undefined ? runs : []),
      { label: '$(output) Show Output', command: 'agent.showOutput' },
      { label: '$(debug-restart) Restart Server', command: 'agent.restart' },
    ];
    const chosen = await window.showQuickPick([...folders, ...verbs], { title: 'Agent', placeHolder: 'How your artifacts stand with the team' });
    if (chosen?.command !== undefined) await commands.executeCommand(chosen.command);
  }

  private render(waited = false): void {
    const all = [...this.folders.values()];
    const status = worst(all);
    if (this.trouble !== undefined) {
      this.show('error', 'not running', 'error', this.trouble);
    } else if (status === undefined) {
      if (waited) this.show('circle-slash', 'nothing synced', 'normal', 'No folder is synced. Messages and output say why.');
      else this.show('sync', 'starting', 'normal', 'Reading artifacts');
    } else {
      const { icon, text, level } = summary(status);
      const lines = all.map((one) => `${name(one)}: ${details(one, Date.now()).join('; ')}`);
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

function name(status: Status): string {
  const uri = Uri.parse(status.uri);
  const folder = workspace.getWorkspaceFolder(uri);
  return folder?.name ?? uri.path.split('/').filter(Boolean).pop() ?? status.uri;
}
