// Starts `agent lsp` and shows what it says. Everything else is the language server's work.

import { commands, window, workspace, type ExtensionContext, type LogOutputChannel } from 'vscode';
import {
  ExecuteCommandRequest, LSPErrorCodes, LanguageClient, ResponseError, State,
  type ClientCapabilities, type LanguageClientOptions, type StaticFeature,
} from 'vscode-languageclient/node';

import { configured, version, type Program } from './program';
import { StatusView } from './status';
import type { Status } from './summary';

/** Asks the server for `agent/status` (docs/lsp-extensions.md). */
class AgentStatus implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...capabilities.experimental, agentStatus: true };
  }
  initialize(): void {}
  getState() {
    return { kind: 'static' as const };
  }
  clear(): void {}
}

class Agent {
  private client: LanguageClient | undefined;
  /** Starting and stopping, one after the other. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly output: LogOutputChannel,
    private readonly view: StatusView,
  ) {}

  /** Starts the server, again if it runs. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.stopNow()).then(() => this.startNow());
    return this.turn;
  }

  stop(): Promise<void> {
    this.turn = this.turn.then(() => this.stopNow());
    return this.turn;
  }

  /** Asks for the folders anew, after some came or went. */
  async refresh(): Promise<void> {
    if (this.client?.state !== State.Running) return;
    this.view.replace(await this.client.sendRequest<Status[]>('agent/status'));
  }

  private async startNow(): Promise<void> {
    const program = configured();
    try {
      this.output.info(`${program.command} ${await version(program)}`);
      this.client = this.create(program);
      await this.client.start();
      await this.refresh();
    } catch (error) {
      void this.failed(error instanceof Error ? error.message : String(error));
    }
  }

  private async stopNow(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.output.warn(String(error));
    }
  }

  private create(program: Program): LanguageClient {
    const options: LanguageClientOptions = {
      // sync.yaml may name folders outside of .agent for artifacts (sync.kinds).
      documentSelector: [
        { scheme: 'file', language: 'markdown' },
        { scheme: 'file', language: 'yaml', pattern: '**/.agent/**' },
      ],
      outputChannel: this.output,
      middleware: { executeCommand: (command, args) => this.execute(command, args as unknown[]) },
    };
    const server = { command: program.command, args: ['lsp'], options: { env: program.env } };
    const client = new LanguageClient('agent', 'Agent', server, options);
    client.registerFeature(new AgentStatus());
    client.onNotification('agent/status', (status: Status) => this.view.update(status));
    client.onDidChangeState(({ newState }) => {
      void commands.executeCommand('setContext', 'agent.running', newState === State.Running);
      if (newState === State.Stopped && this.client === client) this.view.stopped('The server ended; see the output.');
    });
    return client;
  }

  /** The server's own commands, which the client registers under their names. */
  private async execute(command: string, args: unknown[]): Promise<unknown> {
    try {
      return await this.client?.sendRequest(ExecuteCommandRequest.type, { command, arguments: args });
    } catch (error) {
      if (error instanceof ResponseError && error.code === LSPErrorCodes.ContentModified) {
        void window.showInformationMessage('The text or the team’s version has changed meanwhile, so nothing was done. Choose again.');
      } else {
        void window.showErrorMessage(`Agent: ${error instanceof Error ? error.message : String(error)}`);
      }
      return undefined;
    }
  }

  private async failed(message: string): Promise<void> {
    this.output.error(message);
    this.view.stopped(message);
    const settings = 'Open Settings';
    const again = 'Try Again';
    const chosen = await window.showErrorMessage(`Agent does not run. ${message}`, settings, again);
    if (chosen === settings) await commands.executeCommand('workbench.action.openSettings', 'agent.path');
    if (chosen === again) await this.restart();
  }
}

let agent: Agent | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const output = window.createOutputChannel('Agent', { log: true });
  const view = new StatusView();
  const started = new Agent(output, view);
  agent = started;
  context.subscriptions.push(
    output,
    view,
    commands.registerCommand('agent.showStatus', () => view.pick()),
    commands.registerCommand('agent.showOutput', () => output.show(true)),
    commands.registerCommand('agent.restart', () => started.restart()),
    workspace.onDidChangeWorkspaceFolders(() => started.refresh()),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('agent.path') || change.affectsConfiguration('agent.env')) void started.restart();
    }),
  );
  await started.restart();
}

export function deactivate(): Promise<void> | undefined {
  return agent?.stop();
}
