//! The protocol's types, from the one place that names the crate they come from.

pub(crate) use tower_lsp::ls_types::*;
