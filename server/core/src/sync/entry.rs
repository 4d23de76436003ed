//! What is remembered of one artifact between two events. Data only; [`super::next`] decides.

use crate::id::{ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, Rev, Seq, Timestamp, Version};
use crate::sync::status::{Status, status};

/// One artifact as the cache knows it: the triple of base, local and remote, and what is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which artifact.
    pub key: ArtifactKey,
    /// Where the local file is, or belongs once written.
    pub path: ArtifactPath,
    /// The last agreed content; `None` when there was none, or the agreement was "deleted".
    pub base: Option<ContentHash>,
    /// The revision the base was taken from; 0 when never agreed on anything. After resolving
    /// hunks the base may be a mixture that is no revision; this is then the newest it knows.
    pub base_version: Version,
    /// Where the file was when both sides last agreed.
    pub base_path: Option<ArtifactPath>,
    /// The file's content on disk; `None` when there is no file.
    pub local: Option<ContentHash>,
    /// The newest revision known of the remote; `None` when it never had this artifact.
    pub remote: Option<RemoteSide>,
    /// Size and time of the file when it was last read, to skip reading it again. Never decides
    /// whether content changed.
    pub stat: Option<FileStat>,
    /// The title, from local content, or from the remote's when there is no file.
    pub title: Option<String>,
    /// The lifecycle state, from the same side as the title.
    pub state: Option<String>,
    /// Why the remote refused the local content, until it changes.
    pub parked: Option<Parked>,
    /// The change sent, or about to be sent, whose answer is not known yet.
    pub pending: Option<PendingChange>,
    /// Since when local content waits to be pushed.
    pub waiting_since: Option<Timestamp>,
    /// Somebody took back what the program did with the remote's newest changes. While they are not
    /// in the local text, nothing is done with them again unasked: a person decides.
    pub undone: bool,
    /// An editor holds a text that was made out of this base ([`super::older`]): so is what it saves,
    /// whoever finds the file first.
    pub older_base: Option<ContentHash>,
    /// The cache revision this was read at; a commit on top of an older one is stale.
    pub rev: Rev,
}

impl Entry {
    /// Whether what is here was made out of what is under way, so that its arrival becomes the base. It was
    /// sent as a change of the remote's content, and only an older text that an editor held and saved since
    /// has another base. What was undone is an edit of it all the same.
    pub(super) fn builds_on_pending(&self) -> bool {
        self.undone || self.base == self.remote_hash()
    }

    /// An artifact of which nothing is known yet, whose file belongs at `path`.
    pub fn new(key: ArtifactKey, path: ArtifactPath) -> Self {
        Self {
            key,
            path,
            base: None,
            base_version: Version(0),
            base_path: None,
            local: None,
            remote: None,
            stat: None,
            title: None,
            state: None,
            parked: None,
            pending: None,
            waiting_since: None,
            undone: false,
            older_base: None,
            rev: Rev(0),
        }
    }

    /// The remote's content; `None` when it has none or a tombstone.
    pub fn remote_hash(&self) -> Option<ContentHash> {
        self.remote.as_ref().and_then(|remote| remote.hash)
    }

    /// The remote's newest version; 0 when it never had the artifact.
    pub fn remote_version(&self) -> Version {
        self.remote.as_ref().map_or(Version(0), |remote| remote.version)
    }

    /// How the three contents relate.
    pub fn status(&self) -> Status {
        status(self.base, self.local, self.remote_hash())
    }

    /// Whether all sides agree on everything and nothing is under way or held back, so that nothing follows
    /// from it, whatever the circumstances. What is not at rest may still come out as nothing to be done.
    pub fn is_at_rest(&self) -> bool {
        let agrees = |remote: &RemoteSide| remote.hash.is_some() && remote.path == self.path;
        self.status() == Status::InSync
            && self.remote.as_ref().is_some_and(agrees)
            && self.base_path.as_ref() == Some(&self.path)
            && self.pending.is_none()
            && self.parked.is_none()
            && self.waiting_since.is_none()
            && self.older_base.is_none()
            && !self.undone
    }

    /// Whether nothing is left of the artifact on any side, so that it need not be shown.
    pub fn is_absent(&self) -> bool {
        self.base.is_none() && self.local.is_none() && self.remote_hash().is_none() && self.pending.is_none()
    }
}

/// The newest revision known of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSide {
    /// The content; `None` for a tombstone.
    pub hash: Option<ContentHash>,
    /// The revision's number.
    pub version: Version,
    /// Its place in the team's order of changes.
    pub seq: Seq,
    /// Where its author keeps the file.
    pub path: ArtifactPath,
    /// Who made it.
    pub author: Author,
    /// When the remote accepted it, by the remote's clock.
    pub at: Timestamp,
}

/// A file's size in bytes and modification time in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since the Unix epoch.
    pub mtime: i64,
}

/// A change the remote refused for good. It stays parked, shown with its reason, until the local
/// content is no longer `hash` or a push asks for it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The remote's code: `forbidden`, `too_large`, …
    pub code: String,
    /// The remote's reason, for people.
    pub message: String,
    /// The content that was refused; `None` when it was a deletion.
    pub hash: Option<ContentHash>,
}

/// A change in the outbox: what was, or is about to be, sent under one change id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// The id that makes sending it twice harmless.
    pub change_id: ChangeId,
    /// The content pushed; `None` for a deletion.
    pub hash: Option<ContentHash>,
    /// The version it was made out of; 0 for a creation.
    pub base_version: Version,
    /// Where the file is.
    pub path: ArtifactPath,
    /// When it was put into the outbox.
    pub queued_at: Timestamp,
}
