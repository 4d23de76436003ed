//! The protocol's requests and notifications, one file each. A notification takes effect before its
//! handler first awaits; a request takes its snapshot in its first statement.

mod code_action;
mod code_lens;
mod completion;
mod diagnostic;
mod documents;
mod execute_command;
mod folders;
mod hover;

pub(crate) use code_action::code_action;
pub(crate) use code_lens::code_lens;
pub(crate) use completion::completion;
pub(crate) use diagnostic::diagnostic;
pub(crate) use documents::{did_change, did_close, did_open, did_save};
pub(crate) use execute_command::{execute_command, show};
pub(crate) use folders::{did_change_folders, did_change_watched_files, roots};
pub(crate) use hover::hover;

use crate::hunks::Hunks;
use crate::server::State;
use crate::types::Uri;

/// The sides of an open document's artifact, as of now.
fn hunks(state: &State, uri: &Uri) -> Option<(crate::documents::Snapshot, Hunks)> {
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
