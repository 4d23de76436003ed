//! The team's presence: what is told of the documents open on this workspace, in whichever editor,
//! and who else is there. Told at each look at most, so that a cursor on its way tells nothing.

use agent_core::id::{ArtifactPath, Timestamp};
use agent_core::ports::Store as _;
use agent_core::presence::{Person, SectionName, told};

use super::{Driver, Notice};
use crate::chance::now;

impl Driver {
    /// Somebody was in a section of a document that is open here; `None`: above the first heading.
    pub(super) fn seen_in(&mut self, path: &ArtifactPath, section: Option<SectionName>) {
        let Some(Ok(key)) = self.session.engine.kinds().key_of(path) else { return };
        match section {
            Some(section) => self.seen_in.insert(key, (section, now())),
            None => self.seen_in.remove(&key),
        };
    }

    /// Tells what is open on this workspace, sections of our own documents included.
    pub(super) fn present(&mut self, at: Timestamp) {
        let Some(listener) = self.listener.as_ref().filter(|_| self.session.config.sync.presence) else {
            return;
        };
        let elsewhere = self.session.engine.store.open_elsewhere(&self.holder, at).unwrap_or_default();
        self.seen_in.retain(|key, _| self.open.contains(key));
        let keys = self.open.union(&elsewhere);
        listener.present(told(keys.map(|key| (key.clone(), self.seen_in.get(key).cloned())), at));
    }

    /// Others came, went or moved on. One's own other machine is nobody else.
    pub(super) fn meet(&mut self, mut people: Vec<Person>) {
        let me = self.session.auth.as_ref().and_then(agent_remote::Auth::user);
        people.retain(|person| !person.spots.is_empty() && me.as_ref().is_none_or(|me| me.id != person.user));
        if self.views.set_people(people) {
            self.notify(Notice::Presence);
        }
    }
}
