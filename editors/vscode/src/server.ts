// The one `agent lsp` of a window: starting, stopping, asking it, and what it tells. What is made of its answers is
// the views' work.

import { EventEmitter, commands, window, workspace, type Disposable, type LogOutputChannel, type TextDocument } from 'vscode';
import {
  CodeActionRequest, ExecuteCommandRequest, LSPErrorCodes, LanguageClient, ResponseError, State,
  type ClientCapabilities, type CodeAction, type LanguageClientOptions, type StaticFeature,
} from 'vscode-languageclient/node';

import type { Action } from './choices';
import type { Keys } from './keys';
import { configured, version, type Program } from './program';
import type { Status } from './protocol';

/** Says which notifications of docs/lsp-extensions.md are wanted. */
class Extensions implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...capabilities.experimental, agentStatus: true, agentPresence: true };
  }
  initialize(): void {}
  getState() {
    return { kind: 'static' as const };
  }
  clear(): void {}
}

/** What a command of the server's is answered by in this editor instead, if it is. */
export type Override = (command: string, args: unknown[]) => Promise<unknown> | undefined;

export class Server implements Disposable {
  private client: LanguageClient | undefined;
  /** Starting and stopping, one after the other. */
  private turn: Promise<void> = Promise.resolve();

  private readonly status = new EventEmitter<Status>();
  private readonly folders = new EventEmitter<Status[]>();
  private readonly presence = new EventEmitter<void>();
  private readonly stopped = new EventEmitter<string>();
  /** One folder's status changed. */
  readonly onStatus = this.status.event;
  /** It runs, and these are its folders. */
  readonly onFolders = this.folders.event;
  /** Somebody came, went or moved. */
  readonly onPresence = this.presence.event;
  /** It does not run, for this reason. */
  readonly onStopped = this.stopped.event;

  private readonly saved = new EventEmitter<TextDocument>();
  /** A document was saved, and the server has heard of it. */
  readonly onSaved = this.saved.event;

  /** Set once, before the first start. */
  override: Override = () => undefined;

  constructor(
    private readonly output: LogOutputChannel,
    private readonly extension: string,
    private readonly keys: Keys,
  ) {}

  dispose(): void {
    [this.status, this.folders, this.presence, this.stopped, this.saved].forEach((emitter) => emitter.dispose());
  }

  get runs(): boolean {
    return this.client?.state === State.Running;
  }

  /** Starts it, again if it runs. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.stopNow()).then(() => this.startNow());
    return this.turn;
  }

  stop(): Promise<void> {
    this.turn = this.turn.then(() => this.stopNow());
    return this.turn;
  }

  /** The program that would be started now. */
  program(): Promise<Program> {
    return configured(this.extension, this.keys);
  }

  /** Asks for the folders anew, after some came or went. */
  async refresh(): Promise<void> {
    const all = await this.ask<Status[]>('agent/status', {});
    if (all) this.folders.fire(all);
  }

  /** Asks something; nothing if it does not run, or an older one does not know the question. */
  async ask<T>(method: string, params: object): Promise<T | undefined> {
    const client = this.client;
    if (client?.state !== State.Running) return undefined;
    try {
      return await client.sendRequest<T>(method, params);
    } catch (error) {
      this.output.debug(`${method}: ${message(error)}`);
      return undefined;
    }
  }

  /** The same; whoever asks tells people why not. */
  async demand<T>(method: string, params: object): Promise<T> {
    const client = this.client;
    if (client?.state !== State.Running) throw new Error('The server does not run.');
    return client.sendRequest<T>(method, params);
  }

  /** Runs one of the server's commands, past what overrides it here. */
  execute<T>(command: string, argument?: object): Promise<T> {
    return this.demand<T>(ExecuteCommandRequest.method, { command, arguments: argument === undefined ? [] : [argument] });
  }

  /** Everything that can be chosen anywhere in a document; that there is nothing is said only where it is known. */
  async actions(document: TextDocument): Promise<Action[]> {
    const all = await this.demand<CodeAction[] | null>(CodeActionRequest.method, {
      textDocument: { uri: document.uri.toString() },
      range: { start: { line: 0, character: 0 }, end: { line: document.lineCount, character: 0 } },
      context: { diagnostics: [] },
    });
    return all ?? [];
  }

  private async startNow(): Promise<void> {
    try {
      const program = await this.program();
      this.output.info(`${program.command} (${program.from}) ${await version(program)}`);
      const client = this.create(program);
      this.client = client;
      await client.start();
      await this.refresh();
    } catch (error) {
      void this.failed(message(error));
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
      middleware: {
        executeCommand: (command, args) => this.dispatch(command, args as unknown[]),
        didSave: async (document, next) => {
          await next(document);
          this.saved.fire(document);
        },
        // The hunks' lenses are drawn here (lenses.ts); a server that draws its own must not double them.
        provideCodeLenses: async (document, token, next) => {
          const all = await next(document, token);
          return all?.filter((lens) => !/^agent\.(resolve|compare)$/.test(lens.command?.command ?? ''));
        },
      },
    };
    const server = { command: program.command, args: ['lsp'], options: { env: program.env } };
    const client = new LanguageClient('agent', 'Agent', server, options);
    client.registerFeature(new Extensions());
    client.onNotification('agent/status', (status: Status) => this.status.fire(status));
    client.onNotification('agent/presence', () => this.presence.fire());
    client.onDidChangeState(({ newState }) => {
      void commands.executeCommand('setContext', 'agent.running', newState === State.Running);
      if (newState === State.Stopped && this.client === client) this.stopped.fire('The server ended; see the output.');
    });
    return client;
  }

  /** The server's own commands, which the client registers under their names. */
  private async dispatch(command: string, args: unknown[]): Promise<unknown> {
    try {
      const instead = this.override(command, args);
      return instead === undefined ? await this.demand(ExecuteCommandRequest.method, { command, arguments: args }) : await instead;
    } catch (error) {
      tell(error);
      return undefined;
    }
  }

  private async failed(said: string): Promise<void> {
    this.output.error(said);
    this.stopped.fire(said);
    if (!workspace.isTrusted) return;
    const settings = 'Open Settings';
    const again = 'Try Again';
    const chosen = await window.showErrorMessage(`Agent does not run. ${said}`, settings, again);
    if (chosen === settings) await commands.executeCommand('workbench.action.openSettings', 'agent.path');
    if (chosen === again) await this.restart();
  }
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Shows why something was not done. */
export function tell(error: unknown): void {
  if (error instanceof ResponseError && error.code === LSPErrorCodes.ContentModified) {
    void window.showInformationMessage('The text or the team’s version has changed meanwhile, so nothing was done. Choose again.');
  } else {
    void window.showErrorMessage(`Agent: ${message(error)}`);
  }
}
