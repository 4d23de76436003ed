//! `textDocument/completion`.

use crate::server::State;
use crate::states::Standing;
use crate::types::{CompletionParams, CompletionResponse};

pub(crate) fn completion(state: &State, params: &CompletionParams) -> Option<CompletionResponse> {
    let at = &params.text_document_position;
    let document = state.documents.get(&at.text_document.uri)?;
    let rules = document.place.as_ref()?.folder.handle.views().rules();
    let items = Standing::of(&document, &rules)?.completion(at.position, state.client_can().encoding)?;
    (!items.is_empty()).then_some(CompletionResponse::Array(items))
}
