//! The protocol's requests and notifications, one file each. A notification takes effect before its
//! handler first awaits; a request takes its snapshot in its first statement.

mod artifacts;
mod code_action;
mod code_lens;
mod completion;
mod diagnostic;
mod documents;
mod execute_command;
mod folders;
mod history;
mod hover;
mod hunks;
mod text;

pub(crate) use artifacts::{ARTIFACTS, FolderArtifacts, artifacts};
pub(crate) use code_action::code_action;
pub(crate) use code_lens::code_lens;
pub(crate) use completion::completion;
pub(crate) use diagnostic::diagnostic;
pub(crate) use documents::{did_change, did_close, did_open, did_save};
pub(crate) use execute_command::{execute_command, show};
pub(crate) use folders::{did_change_folders, did_change_watched_files, roots};
pub(crate) use history::{HISTORY, Happened, HistoryParams, history, told};
pub(crate) use hover::hover;
pub(crate) use hunks::{HUNKS, HunksAnswer, HunksParams, hunks};
pub(crate) use text::{TEXT, TextAnswer, TextParams, text};

use tokio::sync::oneshot::Receiver;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};

use crate::folders::Place;
use crate::hunks::Hunks;
use crate::server::State;
use crate::types::Uri;

/// `RequestFailed`: what was asked for is well said, and cannot be had.
const REQUEST_FAILED: i64 = -32803;

/// The sides of an open document's artifact, as of now.
fn sides(state: &State, uri: &Uri) -> Option<(crate::documents::Snapshot, Hunks)> {
    let document = state.documents.get(uri)?;
    let hunks = Hunks::of_document(&document)?;
    Some((document, hunks))
}

/// The client asked about a position: somebody is there.
pub(crate) fn seen_at(state: &State, uri: &Uri, position: crate::types::Position) {
    if state.documents.seen_at(uri, position.line) {
        state.publisher.seen(uri.clone());
    }
}

/// The address, and the artifact that is there.
fn place_of(state: &State, uri: &str) -> Result<(Uri, Place)> {
    let uri: Uri = uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let open = state.documents.get(&uri).and_then(|document| document.place);
    match open.or_else(|| state.folders.place(&uri)) {
        Some(place) => Ok((uri, place)),
        None => Err(failed("this is no artifact of a folder that is synced".to_owned())),
    }
}

/// What the session's loop answers; it answers nothing while it ends, or has no cache to read.
async fn answered<T>(answer: Receiver<T>) -> Result<T> {
    answer.await.map_err(|_| failed("the cache cannot be read just now".to_owned()))
}

fn failed(message: String) -> Error {
    Error { code: ErrorCode::ServerError(REQUEST_FAILED), message: message.into(), data: None }
}
