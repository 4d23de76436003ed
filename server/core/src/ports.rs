//! What the decisions need from the world, as traits: the cache ([`Store`]), the working files
//! ([`Files`]) and the team's server ([`Remote`]). The engine calls them; the simulation supplies
//! its own. Errors say what a caller can do about them, not which library failed.

mod erasure;
mod history;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

pub use erasure::Erasure;
pub use history::{History, Holdings, OperationQuery, Paths, Recorded, RecordedChange, Versions};

use crate::id::{
    ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, OperationId, Rev, Seq, Text, Timestamp, Version,
};
use crate::sync::{Entry, FileStat, PendingChange};

/// One durable step. All writes of a [`Store::commit`] happen, or none does.
#[derive(Debug, Clone)]
pub enum Write {
    /// Keeps a content, by its hash. Contents are never deleted by a commit.
    Blob(Text),
    /// Inserts or replaces the artifact's row. Stale unless the row's revision is `entry.rev`
    /// (0: there is no row yet). `entry.pending` is not part of the row: it is derived from
    /// [`Write::Queue`] and [`Write::Close`].
    Entry(Box<Entry>),
    /// Puts a change into the outbox; at most one is open per artifact.
    Queue(ArtifactKey, PendingChange),
    /// Takes a change out of the outbox and keeps it as history with what became of it.
    Close(ChangeId, ChangeOutcome),
    /// Moves the pull cursor forward. A smaller one than stored is ignored.
    Cursor(Seq),
    /// Sets the pull cursor back to the beginning: the remote has forgotten what it pointed to.
    Rewind,
    /// Adds one line to the artifact's history.
    Operation(Box<Operation>),
    /// Puts a pseudonym into every line of history that has the person whom the remote erased.
    Erase(Erasure),
}

/// What became of a change in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The remote has it as this version and seq.
    Applied(Version, Seq),
    /// The remote had moved on to this version.
    Conflict(Version),
    /// The remote refused it for good, with this code.
    Rejected(String),
}

/// Why an artifact's triple moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The file was saved, changed or created.
    Saved,
    /// The file was deleted.
    Deleted,
    /// The file was moved, its id unchanged.
    Moved,
    /// A newer revision arrived.
    Received,
    /// The remote accepted a local change.
    Pushed,
    /// The remote's revision was written to the file.
    Updated,
    /// Both sides were merged without a conflict and written to the file.
    Merged,
    /// Both sides turned out equal, or local to hold all of the remote's changes.
    Settled,
    /// Somebody chose a side, of a hunk or of the whole artifact.
    Resolved,
    /// The base was found again in the remote's history.
    Rebased,
    /// The remote refused a change.
    Refused,
    /// Somebody brought an earlier content back.
    Restored,
    /// Somebody took an operation back.
    Undone,
}

impl Cause {
    /// The word kept in the cache and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Deleted => "deleted",
            Self::Moved => "moved",
            Self::Received => "received",
            Self::Pushed => "pushed",
            Self::Updated => "updated",
            Self::Merged => "merged",
            Self::Settled => "settled",
            Self::Resolved => "resolved",
            Self::Rebased => "rebased",
            Self::Refused => "refused",
            Self::Restored => "restored",
            Self::Undone => "undone",
        }
    }

    /// Whether a person did it; the program did the others by itself.
    pub fn is_by_hand(self) -> bool {
        match self {
            Self::Saved | Self::Deleted | Self::Moved | Self::Resolved | Self::Restored | Self::Undone => {
                true
            }
            Self::Received
            | Self::Pushed
            | Self::Updated
            | Self::Merged
            | Self::Settled
            | Self::Rebased
            | Self::Refused => false,
        }
    }
}

/// The three contents of an artifact at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Triple {
    /// The last agreed content.
    pub base: Option<ContentHash>,
    /// The file's content.
    pub local: Option<ContentHash>,
    /// The remote's content.
    pub remote: Option<ContentHash>,
}

/// One line of an artifact's history: why its triple moved, from what to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// Which artifact.
    pub key: ArtifactKey,
    /// Why.
    pub cause: Cause,
    /// The contents before.
    pub before: Triple,
    /// The contents after.
    pub after: Triple,
    /// The remote's version after.
    pub remote_version: Version,
    /// Who caused it, where that is known; the local user otherwise.
    pub author: Option<Author>,
    /// The versions of base and remote before and after; `None` in records of programs that did not
    /// keep them.
    pub versions: Option<(Versions, Versions)>,
    /// Where the file went, if it was moved.
    pub paths: Option<Paths>,
    /// Which operation this one took back.
    pub undoes: Option<OperationId>,
}

