//! What the editor's side may read: pictures of the artifacts, counts for the status, notices.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use agent_core::id::{ArtifactKey, Timestamp};
use agent_core::ports::Store as _;
use agent_core::sync::next::{Next, Waits};
use agent_core::sync::{Entry, MASS_DELETION, MASS_DELETION_THERE, MASS_REVERSION, SERVER_WENT_BACK};

use super::{Driver, Notice};
use crate::view::{LinkState, View};

/// How long local content may wait before the artifact itself says so.
pub const WAITS_LONG_MILLIS: i64 = 60_000;

/// Where an artifact stands, as the counts in the status have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Local content waits to be pushed.
    Waiting,
    /// The remote has something newer.
    Behind,
    /// Somebody decides.
    Conflict,
    /// The remote refused it.
    Refused,
    /// Nothing is to be done.
    InSync,
}

impl Stand {
    /// The word for it, one of those that `agent/status` has.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Behind => "behind",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::InSync => "in-sync",
        }
    }
}

/// Where the artifacts stand, and how many there are of each, without counting anew every time.
#[derive(Debug, Default)]
pub(super) struct Stands {
    known: HashSet<ArtifactKey>,
    stands: BTreeMap<ArtifactKey, Stand>,
    counts: [usize; 5],
    /// Waiting for long, and shown so.
    long: BTreeSet<ArtifactKey>,
}

impl Stands {
    fn set(&mut self, entry: &Entry, stand: Option<Stand>) {
        match entry.is_absent() {
            true => self.known.remove(&entry.key),
            false => self.known.insert(entry.key.clone()),
        };
        let old = match stand {
            Some(stand) => {
                self.counts[stand as usize] += 1;
                self.stands.insert(entry.key.clone(), stand)
            }
            None => self.stands.remove(&entry.key),
        };
        if let Some(old) = old {
            self.counts[old as usize] -= 1;
        }
        if stand != Some(Stand::Waiting) {
            self.long.remove(&entry.key);
        }
    }

    fn count(&self, stand: Stand) -> usize {
        self.counts[stand as usize]
    }

    pub(super) fn of(&self, key: &ArtifactKey) -> Stand {
        self.stands.get(key).copied().unwrap_or(Stand::InSync)
    }
}

impl Driver {
    /// An artifact that waits for long says so itself; nothing else happens to it at that moment.
    pub(super) fn show_long_waits(&mut self, at: Timestamp) {
        if self.stands.count(Stand::Waiting) == self.stands.long.len() {
            return;
        }
        let machine = self.session.engine.machine();
        let is_long = |key: &ArtifactKey| {
            let since = machine.entry(key).and_then(|entry| entry.waiting_since);
            since.is_some_and(|since| since.plus(WAITS_LONG_MILLIS) <= at)
        };
        let Stands { stands, long, .. } = &self.stands;
        let waiting = stands.iter().filter(|(_, stand)| **stand == Stand::Waiting).map(|(key, _)| key);
        let keys: Vec<_> = waiting.filter(|key| !long.contains(*key) && is_long(key)).cloned().collect();
        self.stands.long.extend(keys.iter().cloned());
        self.publish(keys);
    }

    pub(super) fn publish(&mut self, keys: impl IntoIterator<Item = ArtifactKey>) {
        let mut changed = Vec::new();
        for key in keys {
            let engine = &self.session.engine;
            let Some(entry) = engine.machine().entry(&key).cloned() else { continue };
            let next = engine.next_of(&entry);
            self.views.set_index(&key, (!entry.is_absent()).then_some(&entry.path));
            self.needs_id.note(&key, &next);
            self.stands.set(&entry, stand_of(&entry, &next));
            self.tell_held(&entry, &next);
            let path = entry.path.clone();
            let quiet = matches!(next, Next::Nothing) && entry.pending.is_none();
            let past = self.open.contains_key(&key).then(|| self.past(&key));
            self.views.set_past(&path, past);
            let view = (!quiet || self.open.contains_key(&key)).then(|| self.view(entry, next));
            if let Some(old) = self.shown.insert(key, path.clone()).filter(|old| *old != path) {
                self.views.set(old.clone(), None);
                changed.push(old);
            }
            self.views.set(path.clone(), view);
            changed.push(path);
        }
        if !changed.is_empty() {
            self.notify(Notice::Changed(changed));
        }
    }

