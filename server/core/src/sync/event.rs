//! What the machine is told, and what it answers. Data only.

use std::collections::BTreeSet;

use crate::id::{ArtifactKey, ArtifactPath, ContentHash, OperationId, Seq, Text, Timestamp, Version};
use crate::ports::{Cause, LiveEvent, PullPage, PushReply, RemoteError, Snapshot, Write};
use crate::sync::link::Link;
use crate::sync::machine::Todo;
use crate::sync::{Entry, FileStat, PendingChange};

/// A local file as it was found: read, or seen to be gone.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which artifact the file is.
    pub key: ArtifactKey,
    /// Where it is, or was.
    pub path: ArtifactPath,
    /// Its content; `None` when there is no file any more.
    pub text: Option<Text>,
    /// Its size and time; `None` with the file gone.
    pub stat: Option<FileStat>,
    /// The title in the content.
    pub title: Option<String>,
    /// The lifecycle state in the content.
    pub state: Option<String>,
    /// A resolution made in the editor's buffer that this save makes durable.
    pub resolved: Option<ResolvedBase>,
}

/// A base moved by resolving hunks in a buffer, to take effect when that buffer is saved.
#[derive(Debug, Clone)]
pub struct ResolvedBase {
    /// The base it was computed from; if the artifact's base is another by now, it is dropped and
    /// the hunks show again.
    pub from: Option<ContentHash>,
    /// The base it becomes; `None` agrees with a deletion.
    pub to: Option<Text>,
    /// The operation that this takes back: the base goes back to an earlier one.
    pub undoes: Option<OperationId>,
}

/// An earlier content that somebody brought back. It is recorded first and written to the file then: a
/// process that stops in between finds the file as a later edit, and no base lies.
#[derive(Debug, Clone)]
pub struct BroughtBack {
    /// The file as it shall be.
    pub file: Found,
    /// What the file held when this was decided; with anything else, nothing is done.
    pub seen: Option<ContentHash>,
    /// The base that it goes with, if that goes back too, and its version.
    pub base: Option<(ResolvedBase, Version)>,
    /// [`Cause::Restored`] or [`Cause::Undone`].
    pub cause: Cause,
    /// Which operation this takes back.
    pub undoes: Option<OperationId>,
}

/// What became of a file effect.
#[derive(Debug, Clone)]
pub struct FileDone {
    /// The effect.
    pub effect: FileEffect,
    /// The file's new size and time; `None` when it was removed.
    pub stat: Option<FileStat>,
    /// Title and state of the content written.
    pub outline: (Option<String>, Option<String>),
}

/// A change of a working file, guarded by what it must still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEffect {
    /// The file takes a content (`None`: it goes).
    Replace {
        /// Which artifact.
        key: ArtifactKey,
        /// Where.
        path: ArtifactPath,
        /// What it must still hold; `None`: no file may be there.
        expect: Option<ContentHash>,
        /// What it shall hold.
        content: Option<ContentHash>,
        /// Whether the content is a merge that holds all of the remote's changes.
        merged: bool,
    },
    /// The file moves.
    Move {
        /// Which artifact.
        key: ArtifactKey,
        /// From where.
        from: ArtifactPath,
        /// To where.
        to: ArtifactPath,
        /// What it must still hold.
        expect: ContentHash,
    },
}

impl FileEffect {
    /// The artifact it belongs to.
    pub fn key(&self) -> &ArtifactKey {
        match self {
            Self::Replace { key, .. } | Self::Move { key, .. } => key,
        }
    }
}

