//! Doing what a code action says: the commands. An open document changes only through an edit that
//! the client applies, tagged with the version it was made for; the base moves once the client says
//! it did, and becomes durable with the next save.

use std::sync::Arc;
use std::time::Duration;

use agent_core::id::Text;
use agent_core::sync::ResolvedBase;
use agent_core::sync::resolve::{Sides, resolve};
use agent_engine::SavedBase;
use agent_engine::resolve::Ask;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::{ResolveArgs, Wanted, action, take_of};
use crate::bases::{BufferBase, Edited, Saved};
use crate::capabilities::Client;
use crate::create::NEW;
use crate::documents::Snapshot;
use crate::folders::Place;
use crate::hunks::Hunks;
use crate::moves::MOVE;
use crate::past::{RESTORE, UNDO};
use crate::server::State;
use crate::sign_in::{SIGN_IN, SIGN_OUT, SUBMIT_CODE};
use crate::states::SET_STATE;
use crate::types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Diagnostic, DocumentChanges, MessageType, OneOf,
    OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};

/// Takes a side; its argument is a [`ResolveArgs`].
pub(crate) const RESOLVE: &str = "agent.resolve";
/// Shows the remote's version beside the local one; its argument has a `uri`.
pub(crate) const COMPARE: &str = "agent.compare";
/// Pushes now, also what was refused.
pub(crate) const PUSH: &str = "agent.push";
/// What `agent.push` may be told to push although it is held back, in its argument's `allow`.
pub(crate) const ALLOW_REVERSIONS: &str = "reversions";
/// Pulls now.
pub(crate) const PULL: &str = "agent.pull";
/// Makes an edit of a document, if it is still at the version it was made for; its argument is an
/// [`EditArgs`].
pub(crate) const EDIT: &str = "agent.edit";
/// Every command.
pub(crate) const COMMANDS: [&str; 13] =
    [RESOLVE, EDIT, MOVE, SET_STATE, NEW, COMPARE, PUSH, PULL, RESTORE, UNDO, SIGN_IN, SUBMIT_CODE, SIGN_OUT];

/// The argument of `agent.edit`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EditArgs {
    uri: String,
    /// The document's version.
    version: i32,
    edits: Vec<TextEdit>,
}

/// How long the client may take to apply an edit; it may ask the user.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks a resolution against what there is now, and starts it.
///
/// # Errors
/// `ContentModified` when document, base or remote moved since the action was offered: nothing is
/// changed then.
pub(crate) fn start(state: &Arc<State>, args: &ResolveArgs) -> Result<()> {
    let uri: Uri = args.uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let document = state.documents.get(&uri).ok_or_else(Error::content_modified)?;
    let place = document.place.clone().ok_or_else(Error::content_modified)?;
    let hunks = Hunks::of_document(&document).ok_or_else(Error::content_modified)?;
    let same = document.version == args.version
        && hunks.view.entry.remote_version().0 == args.remote_version
        && hunks.base_hash() == args.base;
    if !same {
        return Err(Error::content_modified());
    }
    let sides = resolve(hunks.base.as_ref(), Some(&hunks.local), hunks.remote.as_ref(), take_of(args))
        .map_err(|cannot| Error::invalid_params(cannot.to_string()))?;
    if sides.local.is_none() {
        delete(state, &place, &hunks, args)?;
        return Ok(());
    }
    edit(state, document, hunks, sides, moves_base(args.take));
    Ok(())
}

/// Whether the choice must be remembered. Text taken from the remote speaks for itself: both sides
/// have it, so nothing conflicts there any more, and an undo in the editor undoes all of it.
fn moves_base(take: Wanted) -> bool {
    !matches!(take, Wanted::Remote | Wanted::AllRemote | Wanted::Incoming)
}

/// Takes every change of the remote into a document that has none of its own.
pub(crate) fn take_all(state: &Arc<State>, document: Snapshot, hunks: Hunks) {
    let take = agent_core::sync::resolve::Take::Incoming;
    if let Ok(sides) = resolve(hunks.base.as_ref(), Some(&hunks.local), hunks.remote.as_ref(), take)
        && sides.local.is_some()
    {
        edit(state, document, hunks, sides, false);
    }
}

/// The remote deleted it and so shall we: the file goes, its text stays in the cache.
fn delete(state: &Arc<State>, place: &Place, hunks: &Hunks, args: &ResolveArgs) -> Result<()> {
    if !hunks.is_saved {
        return Err(Error::invalid_params("the document has unsaved changes; save or discard them first"));
    }
    let entry = &hunks.view.entry;
    let ask = Ask {
        key: place.key.clone(),
        take: take_of(args),
        seen: Some((entry.base, entry.remote_version())),
        even_open: true,
    };
    let (client, runtime) = (state.client.clone(), tokio::runtime::Handle::current());
    place.folder.handle.resolve(ask, move |answer| {
        if let Err(error) = answer {
            runtime.spawn(async move { client.show_message(MessageType::ERROR, error).await });
        }
    });
    Ok(())
}

