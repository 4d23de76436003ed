//! The sync machine: the state of one process's view of the team's copy, and the two halves of a
//! step. [`Machine::prepare`] decides without changing anything; the engine commits the step's
//! writes; [`Machine::apply`] takes the step into memory. After a crash between the two, the same
//! decisions come out again. The deciding itself is in `handle` (one event) and `plan` (what
//! follows for each artifact touched, and for the network).

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ArtifactKey, Author, ChangeId, ContentHash, Rev, Seq, Timestamp};
use crate::ports::{Snapshot, UnreadableRow};
use crate::secrets::ScanPolicy;
use crate::sync::deletions::{DELETION_LIMIT, MASS_DELETION};
use crate::sync::draft::Draft;
use crate::sync::event::{Event, Memory, Step};
use crate::sync::link::Link;
use crate::sync::next::{Circumstances, ConflictStrategy, Texts};
use crate::sync::reversions::{MASS_REVERSION, REVERSION_LIMIT};
use crate::sync::{Entry, handle, plan};

/// What the user configured.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Saves are pushed without being asked.
    pub auto_push: bool,
    /// Closed files are written without being asked.
    pub may_write: bool,
    /// What to do about conflicts.
    pub strategy: ConflictStrategy,
}

/// Where randomness comes from.
pub trait Chance {
    /// A new UUIDv7.
    fn change_id(&mut self) -> ChangeId;
    /// A number in 0..1, to spread retries.
    fn jitter(&mut self) -> f64;
}

/// What is left to do for an artifact, kept so that planning need not look at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Todo {
    Push,
    Search,
    File,
}

/// Which requests this process may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Traffic {
    /// Pulls and pushes.
    #[default]
    Both,
    /// Pulls only: nothing is sent, not even what was sent before without an answer.
    PullOnly,
    /// Pushes only.
    PushOnly,
}

/// The state of the session.
#[derive(Debug)]
pub struct Machine {
    pub(super) policy: Policy,
    pub(super) traffic: Traffic,
    /// How many percent of the artifacts may vanish at once without being asked about.
    pub(super) deletion_limit: u8,
    /// How many percent of the artifacts may go back at once without being asked about.
    pub(super) reversion_limit: u8,
    /// The artifacts whose file holds what the remote had once and has no more, as the history tells.
    pub(super) reverted: BTreeSet<ArtifactKey>,
    /// The artifacts of which somebody said in another process that their deletion is meant.
    pub(super) allowed: BTreeSet<ArtifactKey>,
    pub(super) scan: ScanPolicy,
    pub(super) me: Author,
    pub(super) entries: BTreeMap<ArtifactKey, Entry>,
    pub(super) todo: BTreeMap<ArtifactKey, Todo>,
    pub(super) open: BTreeSet<ArtifactKey>,
    pub(super) open_elsewhere: BTreeSet<ArtifactKey>,
    pub(super) searched: BTreeSet<ArtifactKey>,
    /// Conflicts of which it is known that this local content is no revision that the base missed.
    pub(super) doubted: BTreeMap<ArtifactKey, ContentHash>,
    pub(super) searching: BTreeSet<ArtifactKey>,
    pub(super) file_blocked: BTreeSet<ArtifactKey>,
    /// Absorbed, so that `todo` says nothing about them until the next step decides.
    pub(super) undecided: BTreeSet<ArtifactKey>,
    pub(super) unreadable: Vec<UnreadableRow>,
    pub(super) leads: bool,
    pub(super) cursor: Seq,
    pub(super) rev: Rev,
    pub(super) link: Link,
}

