// The values of the environment variables that `sync.yaml` names, where the editor was not started with them: kept
// in the editor's secret storage. They are the project's publishable key and the like. Sessions and tokens are not
// here: `agent` keeps those itself, in the system's keyring.

import { Uri, window, workspace, type SecretStorage } from 'vscode';

import { isKey, missing, named } from './config';

const PREFIX = 'env:';
const NAMES = 'names';

export class Keys {
  constructor(private readonly secrets: SecretStorage) {}

  /** Every value that is kept. */
  async all(): Promise<Record<string, string>> {
    const kept: Record<string, string> = {};
    for (const name of await this.names()) {
      const value = await this.secrets.get(PREFIX + name);
      if (value !== undefined) kept[name] = value;
    }
    return kept;
  }

  /** Asks for a value, and keeps it; an empty one is forgotten. Answers whether anything changed. */
  async ask(name: string): Promise<boolean> {
    const value = await window.showInputBox({
      title: `Agent: ${name}`,
      prompt: `The value that ${name} stands for in .agent/etc/sync.yaml, such as the project’s publishable key. It is kept in VS Code’s secret storage. Empty forgets it.`,
      password: isKey(name),
      ignoreFocusOut: true,
    });
    if (value === undefined) return false;
    const names = new Set(await this.names());
    if (value.trim() === '') {
      names.delete(name);
      await this.secrets.delete(PREFIX + name);
    } else {
      names.add(name);
      await this.secrets.store(PREFIX + name, value.trim());
    }
    await this.secrets.store(NAMES, JSON.stringify([...names]));
    return true;
  }

  /** What the open folders' configurations name, and nothing has a value for. */
  async missing(env: NodeJS.ProcessEnv): Promise<string[]> {
    const all = (await configurations()).flatMap((text) => missing(text, env));
    return [...new Set(all)];
  }

  /** Everything that the open folders' configurations name. */
  async named(): Promise<string[]> {
    return [...new Set((await configurations()).flatMap(named))];
  }

  private async names(): Promise<string[]> {
    try {
      return JSON.parse((await this.secrets.get(NAMES)) ?? '[]') as string[];
    } catch {
      return [];
    }
  }
}

/** The configuration of a folder. */
export function configurationOf(folder: Uri): Uri {
  return Uri.joinPath(folder, '.agent', 'etc', 'sync.yaml');
}

async function configurations(): Promise<string[]> {
  const read = async (folder: Uri) => {
    try {
      return Buffer.from(await workspace.fs.readFile(configurationOf(folder))).toString('utf8');
    } catch {
      return undefined;
    }
  };
  const all = await Promise.all((workspace.workspaceFolders ?? []).map((folder) => read(folder.uri)));
  return all.filter((text) => text !== undefined);
}
