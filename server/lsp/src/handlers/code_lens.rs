//! `textDocument/codeLens`.

use crate::server::State;
use crate::states::Standing;
use crate::types::{CodeLens, CodeLensParams};

pub(crate) fn code_lens(state: &State, params: &CodeLensParams) -> Option<Vec<CodeLens>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let rules = document.place.as_ref()?.folder.handle.views().rules();
    let standing = Standing::of(&document, &rules)?;
    Some(standing.lenses(state.client_can().encoding)).filter(|lenses| !lenses.is_empty())
}
