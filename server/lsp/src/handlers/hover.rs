//! `textDocument/hover`.

use crate::hover;
use crate::server::State;
use crate::types::{Hover, HoverParams};

pub(crate) fn hover(state: &State, params: &HoverParams) -> Option<Hover> {
    let asked = &params.text_document_position_params;
    super::seen_at(state, &asked.text_document.uri, asked.position);
    let (_, hunks) = super::sides(state, &asked.text_document.uri)?;
    hover::at(&hunks, asked.position, state.client_can())
}
