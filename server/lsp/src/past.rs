//! Going back in an open document: *Restore previous version …* and *Undo this merge*. What there is to
//! go back to comes from the session's pictures, what becomes of the text from the same code as the
//! command line's `restore` and `undo`. Either way the document changes by an edit of its editor, and
//! saving is the user's.

use std::sync::Arc;

use agent_core::id::{ContentHash, Text, Timestamp};
use agent_core::ports::Cause;
use agent_core::sync::history::Earlier;
use agent_core::sync::undo::Reversal;
use agent_core::text::without_bom;
use agent_engine::{Past, Undoable, now};
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::new_action;
use crate::apply;
use crate::bases::{Base, BufferBase, Edited};
use crate::capabilities::Client;
use crate::diagnostics::span_of;
use crate::documents::Snapshot;
use crate::folders::Place;
use crate::handlers;
use crate::hunks::{edits_to, known_base, lacks_bom, with_bom};
use crate::publisher::message_item;
use crate::server::State;
use crate::types::{CodeActionOrCommand, MessageType, Uri};

/// Brings an earlier content into the buffer; its argument is a [`RestoreArgs`].
pub(crate) const RESTORE: &str = "agent.restore";
/// Takes something back in the buffer; its argument is an [`UndoArgs`].
pub(crate) const UNDO: &str = "agent.undo";

const NONE_KNOWN: &str = "no earlier version of this is known here";
/// How many earlier contents are offered at once.
const OFFERED: usize = 5;

/// The argument of `agent.restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreArgs {
    pub(crate) uri: String,
    /// The content's hash; absent: the user is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    /// The document's version.
    pub(crate) version: i32,
}

/// The argument of `agent.undo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UndoArgs {
    pub(crate) uri: String,
    /// The operation's number.
    pub(crate) operation: u64,
    /// The document's version.
    pub(crate) version: i32,
}

/// What a document can go back to.
pub(crate) fn actions(document: &Snapshot, client: Client, now: Timestamp) -> Vec<CodeActionOrCommand> {
    let Some(past) = past_of(document) else { return Vec::new() };
    let undo = past.undo.as_ref().map(|undo| undo_action(document, undo, now));
    let choices = choices(document, &past);
    let restore = |title: String, content| {
        let args = RestoreArgs { uri: document.uri.as_str().to_owned(), content, version: document.version };
        new_action(title, RESTORE, serde_json::to_value(args).unwrap_or_default())
    };
    let mut actions: Vec<_> = undo.into_iter().collect();
    match (choices.is_empty(), client.message_actions) {
        (true, _) => {}
        (false, true) => actions.push(restore("Restore previous version …".to_owned(), None)),
        (false, false) => actions.extend(choices.iter().map(|earlier| {
            restore(format!("Restore {}", title(earlier, now)), Some(earlier.hash.to_string()))
        })),
    }
    actions
}

fn undo_action(document: &Snapshot, undo: &Undoable, now: Timestamp) -> CodeActionOrCommand {
    let args = UndoArgs {
        uri: document.uri.as_str().to_owned(),
        operation: undo.unit.id.0,
        version: document.version,
    };
    let who = undo.author.as_ref().map_or_else(String::new, |author| format!(" by {}", author.name));
    let what = match undo.unit.cause {
        Cause::Merged => format!("Undo this merge (version {}{who}", undo.version.0),
        Cause::Updated => format!("Undo taking version {}{who} (", undo.version.0),
        Cause::Resolved => "Undo this choice (".to_owned(),
        Cause::Undone => "Redo what was undone (".to_owned(),
        _ => "Undo this restoration (".to_owned(),
    };
    let comma = if what.ends_with('(') { "" } else { ", " };
    let title = format!("{what}{comma}{} ago)", span_of(now.0 - undo.at.0));
    new_action(title, UNDO, serde_json::to_value(args).unwrap_or_default())
}

fn past_of(document: &Snapshot) -> Option<Arc<Past>> {
    let place = document.place.as_ref()?;
    Some(place.folder.handle.views().past(&place.path))
}

/// The newest contents that the buffer does not hold.
fn choices(document: &Snapshot, past: &Past) -> Vec<Earlier> {
    let lacks_bom = document.view.as_ref().is_some_and(|view| lacks_bom(view, &document.text));
    let held = Text::new(with_bom(&document.text, lacks_bom)).hash();
    past.earlier.iter().filter(|earlier| earlier.hash != held).take(OFFERED).cloned().collect()
}

