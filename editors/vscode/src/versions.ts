// The commands on what happened to an artifact: compare what it was then with the file, bring it back. What happened is
// listed by the History view and in the Timeline; without a choice there, these ask.

import { Uri, commands, window, type Disposable } from 'vscode';

import { documentOf, name } from './compare';
import { subject, told } from './past';
import type { PastEvent } from './protocol';
import { tell, type Server } from './server';
import type { Texts } from './texts';

/** An event of a document. */
export interface Entry {
  document: Uri;
  event: PastEvent;
}

export class Versions implements Disposable {
  private readonly parts: Disposable[];

  constructor(
    private readonly server: Server,
    private readonly texts: Texts,
  ) {
    const command = (id: string, does: (entry?: Entry) => Promise<void>) =>
      commands.registerCommand(id, (...given: unknown[]) => does(entryIn(given[0])).catch(tell));
    this.parts = [
      command('agent.showVersion', (entry) => this.show(entry)),
      command('agent.restoreVersion', (entry) => this.restore(entry)),
      command('agent.showThisVersion', async (entry) => this.show(entry ?? gone())),
      command('agent.restoreThisVersion', async (entry) => this.restore(entry ?? gone())),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  /** What it was after an event on the left, the file on the right. */
  private async show(given?: Entry): Promise<void> {
    const entry = given ?? (await this.choose('Which is to be compared with the file?'));
    if (entry === undefined) return;
    const { document, event } = entry;
    const left = subject(event);
    if (left === undefined) throw new Error('What it was then is not on this machine any more.');
    const then = 'content' in left ? this.texts.content(document, left.content) : this.texts.version(document, left.version);
    const { label, note } = told(event, Date.now());
    await commands.executeCommand('vscode.diff', then, document, `${name(document)} (${label}, ${note} ↔ now)`);
  }

  /** The server brings it into the buffer; saving is the user's. */
  private async restore(given?: Entry): Promise<void> {
    const entry = given ?? (await this.choose('Which is to be brought back into the editor?'));
    if (entry === undefined) return;
    const document = await documentOf(entry.document);
    await window.showTextDocument(document);
    const left = subject(entry.event);
    if (left === undefined || !('content' in left)) throw new Error('This machine does not hold that text; agent sync restore asks the team for it.');
    await this.server.execute('agent.restore', { uri: document.uri.toString(), version: document.version, content: left.content });
  }

  private async choose(placeHolder: string): Promise<Entry | undefined> {
    const { uri } = await documentOf(undefined);
    const events = await this.server.demand<PastEvent[]>('agent/history', { uri: uri.toString() });
    const items = events.filter(canRestore).map((event) => {
      const { label, note, icon } = told(event, Date.now());
      return { label: `$(${icon}) ${label}`, description: note, event };
    });
    if (items.length === 0) throw new Error('Nothing earlier is known of this here.');
    const chosen = await window.showQuickPick(items, { title: name(uri), placeHolder });
    return chosen && { document: uri, event: chosen.event };
  }
}

/** Whether the text after an event can come back. */
export function canRestore(event: PastEvent): boolean {
  return 'content' in (subject(event) ?? {});
}

/** What a line of a view says of an event, besides its label: the note with the time, for when the pointer rests on it. */
export function tooltip(event: PastEvent): string {
  const { label, note } = told(event, Date.now());
  return `${label}\n${note}\n${new Date(event.at).toLocaleString()}`;
}

/** What happens on a click on an event; nothing where neither text nor version is known. */
export function click(entry: Entry) {
  if (subject(entry.event) === undefined) return undefined;
  return { command: 'agent.showThisVersion', title: 'Compare with This Version', arguments: [entry] };
}

/** VS Code forgets what its Timeline showed when the entries are given again; older ones hand over none at all. */
function gone(): never {
  throw new Error('That entry is no longer there. Choose it again, or in the view History.');
}

/** A key runs a command without an event. */
function entryIn(given: unknown): Entry | undefined {
  const { document, event } = (given ?? {}) as Partial<Entry>;
  return document && event ? { document, event } : undefined;
}
