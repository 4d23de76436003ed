//! A model of the remote: the contract of `push_artifacts`, `pull_artifacts` and
//! `artifact_versions`, without a database.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::id::{ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, Seq, Timestamp, Version};
use agent_core::ports::{PullPage, PushChange, PushOutcome, PushReply, RemoteRow};

/// One accepted change.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) key: ArtifactKey,
    pub(crate) version: Version,
    pub(crate) seq: Seq,
    pub(crate) change_id: ChangeId,
    pub(crate) path: ArtifactPath,
    pub(crate) content: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct ModelRemote {
    pub(crate) rows: BTreeMap<ArtifactKey, RemoteRow>,
    pub(crate) history: Vec<Accepted>,
    /// Who may not push now.
    pub(crate) forbidden: BTreeSet<String>,
    /// At most this many changes in one push; 0: any number.
    pub(crate) most_changes: usize,
}

/// Rows of one page; few, so that several pages are common.
const PAGE: usize = 2;

impl ModelRemote {
    pub(crate) fn newest_seq(&self) -> Seq {
        self.history.last().map_or(Seq(0), |change| change.seq)
    }

    pub(crate) fn push(&mut self, who: &str, changes: &[PushChange]) -> PushReply {
        let outcomes = changes.iter().map(|change| (change.change_id, self.push_one(who, change))).collect();
        PushReply { outcomes, newest_seq: self.newest_seq() }
    }

    fn push_one(&mut self, who: &str, change: &PushChange) -> PushOutcome {
        if let Some(known) = self.history.iter().find(|known| known.change_id == change.change_id) {
            assert_eq!(known.key, change.key, "one change id for two artifacts");
            return PushOutcome::Duplicate(known.version, known.seq);
        }
        if self.forbidden.contains(who) {
            let (code, message) = ("forbidden".to_owned(), "viewers cannot change artifacts".to_owned());
            return PushOutcome::Rejected { code, message };
        }
        let current = self.rows.get(&change.key);
        let version = current.map_or(Version(0), |row| row.version);
        if version != change.base_version {
            return PushOutcome::Conflict(current.cloned().map(Box::new));
        }
        let (version, seq) = (Version(version.0 + 1), Seq(self.newest_seq().0 + 1));
        self.history.push(Accepted {
            key: change.key.clone(),
            version,
            seq,
            change_id: change.change_id,
            path: change.path.clone(),
            content: change.content.as_ref().map(|text| text.as_str().to_owned()),
        });
        let row = RemoteRow {
            key: change.key.clone(),
            version,
            seq,
            path: change.path.clone(),
            title: change.title.clone(),
            state: change.state.clone(),
            content: change.content.clone(),
            author: Author { id: who.to_owned(), name: who.to_owned() },
            change_id: Some(change.change_id),
            at: Timestamp(0),
        };
        self.rows.insert(change.key.clone(), row);
        PushOutcome::Applied(version, seq)
    }

    pub(crate) fn pull(&self, after: Seq) -> PullPage {
        let mut rows: Vec<_> = self.rows.values().filter(|row| row.seq > after).cloned().collect();
        rows.sort_by_key(|row| row.seq);
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let newest_seq = self.newest_seq();
        let cursor = rows.last().map_or(after, |row| row.seq);
        PullPage { rows, unreadable: Vec::new(), cursor, newest_seq, more }
    }

    /// The newest version with this content.
    pub(crate) fn version_with(&self, key: &ArtifactKey, hash: ContentHash) -> Option<Version> {
        let is = |change: &&Accepted| {
            let content = change.content.as_ref();
            change.key == *key && content.is_some_and(|text| ContentHash::of(text.as_bytes()) == hash)
        };
        self.history.iter().rev().find(is).map(|change| change.version)
    }
}