impl Machine {
    /// A machine that knows nothing yet; feed it the cache's contents as [`Event::Reloaded`], or through
    /// [`Machine::load`].
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            traffic: Traffic::default(),
            deletion_limit: DELETION_LIMIT,
            reversion_limit: REVERSION_LIMIT,
            reverted: BTreeSet::new(),
            allowed: BTreeSet::new(),
            scan: ScanPolicy::default(),
            me: Author::default(),
            entries: BTreeMap::new(),
            todo: BTreeMap::new(),
            open: BTreeSet::new(),
            open_elsewhere: BTreeSet::new(),
            searched: BTreeSet::new(),
            doubted: BTreeMap::new(),
            searching: BTreeSet::new(),
            file_blocked: BTreeSet::new(),
            undecided: BTreeSet::new(),
            unreadable: Vec::new(),
            leads: false,
            cursor: Seq(0),
            rev: Rev(0),
            link: Link::default(),
        }
    }

    /// Changes what the user configured.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Restricts the requests that are made.
    pub fn set_traffic(&mut self, traffic: Traffic) {
        self.traffic = traffic;
    }

    /// How many percent of the artifacts may vanish at once, on either side, without being asked about.
    pub fn set_deletion_limit(&mut self, percent: u8) {
        self.deletion_limit = percent;
    }

    /// How many percent of the artifacts may go back to earlier contents at once without being asked about.
    pub fn set_reversion_limit(&mut self, percent: u8) {
        self.reversion_limit = percent;
    }

    /// Says of an artifact whose file is about to be found changed whether it holds, then, what the remote
    /// had once and has replaced since.
    pub fn note_reverted(&mut self, key: &ArtifactKey, is_reverted: bool) {
        match is_reverted {
            true => drop(self.reverted.insert(key.clone())),
            false => drop(self.reverted.remove(key)),
        }
    }

    /// Takes in that somebody said in another process that an artifact's deletion, or its going back, is meant.
    /// `entry` is as that process left it, with the content that is known here.
    pub fn note_word(&mut self, entry: &Entry) {
        let known = self.entries.get(&entry.key).and_then(|entry| entry.parked.as_ref());
        let asked = known.filter(|_| entry.parked.is_none()).map(|parked| parked.code.as_str());
        match asked {
            Some(MASS_DELETION) => drop(self.allowed.insert(entry.key.clone())),
            Some(MASS_REVERSION) => drop(self.reverted.remove(&entry.key)),
            _ => {}
        }
    }

    /// Whether what is new here goes to the team without anybody asking for it.
    pub fn pushes_unasked(&self) -> bool {
        self.policy.auto_push
    }

    /// Changes what is done about credentials and personal data in what is to be pushed.
    pub fn set_scan(&mut self, scan: ScanPolicy) {
        self.scan = scan;
    }

    /// Says who the local user is, for the history of what is pushed from here; answers whether that is
    /// somebody else than before.
    pub fn set_me(&mut self, me: Author) -> bool {
        let is_other = self.me != me;
        self.me = me;
        is_other
    }

    /// Decides what an event leads to. `texts` reads the cache; `now` is used for display and
    /// backoff only.
    pub fn prepare(&self, event: Event, now: Timestamp, chance: &mut dyn Chance, texts: Texts<'_>) -> Step {
        let mut draft = Draft::new(self, now, texts);
        handle::handle(&mut draft, event, chance);
        plan::plan(&mut draft, chance);
        draft.finish()
    }

    /// Takes a committed step into memory. `rev` is what the commit returned; `None` when the step
    /// had no writes.
    pub fn apply(&mut self, step: &Step, rev: Option<Rev>) {
        for memory in &step.memory {
            self.remember(memory);
        }
        // Further on, another process committed in between; that is still to be read.
        if let Some(rev) = rev.filter(|rev| rev.0 == self.rev.0 + 1) {
            self.rev = rev;
        }
        self.link = step.link.clone();
        self.undecided.clear();
        for entry in &step.entries {
            let mut entry = entry.clone();
            if let (Some(rev), true) = (rev, step.written.contains(&entry.key)) {
                entry.rev = rev;
            }
            if entry.local.is_some() {
                self.allowed.remove(&entry.key);
            }
            self.entries.insert(entry.key.clone(), entry);
        }
    }

    /// Takes in what is at rest of all that the cache holds, at the start, and returns the rest: an
    /// [`Event::Reloaded`] with it must follow. Nearly all artifacts are at rest nearly always, and a start
    /// should not take the time of deciding about each.
    pub fn load(&mut self, snapshot: Snapshot) -> Snapshot {
        let Snapshot { entries, cursor, rev } = snapshot;
        let (at_rest, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(Entry::is_at_rest);
        self.entries = at_rest.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        Snapshot { entries, cursor, rev }
    }

    /// Takes in artifacts that another process committed, without deciding anything about them: the
    /// next step does, and an [`Event::Reloaded`] with the same snapshot must follow for those who
    /// show them.
    pub fn absorb(&mut self, snapshot: &Snapshot) {
        for entry in &snapshot.entries {
            self.entries.insert(entry.key.clone(), entry.clone());
            self.undecided.insert(entry.key.clone());
        }
        if snapshot.rev >= self.rev {
            self.cursor = snapshot.cursor;
        }
        self.rev = self.rev.max(snapshot.rev);
    }

    fn remember(&mut self, memory: &Memory) {
        match memory {
            Memory::Open(key, true) => drop(self.open.insert(key.clone())),
            Memory::Open(key, false) => drop(self.open.remove(key)),
            Memory::OpenElsewhere(keys) => self.open_elsewhere = keys.iter().cloned().collect(),
            Memory::Searching(key, true) => drop(self.searching.insert(key.clone())),
            Memory::Searching(key, false) => drop(self.searching.remove(key)),
            Memory::BaseSearched(key, true) => drop(self.searched.insert(key.clone())),
            Memory::BaseSearched(key, false) => drop(self.searched.remove(key)),
            Memory::Doubted(key, hash) => drop(self.doubted.insert(key.clone(), *hash)),
            Memory::FileBlocked(key, true) => drop(self.file_blocked.insert(key.clone())),
            Memory::FileBlocked(key, false) => drop(self.file_blocked.remove(key)),
            Memory::Todo(key, Some(todo)) => drop(self.todo.insert(key.clone(), *todo)),
            Memory::Todo(key, None) => drop(self.todo.remove(key)),
            Memory::Leads(leads) => self.leads = *leads,
            Memory::Rewind => self.cursor = Seq(0),
            Memory::Cursor(seq) => self.cursor = self.cursor.max(*seq),
            Memory::Rev(rev) => self.rev = self.rev.max(*rev),
            Memory::Unreadable(rows) => self.unreadable.extend(rows.iter().cloned()),
        }
    }

    /// Every artifact of which anything is left on any side, by key.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| !entry.is_absent())
    }

    /// One artifact.
    pub fn entry(&self, key: &ArtifactKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The pull cursor.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// The cache revision this state belongs to.
    pub fn rev(&self) -> Rev {
        self.rev
    }

    /// The state of the connection.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether this process may use the network.
    pub fn leads(&self) -> bool {
        self.leads
    }

    /// Rows of the remote that could not be taken since the start.
    pub fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }

    /// How many artifacts are left on any side.
    pub fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether there is no artifact at all.
    pub fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }

    /// Whether exactly these are known to be open in other processes.
    pub fn is_open_elsewhere(&self, keys: &BTreeSet<ArtifactKey>) -> bool {
        self.open_elsewhere == *keys
    }

    /// Under which circumstances the artifact's next step is derived.
    pub fn circumstances(&self, key: &ArtifactKey) -> Circumstances {
        Circumstances {
            open: self.open.contains(key) || self.open_elsewhere.contains(key),
            base_searched: self.searched.contains(key),
            may_write: self.policy.may_write,
            strategy: self.policy.strategy,
        }
    }

    /// All of the state that came from the cache, to compare with what is there.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { entries: self.entries.values().cloned().collect(), cursor: self.cursor, rev: self.rev }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