/// All the cache holds about artifacts, as of one revision.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The artifacts, or those that changed, in no particular order.
    pub entries: Vec<Entry>,
    /// The pull cursor.
    pub cursor: Seq,
    /// The cache revision this is a picture of.
    pub rev: Rev,
}

/// Why the cache did not do what it was asked. Whatever the error, the transaction did not happen
/// and no text was touched.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process changed these artifacts first: read them again and decide anew.
    #[error("the cache changed underneath for {} artifact(s)", .0.len())]
    Stale(Vec<ArtifactKey>),
    /// The database belongs to a newer program.
    #[error(
        "{path}: written by a newer agent (schema {found}, this one knows {known}); update agent, or delete the file to rebuild it"
    )]
    TooNew {
        /// The database file.
        path: String,
        /// Its schema version.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The cache holds the revisions of another team.
    #[error(
        "{path}: belongs to another team: it holds what {other} has, and remote.team_id and remote.url say {team}; \
         set them back, or move this file away to start over with the new team (your files stay as they are)"
    )]
    OtherTeam {
        /// The database file.
        path: String,
        /// Which team's revisions it holds.
        other: String,
        /// Which team it was opened for.
        team: String,
    },
    /// No space is left, or the file cannot be written.
    #[error(
        "{path}: cannot be written: {detail}; your files are untouched, free space or fix the permissions and save again"
    )]
    Unwritable {
        /// The database file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// The file is not a sound database.
    #[error(
        "{path}: damaged: {detail}; your files are untouched, the cache is rebuilt from them and the remote"
    )]
    Corrupt {
        /// The database file.
        path: String,
        /// What SQLite said.
        detail: String,
    },
    /// Other processes held the database for longer than the busy timeout.
    #[error("{path}: kept busy by other processes: {detail}; try again")]
    Busy {
        /// The database file.
        path: String,
        /// What SQLite said.
        detail: String,
    },
    /// Anything else, which is a defect of the program or of the disk.
    #[error("{path}: {detail}")]
    Failed {
        /// The database file.
        path: String,
        /// What SQLite said.
        detail: String,
    },
}

/// One running process on the workspace, to tell whose open documents are whose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder(pub String);

/// The local cache. One transaction per call; calls block, so they run off the protocol's task.
pub trait Store: Send {
    /// Everything, at start.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// The artifacts that changed after `rev`, whoever changed them; `None` when nothing did, for
    /// the price of one page read.
    fn changed_since(&mut self, rev: Rev) -> Result<Option<Snapshot>, StoreError>;

    /// Does all writes in one durable transaction and returns the cache's new revision, which is
    /// also that of every written entry. [`StoreError::Stale`] when an entry was changed by another
    /// process since it was read; nothing is written then.
    fn commit(&mut self, writes: &[Write]) -> Result<Rev, StoreError>;

    /// A content by its hash; `None` when the cache never had it.
    fn text(&self, hash: ContentHash) -> Result<Option<Arc<str>>, StoreError>;

    /// Forgets every open document of the holder.
    fn release(&mut self, holder: &Holder) -> Result<(), StoreError>;

    /// Replaces the set of artifacts the holder has open in an editor, good until `until`.
    fn set_open(&mut self, holder: &Holder, keys: &[ArtifactKey], until: Timestamp)
    -> Result<(), StoreError>;

    /// The artifacts other holders have open at `now`.
    fn open_elsewhere(
        &mut self,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<BTreeSet<ArtifactKey>, StoreError>;

    /// Whether the remote once had this content of an artifact, and has replaced it since, as far as the
    /// history tells.
    fn was_replaced(&self, key: &ArtifactKey, content: ContentHash) -> Result<bool, StoreError> {
        let replaced = |operation: &Operation| {
            operation.before.remote == Some(content) && operation.after.remote != Some(content)
        };
        Ok(self.operations(Some(key), usize::MAX)?.iter().any(replaced))
    }

    /// The newest operations first: of one artifact, or of all; at most `limit`.
    fn operations(&self, key: Option<&ArtifactKey>, limit: usize) -> Result<Vec<Operation>, StoreError>;
}

/// What a file held when it was read.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// The exact content.
    pub text: Text,
    /// Its size and time, taken before the bytes were read.
    pub stat: FileStat,
}

