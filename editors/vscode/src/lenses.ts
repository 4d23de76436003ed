// A line of choices above each hunk: who and when, accept remote, accept local, accept both, compare, merge.

import { CodeLens, EventEmitter, Range, workspace, type CodeLensProvider, type Disposable, type TextDocument } from 'vscode';

import { choices, headline } from './choices';
import type { HunkStore } from './hunks';
import type { Hunk } from './protocol';

export class Lenses implements CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly parts: Disposable[];

  constructor(private readonly store: HunkStore) {
    this.parts = [
      this.changed,
      store.onDidChange(() => this.changed.fire()),
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('agent.lenses')) this.changed.fire();
      }),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    if (!workspace.getConfiguration('agent', document).get('lenses', true)) return [];
    return this.store.news(document).flatMap((hunk) => this.ofHunk(document, hunk));
  }

  private ofHunk(document: TextDocument, hunk: Hunk): CodeLens[] {
    const line = Math.min(hunk.range.start.line, document.lineCount - 1);
    const at = new Range(line, 0, line, 0);
    const uri = document.uri.toString();
    const icon = hunk.kind === 'conflict' ? '$(warning)\u00a0' : '$(cloud-download)\u00a0';
    const lens = (title: string, command: string, ...args: unknown[]) => new CodeLens(at, { title, command, arguments: args });
    return [
      lens(`${icon}${headline(hunk, Date.now())}`, 'agent.compareWithRemote', uri),
      ...choices(hunk).map(({ title, args }) => lens(title, 'agent.resolve', args)),
      lens('Compare', 'agent.compareWithRemote', uri),
      ...(hunk.kind === 'conflict' ? [lens('Merge Editor', 'agent.openMergeEditor', uri)] : []),
    ];
  }
}
