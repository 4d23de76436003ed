// An artifact's sides in VS Code's own views: the diff editor, and the three-way merge editor.

import {
  Uri, commands, window, workspace, type Disposable, type Tab, type TextDocument,
} from 'vscode';

import { asMerged, offered, resolutions } from './choices';
import { message, tell, type Server } from './server';
import type { Texts } from './texts';
import { byline } from './words';

/** The team may send more while its changes are taken. */
const ROUNDS = 5;
/** How long an edit of the server's may take to come into the editor, in milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 20;

/** A merge in an editor of its own, and the team's version that is merged in it. */
interface Merging {
  remoteVersion: number | null;
}

export class Compare implements Disposable {
  private readonly merging = new Map<string, Merging>();
  private readonly parts: Disposable[];

  constructor(
    private readonly server: Server,
    private readonly texts: Texts,
  ) {
    const command = (name: string, does: (...args: never[]) => Promise<unknown>) =>
      commands.registerCommand(name, (...args: never[]) => does(...args).catch(tell));
    this.parts = [
      command('agent.compareWithRemote', (of?: unknown) => this.withRemote(of)),
      command('agent.compareWithBase', (of?: unknown) => this.withBase(of)),
      command('agent.compareBaseWithRemote', (of?: unknown) => this.baseWithRemote(of)),
      command('agent.openMergeEditor', (of?: unknown) => this.merge(of)),
      command('agent.completeMerge', (of?: unknown) => this.complete(of)),
      window.tabGroups.onDidChangeTabs(({ closed }) => closed.forEach((tab) => this.closed(tab))),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  /** The remote's text on the left, the file on the right, where it can be edited. */
  async withRemote(of?: unknown): Promise<void> {
    const { uri } = await documentOf(of);
    const remote = await this.texts.get({ uri: uri.toString(), side: 'remote' });
    const whose = remote.version === null ? 'remote' : `version ${remote.version}, ${byline(remote.author, remote.at, Date.now())}`;
    await commands.executeCommand('vscode.diff', this.texts.side(uri, 'remote'), uri, `${name(uri)} (${whose} ↔ yours)`);
  }

  private async withBase(of?: unknown): Promise<void> {
    const { uri } = await documentOf(of);
    await commands.executeCommand('vscode.diff', this.texts.side(uri, 'base'), uri, `${name(uri)} (last agreed ↔ yours)`);
  }

  private async baseWithRemote(of?: unknown): Promise<void> {
    const { uri } = await documentOf(of);
    const sides = [this.texts.side(uri, 'base'), this.texts.side(uri, 'remote')] as const;
    await commands.executeCommand('vscode.diff', ...sides, `${name(uri)} (last agreed ↔ the team’s)`);
  }

  /** The three-way merge editor: the team's and one's own text above, the file below. The sides stay as they are now. */
  private async merge(of?: unknown): Promise<void> {
    const document = await documentOf(of);
    const { uri } = document;
    await this.takeIncoming(document);
    const side = (which: 'base' | 'remote') => this.texts.get({ uri: uri.toString(), side: which });
    const [base, remote] = await Promise.all([side('base'), side('remote')]);
    if (remote.text === null) throw new Error('The team has deleted this artifact; there is nothing to merge. Its diagnostic offers what can be done.');
    const version = remote.version === null ? undefined : `version ${remote.version}`;
    this.merging.set(uri.toString(), { remoteVersion: remote.version });
    await this.contexts();
    await commands.executeCommand('_open.mergeEditor', {
      base: this.texts.snapshot(uri, 'base', base.text ?? ''),
      input1: {
        uri: this.texts.snapshot(uri, 'remote', remote.text),
        title: 'Remote', description: version, detail: byline(remote.author, remote.at, Date.now()),
      },
      input2: { uri: this.texts.snapshot(uri, 'local', document.getText()), title: 'Yours' },
      output: uri,
    });
  }

  /** What conflicts with nothing goes into the file first: completing undoes for everybody what the result is without. */
  private async takeIncoming(document: TextDocument): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const args = offered(await this.server.actions(document), 'incoming');
      if (args === undefined) return;
      await this.server.execute('agent.resolve', args);
      await edited(document, args.version);
    }
  }

  /** The result, as it stands in the file, is the merge: saved, and what was merged counts as decided. */
  private async complete(of?: unknown): Promise<void> {
    const document = await documentOf(resultOf(window.tabGroups.activeTabGroup.activeTab) ?? of);
    const key = document.uri.toString();
    const merging = this.merging.get(key);
    if (!merging) throw new Error(`No merge editor is open for ${name(document.uri)}.`);
    const actions = await this.server.actions(document);
    const args = asMerged(actions, merging.remoteVersion);
    if (args) {
      await this.server.execute('agent.resolve', args);
    } else if (resolutions(actions).length > 0) {
      return this.notAll(document.uri);
    }
    // Without anything left to decide, the result holds all of the team's text already.
    if (!(await document.save())) throw new Error(`${name(document.uri)} was not saved, so the merge is not complete. Your result is in the editor; complete the merge once it can be saved.`);
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => resultOf(tab) === key);
    await window.tabGroups.close(tabs);
    await window.showTextDocument(document);
  }

  private async notAll(uri: Uri): Promise<void> {
    const again = 'Merge Again';
    const said = 'The team has changes that your result is without, so nothing was settled. Your result is kept in the file as it is. Merge again, or choose Keep Local above a change that is to be left out.';
    if ((await window.showWarningMessage(said, again)) === again) await this.merge(uri);
  }

  private closed(tab: Tab): void {
    const key = resultOf(tab);
    // Merging again opens a second one.
    const isLeft = window.tabGroups.all.flatMap((group) => group.tabs).some((other) => resultOf(other) === key);
    if (key !== undefined && !isLeft && this.merging.delete(key)) this.contexts().catch(message);
  }

  private async contexts(): Promise<void> {
    await commands.executeCommand('setContext', 'agent.merging', [...this.merging.keys()]);
  }
}

/** An edit of the server's comes after its answer to the command, and the server has heard of it once a pause has passed. */
async function edited(document: TextDocument, version: number): Promise<void> {
  const until = Date.now() + PATIENCE;
  do {
    if (Date.now() > until) throw new Error('The team’s changes that conflict with nothing did not come into the editor, so no merge was begun.');
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  } while (document.version === version);
}

/** The file that a merge editor writes to. Its tabs have no class of their own in the API; they are told by their parts. */
function resultOf(tab: Tab | undefined): string | undefined {
  const parts = tab?.input as { base?: unknown; input1?: unknown; input2?: unknown; result?: unknown } | undefined;
  return parts?.input1 instanceof Uri && parts.result instanceof Uri ? parts.result.toString() : undefined;
}

/** The document that a command is about: given as an address, by a view's item, or else the active one. */
export async function documentOf(of: unknown): Promise<TextDocument> {
  const uri = uriOf(of) ?? window.activeTextEditor?.document.uri;
  if (uri === undefined) throw new Error('Open an artifact first.');
  return workspace.openTextDocument(uri);
}

export function uriOf(of: unknown): Uri | undefined {
  if (of instanceof Uri) return of.scheme === 'file' ? of : undefined;
  if (typeof of === 'string') return Uri.parse(of);
  const item = of as { resourceUri?: unknown; artifact?: { uri?: unknown } } | undefined;
  if (item?.resourceUri instanceof Uri) return item.resourceUri;
  return typeof item?.artifact?.uri === 'string' ? Uri.parse(item.artifact.uri) : undefined;
}

/** The name of a file. */
export function name(uri: Uri): string {
  return uri.path.split('/').pop() ?? uri.path;
}