/// Everything that can happen to the team's copy.
#[derive(Debug, Clone)]
pub enum Event {
    /// Files were read, or seen to be gone.
    Found(Vec<Found>),
    /// All files were compared with what is known, and these are not as it.
    Looked(Vec<Found>),
    /// File effects are done.
    FilesDone(Vec<FileDone>),
    /// A file effect did not happen, because the file held something else or could not be written.
    FileFailed(ArtifactKey),
    /// An editor of this process opened the artifact.
    Opened(ArtifactKey),
    /// An editor of this process holds a text that was made out of this older base; `None`: what it
    /// saves, it says the base of.
    OpenedOlder(ArtifactKey, Option<ContentHash>),
    /// No editor of this process has it open any more.
    Closed(ArtifactKey),
    /// Other processes have these open.
    OpenElsewhere(Vec<ArtifactKey>),
    /// Somebody chose sides on disk: the base becomes this (`None`: absent).
    Resolved {
        /// Which artifact.
        key: ArtifactKey,
        /// The base it becomes, and which it was computed from.
        base: ResolvedBase,
    },
    /// Somebody chose to keep the file where it is, although the remote moved it.
    PathKept(ArtifactKey),
    /// Somebody brought an earlier content back; the file is about to be written.
    BroughtBack(Box<BroughtBack>),
    /// Other processes committed to the cache.
    Reloaded(Snapshot),
    /// This process may use the network (it holds the lease, or is a command).
    Leads(bool),
    /// Pull now, even if the remote just failed to answer: somebody asks for it.
    PullWanted,
    /// Pull when the remote may be asked again: it is time to.
    PullScheduled,
    /// Push now, also what was refused before. What vanished until now goes at once, if it is not much of all
    /// that turns out to have vanished.
    PushWanted {
        /// Whether refused changes are tried again.
        retry_refused: bool,
    },
    /// Many artifacts that vanished at once are indeed to be deleted for everybody.
    DeletionsAllowed,
    /// Many artifacts that went back to earlier contents at once are indeed to be pushed.
    ReversionsAllowed,
    /// Many artifacts that the team deleted at once are indeed to go here.
    IncomingDeletionsAllowed,
    /// The team's server went back to an earlier state, and that counts: the files follow.
    RollbackAllowed,
    /// The live connection said something.
    Live(LiveEvent),
    /// A page arrived.
    Pulled(Box<PullPage>),
    /// A pull failed.
    PullFailed(RemoteError),
    /// A push was answered.
    Pushed(Box<PushReply>),
    /// A push was not answered.
    PushFailed(RemoteError),
    /// The remote did not answer the search for a base.
    SearchFailed(ArtifactKey, RemoteError),
    /// The search for a base ended; `None`: the history does not hold the local content.
    BaseFound {
        /// Which artifact.
        key: ArtifactKey,
        /// The content looked for and the version that had it.
        base: Option<(ContentHash, Version)>,
    },
    /// Time passed.
    Tick,
}

/// A request to the remote. At most one push or pull is under way at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Send these changes; each was put into the outbox before.
    Push(Vec<(ArtifactKey, PendingChange)>),
    /// Fetch the next page.
    Pull(Seq),
    /// Look for the version that had this content.
    FindBase(ArtifactKey, ContentHash),
}

/// What one event leads to. The writes are committed first, then the step is applied, then the
/// effects are run.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Goes into the cache, in one transaction.
    pub writes: Vec<Write>,
    /// Changes of working files.
    pub files: Vec<FileEffect>,
    /// Requests to the remote.
    pub requests: Vec<Request>,
    /// When to send [`Event::Tick`], if nothing happens before.
    pub wake_at: Option<Timestamp>,
    /// Whether all files are to be compared with what is known, for [`Event::Looked`].
    pub looks: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) written: BTreeSet<ArtifactKey>,
    pub(super) link: Link,
    pub(super) memory: Vec<Memory>,
}

impl Event {
    /// The files it brings.
    pub fn files(&self) -> &[Found] {
        match self {
            Event::Found(files) | Event::Looked(files) => files,
            _ => &[],
        }
    }
}

impl Step {
    /// The artifacts this step changes.
    pub fn touched(&self) -> impl Iterator<Item = &ArtifactKey> {
        self.entries.iter().map(|entry| &entry.key)
    }
}

/// What the machine remembers without writing it down, because it can be learnt again.
#[derive(Debug, Clone)]
pub(super) enum Memory {
    Open(ArtifactKey, bool),
    OpenElsewhere(Vec<ArtifactKey>),
    Searching(ArtifactKey, bool),
    BaseSearched(ArtifactKey, bool),
    /// The remote's history was searched for this local content of a conflict, in vain.
    Doubted(ArtifactKey, ContentHash),
    FileBlocked(ArtifactKey, bool),
    Todo(ArtifactKey, Option<Todo>),
    Leads(bool),
    Cursor(Seq),
    Rewind,
    Rev(crate::id::Rev),
    Unreadable(Vec<crate::ports::UnreadableRow>),
}
