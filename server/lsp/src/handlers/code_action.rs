//! `textDocument/codeAction`.

use crate::actions;
use crate::server::State;
use crate::types::{CodeActionKind, CodeActionParams, CodeActionResponse};

pub(crate) fn code_action(state: &State, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let uri = &params.text_document.uri;
    let wanted = params.context.only.as_ref();
    let is_wanted = |kind: &CodeActionKind| kind.as_str().is_empty() || *kind == CodeActionKind::QUICKFIX;
    if wanted.is_some_and(|kinds| !kinds.iter().any(is_wanted)) {
        return None;
    }
    let asked: Vec<_> = params
        .context
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.source.as_deref() == Some("agent"))
        .cloned()
        .collect();
    let mut offered = Vec::new();
    if let Some((document, hunks)) = super::hunks(state, uri) {
        offered = actions::at(&document, &hunks, params.range, &asked);
    }
    if let Some(view) = state.documents.get(uri)?.view {
        offered.extend(actions::refused(uri, &view.next, &asked));
        offered.extend(actions::moved(uri, &view, state.client_can(), &asked));
    }
    (!offered.is_empty()).then_some(offered)
}
