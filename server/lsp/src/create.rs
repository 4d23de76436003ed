//! New artifacts from the editor, and what a provisional id's replacement means for open documents.

use std::sync::Arc;

use agent_core::create::missing;
use agent_core::create::naming::{self, Known};
use agent_core::id::{ArtifactPath, Kind};
use agent_core::text::LineIndex;
use agent_engine::Renumber;
use agent_engine::create::{Created, New};
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::{action, new_action};
use crate::apply;
use crate::documents::Snapshot;
use crate::folders::Folder;
use crate::handlers::show;
use crate::server::State;
use crate::states::workspace_edit;
use crate::types::{
    CodeActionOrCommand, Diagnostic, DocumentChangeOperation, DocumentChanges, MessageType, Position, Range,
    RenameFile, ResourceOp, Uri, WorkspaceEdit,
};

/// Makes a new artifact; its argument is a [`NewArgs`].
pub(crate) const NEW: &str = "agent.new";

/// The argument of `agent.new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewArgs {
    pub(crate) kind: String,
    /// A document of the folder, or the folder; the first folder when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// Where the file goes, below the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

/// *Create missing …* for each reference to nothing that `range` touches.
pub(crate) fn missing_at(
    document: &Snapshot,
    range: Range,
    state: &State,
    asked: &[Diagnostic],
) -> Vec<CodeActionOrCommand> {
    let Some(place) = &document.place else { return Vec::new() };
    let index = place.folder.handle.views().index();
    let known: Vec<Known<'_>> = index.iter().map(|(key, path)| (key, path)).collect();
    let text = &*document.text;
    let lines = LineIndex::new(text);
    let encoding = state.client_can().encoding;
    let offset = |at: Position| {
        lines.offset(text, agent_core::text::Position { line: at.line, character: at.character }, encoding)
    };
    let (start, end) = (offset(range.start), offset(range.end));
    let found = missing::find(text, &place.path, &place.folder.kinds, &known);
    let touched = found.into_iter().filter(|found| found.range.start <= end && start <= found.range.end);
    let offer = |found: missing::Missing| {
        let (kind, id) = (found.key.kind.as_str(), found.key.id.as_str());
        let args = NewArgs {
            kind: kind.to_owned(),
            uri: Some(document.uri.as_str().to_owned()),
            title: found.path.as_ref().and_then(|path| title_of(path, id)),
            id: Some(id.to_owned()),
            prefix: None,
            path: found.path.map(|path| path.as_str().to_owned()),
        };
        let args = serde_json::to_value(args).unwrap_or_default();
        action(format!("Create missing {kind} {id}"), NEW, args, asked)
    };
    // Without an id of the form, nothing says what it would be called.
    touched.filter(|found| naming::parts(found.key.id.as_str()).is_some()).map(offer).collect()
}

/// *New …* for each kind of the document's folder.
pub(crate) fn new_actions(document: &Snapshot) -> Vec<CodeActionOrCommand> {
    let Some(place) = &document.place else { return Vec::new() };
    let offer = |kind: &Kind| {
        let args = NewArgs {
            kind: kind.as_str().to_owned(),
            uri: Some(document.uri.as_str().to_owned()),
            title: None,
            id: None,
            prefix: naming::parts(place.key.id.as_str())
                .filter(|_| place.key.kind == *kind)
                .map(|(prefix, _)| prefix.to_owned()),
            path: None,
        };
        new_action(format!("New {}", kind.as_str()), NEW, serde_json::to_value(args).unwrap_or_default())
    };
    place.folder.kinds.rules().iter().map(|rule| offer(&rule.kind)).collect()
}

/// The title that a file's name holds: `Fix login` of `INFRA-041-fix-login.md`.
fn title_of(path: &ArtifactPath, id: &str) -> Option<String> {
    let stem = path.file_name().rsplit_once('.')?.0;
    let words = naming::bare_title(stem, id).replace(['-', '_'], " ");
    let mut chars = words.chars();
    let first = chars.next()?;
    Some(first.to_uppercase().chain(chars).collect())
}

