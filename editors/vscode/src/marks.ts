// Marks beside the lines that the remote changed: in the gutter and the overview ruler, with who and when behind
// the first line.

import {
  MarkdownString, OverviewRulerLane, Range, ThemeColor, Uri, window, workspace,
  type DecorationOptions, type Disposable, type TextEditor, type TextEditorDecorationType,
} from 'vscode';

import { headline } from './choices';
import type { HunkStore } from './hunks';
import type { Hunk } from './protocol';
import { byline } from './words';

/** Ages are told to the minute. */
const MINUTE = 60_000;

type Kind = 'conflict' | 'remote';

export class Marks implements Disposable {
  private readonly types: Record<Kind, TextEditorDecorationType>;
  /** Behind the first line of each hunk; a decoration's own text would stand behind its last. */
  private readonly label = window.createTextEditorDecorationType({});
  private readonly parts: Disposable[];
  private readonly ageing: NodeJS.Timeout;

  constructor(private readonly store: HunkStore, extension: Uri) {
    this.types = {
      conflict: decoration(extension, 'conflict', 'editorOverviewRuler.warningForeground'),
      remote: decoration(extension, 'remote', 'editorOverviewRuler.infoForeground'),
    };
    this.parts = [
      this.types.conflict,
      this.types.remote,
      this.label,
      store.onDidChange((uri) => this.drawAll(uri)),
      window.onDidChangeVisibleTextEditors(() => this.drawAll()),
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('agent.marks')) this.drawAll();
      }),
    ];
    this.ageing = setInterval(() => this.drawAll(), MINUTE);
  }

  dispose(): void {
    clearInterval(this.ageing);
    this.parts.forEach((part) => part.dispose());
  }

  private drawAll(uri?: Uri): void {
    const shown = window.visibleTextEditors.filter(({ document }) => document.uri.scheme === 'file');
    shown.filter(({ document }) => uri === undefined || document.uri.toString() === uri.toString()).forEach((editor) => this.draw(editor));
  }

  private draw(editor: TextEditor): void {
    const { document } = editor;
    const wanted = workspace.getConfiguration('agent', document).get('marks', true);
    // Between a keystroke and the answer to it, what is drawn moves with the text by itself.
    if (wanted && !this.store.isCurrent(document) && this.store.news(document).length === 0 && document.isDirty) return;
    const news = wanted ? this.store.news(document) : [];
    for (const kind of ['conflict', 'remote'] as const) {
      editor.setDecorations(this.types[kind], news.filter((hunk) => hunk.kind === kind).map(lines));
    }
    editor.setDecorations(this.label, news.map((hunk) => label(editor, hunk)));
  }
}

function decoration(extension: Uri, kind: Kind, colour: string): TextEditorDecorationType {
  return window.createTextEditorDecorationType({
    gutterIconPath: Uri.joinPath(extension, 'media', `${kind}.svg`),
    gutterIconSize: 'contain',
    overviewRulerColor: new ThemeColor(colour),
    overviewRulerLane: OverviewRulerLane.Left,
    isWholeLine: true,
  });
}

function lines(hunk: Hunk): DecorationOptions {
  const { start, end } = hunk.range;
  return {
    range: new Range(start.line, start.character, end.line, end.character),
    hoverMessage: new MarkdownString().appendText(headline(hunk, Date.now())),
  };
}

function label({ document }: TextEditor, hunk: Hunk): DecorationOptions {
  const line = document.lineAt(Math.min(hunk.range.start.line, document.lineCount - 1));
  return {
    range: new Range(line.range.end, line.range.end),
    renderOptions: {
      after: {
        contentText: byline(hunk.author, hunk.at, Date.now()),
        color: new ThemeColor('editorCodeLens.foreground'),
        fontStyle: 'italic',
        margin: '0 0 0 2em',
      },
    },
  };
}
