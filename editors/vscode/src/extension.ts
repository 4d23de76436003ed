// Puts the parts together. What each does is in its own file; everything about artifacts is the server's work.

import { commands, languages, window, workspace, type ExtensionContext } from 'vscode';

import { Account } from './account';
import { Artifacts } from './artifacts';
import { Compare } from './compare';
import { History } from './history';
import { HunkStore } from './hunks';
import { Keys } from './keys';
import { Lenses } from './lenses';
import { Marks } from './marks';
import { Server } from './server';
import { StatusView } from './status';
import { Texts } from './texts';
import { TimelineSource } from './timeline';
import { Trouble } from './trouble';
import { Verbs } from './verbs';
import { Versions } from './versions';

let running: Server | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const output = window.createOutputChannel('Agent', { log: true });
  const keys = new Keys(context.secrets);
  const server = new Server(output, context.extensionPath, keys);
  const hunks = new HunkStore(server);
  const status = new StatusView(server, hunks);
  const texts = new Texts(server);
  const lenses = new Lenses(hunks);
  const compare = new Compare(server, texts);
  const account = new Account(server, status);
  const trouble = new Trouble(server, keys);
  const documents = [{ scheme: 'file', language: 'markdown' }, { scheme: 'file', language: 'yaml' }];
  context.subscriptions.push(
    output, server, status, texts, hunks, lenses, compare, account, trouble,
    new Artifacts(server, hunks),
    new Versions(server, texts),
    new History(server),
    ...TimelineSource.register(server, output),
    new Marks(hunks, context.extensionUri),
    new Verbs(server, status, keys),
    languages.registerCodeLensProvider(documents, lenses),
    commands.registerCommand('agent.showOutput', () => output.show(true)),
    commands.registerCommand('agent.restart', () => start()),
    workspace.onDidChangeWorkspaceFolders(() => server.refresh()),
    workspace.onDidGrantWorkspaceTrust(() => start()),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('agent.path') || change.affectsConfiguration('agent.env')) void start();
    }),
  );

  // A code action or an older habit may ask for what VS Code has an interface of its own for.
  server.override = (command, args) => {
    const uri = (args[0] as { uri?: unknown } | undefined)?.uri;
    if (typeof uri !== 'string') return undefined;
    if (command === 'agent.compare') return compare.withRemote(uri);
    if (command === 'agent.signIn') return account.signIn(uri);
    return undefined;
  };

  // Restricted Mode: nothing is started, since the program would read and sync what the folder says.
  const start = async (): Promise<void> => {
    if (!workspace.isTrusted) return;
    running = server;
    await server.restart();
    void trouble.askForVariables();
  };
  await start();
}

export function deactivate(): Promise<void> | undefined {
  return running?.stop();
}
