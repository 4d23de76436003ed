//! What the cache remembers of the past: operations with their numbers, and what became of changes.

use std::collections::BTreeSet;

use crate::id::{
    ArtifactKey, ArtifactPath, ChangeId, ContentHash, OperationId, Rev, Seq, Timestamp, Version,
};
use crate::ports::{Operation, StoreError};

/// The numbers of an artifact's base and remote at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// The revision the base was taken from.
    pub base: Version,
    /// The newest revision known of the remote.
    pub remote: Version,
}

/// An operation as the cache keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number: higher is later, whatever the clocks said.
    pub id: OperationId,
    /// The commit that wrote it, which may have written more than one of an artifact; `None` in
    /// records of programs that did not keep it.
    pub rev: Option<Rev>,
    /// The operation.
    pub operation: Operation,
}

/// Which operations to read, newest first.
#[derive(Debug, Clone, Default)]
pub struct OperationQuery {
    /// Only of this artifact.
    pub key: Option<ArtifactKey>,
    /// Only these and later ones.
    pub from: Option<OperationId>,
    /// At most so many; `None`: all.
    pub limit: Option<usize>,
}

/// A change that was put into the outbox once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChange {
    /// Its id.
    pub change_id: ChangeId,
    /// Of which artifact.
    pub key: ArtifactKey,
    /// The content; `None` for a deletion.
    pub hash: Option<ContentHash>,
    /// When it was put into the outbox.
    pub queued_at: Timestamp,
    /// Whether it waits for its answer.
    pub is_open: bool,
    /// What it became on the remote, if it was accepted.
    pub applied: Option<(Version, Seq)>,
}

/// Where a file was moved from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// From where.
    pub from: ArtifactPath,
    /// To where.
    pub to: ArtifactPath,
}

/// How much history there is to choose from when some of it is to go.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// Every operation, oldest first.
    pub operations: Vec<Recorded>,
    /// Every change.
    pub changes: Vec<RecordedChange>,
    /// Contents that an artifact's row names: base, local, remote, refused.
    pub in_use: BTreeSet<ContentHash>,
    /// Every content's size in bytes.
    pub sizes: Vec<(ContentHash, u64)>,
}

/// The past, as the cache keeps it.
pub trait History {
    /// Operations, newest first.
    fn recorded(&self, query: &OperationQuery) -> Result<Vec<Recorded>, StoreError>;

    /// One operation.
    fn operation(&self, id: OperationId) -> Result<Option<Recorded>, StoreError>;

    /// The changes of an artifact, newest first; of all artifacts without one.
    fn changes(&self, key: Option<&ArtifactKey>) -> Result<Vec<RecordedChange>, StoreError>;
}
