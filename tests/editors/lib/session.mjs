// A recorded session, message by message: what is outstanding, open, declared and under way, and what is wrong with
// what the server sends. With `both`, what the client sends is measured against the model, too.

import * as can from './capabilities.mjs';
import { applyChange, offsetOf } from './text.mjs';

const CANCELLED = [-32800, -32801, -32802];
const EARLY = ['window/showMessage', 'window/logMessage', 'window/showMessageRequest', 'telemetry/event', '$/progress'];

export class Session {
  constructor(model, shapes, { customMethods = [], both = false, late = [] } = {}) {
    Object.assign(this, { model, shapes, customMethods, both, late });
    this.complaints = [];
    this.declared = {};
    this.encoding = 'utf-16';
    this.isUp = false;
    this.pullsDiagnostics = false;
    this.outstanding = { client: new Map(), server: new Map() };
    this.documents = new Map();
    this.progress = new Map();
    this.registrations = new Set();
    this.serverRequests = 0;
  }

  take({ from, message, event }, line) {
    this.line = line;
    if (event) return this.happened(event);
    this.from = from;
    this.isServer = from === 'server';
    if (message.jsonrpc !== '2.0') this.complain(message.method ?? 'answer', 'jsonrpc is not 2.0');
    if (message.method === undefined) this.answered(message);
    else if ('id' in message) this.asked(message);
    else this.told(message);
  }

  complain(about, why) {
    if (this.isServer || this.both) this.complaints.push({ line: this.line, from: this.from, about, why });
  }

  happened(event) {
    if (event === 'client ended') this.clientEnded = true;
  }

  /** After the last message. */
  end() {
    this.from = 'server';
    this.isServer = true;
    for (const open of this.documents.values()) this.known(open);
    const left = [...this.outstanding.client].filter(() => this.isDown || !this.clientEnded);
    for (const [id, { method, line }] of left) {
      this.line = line;
      this.complain(method, `request ${JSON.stringify(id)} is never answered`);
    }
  }

  // Answers

  answered(message) {
    const asked = this.outstanding[this.isServer ? 'client' : 'server'];
    const request = asked.get(message.id);
    if (!request) {
      // Of a message that none could read, nobody knows the id.
      if (message.id === null && message.error) return;
      return this.complain('answer', `to ${JSON.stringify(message.id)}, which is not outstanding`);
    }
    asked.delete(message.id);
    const about = `answer to ${request.method}`;
    if ('result' in message === 'error' in message) this.complain(about, 'needs either a result or an error');
    if (message.error) return this.refused(about, message.error);
    const { result } = this.model.messages[request.method] ?? {};
    if (result) this.shapes.complaints(result, message.result).forEach((why) => this.complain(about, why));
    if (!this.isServer) return;
    // What was asked before the document was opened, or when it was open another time, says nothing of it.
    this.known(request.open);
    this.served(request, message.result, about);
  }

  refused(about, error) {
    if (!Number.isInteger(error.code)) this.complain(about, 'an error needs a code that is a whole number');
    if (typeof error.message !== 'string') this.complain(about, 'an error needs a message');
    if (error.code === -32803 && !error.message) this.complain(about, 'a refusal without words');
    if (CANCELLED.includes(error.code)) return;
  }

  served({ method, params, since }, result, about) {
    const complain = (list) => list.forEach((why) => this.complain(about, why));
    if (method === 'initialize') this.initialized(result, about);
    if (method === 'shutdown') this.isDown = true;
    if (!result) return;
    if (method === 'textDocument/codeAction') {
      complain(can.actionComplaints(result, this.declared));
      result.forEach((action) => this.edit(action.edit, about, since));
    }
    if (method === 'textDocument/rename') this.edit(result, about);
    if (method === 'textDocument/hover') complain(can.hoverComplaints(result, this.declared));
    if (method === 'textDocument/diagnostic') {
      complain(can.diagnosticComplaints(result.items ?? [], this.declared, true));
      this.ranges(params.textDocument.uri, result.items ?? [], about, since);
    }
    if (method === 'textDocument/codeLens') this.ranges(params.textDocument.uri, result, about, since);
  }

  initialized(result, about) {
    this.isUp = true;
    this.pullsDiagnostics = Boolean(result?.capabilities?.diagnosticProvider) && Boolean(can.at(this.declared, 'textDocument.diagnostic'));
    this.encoding = result?.capabilities?.positionEncoding ?? 'utf-16';
    const offered = can.at(this.declared, 'general.positionEncodings') ?? ['utf-16'];
    if (!offered.includes(this.encoding)) this.complain(about, `the position encoding ${this.encoding} is not offered`);
  }

