// The history of a file in VS Code's Timeline, beside what Git and local saves say there. That part of VS Code's API is a
// proposal, and open only where VS Code was told so (docs/editors/vscode.md); elsewhere there is the History view alone.

import { EventEmitter, ThemeIcon, TimelineItem, Uri, workspace, type Disposable, type LogOutputChannel, type Timeline, type TimelineOptions } from 'vscode';

import { page, told } from './past';
import type { PastEvent } from './protocol';
import { message, type Server } from './server';
import { canRestore, click, tooltip, type Entry } from './versions';

const PAUSE = 150;

/** A file as the window knows it: in a container or over SSH it is another machine's, although it is `file:` here. */
const SCHEMES = ['file', 'vscode-remote'];

export class TimelineSource implements Disposable {
  readonly id = 'agent';
  readonly label = 'Agent: Team Artifacts';
  private readonly changed = new EventEmitter<undefined>();
  /** Of which files is not said, so that all that are shown are asked for anew. */
  readonly onDidChange = this.changed.event;
  private readonly parts: Disposable[];
  private due: NodeJS.Timeout | undefined;

  private constructor(private readonly server: Server) {
    const again = () => this.again();
    this.parts = [this.changed, server.onStatus(again), server.onFolders(again), server.onStopped(again), server.onSaved(again)];
  }

  /** Nothing where VS Code refuses. */
  static register(server: Server, output: LogOutputChannel): Disposable[] {
    const source = new TimelineSource(server);
    try {
      return [source, workspace.registerTimelineProvider(SCHEMES, source)];
    } catch (error) {
      output.debug(`Timeline: ${message(error)}`);
      source.dispose();
      return [];
    }
  }

  dispose(): void {
    clearTimeout(this.due);
    this.parts.forEach((part) => part.dispose());
  }

  async provideTimeline(document: Uri, { cursor, limit }: TimelineOptions): Promise<Timeline> {
    const events = (await this.server.ask<PastEvent[]>('agent/history', { uri: document.toString() })) ?? [];
    const until = typeof limit === 'object' ? (limit.id === undefined ? undefined : { id: Number(limit.id) }) : limit;
    const { some, next } = page(events, cursor, until);
    return { items: some.map((event) => entryOf({ document, event })), paging: { cursor: next } };
  }

  /** VS Code hears nothing while it asks, so that what follows closely is told once, and last. */
  private again(): void {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.changed.fire(undefined), PAUSE);
  }
}

/** It is an Entry as well, for the commands of its menu. */
function entryOf(entry: Entry): TimelineItem & Entry {
  const { event } = entry;
  const { label, icon } = told(event, Date.now());
  return Object.assign(new TimelineItem(label, event.at), {
    ...entry,
    id: String(event.id),
    // How long ago it was stands at the end of the line anyway.
    description: event.author ?? undefined,
    tooltip: tooltip(event),
    iconPath: new ThemeIcon(icon),
    contextValue: canRestore(event) ? 'agent:restorable' : 'agent:event',
    command: click(entry),
  });
}
