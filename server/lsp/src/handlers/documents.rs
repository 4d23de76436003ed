//! `textDocument/didOpen`, `didChange`, `didSave`, `didClose`.

use std::sync::Arc;

use agent_engine::workspace::Workspace;

use crate::apply::saved_base;
use crate::folders::file_of;
use crate::server::State;
use crate::types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams,
};

pub(crate) fn did_open(state: &Arc<State>, params: DidOpenTextDocumentParams) {
    let document = params.text_document;
    // In this order, a folder that is being added sees the document, or is seen here.
    state.documents.open(&document.uri, document.version, &document.text);
    let place = state.folders.place(&document.uri);
    state.documents.set_place(&document.uri, place.clone());
    match place {
        Some(place) => place.folder.handle.opened(place.path, document.text.into()),
        None => open_folder_of(state, &document.uri),
    }
    state.publisher.document(document.uri);
}

/// A file opened on its own, without its folder: its project is looked for above it.
fn open_folder_of(state: &Arc<State>, uri: &crate::types::Uri) {
    let Some(file) = file_of(uri) else { return };
    if let Some(workspace) = file.parent().and_then(Workspace::find) {
        state.open_folder(workspace.root().to_owned());
    }
}

pub(crate) fn did_change(state: &State, params: DidChangeTextDocumentParams) {
    let document = params.text_document;
    let encoding = state.client_can().encoding;
    if !state.documents.change(&document.uri, document.version, params.content_changes, encoding) {
        tracing::warn!(uri = document.uri.as_str(), "a change of a document that is not open");
        return;
    }
    state.publisher.document(document.uri);
}

pub(crate) fn did_save(state: &Arc<State>, params: &DidSaveTextDocumentParams) {
    let uri = &params.text_document.uri;
    if let Some(root) = configured_by(uri) {
        return state.reopen_folder(root);
    }
    let base = state.documents.saved(uri);
    let place = state.documents.get(uri).and_then(|document| document.place);
    let Some(place) = place.or_else(|| state.folders.place(uri)) else {
        // Its folder may have got a configuration since it was opened.
        return open_folder_of(state, uri);
    };
    place.folder.handle.saved(place.path, saved_base(base));
}

/// The project whose configuration file this is.
pub(super) fn configured_by(uri: &crate::types::Uri) -> Option<std::path::PathBuf> {
    let file = file_of(uri)?;
    let root = file.ancestors().nth(3)?;
    (Workspace::at(root).config_file() == file).then(|| root.to_owned())
}

pub(crate) fn did_close(state: &State, params: DidCloseTextDocumentParams) {
    let uri = params.text_document.uri;
    if let Some(place) = state.documents.close(&uri) {
        place.folder.handle.closed(place.path);
    }
    state.publisher.closed(uri);
}