  // Requests and notifications

  asked(message) {
    // A server that is started anew counts from the beginning, and nobody answers the one before any more.
    if (message.method === 'initialize') this.outstanding.server.clear();
    const mine = this.outstanding[this.from];
    if (mine.has(message.id)) this.complain(message.method, `the id ${JSON.stringify(message.id)} is outstanding already`);
    // Meanwhile the document may change: an answer is about it as it was at some moment from here on.
    const open = this.documents.get(message.params?.textDocument?.uri ?? message.params?.uri);
    const since = message.params?.textDocument && open?.texts.length;
    mine.set(message.id, { method: message.method, params: message.params ?? {}, line: this.line, since, open });
    this.either(message, true);
    if (this.isServer && message.method === 'workspace/applyEdit') this.edit(message.params?.edit, message.method);
    if (this.isServer && message.method === 'window/workDoneProgress/create') this.progress.set(message.params?.token, 'created');
    if (this.isServer && message.method === 'client/registerCapability') this.registered(message.params?.registrations ?? []);
    if (!this.isServer) this.takesToken(message.params);
    if (message.method === 'initialize') this.declared = message.params?.capabilities ?? {};
  }

  told(message) {
    this.either(message, false);
    const { method, params } = message;
    if (method === '$/progress') return this.progressed(params ?? {});
    if (this.isServer && method === 'textDocument/publishDiagnostics') return this.published(params ?? {});
    if (!this.isServer) this.edited(method, params);
  }

  /** What holds for requests and notifications alike. */
  either({ method, params }, isRequest) {
    const known = this.model.messages[method];
    if (!known) return this.custom(method, isRequest);
    if (known.request !== isRequest) this.complain(method, isRequest ? 'is a notification, not a request' : 'is a request, not a notification');
    const way = this.isServer ? 'serverToClient' : 'clientToServer';
    if (![way, 'both'].includes(known.direction)) this.complain(method, 'goes the other way');
    if (known.params) this.shapes.complaints(known.params, params).forEach((why) => this.complain(method, why));
    this.allowed(method);
  }

  custom(method, isRequest) {
    if (method.startsWith('$/')) {
      if (isRequest) this.complain(method, 'is no request of the protocol');
      return;
    }
    if (!this.customMethods.includes(method)) return this.complain(method, 'is neither in the protocol nor in docs/lsp-extensions.md');
    this.allowed(method);
  }

  allowed(method) {
    if (!this.isServer) return;
    if (!this.isUp && !EARLY.includes(method)) this.complain(method, 'before the answer to initialize');
    const missing = can.missingFor(method, this.declared);
    if (missing) this.complain(method, `${missing} is not declared`);
  }

  registered(registrations) {
    for (const registration of registrations) {
      const about = `registration of ${registration.method}`;
      if (this.registrations.has(registration.id)) this.complain(about, `the id ${registration.id} is taken`);
      this.registrations.add(registration.id);
      const complaint = can.registrationComplaint(registration, this.model, this.declared);
      if (complaint) this.complain(about, complaint);
      const { options } = this.model.messages[registration.method] ?? {};
      if (options && registration.registerOptions) {
        this.shapes.complaints(options, registration.registerOptions).forEach((why) => this.complain(about, why));
      }
    }
  }

  // Progress

  takesToken(params) {
    for (const token of [params?.workDoneToken, params?.partialResultToken]) {
      if (token !== undefined) this.progress.set(token, 'created');
    }
  }

  progressed({ token, value }) {
    const kind = value?.kind;
    if (!['begin', 'report', 'end'].includes(kind)) {
      if (!this.progress.has(token)) this.complain('$/progress', 'for a token that nobody made');
      return;
    }
    const shape = `WorkDoneProgress${kind[0].toUpperCase()}${kind.slice(1)}`;
    this.shapes.complaints(shape, value).forEach((why) => this.complain('$/progress', why));
    const before = this.progress.get(token) ?? 'unknown';
    const expected = kind === 'begin' ? 'created' : 'begun';
    if (before !== expected) this.complain('$/progress', `${kind} of a token that is ${before}`);
    this.progress.set(token, kind === 'end' ? 'ended' : 'begun');
  }

  // Documents

