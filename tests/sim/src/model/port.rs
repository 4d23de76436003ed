//! The answers as the client's port has them, for engines that run against the model directly.

use agent_core::id::{Author, ChangeId, Seq};
use agent_core::ports::{PullPage, PushOutcome, PushReply, RemoteRow, RemoteVersion};

use super::{Outcome, Page, Pushed, Revision, Versions};

fn author(revision: &Revision, name: Option<&String>) -> Author {
    let id = revision.author.to_string();
    Author { name: name.cloned().unwrap_or_else(|| id.clone()), id }
}

fn row((revision, name): (Revision, Option<String>)) -> RemoteRow {
    RemoteRow {
        author: author(&revision, name.as_ref()),
        key: revision.key,
        version: revision.version,
        seq: revision.seq,
        path: revision.path,
        title: revision.title,
        state: revision.state,
        content: revision.content,
        change_id: Some(ChangeId(revision.change_id)),
        at: revision.at,
    }
}

impl From<Pushed> for PushReply {
    /// Changes without a readable id have no outcome; no client sends any.
    fn from(pushed: Pushed) -> Self {
        let answers = pushed.answers.into_iter().filter_map(|answer| {
            let id = answer.change_id.as_deref().and_then(|id| uuid::Uuid::try_parse(id).ok())?;
            Some((ChangeId(id), answer.outcome.into()))
        });
        Self { outcomes: answers.collect(), newest_seq: pushed.newest_seq }
    }
}

impl From<Outcome> for PushOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applied(version, seq) => Self::Applied(version, seq),
            Outcome::Duplicate(version, seq) => Self::Duplicate(version, seq),
            Outcome::Conflict(current) => Self::Conflict(current.map(|current| Box::new(row(*current)))),
            Outcome::Deferred => Self::Deferred,
            Outcome::Rejected(reason) => {
                Self::Rejected { code: reason.code.to_owned(), message: reason.message.into_owned() }
            }
        }
    }
}

impl Page {
    /// The page as the answer to a pull of what came after `after`.
    pub fn into_port(self, after: Seq) -> PullPage {
        let last = self.rows.last().map_or(after, |(revision, _)| revision.seq);
        let cursor = if self.more { last } else { last.max(self.newest_seq) };
        PullPage {
            rows: self.rows.into_iter().map(row).collect(),
            unreadable: Vec::new(),
            erasures: self.erasures.into_iter().map(|erased| erased.erasure).collect(),
            cursor,
            newest_seq: self.newest_seq,
            more: self.more,
        }
    }
}

impl Versions {
    /// The revisions as the answer to a query.
    pub fn into_port(self) -> Vec<RemoteVersion> {
        let with_content = self.with_content;
        let version = |(revision, name): (Revision, Option<String>)| RemoteVersion {
            author: author(&revision, name.as_ref()),
            version: revision.version,
            hash: revision.content.as_ref().map(agent_core::id::Text::hash),
            content: revision.content.filter(|_| with_content),
            at: revision.at,
            change_id: Some(agent_core::id::ChangeId(revision.change_id)),
        };
        self.versions.into_iter().map(version).collect()
    }
}
