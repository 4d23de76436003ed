//! Ids of the team's: for new artifacts, and in the place of provisional ones as soon as the server
//! can be asked.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::create::{naming, provisional};
use agent_core::id::{ArtifactKey, Timestamp};
use agent_core::ports::{LiveEvent, RemoteError};
use agent_core::sync::next::{Next, Waits};

use super::handle::{Command, Made};
use super::{Driver, Notice, Renumber};
use crate::chance::now;
use crate::create::{CreateError, New, allocate};
use crate::rules;

/// Artifacts under provisional ids, and how far each has come.
#[derive(Debug, Default)]
pub(super) struct NeedsId {
    keys: BTreeSet<ArtifactKey>,
    asked: BTreeSet<ArtifactKey>,
    /// Refused for good: asked for again after the next connection.
    refused: BTreeSet<ArtifactKey>,
    /// What its editors were told last, and at which cache revision.
    told: BTreeMap<ArtifactKey, u64>,
}

impl NeedsId {
    pub(super) fn note(&mut self, key: &ArtifactKey, next: &Next) {
        match next {
            Next::Wait(Waits::Id) => drop(self.keys.insert(key.clone())),
            _ if self.keys.remove(key) => drop(self.told.remove(key)),
            _ => {}
        }
    }

    pub(super) fn heard(&mut self, event: &LiveEvent) {
        if matches!(event, LiveEvent::Ready) {
            self.refused.clear();
        }
    }
}

impl Driver {
    /// Takes each artifact that has a provisional id one step further.
    pub(super) fn mind_ids(&mut self, at: Timestamp) {
        if self.needs_id.keys.is_empty() || self.is_broken || !self.session.engine.machine().leads() {
            return;
        }
        for key in self.needs_id.keys.clone() {
            match rules::kept_id(&self.session.engine.store, &key) {
                Ok(Some(id)) => self.renumber(&key, &id, at),
                Ok(None) => self.ask_id(key),
                Err(error) => return self.cache_failed(&error),
            }
        }
    }

    fn ask_id(&mut self, key: ArtifactKey) {
        let machine = self.session.engine.machine();
        let can_ask = machine.link().is_heard() && machine.link().trouble.is_none();
        let pushes = self.session.config.sync.policy.auto_push;
        let is_settled = self.needs_id.asked.contains(&key) || self.needs_id.refused.contains(&key);
        let Some(prefix) = provisional::prefix(key.id.as_str()) else { return };
        if !can_ask || !pushes || is_settled {
            return;
        }
        let known = machine.entries().map(|entry| (&entry.key, &entry.path));
        let (prefix, after) = (prefix.to_owned(), naming::highest_number(prefix, known));
        self.needs_id.asked.insert(key.clone());
        let (remote, commands) = (self.remote.clone(), self.commands.clone());
        self.runtime.spawn(async move {
            let answer = match remote.get() {
                Ok(remote) => remote.allocate_id(&key.kind, &prefix, after).await,
                Err(error) => Err(error),
            };
            let _ = commands.send(Command::Allocated(key, answer));
        });
    }

    pub(super) fn allocated(&mut self, key: ArtifactKey, answer: Result<String, RemoteError>) {
        self.needs_id.asked.remove(&key);
        match answer {
            Ok(id) => match rules::keep_id(&mut self.session.engine.store, &key, &id) {
                Ok(id) => self.renumber(&key, &id, now()),
                Err(error) => self.cache_failed(&error),
            },
            Err(error) => {
                tracing::info!(artifact = %key, %error, "no id was given out");
                if !error.is_retryable() {
                    self.needs_id.refused.insert(key);
                }
            }
        }
    }

    fn renumber(&mut self, key: &ArtifactKey, id: &str, at: Timestamp) {
        self.see_open(at);
        // What its editors were told holds until something is different.
        let rev = self.session.engine.machine().rev().0;
        if self.needs_id.told.get(key) == Some(&rev) {
            return;
        }
        let Some((change, to)) = self.session.engine.renumbering(key, id) else { return };
        let own = self.session.engine.machine().entry(key).map(|entry| entry.path.clone());
        match self.session.engine.renumber(key, &change, &to, at) {
            Ok(done) => {
                for outcome in done.outcomes {
                    self.carry_on(Ok(outcome));
                }
                let rev = self.session.engine.machine().rev().0;
                self.needs_id.told.insert(key.clone(), rev);
                let mut paths: BTreeSet<_> = done.open.into_iter().collect();
                paths.extend(done.moves_to.and(own.clone()));
                for path in paths {
                    let to = (Some(&path) == own.as_ref()).then(|| to.clone());
                    self.notify(Notice::Renumber(Renumber { path, change: change.clone(), to }));
                }
            }
            Err(CreateError::Store(failed)) => self.cache_failed(&failed.error),
            Err(error) => tracing::warn!(artifact = %key, %error, "the id was not replaced"),
        }
    }

    /// Makes a new artifact; for an id the server is asked first.
    pub(super) fn create(&mut self, mut wanted: New, answer: Made) {
        wanted.author = self.session.author().unwrap_or_default();
        let (prefix, after) = match self.session.engine.wanted_id(&wanted) {
            Err(error) => return answer(Err(error)),
            Ok(None) => {
                let id = wanted.id.clone().unwrap_or_default();
                return self.create_with(wanted, Ok((id, None)), answer);
            }
            Ok(Some(asked)) => asked,
        };
        let (remote, commands, kind) = (self.remote.clone(), self.commands.clone(), wanted.kind.clone());
        self.runtime.spawn(async move {
            let id = allocate(&remote, &kind, &prefix, after).await;
            let _ = commands.send(Command::Created(wanted, answer, id));
        });
    }

    pub(super) fn create_with(
        &mut self,
        wanted: New,
        id: Result<(String, Option<String>), RemoteError>,
        answer: Made,
    ) {
        let (id, provisional) = match id {
            Ok(given) => given,
            Err(error) => return answer(Err(CreateError::Remote(error))),
        };
        let made = self.session.engine.draft(&self.session.workspace, &wanted, &id);
        let made = made.and_then(|created| {
            let outcome = self.session.engine.create(&created, now())?;
            self.carry_on(Ok(outcome));
            Ok(crate::create::Created { provisional, ..created })
        });
        answer(made);
    }
}
