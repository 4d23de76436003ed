//! The state of an open artifact: what is wrong with it, what may follow, and the command that sets it.
//! What may follow is the team's table as it was last heard of; whether it is taken, the team's server
//! decides. An edit is left in the buffer: saving is the user's.

use std::ops::Range as Bytes;
use std::sync::Arc;

use agent_core::artifact::parse::{Format, canonical_state, parse};
use agent_core::lifecycle::{Edit, Move, Step, Table, set_state, state_at};
use agent_core::sync::next::{Next, Waits};
use agent_core::text::{Encoding, LineIndex};
use agent_engine::rules::Rules;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::action;
use crate::apply;
use crate::diagnostics::{Context, make};
use crate::documents::Snapshot;
use crate::server::State;
use crate::types::{
    CodeActionOrCommand, CodeLens, Command, CompletionItem, CompletionItemKind, CompletionTextEdit,
    Diagnostic, DiagnosticSeverity, DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier,
    Position, Range, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};

/// Sets the state of an open document; its argument is a [`StateArgs`].
pub(crate) const SET_STATE: &str = "agent.setState";
/// The table of the team has no such state.
pub(crate) const UNKNOWN_STATE: &str = "unknown-state";
/// The id was given out without the team's server.
pub(crate) const PROVISIONAL_ID: &str = "provisional-id";

/// The argument of `agent.setState`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateArgs {
    pub(crate) uri: String,
    /// The document's version.
    pub(crate) version: i32,
    pub(crate) state: String,
}

/// How an open artifact stands in its life.
pub(crate) struct Standing<'a> {
    document: &'a Snapshot,
    rules: &'a Rules,
    table: &'a Table,
    format: Format,
    /// The state as the buffer has it: its value, and where.
    now: Option<(String, Bytes<usize>)>,
    /// Where to show what is said of it.
    shown: Bytes<usize>,
}

impl<'a> Standing<'a> {
    /// `None` where the team has no table for the kind, or none is known.
    pub(crate) fn of(document: &'a Snapshot, rules: &'a Rules) -> Option<Self> {
        let table = rules.table(&document.place.as_ref()?.key.kind)?;
        let view = document.view.as_ref()?;
        let format = Format::of_file(view.entry.path.file_name());
        let outline = parse(&document.text, format);
        let shown =
            outline.state.as_ref().or(outline.title.as_ref()).map_or(0..0, |found| found.range.clone());
        let now = outline.state.map(|state| (state.text, state.range));
        Some(Self { document, rules, table, format, now, shown })
    }

    fn value(&self) -> Option<&str> {
        self.now.as_ref().map(|(value, _)| value.as_str())
    }

    /// The state that the team has; `None` when it has no such artifact, or the artifact says none.
    fn from(&self) -> Option<String> {
        let remote = self.document.view.as_ref()?.remote.as_deref()?;
        parse(remote, self.format).state.map(|state| state.text)
    }