/// Why a file is not taken. The file itself is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// The bytes are not UTF-8.
    #[error("not UTF-8 (the first bad byte is at offset {0}); convert it to UTF-8")]
    NotUtf8(usize),
    /// A NUL character, which the remote cannot hold.
    #[error("holds a NUL character at offset {0}, which the remote cannot keep; remove it")]
    Nul(usize),
    /// Too many bytes.
    #[error("too large: {size} bytes, the limit is {limit}; split it, or raise sync.max_file_size")]
    TooLarge {
        /// The file's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Several files claim one identity.
    #[error("has the same id as {0}; rename one of them")]
    SameId(ArtifactPath),
    /// The name is no id or path.
    #[error("{0}")]
    BadName(String),
    /// A link, folder or device where a file should be.
    #[error("is not a regular file")]
    NotAFile,
    /// The system refused.
    #[error("cannot be read or written: {0}")]
    Io(String),
}

/// What became of a guarded write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// Done; the file's new size and time (`None` when it was removed).
    Done(Option<FileStat>),
    /// The file no longer held the expected content; it was not touched.
    Changed,
}

/// The files below some folders.
#[derive(Debug, Default)]
pub struct Listing {
    /// Regular files, with size and time, in path order.
    pub files: Vec<(ArtifactPath, FileStat)>,
    /// What cannot be taken or listed, by its path as shown, and why.
    pub problems: Vec<(String, FileProblem)>,
}

/// The working files of one project. Paths are relative to its root.
pub trait Files: Send {
    /// Every file below these folders.
    fn list(&self, folders: &[&str]) -> Listing;

    /// A file's content; `None` when there is none.
    fn read(&self, path: &ArtifactPath) -> Result<Option<FoundFile>, FileProblem>;

    /// Atomically replaces, creates (`expect` is `None`) or removes (`text` is `None`) a file, but
    /// only while its content is the expected one.
    fn replace(
        &self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        text: Option<&str>,
    ) -> Result<Replaced, FileProblem>;

    /// Moves a file to a path where nothing is, but only while its content is the expected one.
    fn rename(
        &self,
        from: &ArtifactPath,
        to: &ArtifactPath,
        expect: ContentHash,
    ) -> Result<Replaced, FileProblem>;
}

/// One change on its way to the remote.
#[derive(Debug, Clone)]
pub struct PushChange {
    /// Makes sending it twice harmless.
    pub change_id: ChangeId,
    /// Which artifact.
    pub key: ArtifactKey,
    /// The version it was made out of; 0 creates.
    pub base_version: Version,
    /// Where the file is.
    pub path: ArtifactPath,
    /// The title in the content.
    pub title: Option<String>,
    /// The lifecycle state in the content.
    pub state: Option<String>,
    /// The content; `None` deletes.
    pub content: Option<Text>,
}

/// The remote's answer to one change.
#[derive(Debug, Clone)]
pub enum PushOutcome {
    /// It is this version now.
    Applied(Version, Seq),
    /// It had already been applied, as this version.
    Duplicate(Version, Seq),
    /// The artifact had moved on; this is its newest revision (`None`: the remote has none).
    Conflict(Option<Box<RemoteRow>>),
    /// Refused for good.
    Rejected {
        /// A stable word: `forbidden`, `too_large`, …
        code: String,
        /// For people.
        message: String,
    },
    /// Not decided in this call; send the same change again.
    Deferred,
}

/// The remote's answer to a push.
#[derive(Debug, Clone)]
pub struct PushReply {
    /// One outcome per change, by its change id.
    pub outcomes: Vec<(ChangeId, PushOutcome)>,
    /// The team's newest seq after the push.
    pub newest_seq: Seq,
}

/// An artifact's newest revision, as pulled.
#[derive(Debug, Clone)]
pub struct RemoteRow {
    /// Which artifact.
    pub key: ArtifactKey,
    /// The revision's number.
    pub version: Version,
    /// Its place in the team's order.
    pub seq: Seq,
    /// Where its author keeps the file.
    pub path: ArtifactPath,
    /// The title.
    pub title: Option<String>,
    /// The lifecycle state.
    pub state: Option<String>,
    /// The content; `None` for a tombstone.
    pub content: Option<Text>,
    /// Who made it.
    pub author: Author,
    /// Under which change id.
    pub change_id: Option<ChangeId>,
    /// When the remote accepted it.
    pub at: Timestamp,
}

/// One page of changed artifacts, in seq order.
#[derive(Debug, Clone)]
pub struct PullPage {
    /// The rows.
    pub rows: Vec<RemoteRow>,
    /// Rows the client could not read (a path that leaves the project, a content that does not
    /// match its hash): shown, skipped, never applied.
    pub unreadable: Vec<UnreadableRow>,
    /// Who was erased in the meantime. Rows of this page and of later ones have the pseudonym already.
    pub erasures: Vec<Erasure>,
    /// The cursor after this page.
    pub cursor: Seq,
    /// The team's newest seq.
    pub newest_seq: Seq,
    /// Whether another page follows.
    pub more: bool,
}

