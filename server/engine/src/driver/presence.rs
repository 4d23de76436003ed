//! The team's presence: what is told of the documents open on this workspace, in whichever editor,
//! and who else is there. One process is on the team's channel; the others leave word in the cache of
//! where they are, and read there who that one met. Done at each look at most, so that a cursor on its
//! way tells nothing.

use std::collections::{BTreeMap, BTreeSet};

use agent_cache::Seen;
use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{Store as _, StoreError};
use agent_core::presence::{Person, SectionName, told};

use super::{Driver, Notice};
use crate::chance::now;

/// Where in documents somebody was last, and when.
pub(super) type Places = BTreeMap<ArtifactKey, (SectionName, Timestamp)>;

/// What this process and the others on the workspace tell each other through the cache.
#[derive(Debug, Default)]
pub(super) struct Word {
    /// Where we are, as the others were told.
    seen: Vec<Seen>,
    /// Who was met on the channel.
    met: Vec<Person>,
    /// Whether the cache has them, too.
    is_met_told: bool,
}

impl Driver {
    /// Somebody was in a section of a document that is open here; `None`: above the first heading.
    pub(super) fn seen_in(&mut self, path: &ArtifactPath, section: Option<SectionName>) {
        let Some(Ok(key)) = self.session.engine.kinds().key_of(path) else { return };
        match section {
            Some(section) => self.seen_in.insert(key, (section, now())),
            None => self.seen_in.remove(&key),
        };
    }

    /// Tells what is open on this workspace, on the channel or to the process that is on it.
    pub(super) fn present(&mut self, at: Timestamp) {
        if !self.session.config.sync.presence {
            return;
        }
        self.seen_in.retain(|key, _| self.open.contains_key(key));
        let done = match (self.listener.is_some(), self.session.engine.machine().leads()) {
            (true, _) => self.tell(at),
            (false, false) => self.leave_word(),
            (false, true) => Ok(()),
        };
        if let Err(error) = done {
            self.cache_failed(&error);
        }
    }

    fn tell(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let store = &mut self.session.engine.store;
        if !self.word.is_met_told {
            store.set_people(&self.word.met)?;
            self.word.is_met_told = true;
        }
        let open = store.open_elsewhere(&self.holder, at)?;
        let seen = latest(store.seen_elsewhere(&self.holder, at)?, &self.seen_in);
        if let Some(listener) = &self.listener {
            let keys: BTreeSet<_> = self.open.keys().chain(&open).collect();
            listener.present(told(keys.into_iter().map(|key| (key.clone(), seen.get(key).cloned())), at));
        }
        Ok(())
    }

    fn leave_word(&mut self) -> Result<(), StoreError> {
        let seen: Vec<Seen> =
            self.seen_in.iter().map(|(key, (section, at))| (key.clone(), section.clone(), *at)).collect();
        let store = &mut self.session.engine.store;
        if seen != self.word.seen {
            store.set_seen(&self.holder, &seen)?;
            self.word.seen = seen;
        }
        let people = store.people()?;
        self.show_people(people);
        Ok(())
    }

    /// Others came, went or moved on.
    pub(super) fn meet(&mut self, mut people: Vec<Person>) {
        people.retain(|person| !person.spots.is_empty());
        self.word.met.clone_from(&people);
        self.word.is_met_told = false;
        self.show_people(people);
    }

    /// One's own other machine is nobody else.
    fn show_people(&mut self, mut people: Vec<Person>) {
        if !people.is_empty() {
            let me = self.session.auth.as_ref().and_then(agent_remote::Auth::user);
            people.retain(|person| me.as_ref().is_none_or(|me| me.id != person.user));
        }
        if self.views.set_people(people) {
            self.notify(Notice::Presence);
        }
    }

    /// Nobody was met yet on a channel that is about to be opened, whatever another process left behind.
    pub(super) fn meet_nobody(&mut self) {
        self.meet(Vec::new());
    }

    /// Somebody else is signed in here, who may be one of those that were met.
    pub(super) fn meet_again(&mut self) {
        if self.listener.is_some() {
            self.show_people(self.word.met.clone());
        }
    }

    /// The cache is another one: it knows nothing of what was told.
    pub(super) fn tell_again(&mut self) {
        self.word.seen.clear();
        self.word.is_met_told = false;
    }

    /// The channel ends with this process, and with it what it heard.
    pub(super) fn forget_people(&mut self) {
        if self.listener.is_some() && self.session.config.sync.presence {
            let _ = self.session.engine.store.set_people(&[]);
        }
    }
}

/// Where somebody was last in each document, of what the others left word of and what is known here.
fn latest(others: Vec<Seen>, own: &Places) -> Places {
    let mut all = own.clone();
    for (key, section, at) in others {
        let is_newer = all.get(&key).is_none_or(|(_, known)| *known < at);
        if is_newer {
            all.insert(key, (section, at));
        }
    }
    all
}