/// "version 3 by ann@example.com, 2 hours ago".
fn title(earlier: &Earlier, now: Timestamp) -> String {
    let what = earlier
        .version
        .map_or_else(|| "what was saved here".to_owned(), |version| format!("version {}", version.0));
    let named = earlier.author.as_ref().filter(|author| !author.name.is_empty());
    let by = named.map_or_else(String::new, |author| format!(" by {}", author.name));
    format!("{what}{by}, {} ago", span_of(now.0 - earlier.at.0))
}

/// Brings an earlier content into the buffer, the one that is named or that the user chooses.
///
/// # Errors
/// `ContentModified` when the document moved since that was offered: nothing is changed then.
pub(crate) async fn start_restore(state: &Arc<State>, args: &RestoreArgs) -> Result<()> {
    let document = document(state, &args.uri, args.version)?;
    let place = document.place.clone().ok_or_else(Error::content_modified)?;
    if let Some(content) = &args.content {
        return restore_named(state, document, &place, content).await;
    }
    let past = past_of(&document).ok_or_else(Error::content_modified)?;
    let choices = choices(&document, &past);
    if choices.is_empty() {
        return Err(Error::invalid_params(NONE_KNOWN));
    }
    let hashes = choices.iter().map(|earlier| earlier.hash).collect();
    let (state, runtime) = (Arc::clone(state), tokio::runtime::Handle::current());
    place.folder.handle.texts(hashes, move |texts| {
        runtime.spawn(async move {
            let known = choices.into_iter().zip(texts).filter_map(|(earlier, text)| Some((earlier, text?)));
            let known: Vec<(Earlier, Arc<str>)> = known.collect();
            if let Some(text) = ask(&state, &document, known).await {
                restore(&state, &document, &text).await;
            }
        });
    });
    Ok(())
}

/// Brings a content back that the artifact had, by its hash.
async fn restore_named(state: &Arc<State>, document: Snapshot, place: &Place, content: &str) -> Result<()> {
    let hash: ContentHash = content.parse().map_err(|_| Error::invalid_params("the content is no hash"))?;
    let mut told = handlers::told(place).await?;
    let text = told.texts.remove(&hash).ok_or_else(|| Error::invalid_params(NONE_KNOWN))?;
    let state = Arc::clone(state);
    tokio::spawn(async move { restore(&state, &document, &text).await });
    Ok(())
}

fn document(state: &State, uri: &str, version: i32) -> Result<Snapshot> {
    let uri: Uri = uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let document = state.documents.get(&uri).ok_or_else(Error::content_modified)?;
    if document.version == version { Ok(document) } else { Err(Error::content_modified()) }
}

/// Lets the user choose; a client that shows no buttons lists the versions for the command line.
async fn ask(state: &State, document: &Snapshot, known: Vec<(Earlier, Arc<str>)>) -> Option<Arc<str>> {
    let now = now();
    let label = |(earlier, text): &(Earlier, Arc<str>)| {
        format!("{} ({})", title(earlier, now), change(&document.text, without_bom(text)))
    };
    let labels = distinct(known.iter().map(label));
    if !state.client_can().message_actions {
        let key = document.place.as_ref().map_or_else(String::new, |place| place.key.to_string());
        let message = format!(
            "Earlier versions: {}. Close the document and run: agent sync restore {key} --version N",
            labels.join("; ")
        );
        state.client.show_message(MessageType::INFO, message).await;
        return None;
    }
    let question = "Which version shall this document go back to? It is an edit like any other: undo takes \
                    it back, and nothing is sent before you save.";
    let items = labels.iter().map(|label| message_item(label)).collect();
    let answer = state.client.show_message_request(MessageType::INFO, question, Some(items)).await;
    let chosen = answer.ok().flatten()?;
    let at = labels.iter().position(|label| *label == chosen.title)?;
    known.into_iter().nth(at).map(|(_, text)| text)
}

/// The labels, each once, for the answer is a label: those that are there already get a number.
fn distinct(labels: impl Iterator<Item = String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for label in labels {
        let numbered = (2..).map(|n| format!("{label} #{n}"));
        let free = std::iter::once(label.clone()).chain(numbered).find(|label| !known.contains(label));
        known.extend(free);
    }
    known
}

