//! The command for a file that the remote moved while it is open here: only its editor may move it
//! then, and it may as well stay where it is, which the next push tells the team.

use std::sync::Arc;

use agent_core::sync::next::{Next, Waits};
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::{MoveArgs, Wanted};
use crate::apply;
use crate::server::State;
use crate::types::{
    DocumentChangeOperation, DocumentChanges, MessageType, RenameFile, ResourceOp, Uri, WorkspaceEdit,
};

/// Moves a file to where the remote has it, or keeps it; its argument is a [`MoveArgs`].
pub(crate) const MOVE: &str = "agent.move";

/// Checks what is asked against what there is now, and starts it.
///
/// # Errors
/// `ContentModified` when the file waits for no move any more, or for another: nothing is changed
/// then. A client that cannot move files cannot be asked to.
pub(crate) fn start(state: &Arc<State>, args: &MoveArgs) -> Result<()> {
    let uri: Uri = args.uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let document = state.documents.get(&uri).ok_or_else(Error::content_modified)?;
    let (Some(place), Some(view)) = (document.place, document.view) else {
        return Err(Error::content_modified());
    };
    let remote = view.entry.remote.as_ref().filter(|remote| remote.version.0 == args.remote_version);
    let (Some(remote), Next::Wait(Waits::Moved)) = (remote, &view.next) else {
        return Err(Error::content_modified());
    };
    if args.take == Wanted::Local {
        let seen = Some((view.entry.base, remote.version));
        let ask = Ask { key: place.key, take: Take::WholeLocal, seen, even_open: true };
        let (client, runtime) = (state.client.clone(), tokio::runtime::Handle::current());
        place.folder.handle.resolve(ask, move |answer| {
            if let Err(error) = answer {
                runtime.spawn(async move { client.show_message(MessageType::ERROR, error).await });
            }
        });
        return Ok(());
    }
    if !state.client_can().moves_files {
        return Err(Error::invalid_params("this editor moves no files; close the file, and it moves"));
    }
    let new_uri = place.folder.uri(remote.path.as_str()).ok_or_else(Error::content_modified)?;
    let folder = place.folder.workspace.root().join(remote.path.as_str());
    let rename = RenameFile { old_uri: uri, new_uri, options: None, annotation_id: None };
    let operation = DocumentChangeOperation::Op(ResourceOp::Rename(rename));
    let changes = DocumentChanges::Operations(vec![operation]);
    let edit = WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() };
    let state = Arc::clone(state);
    tokio::spawn(async move {
        // Not every editor makes the folders above. That it failed shows when the editor moves the file.
        let made = tokio::task::spawn_blocking(move || folder.parent().map(std::fs::create_dir_all));
        let _ = made.await;
        apply::ask(&state, edit).await;
    });
    Ok(())
}
