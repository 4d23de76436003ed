//! The code actions a situation offers, for one place in a document and for the whole of it. Each
//! carries what it was computed from, and is refused when that has moved; doing it is in `apply`.

use agent_core::merge::{Choice, Region, RegionKind};
use agent_core::sync::MASS_REVERSION;
use agent_core::sync::next::{Next, Waits};
use agent_core::text::Encoding;
use agent_engine::View;
use serde::{Deserialize, Serialize};

use crate::apply::{ALLOW_REVERSIONS, COMPARE, PULL, PUSH, RESOLVE};
use crate::capabilities::Client;
use crate::diagnostics::author;
use crate::documents::Snapshot;
use crate::hunks::Hunks;
use crate::moves::MOVE;
use crate::types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeLens, Command, Diagnostic, Range, Uri,
};

/// What to take, as it travels to the client and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wanted {
    /// The remote's text, of a hunk or of the whole artifact.
    Remote,
    /// The local text.
    Local,
    /// Both, local first.
    LocalThenRemote,
    /// Both, remote first.
    RemoteThenLocal,
    /// Every conflict as local, with what only the remote changed.
    AllLocal,
    /// Every conflict as the remote has it.
    AllRemote,
    /// What only the remote changed.
    Incoming,
}

/// The argument of `agent.resolve`: what to take, and what it was computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolveArgs {
    pub(crate) uri: String,
    pub(crate) take: Wanted,
    /// The hunk, by its region's index; absent for the whole artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hunk: Option<usize>,
    /// The document's version.
    pub(crate) version: i32,
    /// The content hash of the base as the document sees it; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
    /// The remote's version.
    pub(crate) remote_version: u64,
}

/// The actions at `range`, with the diagnostics they answer.
pub(crate) fn at(
    document: &Snapshot,
    hunks: &Hunks,
    range: Range,
    asked: &[Diagnostic],
) -> Vec<CodeActionOrCommand> {
    let offer = Offer { document, hunks, asked };
    let Some(merge) = &hunks.merge else { return offer.deleted_there() };
    let mut actions = Vec::new();
    let mine = |(_, region): &(usize, &Region)| {
        matches!(region.kind, RegionKind::Conflict | RegionKind::Remote) && Hunks::touches(region, range)
    };
    for (index, region) in merge.regions().iter().enumerate().filter(mine) {
        offer.hunk(&mut actions, index, region.kind);
    }
    offer.whole(&mut actions, merge.conflicts().count(), merge.incoming().count());
    actions
}

/// What can be done with one hunk, as commands; comparing is of the whole.
pub(crate) fn of_hunk(document: &Snapshot, hunks: &Hunks, index: usize, kind: RegionKind) -> Vec<Command> {
    if !matches!(kind, RegionKind::Conflict | RegionKind::Remote) {
        return Vec::new();
    }
    let offer = Offer { document, hunks, asked: &[] };
    let mut actions = Vec::new();
    offer.hunk(&mut actions, index, kind);
    actions.push(offer.compare());
    actions.into_iter().filter_map(command_of).collect()
}

/// What can be done with every hunk, beside it: short, since several stand in one line.
pub(crate) fn lenses(document: &Snapshot, hunks: &Hunks, encoding: Encoding) -> Vec<CodeLens> {
    let regions = hunks.merge.iter().flat_map(|merge| merge.regions().iter().enumerate());
    let lens = |(index, region): (usize, &Region)| {
        let start = hunks.range(&region.local, encoding).start;
        let commands = of_hunk(document, hunks, index, region.kind).into_iter();
        commands.map(move |command| {
            let title = short(&command.title).to_owned();
            CodeLens {
                range: Range::new(start, start),
                command: Some(Command { title, ..command }),
                data: None,
            }
        })
    };
    regions.flat_map(lens).collect()
}

fn short(title: &str) -> &str {
    match title {
        "Keep local version" => "Accept local",
        _ if title.starts_with("Accept remote version") => "Accept remote",
        "Compare with remote version" => "Compare",
        other => other,
    }
}

