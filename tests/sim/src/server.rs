//! The server of the world: the model of the remote, what people may do there, and the ways it can
//! be unwilling or, when that is planted, wrong.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::id::{ArtifactKey, ChangeId, ContentHash, Seq, Text, Timestamp, Version};
use agent_core::ports::{PullPage, PushChange, PushOutcome, PushReply, RemoteError};
use serde_json::Value;
use uuid::Uuid;

use crate::model::{Context, ModelRemote, PageLimits, Refusal, Revision, Submitted, VersionsQuery};
use crate::text::REFUSED;
use crate::words::Planted;

const TEAM: Uuid = Uuid::from_u128(0x7ea);
const ADMIN: Uuid = Uuid::from_u128(0xad);

pub(crate) struct Server {
    model: ModelRemote,
    /// At most this many changes in one push; 0: any number.
    pub(crate) most_changes: usize,
    /// Whether it still refuses what it once refused for good.
    pub(crate) refuses: bool,
    planted: Option<Planted>,
    /// Ids that were made up for changes that came before, by the id they came with.
    renamed: BTreeMap<ChangeId, u128>,
    deferred: BTreeSet<ChangeId>,
    made_up: u128,
}

pub(crate) fn person(n: usize) -> Uuid {
    Uuid::from_u128(0xa000 + n as u128)
}

fn email(n: usize) -> String {
    format!("person{n}@example.com")
}

fn error(refusal: Refusal) -> RemoteError {
    match refusal.code {
        "42501" => RemoteError::Forbidden(refusal.message),
        code => RemoteError::Protocol(format!("{code}: {}", refusal.message)),
    }
}

impl Server {
    pub(crate) fn new(people: usize, planted: Option<Planted>) -> Self {
        let mut server = Self {
            model: ModelRemote::default(),
            most_changes: 0,
            refuses: true,
            planted,
            renamed: BTreeMap::new(),
            deferred: BTreeSet::new(),
            made_up: 0,
        };
        server.model.sign_up(ADMIN, "admin@example.com");
        server.model.create_team(Some(ADMIN), TEAM, Some("team")).expect("a name is enough");
        for n in 0..people {
            server.model.sign_up(person(n), &email(n));
            server.set_role(n, Some("editor"));
        }
        server
    }

    /// Gives somebody a role, or takes their membership.
    pub(crate) fn set_role(&mut self, n: usize, role: Option<&str>) {
        let is_member = self.model.role(person(n), TEAM).is_some();
        let done = match role {
            Some(_) if is_member => self.model.set_member_role(Some(ADMIN), TEAM, Some(person(n)), role),
            Some(_) => self.invite(n, role),
            None => self.model.remove_team_member(Some(ADMIN), TEAM, Some(person(n))),
        };
        done.expect("an admin may");
    }

    /// An invitation that is accepted at once. Nobody has two, so that the person names it.
    fn invite(&mut self, n: usize, role: Option<&str>) -> Result<Value, Refusal> {
        let context = Context { me: Some(ADMIN), new_id: person(n), now: Timestamp(0) };
        self.model.invite_member(context, TEAM, Some(&email(n)), role)?;
        self.model.accept_invitation(Some(person(n)), person(n))
    }

    /// What people can find in the history.
    pub(crate) fn history(&self) -> impl DoubleEndedIterator<Item = &Revision> {
        let forgets = self.planted == Some(Planted::DropRevision);
        let newest = |revision: &Revision| {
            self.model.current(TEAM, &revision.key).is_some_and(|current| current.seq == revision.seq)
        };
        self.model.history(TEAM).iter().filter(move |revision| !forgets || newest(revision))
    }

    /// What was accepted after a seq.
    pub(crate) fn since(&self, seq: Seq) -> &[Revision] {
        let history = self.model.history(TEAM);
        &history[history.partition_point(|revision| revision.seq <= seq)..]
    }

    pub(crate) fn newest(&self) -> impl Iterator<Item = &Revision> {
        self.model.newest(TEAM)
    }

    pub(crate) fn current(&self, key: &ArtifactKey) -> Option<&Revision> {
        self.model.current(TEAM, key)
    }

    /// Whether the artifact is deleted, and had this text once.
    pub(crate) fn was_deleted_with(&self, key: &ArtifactKey, text: &str) -> bool {
        let is_it = |content: &Option<Text>| content.as_ref().is_some_and(|known| known.as_str() == text);
        self.current(key).is_some_and(|revision| revision.content.is_none())
            && self.history().any(|revision| revision.key == *key && is_it(&revision.content))
    }

