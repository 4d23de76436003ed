// What keeps a folder from syncing, at its place in `sync.yaml`: the server judges the file, and its answer is shown
// where it can be put right. And what the configuration names that the editor was not given.

import {
  Diagnostic, DiagnosticSeverity, Range, Uri, languages, window, workspace, type Disposable, type TextDocument,
} from 'vscode';

import { lineOf } from './config';
import { configurationOf, type Keys } from './keys';
import { environment } from './program';
import type { Status } from './protocol';
import type { Server } from './server';

export class Trouble implements Disposable {
  private readonly shown = languages.createDiagnosticCollection('agent-configuration');
  private readonly parts: Disposable[];
  /** Asked about once in a session. */
  private readonly asked = new Set<string>();

  constructor(
    private readonly server: Server,
    private readonly keys: Keys,
  ) {
    this.parts = [
      this.shown,
      server.onFolders((all) => all.forEach((status) => void this.show(status))),
      server.onStatus((status) => void this.show(status)),
      // The server reads the configuration when it opens the folder. One that runs hears of the save first.
      server.onSaved((document) => this.saved(document)),
      workspace.onDidSaveTextDocument((document) => {
        if (!server.runs) this.saved(document);
      }),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  /** Asks for variables that are named and not set. */
  async askForVariables(): Promise<void> {
    const names = (await this.keys.missing(await environment(this.keys))).filter((name) => !this.asked.has(name));
    names.forEach((name) => this.asked.add(name));
    for (const name of names) {
      const set = 'Set It …';
      const said = `.agent/etc/sync.yaml takes ${name} from the environment, and it is not set where VS Code runs.`;
      if ((await window.showWarningMessage(said, set)) === set && (await this.keys.ask(name))) await this.server.restart();
    }
  }

  private saved({ uri }: TextDocument): void {
    if (/\/\.agent\/etc\/sync\.yaml$/.test(uri.path) && workspace.isTrusted) void this.server.restart();
  }

  private async show({ uri, state, problem }: Status): Promise<void> {
    const file = configurationOf(Uri.parse(uri));
    if (state !== 'broken' || problem === null) return this.shown.delete(file);
    const text = await workspace.fs.readFile(file).then((bytes) => Buffer.from(bytes).toString('utf8'), () => '');
    const line = lineOf(text, problem);
    const width = text.split('\n')[line]?.length ?? 0;
    const diagnostic = new Diagnostic(new Range(line, 0, line, width), problem, DiagnosticSeverity.Error);
    diagnostic.source = 'agent';
    this.shown.set(file, [diagnostic]);
  }
}