  edited(method, params) {
    const document = params?.textDocument;
    if (method === 'textDocument/didOpen') this.documents.set(document.uri, { version: document.version, text: document.text, steps: [], texts: [document.text] });
    if (method === 'textDocument/didClose') this.documents.delete(document.uri);
    if (method !== 'textDocument/didChange') return;
    const open = this.documents.get(document.uri);
    if (!open) return this.complain(method, 'of a document that is not open');
    if (document.version !== null && document.version <= open.version) this.complain(method, `version ${document.version} after ${open.version}`);
    this.changed(open, { version: document.version, changes: params.contentChanges }, method);
  }

  /** Makes changes in the order of their versions, in which a client's need not arrive. */
  changed(open, step, about) {
    const later = open.steps.filter(({ version }) => version > step.version);
    open.steps = open.steps.slice(0, open.steps.length - later.length);
    if (later.length > 0) open.text = later[0].before;
    for (const made of [step, ...later]) {
      open.steps.push({ ...made, before: open.text });
      open.version = made.version;
      this.attempt(about, () => {
        for (const change of made.changes) open.text = applyChange(open.text, change, this.encoding);
      });
    }
    open.texts.push(open.text);
  }

  /** Whether all the changes up to the newest version have arrived; while one is missing nobody knows the text. */
  isWhole(uri, open) {
    return !this.late.some((change) => change.line > this.line && change.uri === uri && change.version < open.version);
  }

  attempt(about, act) {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.complain(about, error.message);
    }
  }

  published({ uri, version, diagnostics = [] }) {
    const about = 'textDocument/publishDiagnostics';
    can.diagnosticComplaints(diagnostics, this.declared, false).forEach((why) => this.complain(about, why));
    const open = this.documents.get(uri);
    if (open && version !== undefined && version > open.version) return this.complain(about, `for version ${version}, and the newest is ${open.version}`);
    if (open && this.pullsDiagnostics) this.unasked(uri, open, diagnostics.length > 0);
    if (open && version === open.version) this.ranges(uri, diagnostics, about);
  }

  /** Each range lies in the document's text, its ends between characters; in one of those it had since the `since`th. */
  ranges(uri, items, about, since) {
    const open = this.documents.get(uri);
    for (const { range } of open && this.isWhole(uri, open) ? items : []) {
      if (range) this.inside(open, range, about, since);
    }
  }

  inside(open, range, about, since = open.texts.length) {
    const faults = open.texts.slice(since - 1).map((text) => {
      try {
        const [start, end] = [range.start, range.end].map((position) => offsetOf(text, position, this.encoding));
        return end < start ? 'a range that ends before it starts' : undefined;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return error.message;
      }
    });
    if (faults.every(Boolean)) this.complain(about, faults.at(-1));
  }

  /**
   * Diagnostics published of an open document to a client that asks for them. What was on its way while the client opened
   * the document may be taken back, as long as the server has answered nothing about the document.
   */
  unasked(uri, open, areThere) {
    open.unasked = areThere ? (open.unasked ?? this.line) : undefined;
    if (open.isKnown) this.known(open);
  }

  /** The server has read that this document is open. */
  known(open) {
    if (!open) return;
    const { line } = this;
    this.line = open.unasked;
    if (open.unasked !== undefined) this.complain('textDocument/publishDiagnostics', 'of an open document, to a client that asks for them');
    this.line = line;
    Object.assign(open, { isKnown: true, unasked: undefined });
  }

  edit(edit, about, since) {
    if (!edit) return;
    can.editComplaints(edit, this.declared).forEach((why) => this.complain(about, why));
    for (const [uri, edits] of Object.entries(edit.changes ?? {})) this.edits(uri, undefined, edits, about, since);
    for (const { textDocument, edits } of edit.documentChanges ?? []) {
      if (textDocument) this.edits(textDocument.uri, textDocument.version, edits, about, since);
    }
  }

  edits(uri, version, edits, about, since) {
    const open = this.documents.get(uri);
    if (!open) return;
    if (version === null) this.complain(about, 'an edit of an open document without its version');
    if (version > open.version) return this.complain(about, `an edit of version ${version}, and the newest is ${open.version}`);
    if (!this.isWhole(uri, open)) return;
    // One of an older version the client refuses. One without a version may have been made before the newest change.
    const isPresent = version === open.version;
    const known = version === undefined ? since ?? Math.max(1, open.texts.length - 1) : undefined;
    if (version === undefined || isPresent) edits.forEach(({ range }) => this.inside(open, range, about, known));
  }
}