    pub(crate) fn newest_seq(&self) -> Seq {
        self.model.newest_seq(TEAM)
    }

    pub(crate) fn push(
        &mut self,
        n: usize,
        changes: &[PushChange],
        now: Timestamp,
    ) -> Result<PushReply, RemoteError> {
        if self.most_changes != 0 && changes.len() > self.most_changes {
            return Err(RemoteError::TooMuch("too many at once".to_owned()));
        }
        let mut outcomes = Vec::new();
        let mut sent = Vec::new();
        for change in changes {
            let is_refused = |text: &agent_core::id::Text| text.as_str().contains(REFUSED);
            if self.refuses && change.content.as_ref().is_some_and(is_refused) {
                let message = "this transition is not in the table".to_owned();
                let refused = PushOutcome::Rejected { code: "state".to_owned(), message };
                outcomes.push((change.change_id, refused));
            } else if self.planted == Some(Planted::DeferForEver) && self.defers(change) {
                outcomes.push((change.change_id, PushOutcome::Deferred));
            } else {
                sent.push(self.changed(change));
            }
        }
        let submitted: Vec<_> = sent.iter().map(|(_, change)| Submitted::from(change)).collect();
        let pushed = self.model.push(Some(person(n)), TEAM, &submitted, now).map_err(error)?;
        let reply = PushReply::from(pushed);
        let answers = reply.outcomes.into_iter().zip(sent).map(|((_, outcome), (id, _))| (id, outcome));
        outcomes.extend(answers);
        if self.planted == Some(Planted::DropParked) {
            for (_, outcome) in &mut outcomes {
                if let PushOutcome::Rejected { .. } = outcome {
                    *outcome = PushOutcome::Duplicate(Version(1), Seq(1));
                }
            }
        }
        Ok(PushReply { outcomes, newest_seq: reply.newest_seq })
    }

    fn defers(&mut self, change: &PushChange) -> bool {
        if self.deferred.is_empty() {
            self.deferred.insert(change.change_id);
        }
        self.deferred.contains(&change.change_id)
    }

    /// A change as it is carried out, beside the id it came with.
    fn changed(&mut self, change: &PushChange) -> (ChangeId, PushChange) {
        let (id, mut change) = (change.change_id, change.clone());
        let version = self.current(&change.key).map_or(Version(0), |current| current.version);
        let attempts = self.renamed.get(&id).copied();
        let mut rename = |change: &mut PushChange| {
            self.made_up += 1;
            change.change_id = ChangeId(Uuid::from_u128(self.made_up << 32));
            self.renamed.insert(id, self.made_up);
        };
        match self.planted {
            Some(Planted::BlindUpsert) => change.base_version = version,
            Some(Planted::NewIdPerAttempt) => rename(&mut change),
            Some(Planted::AppliedTwice) => {
                if attempts.is_some() {
                    change.base_version = version;
                }
                rename(&mut change);
            }
            _ => {}
        }
        (id, change)
    }

    pub(crate) fn pull(&self, n: usize, after: Seq, rows: i32) -> Result<PullPage, RemoteError> {
        let limits = PageLimits { rows: Some(rows), bytes: None };
        let from = i64::try_from(after.0).unwrap_or(i64::MAX);
        let mut page = self.model.pull(Some(person(n)), TEAM, from, limits).map_err(error)?.into_port(after);
        if self.planted == Some(Planted::CursorByTime) {
            let seen = self.model.history(TEAM).iter().rfind(|revision| revision.seq <= after);
            let seen = seen.map_or(Timestamp(i64::MIN), |revision| revision.at);
            page.rows.retain(|row| row.at > seen);
        }
        Ok(page)
    }

    /// The newest version with this content.
    pub(crate) fn find(
        &self,
        n: usize,
        key: &ArtifactKey,
        hash: ContentHash,
    ) -> Result<Option<(ContentHash, Version)>, RemoteError> {
        let query = VersionsQuery {
            kind: Some(key.kind.as_str().to_owned()),
            id: Some(key.id.as_str().to_owned()),
            content_hash: Some(hash.to_string()),
            max_rows: Some(1),
            ..VersionsQuery::default()
        };
        let found = self.model.versions(Some(person(n)), TEAM, &query).map_err(error)?.into_port();
        if self.planted == Some(Planted::ForgetBase) {
            return Ok(None);
        }
        Ok(found.first().map(|version| (hash, version.version)))
    }
}
