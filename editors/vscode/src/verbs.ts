// A command for each verb. What changes text or state in the editor goes through the server; what prints runs as a
// task in the terminal (`terminal.ts`). No command has a key of its own.

import {
  ProcessExecution, Selection, Task, TaskRevealKind, Uri, commands, languages, tasks, window, workspace,
  type Diagnostic, type Disposable, type TextDocument,
} from 'vscode';

import { answerOf, reasonOf } from './answer';
import { offered, type Action } from './choices';
import { documentOf } from './compare';
import { kindTitle } from './grouping';
import { configurationOf, type Keys } from './keys';
import { run } from './program';
import type { Take } from './protocol';
import { tell, type Server } from './server';
import { folderName, type StatusView } from './status';
import { VERBS, type Ask, type Verb } from './terminal';

const KINDS = ['plan', 'story', 'runbook', 'adr'];

/** Commands that choose among the code actions of the whole document. */
const WHOLE: Record<string, Take> = {
  'agent.acceptAllLocal': 'all-local',
  'agent.acceptAllRemote': 'all-remote',
  'agent.mergeRemoteChanges': 'incoming',
};

export class Verbs implements Disposable {
  private readonly parts: Disposable[] = [];

  constructor(
    private readonly server: Server,
    private readonly view: StatusView,
    private readonly keys: Keys,
  ) {
    for (const [name, take] of Object.entries(WHOLE)) this.command(name, () => this.takeAll(take));
    this.command('agent.nextConflict', () => nextConflict());
    this.command('agent.changeState', () => this.offer('agent.setState', 'The state cannot be changed here: the team’s table and your role allow no step, or the document names no state.', true));
    this.command('agent.undoLast', () => this.offer('agent.undo', 'Nothing was merged, taken or chosen here that could be undone.'));
    this.command('agent.newArtifact', () => this.create());
    for (const kind of KINDS) this.command(`agent.new.${kind}`, () => this.create(kind));
    this.command('agent.search', () => this.search());
    this.command('agent.setVariable', () => this.setVariable());
    this.command('agent.openConfiguration', async () => window.showTextDocument(configurationOf(await this.folder())));
    for (const [name, verb] of Object.entries<Verb>(VERBS)) this.command(`agent.cli.${name}`, () => this.inTerminal(verb));
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  private command(name: string, does: () => Promise<unknown>): void {
    this.parts.push(commands.registerCommand(name, () => does().catch(tell)));
  }

  private async takeAll(take: Take): Promise<void> {
    const document = await documentOf(undefined);
    const args = offered(await this.server.actions(document), take);
    if (!args) throw new Error('There is nothing of that kind to decide in this document.');
    await this.server.execute('agent.resolve', args);
  }

  /** What the server offers of one command in this document; chosen, where it is more than one. */
  private async offer(command: string, none: string, always = false): Promise<void> {
    const document = await documentOf(undefined);
    const actions = (await this.offered(document)).filter((action) => action.command?.command === command);
    if (actions.length === 0) throw new Error(none);
    const items = actions.map((action) => ({ label: action.title, action }));
    const chosen = items.length === 1 && !always ? items[0] : await window.showQuickPick(items);
    const args = chosen?.action.command?.arguments?.[0];
    if (args !== undefined) await this.server.execute(command, args as object);
  }

  private async offered(document: TextDocument): Promise<Action[]> {
    const actions = await this.server.actions(document);
    // What a document offers apart from its diagnostics is offered on its first line.
    const source = await this.server.demand<Action[] | null>('textDocument/codeAction', {
      textDocument: { uri: document.uri.toString() },
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
      context: { diagnostics: [], only: ['source'] },
    });
    const all = [...actions, ...(source ?? [])];
    const key = (action: Action) => JSON.stringify(action.command);
    return all.filter((action, index) => all.findIndex((other) => key(other) === key(action)) === index);
  }

  private async create(given?: string): Promise<void> {
    const uri = (await this.folder()).toString();
    const kind = given ?? (await window.showQuickPick(
      KINDS.map((one) => ({ label: kindTitle(one), one })), { placeHolder: 'What is it to be?' },
    ))?.one;
    if (kind === undefined) return;
    const title = await window.showInputBox({ title: `New: ${kind}`, prompt: 'Its title. The team’s server gives it an id.' });
    if (title === undefined || title.trim() === '') return;
    await this.server.execute('agent.new', { kind, uri, title: title.trim() });
  }

  private async search(): Promise<void> {
    const folder = await this.folder();
    const words = await window.showInputBox({ title: 'Search artifacts', prompt: 'All of these words' });
    if (!words?.trim()) return;
    const ran = await run(await this.server.program(), ['search', '--json', '--', ...words.trim().split(/\s+/)], folder.fsPath);
    const { artifacts } = answerOf<{ artifacts: Found[] }>(ran);
    if (artifacts === undefined) throw new Error(reasonOf(ran, 'The search ended without an answer.'));
    const items = artifacts.flatMap(({ id, path, lines }) => lines.map(({ line, text }) => ({
      label: text.trim(), description: `${id} · line ${line}`, path, line,
    })));
    if (items.length === 0) throw new Error(`No artifact holds all of: ${words.trim()}`);
    const chosen = await window.showQuickPick(items, { placeHolder: words.trim(), matchOnDescription: true });
    if (!chosen) return;
    const editor = await window.showTextDocument(Uri.joinPath(folder, chosen.path));
    const at = editor.document.lineAt(Math.max(0, chosen.line - 1)).range;
    editor.selection = new Selection(at.start, at.start);
    editor.revealRange(at);
  }

  private async setVariable(): Promise<void> {
    const names = await this.keys.named();
    if (names.length === 0) throw new Error('No open folder’s .agent/etc/sync.yaml names an environment variable.');
    const name = names.length === 1 ? names[0] : await window.showQuickPick(names, { placeHolder: 'Which variable?' });
    if (name !== undefined && (await this.keys.ask(name))) await this.server.restart();
  }

  private async inTerminal({ words, asks, sure }: Verb): Promise<void> {
    const folder = await this.folder();
    const args: string[] = [...words];
    for (const ask of asks) {
      const answer = await answered(ask);
      if (answer === undefined) return;
      args.push(...answer);
    }
    const yes = 'Yes';
    if (sure !== undefined && (await window.showWarningMessage(sure, { modal: true }, yes)) !== yes) return;
    const { command, env } = await this.server.program();
    const title = `agent ${words.join(' ')}`;
    const execution = new ProcessExecution(command, args, { cwd: folder.fsPath, env: entries(env) });
    const scope = workspace.getWorkspaceFolder(folder);
    if (scope === undefined) throw new Error('Open a folder first.');
    const task = new Task({ type: 'agent', verb: words.join(' ') }, scope, title, 'agent', execution);
    task.presentationOptions = { reveal: TaskRevealKind.Always, clear: true, showReuseMessage: false };
    await tasks.executeTask(task);
  }

  /** The folder that is meant: the active document's, the only one, or the one that the user says. */
  private async folder(): Promise<Uri> {
    const active = window.activeTextEditor && workspace.getWorkspaceFolder(window.activeTextEditor.document.uri);
    const all = workspace.workspaceFolders ?? [];
    const synced = all.filter((folder) => this.view.all.some((status) => Uri.parse(status.uri).fsPath.startsWith(folder.uri.fsPath)));
    const some = synced.length > 0 ? synced : all;
    const only = active ?? (some.length === 1 ? some[0] : undefined);
    if (only) return only.uri;
    const items = some.map((folder) => ({ label: folderName(folder.uri.toString()), description: folder.uri.fsPath, folder }));
    if (items.length === 0) throw new Error('Open a folder first.');
    const chosen = await window.showQuickPick(items, { placeHolder: 'In which folder?' });
    if (!chosen) throw new Error('No folder was chosen.');
    return chosen.folder.uri;
  }
}

/** What `agent search --json` found in one artifact. */
interface Found {
  id: string;
  path: string;
  lines: { line: number; text: string }[];
}

async function answered(ask: Ask): Promise<string[] | undefined> {
  const flagged = (value: string) => ('flag' in ask && ask.flag ? [ask.flag, value] : [value]);
  switch (ask.for) {
    case 'text': {
      const typed = await window.showInputBox({ prompt: ask.prompt, ignoreFocusOut: true });
      return typed?.trim() ? [typed.trim()] : undefined;
    }
    case 'one of': {
      const chosen = await window.showQuickPick([...ask.options], { placeHolder: ask.prompt });
      return chosen === undefined ? undefined : flagged(chosen);
    }
    case 'files': {
      const chosen = await window.showOpenDialog({ canSelectMany: true, openLabel: ask.prompt, filters: { Markdown: ['md'] } });
      return chosen?.map((uri) => uri.fsPath);
    }
    case 'folder': {
      const [chosen] = (await window.showOpenDialog({ canSelectFiles: false, canSelectFolders: true, openLabel: ask.prompt })) ?? [];
      return chosen && flagged(chosen.fsPath);
    }
  }
}

function entries(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The next one behind the cursor, over all files. */
async function nextConflict(): Promise<void> {
  const isConflict = ({ source, code }: Diagnostic) =>
    source === 'agent' && (typeof code === 'object' ? code.value : code) === 'conflict';
  const all = languages.getDiagnostics()
    .flatMap(([uri, found]) => found.filter(isConflict).map((diagnostic) => ({ uri, range: diagnostic.range })))
    .sort((a, b) => a.uri.path.localeCompare(b.uri.path) || a.range.start.compareTo(b.range.start));
  if (all.length === 0) throw new Error('There is no conflict.');
  const here = window.activeTextEditor;
  const after = all.find(({ uri, range }) =>
    uri.path === here?.document.uri.path && range.start.isAfter(here.selection.active));
  const later = all.find(({ uri }) => here !== undefined && uri.path > here.document.uri.path);
  const next = after ?? later ?? all[0];
  if (next === undefined) return;
  const editor = await window.showTextDocument(next.uri);
  editor.selection = new Selection(next.range.start, next.range.start);
  editor.revealRange(next.range);
}