    fn moves(&self, from: Option<&str>) -> Vec<Move<'_>> {
        let kind = self.document.place.as_ref().map(|place| &place.key.kind);
        kind.map_or_else(Vec::new, |kind| self.rules.may_follow(kind, from))
    }

    /// Whether the buffer is in the state that the team has.
    fn is_unmoved(&self, from: Option<&str>) -> bool {
        let name = |value: Option<&str>| value.map(canonical_state);
        from.is_some() && name(self.value()) == name(from)
    }

    /// A state that nobody knows; it is pushed as it is.
    pub(crate) fn diagnostics(&self, context: &Context<'_>) -> Vec<Diagnostic> {
        let Some(value) = self.value().filter(|value| self.table.known(value).is_none()) else {
            return Vec::new();
        };
        let kind = self.document.place.as_ref().map_or("", |place| place.key.kind.as_str());
        let message = format!(
            "No {kind} has the state “{value}” in this team; the states are {}. It is pushed as it is.",
            self.table.states().join(", ")
        );
        let range = range_of(&self.document.text, &self.shown, context.client.encoding);
        vec![make(context, range, DiagnosticSeverity::WARNING, UNKNOWN_STATE, message)]
    }

    /// What can be done about the state, where `range` touches its line.
    pub(crate) fn actions(
        &self,
        range: Range,
        encoding: Encoding,
        asked: &[Diagnostic],
    ) -> Vec<CodeActionOrCommand> {
        let line = range_of(&self.document.text, &self.shown, encoding);
        if range.end.line < line.start.line || line.end.line < range.start.line {
            return Vec::new();
        }
        let offer = |title: String, state: &str| {
            let args = serde_json::to_value(self.args(state)).unwrap_or_default();
            action(title, SET_STATE, args, asked)
        };
        let mut actions = Vec::new();
        let present = self.value().map(canonical_state);
        let (refused, from) = (self.refused(), self.from());
        if present.is_none() && refused.is_none() {
            return Vec::new(); // whoever keeps no state there is not urged to
        }
        let is_unmoved = self.is_unmoved(from.as_deref());
        if let (Some(_), Some(from)) = (&refused, &from)
            && !is_unmoved
        {
            let name = self.table.known(from).map_or_else(|| canonical_state(from), str::to_owned);
            actions.push(offer(format!("Restore the state {name}"), &name));
        }
        for found in
            self.moves(from.as_deref()).into_iter().filter(|found| Some(found.to) != present.as_deref())
        {
            let title = match (&refused, found.step) {
                (Some(code), Step::SendBack) if code == "approved" => {
                    format!("Take the state back to {}", found.to)
                }
                (None, _) if is_unmoved => title_of(found),
                _ => format!("Move to {}", found.to),
            };
            actions.push(offer(title, found.to));
        }
        if let Some(value) = self.value().filter(|value| self.table.known(value).is_none()) {
            let names = self.table.resembling(value);
            actions.extend(names.into_iter().map(|name| offer(format!("Write the state as {name}"), name)));
        }
        actions
    }

    /// The code of a refusal because of the state, if that is what the artifact waits for.
    fn refused(&self) -> Option<String> {
        let view = self.document.view.as_ref().filter(|view| view.next == Next::Wait(Waits::Refused))?;
        let parked = view.entry.parked.as_ref()?;
        is_of_state(&parked.code).then(|| parked.code.clone())
    }

    /// *Approve* and *Send back*, for those who may.
    pub(crate) fn lenses(&self, encoding: Encoding) -> Vec<CodeLens> {
        let from = self.from();
        if !self.is_unmoved(from.as_deref()) || self.rules.role.is_none() {
            return Vec::new();
        }
        let range = range_of(&self.document.text, &self.shown, encoding);
        let lens = |found: &Move<'_>| {
            let args = serde_json::to_value(self.args(found.to)).unwrap_or_default();
            let command = Command {
                title: title_of(*found),
                command: SET_STATE.to_owned(),
                arguments: Some(vec![args]),
            };
            CodeLens { range, command: Some(command), data: None }
        };
        let mut moves = self.moves(from.as_deref());
        moves.retain(|found| found.step != Step::Move);
        moves.sort_by_key(|found| found.step != Step::Approve);
        moves.iter().map(lens).collect()
    }

    /// The states that may stand at a position, each with the edit that writes it.
    pub(crate) fn completion(&self, position: Position, encoding: Encoding) -> Option<Vec<CompletionItem>> {
        let text = &*self.document.text;
        let at = agent_core::text::Position { line: position.line, character: position.character };
        let offset = LineIndex::new(text).offset(text, at, encoding);
        let value = state_at(text, self.format, offset)?;
        let written = text.get(value.clone()).unwrap_or_default();
        let name = agent_core::artifact::parse::state_word(written).len();
        let range = range_of(text, &(value.start..value.start + name), encoding);
        let item = |number: usize, state: &str, detail: &str| CompletionItem {
            label: state.to_owned(),
            kind: Some(CompletionItemKind::ENUM_MEMBER),
            detail: Some(detail.to_owned()),
            sort_text: Some(format!("{number:02}")),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: state.to_owned() })),
            ..CompletionItem::default()
        };
        let from = self.from();
        let present = from.as_deref().and_then(|from| self.table.known(from));
        let moves = self.moves(from.as_deref());
        let following = moves.iter().map(|found| (found.to, detail_of(found.step)));
        let all = present.map(|state| (state, "the present state")).into_iter().chain(following);
        Some(all.enumerate().map(|(number, (state, detail))| item(number, state, detail)).collect())
    }

    fn args(&self, state: &str) -> StateArgs {
        StateArgs {
            uri: self.document.uri.as_str().to_owned(),
            version: self.document.version,
            state: state.to_owned(),
        }
    }
}