/// Pushing and pulling, for editors that offer code actions and no commands.
pub(crate) fn exchanges() -> [CodeActionOrCommand; 2] {
    [("Push to the team now", PUSH), ("Pull from the team now", PULL)]
        .map(|(title, command)| plain_action(title.to_owned(), command))
}

/// The command that an action is.
pub(crate) fn command_of(action: CodeActionOrCommand) -> Option<Command> {
    match action {
        CodeActionOrCommand::Command(command) => Some(command),
        CodeActionOrCommand::CodeAction(action) => action.command,
    }
}

/// What can be done about a refusal.
pub(crate) fn refused(uri: &Uri, view: &View, asked: &[Diagnostic]) -> Option<CodeActionOrCommand> {
    let Next::Wait(Waits::Refused) = view.next else { return None };
    let uri = uri.as_str();
    let code = view.entry.parked.as_ref().map(|parked| parked.code.as_str());
    Some(match code {
        // A plain push is no answer to what is asked.
        Some(MASS_REVERSION) => {
            let args = serde_json::json!({ "uri": uri, "allow": ALLOW_REVERSIONS });
            action("Push all these earlier versions for the whole team".to_owned(), PUSH, args, asked)
        }
        _ => action("Push again".to_owned(), PUSH, serde_json::json!({ "uri": uri }), asked),
    })
}

/// The argument of `agent.move`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MoveArgs {
    pub(crate) uri: String,
    /// `remote` moves the file to where the remote has it, `local` keeps it.
    pub(crate) take: Wanted,
    /// The remote's version.
    pub(crate) remote_version: u64,
}

/// What can be done about a file that the remote moved.
pub(crate) fn moved(
    uri: &Uri,
    view: &View,
    client: Client,
    asked: &[Diagnostic],
) -> Vec<CodeActionOrCommand> {
    let (Next::Wait(Waits::Moved), Some(remote)) = (&view.next, &view.entry.remote) else {
        return Vec::new();
    };
    let offer = |title: String, take| {
        let args = MoveArgs { uri: uri.as_str().to_owned(), take, remote_version: remote.version.0 };
        action(title, MOVE, serde_json::to_value(args).unwrap_or_default(), asked)
    };
    let there =
        client.moves_files.then(|| offer(format!("Move the file to {}", remote.path), Wanted::Remote));
    let here = offer("Keep the file here (moves it back for the team)".to_owned(), Wanted::Local);
    there.into_iter().chain([here]).collect()
}

struct Offer<'a> {
    document: &'a Snapshot,
    hunks: &'a Hunks,
    asked: &'a [Diagnostic],
}

