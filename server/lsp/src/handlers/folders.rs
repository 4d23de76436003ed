//! Which folders the client has open, and which files it saw change.

use std::path::PathBuf;
use std::sync::Arc;

use crate::folders::file_of;
use crate::server::State;
use crate::types::{DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, InitializeParams};

/// The folders named in `initialize`, by whichever of its fields the client uses.
pub(crate) fn roots(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten().filter_map(|folder| file_of(&folder.uri));
    let folders: Vec<PathBuf> = folders.collect();
    if !folders.is_empty() {
        return folders;
    }
    #[expect(deprecated, reason = "older clients send nothing else")]
    let root = params.root_uri.as_ref().and_then(file_of);
    root.into_iter().collect()
}

pub(crate) fn did_change_folders(state: &Arc<State>, params: DidChangeWorkspaceFoldersParams) {
    for removed in params.event.removed.iter().filter_map(|folder| file_of(&folder.uri)) {
        state.folders.set_broken(&removed, None);
        if let Some(folder) = state.folders.remove(&removed) {
            state.forget_folder(&removed);
            std::thread::spawn(move || folder.handle.stop(crate::LAST_WORDS));
        }
    }
    for added in params.event.added.iter().filter_map(|folder| file_of(&folder.uri)) {
        state.open_folder(added);
    }
}

pub(crate) fn did_change_watched_files(state: &Arc<State>, params: &DidChangeWatchedFilesParams) {
    for uri in params.changes.iter().map(|change| &change.uri) {
        if let Some(root) = super::documents::configured_by(uri) {
            state.reopen_folder(root);
            continue;
        }
        if let (Some(place), Some(file)) = (state.folders.place(uri), file_of(uri)) {
            place.folder.handle.touched(vec![file]);
        }
    }
}
