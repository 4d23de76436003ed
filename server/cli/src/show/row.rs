//! An artifact in a report: the fields of its JSON row, and whose turn it is.

use agent_core::sync::next::{Next, Waits};
use agent_core::sync::status::Status;
use agent_core::sync::{Entry, SERVER_WENT_BACK};
use serde::Serialize;

use crate::show::moment;
use crate::work::Work;

/// What happens next with an artifact, in the words of the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Turn {
    /// Nothing: it is in sync.
    Nothing,
    /// Both sides agree already; the cache notes it by itself.
    Settle,
    /// `push` sends it.
    Push,
    /// `pull` writes the remote's content.
    Update,
    /// `pull` moves the file.
    Move,
    /// `pull` writes a clean merge.
    Merge,
    /// `pull` looks for the common base first.
    FindBase,
    /// An editor has it open and takes it there.
    Editor,
    /// Both changed the same lines.
    Conflict,
    /// Deleted here, changed there.
    DeletedHere,
    /// Deleted there, changed here.
    DeletedThere,
    /// The remote refused it.
    Refused,
    /// Taking the remote's change was undone here; somebody decides.
    Undone,
    /// The cache lacks a text.
    TextMissing,
    /// `push` gives it an id of the team's in the place of its provisional one.
    NeedsId,
}

impl Turn {
    /// Whether somebody must choose a side.
    pub(crate) fn is_conflict(self) -> bool {
        matches!(self, Self::Conflict | Self::DeletedHere | Self::DeletedThere)
    }

    /// Whose turn it is with an artifact.
    pub(crate) fn of(work: &Work, entry: &Entry) -> Self {
        let is_open = work.session.engine.machine().circumstances(&entry.key).open;
        match Self::from(&work.next_of(entry)) {
            Self::Editor if entry.undone && !is_open => Self::Undone,
            turn => turn,
        }
    }

    /// The letter of `status --short`.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Nothing | Self::Settle => '=',
            Self::Push => 'P',
            Self::Update => 'U',
            Self::Move => 'V',
            Self::Merge => 'M',
            Self::FindBase => 'F',
            Self::Editor => 'E',
            Self::Conflict => 'C',
            Self::DeletedHere => 'H',
            Self::DeletedThere => 'T',
            Self::Refused => 'R',
            Self::Undone => 'O',
            Self::TextMissing => 'X',
            Self::NeedsId => 'N',
        }
    }
}

impl From<&Next> for Turn {
    fn from(next: &Next) -> Self {
        match next {
            Next::Nothing => Self::Nothing,
            Next::Settle => Self::Settle,
            Next::Push => Self::Push,
            Next::Update => Self::Update,
            Next::Move(_) => Self::Move,
            Next::Merge(_) => Self::Merge,
            Next::FindBase => Self::FindBase,
            Next::Wait(Waits::Behind | Waits::Mergeable | Waits::Moved) => Self::Editor,
            Next::Wait(Waits::Conflict) => Self::Conflict,
            Next::Wait(Waits::DeletedHere) => Self::DeletedHere,
            Next::Wait(Waits::DeletedThere) => Self::DeletedThere,
            Next::Wait(Waits::Refused) => Self::Refused,
            Next::Wait(Waits::TextMissing) => Self::TextMissing,
            Next::Wait(Waits::Id) => Self::NeedsId,
        }
    }
}

/// Whether a file stays although the server has something older, or nothing, until somebody decides.
pub(crate) fn went_back(entry: &Entry) -> bool {
    let parked = entry.parked.as_ref().filter(|parked| parked.code == SERVER_WENT_BACK);
    parked.is_some_and(|parked| parked.hash == entry.local)
}

/// Why the remote refused something.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refused {
    /// A stable word.
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
}

/// A file that was not taken.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NotTaken {
    /// Where it is.
    pub(crate) path: String,
    /// Why, and what to do.
    pub(crate) reason: String,
}

/// One artifact.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) title: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) next: Turn,
    /// Whether local content, and the remote's, is absent: not created yet, or deleted.
    pub(crate) here: bool,
    pub(crate) there: bool,
    pub(crate) base_version: u64,
    pub(crate) remote_version: u64,
    /// Who made the remote's newest revision.
    pub(crate) author: Option<String>,
    /// How many hunks conflict.
    pub(crate) conflicts: usize,
    pub(crate) waiting_since: Option<String>,
    pub(crate) refused: Option<Refused>,
    /// Whether the team's server went back to something older than is known here, or to nothing.
    #[serde(skip)]
    pub(crate) went_back: bool,
}

impl Row {
    /// The row of an artifact as it is now.
    pub(crate) fn of(work: &Work, entry: &Entry) -> Self {
        let next = Turn::of(work, entry);
        let conflicts = match next {
            Turn::Conflict => work.merge_of(entry).map_or(0, |merge| merge.conflicts().count()),
            _ => 0,
        };
        let refused = entry.parked.as_ref().filter(|_| next == Turn::Refused);
        Self {
            kind: entry.key.kind.as_str().to_owned(),
            id: entry.key.id.as_str().to_owned(),
            path: entry.path.as_str().to_owned(),
            title: entry.title.clone(),
            state: entry.state.clone(),
            status: entry.status().as_str(),
            next,
            here: entry.local.is_some(),
            there: entry.remote_hash().is_some(),
            base_version: entry.base_version.0,
            remote_version: entry.remote_version().0,
            author: entry.remote.as_ref().map(|remote| remote.author.name.clone()).filter(|n| !n.is_empty()),
            conflicts,
            waiting_since: entry.waiting_since.map(moment),
            went_back: went_back(entry),
            refused: refused.map(|p| Refused { code: p.code.clone(), message: p.message.clone() }),
        }
    }

    /// `kind/id`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }

    /// Whether there is nothing to say about it.
    pub(crate) fn is_in_sync(&self) -> bool {
        self.status == Status::InSync.as_str() && matches!(self.next, Turn::Nothing | Turn::Settle)
    }

    /// The artifact as the head of a line.
    pub(crate) fn name(&self) -> String {
        format!("{}  {}", self.key(), self.path)
    }

    /// Why somebody must choose.
    pub(crate) fn why(&self) -> String {
        let by = self.author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
        match self.next {
            Turn::Undone | Turn::DeletedThere if self.went_back => format!(
                "the team's server went back to an earlier state; give yours back with agent sync resolve {} --ours --whole, \
                 or follow it with agent sync pull --allow-rollback",
                self.key()
            ),
            Turn::Conflict if self.conflicts == 1 => {
                format!("1 hunk conflicts with version {}{by}", self.remote_version)
            }
            Turn::Conflict => {
                format!("{} hunks conflict with version {}{by}", self.conflicts, self.remote_version)
            }
            Turn::DeletedHere => {
                format!("deleted here, but changed there to version {}{by}", self.remote_version)
            }
            Turn::DeletedThere if self.status == Status::Behind.as_str() => format!(
                "deleted there{by} with many others, and kept here; delete them with agent sync pull \
                 --allow-deletions, or keep this one with --ours"
            ),
            Turn::DeletedThere => format!("changed here, but deleted there{by}"),
            Turn::Editor => "an editor has it open and shows the change there".to_owned(),
            Turn::Undone => format!(
                "taking version {}{by} was undone here; decide with agent sync resolve {} --merge (take it) or --ours (keep yours)",
                self.remote_version,
                self.key()
            ),
            Turn::TextMissing => "a text is missing from the cache; pull again".to_owned(),
            _ => String::new(),
        }
    }
}
