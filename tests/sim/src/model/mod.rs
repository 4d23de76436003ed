//! A model of the team's server of record: the whole contract of the functions in
//! `supabase/migrations`, as plain data and without a database. The simulation runs against it, and
//! the conformance tests show that PostgreSQL and PGlite answer the same. It is written from the
//! contract (docs/backend.md), not translated from the SQL, and prefers the plainest way to say a rule.
//!
//! Time, new ids and the acting person are arguments: the same calls give the same answers. Getting
//! a call there and its answer back is left to others.

mod audit;
mod call;
mod change;
mod erase;
mod json;
mod lifecycle;
mod port;
mod push;
mod read;
mod team;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use agent_core::id::{ArtifactKey, ArtifactPath, Seq, Text, Timestamp, Version};
use uuid::Uuid;

pub use call::Context;
pub use change::Submitted;
pub use erase::Erased;
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
    /// The hash of the text that was removed with its author.
    pub erased: Option<String>,
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

    /// What a change that is sent again is compared with: that of a removed text stays.
    fn content_hash(&self) -> Option<String> {
        self.shown_hash().or_else(|| self.erased.clone())
    }

    /// What anybody is told.
    fn shown_hash(&self) -> Option<String> {
        self.content.as_ref().map(|text| text.hash().to_string())
    }
}

/// The broadcast of one push on the team's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How often the channel had moved before.
    pub epoch: u64,
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
    /// The change counter.
    newest_seq: u64,
    /// Every revision, in the order of their seqs; erasing somebody gives seqs that no revision has.
    history: Vec<Revision>,
    /// The newest revision of each artifact, with the last seq it was given.
    newest: BTreeMap<ArtifactKey, Revision>,
    /// Where in `history` each accepted change is.
    by_change: HashMap<Uuid, usize>,
    notices: Vec<Notice>,
    /// Who takes the place of people who were erased.
    pseudonyms: BTreeSet<Uuid>,
    /// In the order of their seqs.
    erasures: Vec<Erased>,
    /// The audit log, oldest first.
    audit: Vec<audit::Entry>,
    /// How often the channel moved, which it does whenever somebody stops being a member.
    epoch: u64,
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
    fn next_seq(&mut self) -> Seq {
        self.newest_seq += 1;
        Seq(self.newest_seq)
    }

    /// A new revision, which becomes the newest of its artifact.
    fn add(&mut self, revision: Revision) {
        self.by_change.insert(revision.change_id, self.history.len());
        self.newest.insert(revision.key.clone(), revision.clone());
        self.history.push(revision);
    }

    fn current(&self, key: &ArtifactKey) -> Option<&Revision> {
        self.newest.get(key)
    }

    fn member_name(&self, user: Uuid) -> Option<String> {
        self.members.get(&user).map(|member| member.display_name.clone())
    }

    /// The name of a member, or of who takes an erased one's place; nobody else has one here.
    fn name_of(&self, user: Uuid) -> Option<String> {
        let erased = || self.pseudonyms.contains(&user).then(|| erase::name_of(user));
        self.member_name(user).or_else(erased)
    }
}

/// The server: its accounts and its teams.
#[derive(Debug, Clone, Default)]
pub struct ModelRemote {
    /// Everybody's address, by user id.
    accounts: BTreeMap<Uuid, String>,
    teams: BTreeMap<Uuid, Team>,
    invitations: BTreeMap<Uuid, team::Invitation>,
    /// How many entries all audit logs have.
    entries: u64,
}

impl ModelRemote {
    /// The accepted changes of a team, in seq order; none for a team that does not exist.
    pub fn history(&self, team: Uuid) -> &[Revision] {
        self.teams.get(&team).map_or(&[], |team| &team.history)
    }

    /// The newest revision of every artifact of a team, tombstones included.
    pub fn newest(&self, team: Uuid) -> impl Iterator<Item = &Revision> {
        self.teams.get(&team).into_iter().flat_map(|team| team.newest.values())
    }

    /// The newest revision of an artifact, which may be a tombstone.
    pub fn current(&self, team: Uuid, key: &ArtifactKey) -> Option<&Revision> {
        self.teams.get(&team)?.current(key)
    }

    /// The team's change counter.
    pub fn newest_seq(&self, team: Uuid) -> Seq {
        Seq(self.teams.get(&team).map_or(0, |team| team.newest_seq))
    }

    /// How often the team's channel moved.
    pub fn channel_moves(&self, team: Uuid) -> u64 {
        self.teams.get(&team).map_or(0, |team| team.epoch)
    }

    /// All changes that were broadcast on the team's channel, oldest first.
    pub fn notices(&self, team: Uuid) -> &[Notice] {
        self.teams.get(&team).map_or(&[], |team| &team.notices)
    }
}