/// A row of the remote that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The artifact as the remote named it.
    pub name: String,
    /// Why not.
    pub problem: String,
}

/// One revision in the remote's history.
#[derive(Debug, Clone)]
pub struct RemoteVersion {
    /// The revision's number.
    pub version: Version,
    /// The content's hash; `None` for a tombstone.
    pub hash: Option<ContentHash>,
    /// The content, when it was asked for.
    pub content: Option<Text>,
    /// Who made it.
    pub author: Author,
    /// When.
    pub at: Timestamp,
    /// Under which change id it was made.
    pub change_id: Option<ChangeId>,
}

/// Which revisions of an artifact to list, newest first.
#[derive(Debug, Clone)]
pub struct VersionQuery {
    /// Which artifact.
    pub key: ArtifactKey,
    /// Only those with this content.
    pub hash: Option<ContentHash>,
    /// Only those older than this.
    pub before: Option<Version>,
    /// At most this many.
    pub limit: u32,
    /// Whether to send the contents too.
    pub with_content: bool,
}

/// Why the remote did not answer, by what can be done about it. Local text is never affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No connection, a time-out, or an answer that never came: retry later.
    #[error("the remote cannot be reached: {0}")]
    Unreachable(String),
    /// The remote is up but overloaded or starting: retry, not before the given milliseconds.
    #[error("the remote is busy: {detail}")]
    Busy {
        /// What it said.
        detail: String,
        /// How long it asked to be left alone, in milliseconds.
        retry_after: Option<u64>,
    },
    /// The batch was too large or too slow for the remote: send less at once.
    #[error("the remote could not take so much at once: {0}")]
    TooMuch(String),
    /// There is no valid session: sign in.
    #[error("not signed in: {0}; run: agent login")]
    SignedOut(String),
    /// Signed in, but not allowed: not a member of the team, or a role that may not.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// Wrong address, wrong key, or a project without the migrations: fix the configuration.
    #[error("{0}")]
    Misconfigured(String),
    /// The project's migrations and this program are of different ages: apply the migrations, or update the
    /// program.
    #[error("{0}")]
    Incompatible(String),
    /// The answer is not what the protocol says.
    #[error("the remote answered something unexpected: {0}")]
    Protocol(String),
}

impl RemoteError {
    /// The stable word and the detail that [`RemoteError::from_parts`] makes the error of again.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Unreachable(detail) => ("unreachable", detail),
            Self::Busy { detail, .. } => ("busy", detail),
            Self::TooMuch(detail) => ("too_much", detail),
            Self::SignedOut(detail) => ("signed_out", detail),
            Self::Forbidden(detail) => ("forbidden", detail),
            Self::Misconfigured(detail) => ("misconfigured", detail),
            Self::Incompatible(detail) => ("incompatible", detail),
            Self::Protocol(detail) => ("protocol", detail),
        }
    }

    /// The error that another process met. A word of a newer program reads as [`Self::Protocol`].
    pub fn from_parts(word: &str, detail: String) -> Self {
        match word {
            "unreachable" => Self::Unreachable(detail),
            "busy" => Self::Busy { detail, retry_after: None },
            "too_much" => Self::TooMuch(detail),
            "signed_out" => Self::SignedOut(detail),
            "forbidden" => Self::Forbidden(detail),
            "misconfigured" => Self::Misconfigured(detail),
            "incompatible" => Self::Incompatible(detail),
            _ => Self::Protocol(detail),
        }
    }

    /// Whether the same request may succeed later without anybody doing something.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. } | Self::TooMuch(_) | Self::Protocol(_))
    }
}

/// The team's server of record. Every call is safe to repeat.
pub trait Remote: Send + Sync {
    /// Sends a batch of changes, each decided on its own.
    fn push(&self, changes: Vec<PushChange>) -> impl Future<Output = Result<PushReply, RemoteError>> + Send;

    /// The next page of what changed after `after`.
    fn pull(&self, after: Seq) -> impl Future<Output = Result<PullPage, RemoteError>> + Send;

    /// An artifact's revisions.
    fn versions(
        &self,
        query: VersionQuery,
    ) -> impl Future<Output = Result<Vec<RemoteVersion>, RemoteError>> + Send;
}

/// What the live connection tells. Hints only: the cursor decides what is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveEvent {
    /// Joined and ready: everything after this moment is announced; pull what came before.
    Ready,
    /// The team's newest seq is at least this.
    Moved {
        /// The first new seq.
        from: Seq,
        /// The last new seq.
        to: Seq,
    },
    /// The connection is gone and being made again; for people.
    Lost(String),
    /// The remote will not have us on this channel: for people; not retried until the session or
    /// configuration changes.
    Refused(String),
}
