// The artifacts of the open folders as their files are, without starting anything: for Restricted Mode.

import { RelativePattern, workspace } from 'vscode';

import { outlined } from './outline';
import type { FolderArtifacts } from './protocol';

/** Enough to look around in; a folder one does not trust may hold anything. */
const MOST = 2_000;

export async function onDisk(): Promise<FolderArtifacts[]> {
  return Promise.all((workspace.workspaceFolders ?? []).map(async (folder) => {
    const files = await workspace.findFiles(new RelativePattern(folder, '.agent/**/*.{md,yaml,yml}'), null, MOST);
    const read = files.map(async (uri) => {
      const text = Buffer.from(await workspace.fs.readFile(uri)).toString('utf8');
      return outlined(workspace.asRelativePath(uri, false), uri.toString(), text);
    });
    const found = await Promise.all(read);
    return { uri: folder.uri.toString(), artifacts: found.filter((artifact) => artifact !== undefined) };
  }));
}