    /// Many deletions that are held back are said once for all of them.
    fn tell_held(&mut self, entry: &Entry, next: &Next) {
        let Some(parked) = &entry.parked else { return };
        let advice = match (next, parked.code.as_str()) {
            (Next::Wait(Waits::Refused), MASS_DELETION | MASS_REVERSION) => "",
            (Next::Wait(Waits::DeletedThere), MASS_DELETION_THERE) => {
                "; delete them here with: agent sync pull --allow-deletions; give them back to the team with: \
                 agent sync resolve --all --ours"
            }
            (
                Next::Wait(Waits::Behind | Waits::Mergeable | Waits::Conflict | Waits::DeletedThere),
                SERVER_WENT_BACK,
            ) => {
                "; give them back to the team with: agent sync resolve --all --ours --whole, then agent sync push; let the files \
                 follow the server with: agent sync pull --allow-rollback"
            }
            _ => return,
        };
        if self.told.insert(parked.message.clone()) {
            self.notify(Notice::Warning(format!("{}{advice}", parked.message)));
        }
    }

    fn view(&self, entry: Entry, next: Next) -> View {
        let engine = &self.session.engine;
        // A buffer may differ from what everybody else agrees on.
        let wanted = entry.base != entry.remote_hash()
            || self.open.contains_key(&entry.key)
            || next == Next::Wait(Waits::Refused);
        let text = |hash: Option<_>| hash.and_then(|hash| engine.store().text(hash).ok().flatten());
        View {
            base: wanted.then(|| text(entry.base)).flatten(),
            local: wanted.then(|| text(entry.local)).flatten(),
            remote: wanted.then(|| text(entry.remote_hash())).flatten(),
            write_problem: engine.write_problem(&entry.key).cloned(),
            older: self.open.get(&entry.key).and_then(|document| document.older.clone()),
            entry,
            next,
        }
    }

    /// Tells the other processes on the workspace what this one found out of the remote's answering,
    /// or hears what they did.
    pub(super) fn record_link(&mut self) {
        if self.is_broken {
            return;
        }
        if let Err(error) = self.session.record_link() {
            return self.cache_failed(&error);
        }
        self.read_trouble();
        self.publish_link();
    }

    pub(super) fn read_trouble(&mut self) {
        let own = self.session.engine.machine().link();
        let own = own.is_heard().then(|| own.trouble.clone());
        // What this process knows itself it knows without the cache.
        self.trouble = self.session.trouble().unwrap_or_else(|_| own.flatten());
    }

    pub(super) fn publish_link(&self) {
        let machine = self.session.engine.machine();
        let link = LinkState {
            live: machine.link().live,
            leads: machine.leads(),
            trouble: self.trouble.clone(),
            waiting: self.stands.count(Stand::Waiting),
            behind: self.stands.count(Stand::Behind),
            conflicts: self.stands.count(Stand::Conflict),
            refused: self.stands.count(Stand::Refused),
            artifacts: self.stands.known.len(),
            cache_problem: self.cache_problem.clone(),
        };
        if self.views.set_link(link) {
            self.notify(Notice::Link);
        }
    }

    pub(super) fn notify(&self, notice: Notice) {
        // Nobody listens only while the process ends.
        let _ = self.notices.send(notice);
    }
}

fn stand_of(entry: &Entry, next: &Next) -> Option<Stand> {
    match next {
        Next::Nothing | Next::Settle => entry.pending.as_ref().map(|_| Stand::Waiting),
        Next::Push => Some(Stand::Waiting),
        Next::Update | Next::Move(_) | Next::Merge(_) => Some(Stand::Behind),
        Next::FindBase => Some(Stand::Conflict),
        Next::Wait(Waits::Behind | Waits::Mergeable | Waits::Moved) => Some(Stand::Behind),
        Next::Wait(Waits::Refused) => Some(Stand::Refused),
        Next::Wait(Waits::Id) => Some(Stand::Waiting),
        Next::Wait(_) => Some(Stand::Conflict),
    }
}
