//! The one next step of an artifact, derived from its triple. Because it is derived and never
//! stored, it is the same after a crash. Doing the step is the engine's business; who may use the
//! network, and when, is the [`super::Machine`]'s.

use std::sync::Arc;

use crate::create::provisional::is_provisional;
use crate::id::{ArtifactPath, ContentHash, Text};
use crate::merge::Merge;
use crate::sync::deletions::{self, MASS_DELETION_THERE};
use crate::sync::reversions;
use crate::sync::rollback::SERVER_WENT_BACK;
use crate::sync::status::Status;
use crate::sync::{Entry, Parked};

/// What to do when both sides changed the same lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictStrategy {
    /// Leave it to a person.
    #[default]
    Manual,
    /// Keep the local version and push it over the remote's.
    LocalWins,
    /// Take the remote's version; the local one stays in the cache's history.
    RemoteWins,
}

/// Whose turn it is, apart from the triple itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances {
    /// An editor has the file open, so it may change only by an edit of that editor.
    pub open: bool,
    /// The remote's history has been searched for the base, without success.
    pub base_searched: bool,
    /// Closed files may be written without asking.
    pub may_write: bool,
    /// What to do about conflicts.
    pub strategy: ConflictStrategy,
}

/// Why an artifact waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waits {
    /// A newer revision is there to be taken.
    Behind,
    /// Both sides changed, at different places.
    Mergeable,
    /// Both sides changed the same lines.
    Conflict,
    /// Deleted here, changed there.
    DeletedHere,
    /// Deleted there, changed here.
    DeletedThere,
    /// The remote moved the file to another path.
    Moved,
    /// The remote refused the local content.
    Refused,
    /// A text the decision needs is missing from the cache.
    TextMissing,
    /// Its id is provisional: it needs one of the team's before it is pushed.
    Id,
}

/// What must happen next with an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// The base follows the remote; no text changes.
    Settle,
    /// Local content, deletion or path go to the remote.
    Push,
    /// The file takes the remote's content, or goes when the remote has none.
    Update,
    /// The file moves to the remote's path.
    Move(ArtifactPath),
    /// The file takes this merge of both sides, and the base follows the remote.
    Merge(Text),
    /// The remote's history is searched for the local content, to find the base again.
    FindBase,
    /// A person decides.
    Wait(Waits),
}

/// Looks up a content of the cache by its hash.
pub type Texts<'a> = &'a dyn Fn(ContentHash) -> Option<Arc<str>>;

/// Derives the next step.
pub fn next(entry: &Entry, given: Circumstances, texts: Texts<'_>) -> Next {
    match entry.status() {
        Status::Converged => Next::Settle,
        Status::InSync => moved(entry, given),
        // What was sent once had been searched for, by whichever process.
        Status::Ahead if is_parked(entry) => Next::Wait(Waits::Refused),
        Status::Ahead if is_unknown_deletion(entry) && !given.base_searched => Next::FindBase,
        Status::Ahead if needs_id(entry) => Next::Wait(Waits::Id),
        Status::Ahead => Next::Push,
        Status::Behind if deletions::is_held(entry) => Next::Wait(Waits::DeletedThere),
        Status::Behind if given.open || !given.may_write || entry.undone => Next::Wait(Waits::Behind),
        Status::Behind => Next::Update,
        // The answer to a change that was sent tells the true base; to merge before it comes could
        // show somebody a conflict with their own text.
        Status::Diverged if entry.pending.is_some() => Next::Push,
        // A merge would carry on what nobody may have meant.
        Status::Diverged if reversions::is_held(entry) => Next::Wait(Waits::Refused),
        Status::Diverged => diverged(entry, given, texts),
    }
}

/// The clean merge of a diverged artifact's sides, if its texts are there and merge cleanly.
pub fn clean_merge(entry: &Entry, texts: Texts<'_>) -> Option<Text> {
    let merge = merge_of(entry, texts)?;
    merge.text().map(Text::new)
}

