// Signing in and out through VS Code: its input boxes, its Accounts menu. The session itself is `agent`'s, in the
// system's keyring; nothing of it comes here, and the account shown carries no token.

import {
  EventEmitter, Uri, authentication, commands, window, workspace,
  type AuthenticationProvider, type AuthenticationProviderAuthenticationSessionsChangeEvent, type AuthenticationSession,
  type Disposable,
} from 'vscode';

import { reasonOf } from './answer';
import { run } from './program';
import type { Status } from './protocol';
import { message, tell, type Server } from './server';

import { folderName, type StatusView } from './status';

const ID = 'agent';

/** What `agent whoami --json` answers, as far as it matters. */
interface Whoami {
  user?: string;
  user_id?: string;
  project?: string;
}

export class Account implements AuthenticationProvider, Disposable {
  private readonly changed = new EventEmitter<AuthenticationProviderAuthenticationSessionsChangeEvent>();
  readonly onDidChangeSessions = this.changed.event;
  private sessions: AuthenticationSession[] = [];
  private readonly signedOut = new Map<string, boolean>();
  private readonly parts: Disposable[];

  constructor(
    private readonly server: Server,
    private readonly view: StatusView,
  ) {
    this.parts = [
      this.changed,
      authentication.registerAuthenticationProvider(ID, 'Agent (your team’s project)', this, { supportsMultipleAccounts: true }),
      commands.registerCommand('agent.account.signIn', (of?: unknown) => this.signIn(typeof of === 'string' ? of : undefined).catch(tell)),
      commands.registerCommand('agent.account.signOut', () => this.signOut().catch(tell)),
      server.onFolders((all) => this.began(all)),
      server.onStatus((status) => this.noticed(status)),
    ];
  }

  dispose(): void {
    this.parts.forEach((part) => part.dispose());
  }

  async getSessions(): Promise<AuthenticationSession[]> {
    return this.sessions;
  }

  async createSession(): Promise<AuthenticationSession> {
    await this.signIn();
    const session = this.sessions[0];
    if (!session) throw new Error('Nobody is signed in yet.');
    return session;
  }

  async removeSession(id: string): Promise<void> {
    await this.signOutOf(id);
  }

  /** Asks how, and who; for a folder, else for one that nobody is signed in to. */
  async signIn(of?: string): Promise<void> {
    const uri = of ?? (await this.folder((status) => status.state === 'signed-out', 'Sign in to the project of which folder?'));
    if (uri === undefined) return;
    const ways = [
      { label: '$(mail) Code by mail', detail: 'You get a mail with a code. It needs no password.', way: () => this.withCode(uri) },
      { label: '$(globe) In the browser', detail: 'With a provider that the project allows, such as GitHub.', way: () => this.server.execute('agent.signIn', { uri, provider: undefined }) },
      { label: '$(key) Password', detail: 'It goes to agent’s standard input: into no log, no file and no setting.', way: () => this.withPassword(uri) },
    ];
    const chosen = await window.showQuickPick(ways, { title: `Sign in: ${folderName(uri)}`, placeHolder: 'How do you want to sign in?' });
    await chosen?.way();
  }

  private async withCode(uri: string): Promise<void> {
    const email = await this.email();
    if (email === undefined) return;
    await this.server.execute('agent.signIn', { uri, method: 'code', email });
    for (let said = `A code was sent to ${email}.`; ;) {
      const code = await window.showInputBox({ title: 'Sign in', prompt: said, placeHolder: '123456', ignoreFocusOut: true });
      if (code === undefined || code.trim() === '') return;
      try {
        await this.server.execute('agent.submitCode', { uri, email, code: code.trim() });
        return;
      } catch (error) {
        said = message(error);
      }
    }
  }

  private async withPassword(uri: string): Promise<void> {
    const email = await this.email();
    if (email === undefined) return;
    const program = await this.server.program();
    for (let said = `The password of ${email}`; ;) {
      const password = await window.showInputBox({ title: 'Sign in', prompt: said, password: true, ignoreFocusOut: true });
      if (!password) return;
      const args = ['login', '--email', email, '--password-stdin', '--json'];
      const ran = await run(program, args, Uri.parse(uri).fsPath, `${password}\n`);
      if (ran.code === 0) {
        await this.look([uri]);
        void window.showInformationMessage(`Signed in as ${email}`);
        return;
      }
      said = reasonOf(ran, 'Not signed in.');
    }
  }

  private async email(): Promise<string | undefined> {
    const typed = await window.showInputBox({
      title: 'Sign in', prompt: 'Your address at the team’s project', placeHolder: 'you@example.com', ignoreFocusOut: true,
      validateInput: (value) => (value === '' || value.includes('@') ? undefined : 'An e-mail address'),
    });
    return typed?.trim() || undefined;
  }

  private async signOut(): Promise<void> {
    const uri = await this.folder((status) => status.state !== 'signed-out', 'Sign out of the project of which folder?');
    if (uri !== undefined) await this.signOutOf(uri);
  }

  private async signOutOf(uri: string): Promise<void> {
    await this.server.execute('agent.signOut', { uri });
    await this.look([uri]);
  }

  /** The folder that is meant: the only one of its kind, else the user says. */
  private async folder(is: (status: Status) => boolean, placeHolder: string): Promise<string | undefined> {
    const all = this.view.all;
    const some = all.some(is) ? all.filter(is) : all;
    if (some.length === 0) throw new Error('No folder here is synced. Set one up first: Agent: Set Up This Folder.');
    if (some.length === 1) return some[0]?.uri;
    const items = some.map(({ uri }) => ({ label: folderName(uri), description: Uri.parse(uri).fsPath, uri }));
    return (await window.showQuickPick(items, { placeHolder }))?.uri;
  }

  /** What the folders stand at first is no change that is to be looked into again. */
  private began(all: readonly Status[]): void {
    all.forEach(({ uri, state }) => this.signedOut.set(uri, state === 'signed-out'));
    void this.look(all.map(({ uri }) => uri));
  }

  private noticed({ uri, state }: Status): void {
    const is = state === 'signed-out';
    const was = this.signedOut.get(uri);
    this.signedOut.set(uri, is);
    if (was !== is) void this.look([uri]);
  }

  /** Who is signed in, as stored on this machine. */
  private async look(folders: string[]): Promise<void> {
    const found = workspace.isTrusted ? await Promise.all(folders.map((uri) => this.sessionOf(uri))) : [];
    // Not before: another look may have ended meanwhile.
    const before = this.sessions;
    const kept = before.filter((session) => !folders.includes(session.id));
    this.sessions = [...kept, ...found.filter((session) => session !== undefined)];
    this.changed.fire({
      added: this.sessions.filter((now) => !before.some((was) => same(was, now))),
      removed: before.filter((was) => !this.sessions.some((now) => same(was, now))),
      changed: [],
    });
  }

  private async sessionOf(uri: string): Promise<AuthenticationSession | undefined> {
    try {
      const { out } = await run(await this.server.program(), ['whoami', '--json'], Uri.parse(uri).fsPath);
      const { user, user_id: id } = JSON.parse(out) as Whoami;
      if (user === undefined || user === null) return undefined;
      return { id: uri, accessToken: 'kept by agent', account: { id: id ?? user, label: user }, scopes: [] };
    } catch {
      return undefined;
    }
  }
}

function same(a: AuthenticationSession, b: AuthenticationSession): boolean {
  return a.id === b.id && a.account.id === b.account.id;
}