/// Makes what is asked for, and shows it.
///
/// # Errors
/// Arguments that name no folder or kind.
pub(crate) fn start(state: &Arc<State>, args: NewArgs) -> Result<()> {
    let folder = folder_of(state, args.uri.as_deref())
        .ok_or_else(|| Error::invalid_params("there is no workspace to make it in"))?;
    let kind = Kind::new(&args.kind).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let path = args.path.as_deref().map(ArtifactPath::new).transpose();
    let path = path.map_err(|problem| Error::invalid_params(problem.to_string()))?;
    if let Some(path) = &path
        && !matches!(folder.kinds.key_of(path), Some(Ok(key)) if key.kind == kind && Some(key.id.as_str()) == args.id.as_deref())
    {
        return Err(Error::invalid_params("the path is no place for this artifact"));
    }
    let title = args.title.filter(|title| !title.trim().is_empty());
    let wanted = New {
        title: title.unwrap_or_else(|| format!("New {}", kind.as_str())),
        kind,
        id: args.id,
        prefix: args.prefix,
        path,
        date: agent_engine::create::today(),
        author: String::new(),
    };
    let (state, runtime) = (Arc::clone(state), tokio::runtime::Handle::current());
    let made_in = Arc::clone(&folder);
    folder.handle.create(wanted, move |made| {
        runtime.spawn(async move { say(&state, &made_in, made).await });
    });
    Ok(())
}

async fn say(
    state: &State,
    folder: &Folder,
    made: std::result::Result<Created, agent_engine::create::CreateError>,
) {
    match made {
        Err(error) => state.client.show_message(MessageType::ERROR, error).await,
        Ok(created) => {
            let is_shown = show(state, folder.uri(created.path.as_str())).await;
            if let Some(reason) = &created.provisional {
                let message = format!("{} has a provisional id: {reason}", created.path);
                state.client.show_message(MessageType::INFO, message).await;
            } else if !is_shown {
                state.client.show_message(MessageType::INFO, format!("Made {}", created.path)).await;
            }
        }
    }
}

fn folder_of(state: &State, uri: Option<&str>) -> Option<Arc<Folder>> {
    let Some(uri) = uri else { return state.folders.all().into_iter().next() };
    let uri: Uri = uri.parse().ok()?;
    if let Some(place) = state.folders.place(&uri) {
        return Some(place.folder);
    }
    let file = crate::folders::file_of(&uri)?;
    state.folders.all().into_iter().find(|folder| file.starts_with(folder.workspace.root()))
}

/// An open document names a provisional id that is replaced: its text, by an edit; once that is saved,
/// its file's name.
pub(crate) fn renumber(state: &Arc<State>, uri: &Uri, replaced: Renumber) {
    let Some(document) = state.documents.get(uri) else { return };
    let edits = replaced.change.edits(&document.text);
    if !edits.is_empty() {
        let edit = workspace_edit(state, &document, &edits);
        let state = Arc::clone(state);
        tokio::spawn(async move {
            apply::ask(&state, edit).await;
        });
        return;
    }
    let (Some(to), Some(place), Some(view)) = (replaced.to, &document.place, &document.view) else { return };
    let is_saved = view.local.as_deref().map(agent_core::text::without_bom)
        == Some(agent_core::text::without_bom(&document.text));
    let Some(new_uri) = place.folder.uri(to.as_str()).filter(|_| is_saved && state.client_can().moves_files)
    else {
        return;
    };
    let rename = RenameFile { old_uri: uri.clone(), new_uri, options: None, annotation_id: None };
    let operation = DocumentChangeOperation::Op(ResourceOp::Rename(rename));
    let changes = DocumentChanges::Operations(vec![operation]);
    let edit = WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() };
    let state = Arc::clone(state);
    tokio::spawn(async move {
        apply::ask(&state, edit).await;
    });
}