/// Sends the edit from a task of its own, because a handler that waits for the client can keep the
/// client's answer from ever being read.
fn edit(state: &Arc<State>, document: Snapshot, hunks: Hunks, sides: Sides, moves_base: bool) {
    let moved = moves_base.then(|| BufferBase {
        from: hunks.known.from,
        to: sides.base.as_deref().map(|text| hunks.with_bom(text)),
        undoes: None,
    });
    if sides.edits.is_empty() {
        if let Some(moved) = moved {
            settle(state, &document, hunks.is_saved, moved);
        }
        return;
    }
    let edit = workspace_edit(state, &document, &hunks, &sides);
    let after = sides.local.unwrap_or_default();
    let edited = Edited { before: Arc::clone(&document.text), base: hunks.known, after };
    let state = Arc::clone(state);
    tokio::spawn(async move {
        if let (true, Some(moved)) = (ask(&state, edit).await, moved) {
            applied(&state, &document, edited, moved);
        }
        state.publisher.resolved(document.uri);
    });
}

/// Asks the client for an edit; answers whether it did it, and tells the user where it did not.
pub(crate) async fn ask(state: &State, edit: WorkspaceEdit) -> bool {
    match tokio::time::timeout(PATIENCE, state.client.apply_edit(edit)).await {
        Ok(Ok(response)) if response.applied => return true,
        Ok(Ok(response)) => {
            let reason = response.failure_reason.unwrap_or_else(|| "it gave no reason".to_owned());
            let message = format!("The editor did not apply the change ({reason}); nothing was changed.");
            state.client.show_message(MessageType::WARNING, message).await;
        }
        Ok(Err(error)) => tracing::warn!(%error, "applyEdit"),
        Err(_) => tracing::warn!("the client did not answer applyEdit"),
    }
    false
}

/// The edit is in the buffer. A client that also saved before it answered saves no second time, so
/// the base moves in the cache at once.
pub(crate) fn applied(state: &State, document: &Snapshot, edited: Edited, moved: BufferBase) {
    let is_saved = state.documents.edited(&document.uri, document.version, edited, moved.clone());
    if let (true, Some(place)) = (is_saved, &document.place) {
        place.folder.handle.move_base(place.key.clone(), resolved(moved));
    }
}

/// Moves the base without an edit: at once where the buffer is what the file holds, else with the
/// next save.
pub(crate) fn settle(state: &State, document: &Snapshot, is_saved: bool, moved: BufferBase) {
    let mut durable = None;
    if let (true, Some(place)) = (is_saved, &document.place) {
        // An earlier choice may be on its way into the cache still; this one follows it.
        let earlier = document.moved.as_ref().filter(|earlier| earlier.from == moved.from);
        let from = earlier.map_or(moved.from, BufferBase::hash);
        let base = BufferBase { from, to: moved.to.clone(), undoes: moved.undoes };
        place.folder.handle.move_base(place.key.clone(), resolved(base.clone()));
        durable = Some(base);
    }
    state.documents.settled(&document.uri, moved, durable.as_ref());
    state.publisher.resolved(document.uri.clone());
}

/// A base moved in a buffer, as the machine takes it.
pub(crate) fn resolved(moved: BufferBase) -> ResolvedBase {
    ResolvedBase { from: moved.from, to: moved.to.map(Text::new), undoes: moved.undoes }
}

/// What a save says of its base, as the loop takes it.
pub(crate) fn saved_base(saved: Saved) -> SavedBase {
    match saved {
        Saved::Kept => SavedBase::Kept,
        Saved::Moved(moved) => SavedBase::Moved(resolved(moved)),
        Saved::Unknown => SavedBase::Unknown,
    }
}

fn workspace_edit(state: &State, document: &Snapshot, hunks: &Hunks, sides: &Sides) -> WorkspaceEdit {
    let client = state.client_can();
    let edits = sides.edits.iter().map(|edit| hunks.replace(&edit.lines, &edit.text, client.encoding));
    edit_of(document, edits.collect(), client)
}

/// A quick fix that is an edit. Without versions in edits nobody would notice that the document moved
/// between the offer and the choice: there it is a command, which looks.
pub(crate) fn fix(
    document: &Snapshot,
    title: String,
    edit: TextEdit,
    client: Client,
    answers: &[Diagnostic],
) -> CodeActionOrCommand {
    if client.versioned_edits && client.action_literals {
        return CodeActionOrCommand::CodeAction(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: (!answers.is_empty()).then(|| answers.to_vec()),
            edit: Some(edit_of(document, vec![edit], client)),
            ..CodeAction::default()
        });
    }
    let (uri, version) = (document.uri.as_str().to_owned(), document.version);
    let args = EditArgs { uri, version, edits: vec![edit] };
    action(title, EDIT, serde_json::to_value(args).unwrap_or_default(), answers)
}

/// Makes an edit that was offered.
///
/// # Errors
/// `ContentModified` when the document moved since: nothing is changed then.
pub(crate) fn start_edit(state: &Arc<State>, args: EditArgs) -> Result<()> {
    let uri: Uri = args.uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let document = state.documents.get(&uri).ok_or_else(Error::content_modified)?;
    if document.version != args.version {
        return Err(Error::content_modified());
    }
    let edit = edit_of(&document, args.edits, state.client_can());
    let state = Arc::clone(state);
    tokio::spawn(async move { ask(&state, edit).await });
    Ok(())
}

/// Edits of one document as it is at its version, where the client can tell.
pub(crate) fn edit_of(document: &Snapshot, edits: Vec<TextEdit>, client: Client) -> WorkspaceEdit {
    if client.versioned_edits {
        let text_document = OptionalVersionedTextDocumentIdentifier {
            uri: document.uri.clone(),
            version: Some(document.version),
        };
        let edits = edits.into_iter().map(OneOf::Left).collect();
        let changes = DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }]);
        return WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() };
    }
    let changes = [(document.uri.clone(), edits)].into_iter().collect();
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}