/// What restoring does to a text: "+2 −1 lines".
fn change(from: &str, to: &str) -> String {
    let diff = TextDiff::from_lines(from, to);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    format!("+{} −{} lines", count(ChangeTag::Insert), count(ChangeTag::Delete))
}

async fn restore(state: &Arc<State>, document: &Snapshot, text: &Arc<str>) {
    let lacks_bom = document.view.as_ref().is_some_and(|view| lacks_bom(view, &document.text));
    let text = if lacks_bom { Arc::from(without_bom(text)) } else { Arc::clone(text) };
    edit(state, document, &text).await;
}

/// Asks the client to make this the document's text; answers whether it did. The edit is one of the
/// version that was looked at: a client that went on refuses it.
async fn edit(state: &State, document: &Snapshot, text: &Arc<str>) -> bool {
    let client = state.client_can();
    let is_as_before = state.documents.get(&document.uri).is_some_and(|now| now.version == document.version);
    if !is_as_before {
        let message = "The document changed meanwhile; nothing was done. Ask for it again.";
        state.client.show_message(MessageType::WARNING, message).await;
        return false;
    }
    let edits = edits_to(&document.text, text, client.encoding);
    !edits.is_empty() && apply::ask(state, apply::edit_of(document, edits, client)).await
}

/// Takes something back in the buffer.
///
/// # Errors
/// `ContentModified` when the document moved, or something else happened since that was offered.
pub(crate) fn start_undo(state: &Arc<State>, args: &UndoArgs) -> Result<()> {
    let document = document(state, &args.uri, args.version)?;
    let place = document.place.clone().ok_or_else(Error::content_modified)?;
    let view = document.view.clone().ok_or_else(Error::content_modified)?;
    let past = past_of(&document).ok_or_else(Error::content_modified)?;
    let undo = past.undo.as_ref().filter(|undo| undo.unit.id.0 == args.operation);
    let unit = undo.ok_or_else(Error::content_modified)?.unit.clone();
    let own = document.own.clone().unwrap_or_else(|| Base::of_file(&view));
    if own.hash.is_some() && own.text.is_none() {
        return Err(Error::invalid_params("the cache has lost a text that this needs; pull again"));
    }
    let known = known_base(own, document.moved.as_ref());
    let lacks_bom = lacks_bom(&view, &document.text);
    let base = known.to.clone().map(Text::new);
    let local = Text::new(with_bom(&document.text, lacks_bom));
    let is_saved = view.local.as_deref().is_some_and(|file| file == local.as_str());
    let back = Back { document, known, lacks_bom, is_saved, unit: unit.id };
    let (state, runtime) = (Arc::clone(state), tokio::runtime::Handle::current());
    place.folder.handle.preview_undo(unit, base, local, move |answer| {
        runtime.spawn(async move {
            match answer {
                Ok(reversal) => back.take(&state, reversal).await,
                Err(problem) => {
                    let message = format!("Not undone: {problem}");
                    state.client.show_message(MessageType::WARNING, message).await;
                }
            }
        });
    });
    Ok(())
}

/// A document in which something is being taken back.
struct Back {
    document: Snapshot,
    known: BufferBase,
    lacks_bom: bool,
    is_saved: bool,
    unit: agent_core::id::OperationId,
}

impl Back {
    async fn take(self, state: &Arc<State>, reversal: Reversal) {
        let Some(text) = reversal.local else { return };
        let bare = if self.lacks_bom { without_bom(text.as_str()) } else { text.as_str() };
        let text: Arc<str> = Arc::from(bare);
        let moved = reversal.base.map(|(base, _)| BufferBase {
            from: self.known.from,
            to: base.map(|base| base.shared()),
            undoes: Some(self.unit),
        });
        let document = &self.document;
        if text == document.text {
            if let Some(moved) = moved {
                apply::settle(state, document, self.is_saved, moved);
            }
            return;
        }
        let edited = Edited { before: Arc::clone(&document.text), base: self.known, after: text.to_string() };
        if let (true, Some(moved)) = (edit(state, document, &text).await, moved) {
            apply::applied(state, document, edited, moved);
        }
        state.publisher.resolved(document.uri.clone());
    }
}
