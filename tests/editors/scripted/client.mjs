// An editor written down as a script: it does what an editor with the capabilities that it declares would do, keeps
// every open document itself, and refuses what it did not declare. JSON-RPC by hand, so that nothing comes between.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';

import { at } from '../lib/capabilities.mjs';
import { applyEdits, positionAt } from '../lib/text.mjs';
import { eventually } from '../lib/wait.mjs';

const METHOD_NOT_FOUND = -32601;

export class Client {
  /** `command` as `recorded` (lib/agent.mjs) gives it. */
  constructor(command, side, capabilities) {
    Object.assign(this, { side, capabilities });
    this.child = spawn(command[0], command.slice(1), { cwd: side.dir, env: side.env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.exited = once(this.child, 'exit');
    this.stderr = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
    this.child.stdin.on('error', () => {});
    this.bytes = Buffer.alloc(0);
    this.child.stdout.on('data', (bytes) => this.heard(bytes));
    this.nextId = 0;
    this.waiting = new Map();
    this.documents = new Map();
    this.published = new Map();
    this.statuses = new Map();
    this.messages = [];
    this.shown = [];
    this.faults = [];
  }

  // The wire

  send(message) {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  notify(method, params) {
    this.send({ method, params });
  }

  /** The result of a request; an error of the server's is thrown. */
  request(method, params) {
    const id = ++this.nextId;
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, method }));
    this.send({ id, method, params });
    return answer;
  }