/// Whether a refusal is because of the state.
pub(crate) fn is_of_state(code: &str) -> bool {
    matches!(code, "state" | "state_role" | "approved")
}

fn title_of(found: Move<'_>) -> String {
    match found.step {
        Step::Approve => format!("Approve (→ {})", found.to),
        Step::SendBack => format!("Send back (→ {})", found.to),
        Step::Move => format!("Move to {}", found.to),
    }
}

fn detail_of(step: Step) -> &'static str {
    match step {
        Step::Approve => "approves it",
        Step::SendBack => "sends it back",
        Step::Move => "may follow",
    }
}

fn range_of(text: &str, bytes: &Bytes<usize>, encoding: Encoding) -> Range {
    let index = LineIndex::new(text);
    let at = |offset| {
        let position = index.position(text, offset, encoding);
        Position::new(position.line, position.character)
    };
    Range::new(at(bytes.start), at(bytes.end))
}

/// Says that an artifact has a provisional id, which nobody else sees.
pub(crate) fn provisional(context: &Context<'_>, document: &Snapshot) -> Option<Diagnostic> {
    let view = document.view.as_ref().filter(|view| view.next == Next::Wait(Waits::Id))?;
    let message = format!(
        "{} is a provisional id, and not pushed. Once the team can be reached it gets one of the team's; \
         its file and everything that names it follow.",
        view.entry.key.id.as_str()
    );
    let title = parse(&document.text, Format::of_file(view.entry.path.file_name())).title;
    let range = title.map_or(0..0, |title| title.range);
    let range = range_of(&document.text, &range, context.client.encoding);
    Some(make(context, range, DiagnosticSeverity::INFORMATION, PROVISIONAL_ID, message))
}

/// Sets a state, if the document is as it was when that was offered.
///
/// # Errors
/// `ContentModified` when it is not: nothing is changed then.
pub(crate) fn start(state: &Arc<State>, args: &StateArgs) -> Result<()> {
    let uri: Uri = args.uri.parse().map_err(|_| Error::invalid_params("the uri is none"))?;
    let document = state.documents.get(&uri).ok_or_else(Error::content_modified)?;
    let place = document.place.as_ref().ok_or_else(Error::content_modified)?;
    if document.version != args.version {
        return Err(Error::content_modified());
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    if args.state.is_empty() || !args.state.chars().all(is_name) {
        return Err(Error::invalid_params("the state is no name"));
    }
    let format = Format::of_file(place.path.file_name());
    let Some(edit) = set_state(&document.text, format, &args.state) else { return Ok(()) };
    let edit = workspace_edit(state, &document, &[edit]);
    let state = Arc::clone(state);
    tokio::spawn(async move {
        apply::ask(&state, edit).await;
    });
    Ok(())
}

/// Edits of one open document as the client takes them.
pub(crate) fn workspace_edit(state: &State, document: &Snapshot, edits: &[Edit]) -> WorkspaceEdit {
    let client = state.client_can();
    let edits = edits.iter().map(|edit| TextEdit {
        range: range_of(&document.text, &edit.range, client.encoding),
        new_text: edit.text.clone(),
    });
    if client.versioned_edits {
        let text_document = OptionalVersionedTextDocumentIdentifier {
            uri: document.uri.clone(),
            version: Some(document.version),
        };
        let edits = edits.map(OneOf::Left).collect();
        let changes = DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }]);
        return WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() };
    }
    let changes = [(document.uri.clone(), edits.collect())].into_iter().collect();
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}
