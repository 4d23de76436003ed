//! `textDocument/codeLens`.

use crate::actions;
use crate::hunks::Hunks;
use crate::presence;
use crate::server::State;
use crate::states::Standing;
use crate::types::{CodeLens, CodeLensParams};

pub(crate) fn code_lens(state: &State, params: &CodeLensParams) -> Option<Vec<CodeLens>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let rules = document.place.as_ref()?.folder.handle.views().rules();
    let encoding = state.client_can().encoding;
    let mut lenses = presence::lenses(&document, encoding);
    lenses.extend(
        Standing::of(&document, &rules).map(|standing| standing.lenses(encoding)).unwrap_or_default(),
    );
    if let Some(hunks) = Hunks::of_document(&document) {
        lenses.extend(actions::lenses(&document, &hunks, encoding));
    }
    (!lenses.is_empty()).then_some(lenses)
}