  heard(bytes) {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    for (;;) {
      const end = this.bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length:\s*(\d+)/i.exec(this.bytes.toString('latin1', 0, end))[1]);
      if (this.bytes.length < end + 4 + length) return;
      const message = JSON.parse(this.bytes.toString('utf8', end + 4, end + 4 + length));
      this.bytes = this.bytes.subarray(end + 4 + length);
      this.take(message);
    }
  }

  take(message) {
    if (message.method === undefined) return this.answered(message);
    const { id, method, params } = message;
    if (id === undefined) return this.told(method, params);
    const answer = this.asked(method, params);
    if (answer === undefined) {
      this.faults.push(`${method} was asked for, which this client cannot do`);
      return this.send({ id, error: { code: METHOD_NOT_FOUND, message: 'method not found' } });
    }
    this.send({ id, result: answer });
  }

  answered({ id, result, error }) {
    const { resolve, reject, method } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(Object.assign(new Error(`${method}: ${error.message} (${error.code})`), error));
    else resolve(result);
  }

  told(method, params) {
    if (method === 'textDocument/publishDiagnostics') this.published.set(params.uri, params);
    if (method === 'agent/status') this.statuses.set(params.uri, params);
    if (method === 'window/showMessage') this.messages.push(params.message);
  }

  /** The answer to a request of the server's; undefined if it may not ask. */
  asked(method, params) {
    const can = (path) => at(this.capabilities, path);
    switch (method) {
      case 'workspace/applyEdit': return can('workspace.applyEdit') && this.applied(params.edit);
      case 'window/workDoneProgress/create': return can('window.workDoneProgress') && null;
      case 'workspace/diagnostic/refresh': return can('workspace.diagnostics.refreshSupport') && this.refreshed('diagnostics');
      case 'workspace/codeLens/refresh': return can('workspace.codeLens.refreshSupport') && null;
      case 'client/registerCapability': return can('workspace.didChangeWatchedFiles.dynamicRegistration') && null;
      case 'window/showDocument':
        if (!can('window.showDocument.support')) return undefined;
        this.shown.push(params.uri);
        return { success: true };
      case 'window/showMessageRequest': return can('window.showMessage') && null;
      default: return undefined;
    }
  }

  refreshed() {
    this.refreshes = (this.refreshes ?? 0) + 1;
    return null;
  }

  // The session

  async start() {
    const { dir } = this.side;
    const root = this.side.uri('').replace(/\/$/, '');
    const hasFolders = at(this.capabilities, 'workspace.workspaceFolders');
    const { capabilities } = await this.request('initialize', {
      processId: process.pid, rootPath: dir, rootUri: root, capabilities: this.capabilities,
      ...(hasFolders && { workspaceFolders: [{ uri: root, name: 'project' }] }),
    });
    this.server = capabilities;
    this.encoding = capabilities.positionEncoding ?? 'utf-16';
    this.notify('initialized', {});
  }

  async stop() {
    await this.request('shutdown');
    this.notify('exit');
    this.child.stdin.end();
    const [code] = await this.exited;
    return code;
  }

  // Documents

  open(path) {
    const [uri, text] = [this.side.uri(path), readFileSync(this.side.file(path), 'utf8')];
    this.documents.set(uri, { path, version: 1, text });
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'markdown', version: 1, text } });
  }

  text(path) {
    return this.documents.get(this.side.uri(path)).text;
  }

  /** Types: the first `old` in the buffer becomes `text`. */
  type(path, old, text) {
    const uri = this.side.uri(path);
    const document = this.documents.get(uri);
    const start = document.text.indexOf(old);
    if (start < 0) throw new Error(`no ${old} in ${document.text}`);
    const range = this.range(document.text, start, start + old.length);
    this.changed(uri, document.text.replace(old, () => text), [{ range, text }]);
  }

  range(text, start, end) {
    return { start: positionAt(text, start, this.encoding), end: positionAt(text, end, this.encoding) };
  }

  changed(uri, text, contentChanges) {
    const document = this.documents.get(uri);
    Object.assign(document, { version: document.version + 1, text });
    this.notify('textDocument/didChange', { textDocument: { uri, version: document.version }, contentChanges });
  }

  save(path) {
    const uri = this.side.uri(path);
    writeFileSync(this.side.file(path), this.documents.get(uri).text);
    this.notify('textDocument/didSave', { textDocument: { uri } });
  }

  applied(edit) {
    const isVersioned = Boolean(edit.documentChanges);
    if (isVersioned !== Boolean(at(this.capabilities, 'workspace.workspaceEdit.documentChanges'))) {
      this.faults.push(`the wrong kind of edit: ${JSON.stringify(edit)}`);
    }
    const all = isVersioned ? edit.documentChanges : Object.entries(edit.changes).map(([uri, edits]) => ({ textDocument: { uri }, edits }));
    for (const { textDocument: { uri, version }, edits } of all) {
      const document = this.documents.get(uri);
      if (version !== undefined && version !== document.version) return { applied: false, failureReason: `made for version ${version}` };
      const text = applyEdits(document.text, edits, this.encoding);
      const last = [...edits].sort((one, other) => other.range.start.line - one.range.start.line || other.range.start.character - one.range.start.character);
      this.changed(uri, text, last.map(({ range, newText }) => ({ range, text: newText })));
    }
    return { applied: true };
  }

  // What is shown

  /** The diagnostics of the buffer as it is: asked for, or the newest that were sent; undefined if those are older. */
  async diagnostics(path) {
    const uri = this.side.uri(path);
    if (this.server.diagnosticProvider) {
      const { version } = this.documents.get(uri);
      const { items } = await this.request('textDocument/diagnostic', { textDocument: { uri } });
      return version === this.documents.get(uri).version ? items : undefined;
    }
    const sent = this.published.get(uri);
    return sent && (sent.version ?? this.documents.get(uri).version) === this.documents.get(uri).version ? sent.diagnostics : undefined;
  }

  /** Waits until the buffer has diagnostics with exactly these codes. */
  shows(path, codes) {
    return eventually(`${codes} in ${path}`, async () => {
      const found = await this.diagnostics(path);
      if (JSON.stringify(found?.map(({ code }) => code)) !== JSON.stringify(codes)) {
        throw new Error(`there is ${JSON.stringify(found)}\n${this.stderr}`);
      }
      return found;
    });
  }

  /** Does the action whose title begins so, as the diagnostic's quick fix. */
  async act(path, diagnostic, title) {
    const uri = this.side.uri(path);
    const version = this.documents.get(uri).version;
    const offered = await this.request('textDocument/codeAction', {
      textDocument: { uri }, range: diagnostic.range, context: { diagnostics: [diagnostic] },
    });
    const action = offered.find((action) => action.title.startsWith(title));
    if (!action) throw new Error(`no ${title} among ${offered.map(({ title }) => title)}`);
    const command = typeof action.command === 'string' ? action : action.command;
    await this.request('workspace/executeCommand', { command: command.command, arguments: command.arguments });
    return version;
  }

  async buffer(path, text) {
    await eventually(`the buffer of ${path}`, () => {
      if (this.text(path) !== text) throw new Error(`it is ${JSON.stringify(this.text(path))}, not ${JSON.stringify(text)}`);
      return true;
    });
  }
}