/// Where the file belongs once local content is pushed: a move on one side wins over none, and the
/// remote's over both.
pub fn push_path(entry: &Entry) -> ArtifactPath {
    match &entry.remote {
        Some(remote) if remote.hash.is_some() && entry.base_path.as_ref() != Some(&remote.path) => {
            remote.path.clone()
        }
        _ => entry.path.clone(),
    }
}

/// A file that the remote deleted at a time this cache does not know of, as after the cache was
/// rebuilt: an old version of it must not come back as a new artifact.
fn is_unknown_deletion(entry: &Entry) -> bool {
    let deleted = entry.remote.as_ref().filter(|remote| remote.hash.is_none());
    entry.base.is_none() && deleted.is_some_and(|remote| entry.base_version < remote.version)
}

/// A new artifact under a provisional id, which nobody else may ever see.
fn needs_id(entry: &Entry) -> bool {
    entry.remote.is_none() && entry.pending.is_none() && is_provisional(entry.key.id.as_str())
}

fn is_parked(entry: &Entry) -> bool {
    let waits = |parked: &&Parked| ![MASS_DELETION_THERE, SERVER_WENT_BACK].contains(&&*parked.code);
    let refused = entry.parked.as_ref().filter(waits);
    refused.is_some_and(|parked| parked.hash == entry.local)
}

/// Where the remote moved the file, when nothing else is new: contents agree, and this path is not
/// agreed on.
pub fn remote_move(entry: &Entry) -> Option<&ArtifactPath> {
    let remote = entry.remote.as_ref().filter(|remote| remote.hash.is_some())?;
    let is_new = entry.path != remote.path && entry.base_path.as_ref() != Some(&remote.path);
    (is_new && entry.status() == Status::InSync).then_some(&remote.path)
}

fn moved(entry: &Entry, given: Circumstances) -> Next {
    let Some(remote) = entry.remote.as_ref().filter(|remote| remote.hash.is_some()) else {
        return Next::Nothing;
    };
    let base_is_remote = entry.base_path.as_ref() == Some(&remote.path);
    match (entry.path == remote.path, base_is_remote) {
        (true, true) => Next::Nothing,
        (true, false) => Next::Settle,
        (false, true) if is_parked(entry) => Next::Wait(Waits::Refused),
        (false, true) => Next::Push,
        (false, false) if given.open || !given.may_write => Next::Wait(Waits::Moved),
        (false, false) => Next::Move(remote.path.clone()),
    }
}

fn diverged(entry: &Entry, given: Circumstances, texts: Texts<'_>) -> Next {
    if entry.local.is_none() {
        return conflict(entry, given, Waits::DeletedHere);
    }
    if deletions::is_held(entry) {
        return Next::Wait(Waits::DeletedThere);
    }
    if entry.remote_hash().is_none() {
        return conflict(entry, given, Waits::DeletedThere);
    }
    if entry.base.is_none() && !given.base_searched {
        return Next::FindBase;
    }
    let Some(merge) = merge_of(entry, texts) else {
        return Next::Wait(Waits::TextMissing);
    };
    if merge.holds_all_remote() {
        return Next::Settle;
    }
    match merge.text() {
        Some(_) if given.open || !given.may_write || entry.undone => Next::Wait(Waits::Mergeable),
        Some(text) => Next::Merge(Text::new(text)),
        None => conflict(entry, given, Waits::Conflict),
    }
}

fn conflict(entry: &Entry, given: Circumstances, waits: Waits) -> Next {
    match given.strategy {
        // A strategy decides unasked.
        _ if entry.undone => Next::Wait(waits),
        ConflictStrategy::LocalWins => Next::Settle,
        ConflictStrategy::RemoteWins if !given.open && given.may_write => Next::Update,
        ConflictStrategy::RemoteWins | ConflictStrategy::Manual => Next::Wait(waits),
    }
}

fn merge_of(entry: &Entry, texts: Texts<'_>) -> Option<Merge> {
    let base = match entry.base {
        Some(hash) => texts(hash)?,
        None => Arc::from(""),
    };
    Some(Merge::of(&base, &texts(entry.local?)?, &texts(entry.remote_hash()?)?))
}

#[cfg(test)]
#[path = "next_tests.rs"]
mod tests;
