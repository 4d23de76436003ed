// What a client must have declared before a server may send it something.

/** The value at a dotted path, or undefined. */
export function at(value, path) {
  return path.split('.').reduce((inner, part) => inner?.[part], value);
}

// Sent to any client since the protocol's first version.
const FREE = ['window/showMessage', 'window/logMessage', 'telemetry/event'];
// Where the model names the capability's object, or nothing, this is the member that says it.
const MEMBER = {
  'workspace/applyEdit': 'workspace.applyEdit',
  'workspace/configuration': 'workspace.configuration',
  'workspace/workspaceFolders': 'workspace.workspaceFolders',
  'workspace/codeLens/refresh': 'workspace.codeLens.refreshSupport',
  'workspace/diagnostic/refresh': 'workspace.diagnostics.refreshSupport',
  'workspace/inlayHint/refresh': 'workspace.inlayHint.refreshSupport',
  'workspace/inlineValue/refresh': 'workspace.inlineValue.refreshSupport',
  'workspace/foldingRange/refresh': 'workspace.foldingRange.refreshSupport',
  'workspace/semanticTokens/refresh': 'workspace.semanticTokens.refreshSupport',
  'workspace/textDocumentContent/refresh': 'workspace.textDocumentContent',
  'window/showDocument': 'window.showDocument.support',
  'window/showMessageRequest': 'window.showMessage.messageActionItem',
  'window/workDoneProgress/create': 'window.workDoneProgress',
  'textDocument/publishDiagnostics': 'textDocument.publishDiagnostics',
};

/** The capability that is missing for this message, if one is. */
export function missingFor(method, declared) {
  if (FREE.includes(method) || method.startsWith('client/') || method === '$/progress') return undefined;
  const path = MEMBER[method] ?? custom(method);
  return !path || at(declared, path) ? undefined : path;
}

/** `agent/status` is told to who declares `experimental.agentStatus`. */
function custom(method) {
  const [, name] = /^agent\/(\w+)$/.exec(method) ?? [];
  return name && `experimental.agent${name[0].toUpperCase()}${name.slice(1)}`;
}

/** The complaint about a dynamic registration, if there is one. */
export function registrationComplaint({ method }, model, declared) {
  const path = model.messages[method]?.client ?? method.replace('/', '.');
  const base = path.split('.').slice(0, 2).join('.');
  return at(declared, `${base}.dynamicRegistration`) ? undefined : `${base}.dynamicRegistration is not declared`;
}

/** Complaints about what these diagnostics carry; for those that are asked for, the older place counts as well. */
export function diagnosticComplaints(diagnostics, declared, isPulled) {
  const can = { ...at(declared, 'textDocument.publishDiagnostics'), ...(isPulled && at(declared, 'textDocument.diagnostic')) };
  const needs = { relatedInformation: 'relatedInformation', codeDescription: 'codeDescriptionSupport', data: 'dataSupport', tags: 'tagSupport' };
  return Object.entries(needs)
    .filter(([field, member]) => !can[member] && diagnostics.some((diagnostic) => field in diagnostic))
    .map(([field, member]) => `diagnostics with ${field}, but ${member} is not declared`);
}

/** Complaints about a workspace edit. */
export function editComplaints(edit, declared) {
  if (!edit?.documentChanges) return [];
  const can = at(declared, 'workspace.workspaceEdit') ?? {};
  const complaints = can.documentChanges ? [] : ['documentChanges is not declared'];
  for (const { kind } of edit.documentChanges) {
    if (kind && !can.resourceOperations?.includes(kind)) complaints.push(`the file operation ${kind} is not declared`);
  }
  if (edit.changeAnnotations && !can.changeAnnotationSupport) complaints.push('changeAnnotationSupport is not declared');
  return complaints;
}

/** Complaints about code actions. */
export function actionComplaints(actions, declared) {
  const can = at(declared, 'textDocument.codeAction') ?? {};
  const literals = actions.filter((action) => typeof action.command !== 'string');
  const complaints = literals.length > 0 && !can.codeActionLiteralSupport ? ['codeActionLiteralSupport is not declared'] : [];
  const needs = { isPreferred: 'isPreferredSupport', disabled: 'disabledSupport', data: 'dataSupport' };
  for (const [field, member] of Object.entries(needs)) {
    if (!can[member] && literals.some((action) => field in action)) complaints.push(`${field} in a code action, but ${member} is not declared`);
  }
  return complaints;
}

/** Complaints about a hover. */
export function hoverComplaints(hover, declared) {
  const kind = hover?.contents?.kind;
  const known = at(declared, 'textDocument.hover.contentFormat') ?? ['plaintext'];
  return kind && !known.includes(kind) ? [`a hover in ${kind}, which is not declared`] : [];
}