impl Offer<'_> {
    fn hunk(&self, actions: &mut Vec<CodeActionOrCommand>, index: usize, kind: RegionKind) {
        let index = Some(index);
        actions.push(self.resolve(
            format!("Accept remote version ({})", self.remote()),
            Wanted::Remote,
            index,
        ));
        actions.push(self.resolve("Keep local version".to_owned(), Wanted::Local, index));
        if kind == RegionKind::Conflict {
            let both = [("local", Wanted::LocalThenRemote), ("remote", Wanted::RemoteThenLocal)];
            actions.extend(
                both.map(|(first, take)| self.resolve(format!("Accept both ({first} first)"), take, index)),
            );
        }
    }

    fn whole(&self, actions: &mut Vec<CodeActionOrCommand>, conflicts: usize, incoming: usize) {
        if conflicts > 0 {
            actions.push(self.resolve("Accept all local".to_owned(), Wanted::AllLocal, None));
            actions.push(self.resolve("Accept all remote".to_owned(), Wanted::AllRemote, None));
        }
        if incoming > 0 {
            let title = match (self.hunks.is_edited(), incoming) {
                (false, _) => format!("Accept remote version of the whole file ({})", self.remote()),
                (true, 1) => "Merge remote changes (1 place)".to_owned(),
                (true, n) => format!("Merge remote changes ({n} places)"),
            };
            actions.push(self.resolve(title, Wanted::Incoming, None));
        }
        if conflicts + incoming > 0 {
            actions.push(self.compare());
        }
    }

    fn compare(&self) -> CodeActionOrCommand {
        let args = serde_json::json!({ "uri": self.document.uri.as_str() });
        action("Compare with remote version".to_owned(), COMPARE, args, self.asked)
    }

    fn deleted_there(&self) -> Vec<CodeActionOrCommand> {
        vec![
            self.resolve("Keep local version (push it again)".to_owned(), Wanted::Local, None),
            self.resolve("Accept remote version (delete this file)".to_owned(), Wanted::Remote, None),
        ]
    }

    fn remote(&self) -> String {
        let view = &self.hunks.view;
        format!("version {} by {}", view.entry.remote_version().0, author(view))
    }

    fn resolve(&self, title: String, take: Wanted, hunk: Option<usize>) -> CodeActionOrCommand {
        let entry = &self.hunks.view.entry;
        let args = ResolveArgs {
            uri: self.document.uri.as_str().to_owned(),
            take,
            hunk,
            version: self.document.version,
            base: self.hunks.base_hash(),
            remote_version: entry.remote_version().0,
        };
        let args = serde_json::to_value(args).unwrap_or_default();
        action(title, RESOLVE, args, self.asked)
    }
}

pub(crate) fn action(
    title: String,
    command: &str,
    args: serde_json::Value,
    asked: &[Diagnostic],
) -> CodeActionOrCommand {
    CodeActionOrCommand::CodeAction(CodeAction {
        title: title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: (!asked.is_empty()).then(|| asked.to_vec()),
        command: Some(Command { title, command: command.to_owned(), arguments: Some(vec![args]) }),
        ..CodeAction::default()
    })
}

/// An action without an argument.
fn plain_action(title: String, command: &str) -> CodeActionOrCommand {
    CodeActionOrCommand::CodeAction(CodeAction {
        title: title.clone(),
        kind: Some(CodeActionKind::SOURCE),
        command: Some(Command { title, command: command.to_owned(), arguments: None }),
        ..CodeAction::default()
    })
}

/// An action that makes something new, wherever one is.
pub(crate) fn new_action(title: String, command: &str, args: serde_json::Value) -> CodeActionOrCommand {
    CodeActionOrCommand::CodeAction(CodeAction {
        title: title.clone(),
        kind: Some(CodeActionKind::SOURCE),
        command: Some(Command { title, command: command.to_owned(), arguments: Some(vec![args]) }),
        ..CodeAction::default()
    })
}

/// How a wanted side reads to the core, for a hunk or the whole.
pub(crate) fn take_of(args: &ResolveArgs) -> agent_core::sync::resolve::Take {
    use agent_core::sync::resolve::Take;
    match (args.hunk, args.take) {
        (Some(index), Wanted::Remote) => Take::Hunk(index, Choice::Remote),
        (Some(index), Wanted::Local) => Take::Hunk(index, Choice::Local),
        (Some(index), Wanted::LocalThenRemote) => Take::Hunk(index, Choice::LocalThenRemote),
        (Some(index), Wanted::RemoteThenLocal) => Take::Hunk(index, Choice::RemoteThenLocal),
        (None, Wanted::Remote) => Take::WholeRemote,
        (None, Wanted::Local) => Take::WholeLocal,
        (None, Wanted::LocalThenRemote) => Take::All(Choice::LocalThenRemote),
        (None, Wanted::RemoteThenLocal) => Take::All(Choice::RemoteThenLocal),
        (_, Wanted::AllLocal) => Take::All(Choice::Local),
        (_, Wanted::AllRemote) => Take::All(Choice::Remote),
        (_, Wanted::Incoming) => Take::Incoming,
    }
}
