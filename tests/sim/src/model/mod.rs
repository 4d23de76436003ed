//! A model of the team's server of record: the whole contract of the functions in
//! `supabase/migrations`, as plain data and without a database. The simulation runs against it, and
//! the conformance tests show that PostgreSQL and PGlite answer the same. It is written from the
//! contract (docs/backend.md), not translated from the SQL, and prefers the plainest way to say a rule.
//!
//! Time, new ids and the acting person are arguments: the same calls give the same answers. Getting
//! a call there and its answer back is left to others.

mod call;
mod change;
mod json;
mod lifecycle;
mod port;
mod push;
mod read;
mod team;

use std::collections::{BTreeMap, HashMap};

use agent_core::id::{ArtifactKey, ArtifactPath, Seq, Text, Timestamp, Version};
use uuid::Uuid;

pub use call::Context;
pub use change::Submitted;
pub use lifecycle::Approval;
pub use push::{Answer, Detail, Outcome, Pushed, Reason};
pub use read::{Page, PageLimits, Versions, VersionsQuery};
pub use team::Role;

/// Why a call as a whole was refused; nothing happened then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The SQLSTATE, or `PTnnn` where the HTTP status is chosen.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// One revision of an artifact, as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which artifact.
    pub key: ArtifactKey,
    /// Counts the artifact's revisions from 1.
    pub version: Version,
    /// Its place in the team's order.
    pub seq: Seq,
    /// Where its author keeps the file.
    pub path: ArtifactPath,
    /// The title.
    pub title: Option<String>,
    /// The lifecycle state that its text says.
    pub state: Option<String>,
    /// The content; `None` for a deletion.
    pub content: Option<Text>,
    /// Who pushed it.
    pub author: Uuid,
    /// Under which change id.
    pub change_id: Uuid,
    /// When it was accepted.
    pub at: Timestamp,
}

impl Revision {
    /// The bytes of its content alone: what a page of a pull is measured by.
    fn content_bytes(&self) -> u64 {
        self.content.as_ref().map_or(0, |text| text.as_str().len() as u64)
    }

    /// The bytes of all its texts: what the newest rows in an answer are measured by.
    fn shown_bytes(&self) -> u64 {
        let of = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() as u64);
        self.content_bytes() + of(&self.title) + of(&self.state)
    }

    fn content_hash(&self) -> Option<String> {
        self.content.as_ref().map(|text| text.hash().to_string())
    }
}

/// The broadcast of one push on the team's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The first seq of the push.
    pub from: Seq,
    /// The last.
    pub to: Seq,
    /// Its first artifacts, at most ten, each once and as the push left it, with its author's name.
    pub changes: Vec<(Revision, Option<String>)>,
}

/// One team: who is in it, every revision it ever had, and what it told on its channel.
#[derive(Debug, Clone, Default)]
struct Team {
    name: String,
    members: BTreeMap<Uuid, Member>,
    /// By seq: the revision with seq n is at n - 1, because no seq is ever skipped.
    history: Vec<Revision>,
    /// Where in `history` the newest revision of each artifact is.
    newest: BTreeMap<ArtifactKey, usize>,
    /// Where in `history` each accepted change is.
    by_change: HashMap<Uuid, usize>,
    notices: Vec<Notice>,
    /// The definitions by kind that differ from the default ones, and how often they were changed.
    lifecycles: BTreeMap<String, serde_json::Value>,
    lifecycle_changes: u64,
    /// Oldest first.
    approvals: Vec<Approval>,
    /// The last number given by kind and prefix.
    given_ids: BTreeMap<(String, String), u64>,
}

#[derive(Debug, Clone)]
struct Member {
    role: Role,
    display_name: String,
}

impl Team {
    fn newest_seq(&self) -> u64 {
        self.history.len() as u64
    }

    fn current(&self, key: &ArtifactKey) -> Option<&Revision> {
        self.newest.get(key).map(|&at| &self.history[at])
    }

    fn is_current(&self, revision: &Revision) -> bool {
        self.current(&revision.key).is_some_and(|newest| newest.seq == revision.seq)
    }

    /// The name of a member; nobody else has one here.
    fn name_of(&self, user: Uuid) -> Option<String> {
        self.members.get(&user).map(|member| member.display_name.clone())
    }
}

/// The server: its accounts and its teams.
#[derive(Debug, Clone, Default)]
pub struct ModelRemote {
    /// Everybody's address, by user id.
    accounts: BTreeMap<Uuid, String>,
    teams: BTreeMap<Uuid, Team>,
    invitations: BTreeMap<Uuid, team::Invitation>,
}

impl ModelRemote {
    /// The accepted changes of a team, in seq order; none for a team that does not exist.
    pub fn history(&self, team: Uuid) -> &[Revision] {
        self.teams.get(&team).map_or(&[], |team| &team.history)
    }

    /// The newest revision of every artifact of a team, tombstones included.
    pub fn newest(&self, team: Uuid) -> impl Iterator<Item = &Revision> {
        let team = self.teams.get(&team);
        team.into_iter().flat_map(|team| team.newest.values().map(|&at| &team.history[at]))
    }

    /// The newest revision of an artifact, which may be a tombstone.
    pub fn current(&self, team: Uuid, key: &ArtifactKey) -> Option<&Revision> {
        self.teams.get(&team)?.current(key)
    }

    /// The team's change counter.
    pub fn newest_seq(&self, team: Uuid) -> Seq {
        Seq(self.teams.get(&team).map_or(0, Team::newest_seq))
    }

    /// All that was broadcast on the team's channel, oldest first.
    pub fn notices(&self, team: Uuid) -> &[Notice] {
        self.teams.get(&team).map_or(&[], |team| &team.notices)
    }
}
