//! The machine over its ports, step by step: commit, apply, then write files. Synchronous and
//! without a clock, so that the language server's loop, a command and the simulation all run this
//! same code. Requests to the remote go out as values; their answers come back in as events.

mod effects;
mod failed;
mod outgoing;

pub use failed::Failed;
use failed::{is_owed, stand_in};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use agent_core::artifact::identity::Kinds;
use agent_core::artifact::parse::{Format, parse, state_word};
use agent_core::id::{ArtifactKey, ArtifactPath, ChangeId, ContentHash, Text, Timestamp};
use agent_core::ports::{FileProblem, Files, Holder, PushOutcome, Snapshot, Store, StoreError};
use agent_core::sync::next::{Next, next};
use agent_core::sync::{Chance, Entry, Event, FileStat, Machine, Policy, Request, Step};

use crate::journal::Journal;

/// How often a step is decided anew when other processes commit in between.
const MOST_TRIES: usize = 50;

/// Files that are not taken, by their path as shown, and why.
pub type Problems = BTreeMap<String, FileProblem>;

/// What an event led to, for the caller to carry on with.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Requests to send; each is answered by an event.
    pub requests: Vec<Request>,
    /// When to send [`Event::Tick`] at the latest, whatever earlier outcomes said.
    pub wake_at: Option<Timestamp>,
    /// The artifacts that may have changed.
    pub touched: BTreeSet<ArtifactKey>,
}

/// The sync machine and what it works on.
pub struct Engine<S, F> {
    pub(crate) store: S,
    pub(crate) files: F,
    pub(crate) kinds: Kinds,
    pub(crate) machine: Machine,
    chance: Box<dyn Chance + Send>,
    holder: Holder,
    pub(crate) scan_problems: Problems,
    write_problems: BTreeMap<ArtifactKey, (ArtifactPath, FileProblem)>,
    wake_at: Option<Timestamp>,
    /// These come first the next time: the machine waits for them and they could not be stored, or
    /// they belong to the event that is next.
    pub(crate) owed: VecDeque<Event>,
    /// What the batch under way holds that cannot be sent, and what that means for it.
    unsendable: Vec<(ChangeId, PushOutcome)>,
    journal: Option<Journal>,
    /// The file that an editor just saved: what it goes back to, somebody chose.
    pub(crate) saved: Option<ArtifactPath>,
}

impl<S: Store, F: Files> Engine<S, F> {
    /// Loads what the cache knows.
    ///
    /// # Errors
    /// What the cache says.
    pub fn open(
        mut store: S,
        files: F,
        kinds: Kinds,
        policy: Policy,
        chance: Box<dyn Chance + Send>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let snapshot = store.load()?;
        let mut engine = Self {
            store,
            files,
            kinds,
            machine: Machine::new(policy),
            chance,
            holder: Holder("command".to_owned()),
            scan_problems: Problems::new(),
            write_problems: BTreeMap::new(),
            wake_at: None,
            owed: VecDeque::new(),
            unsendable: Vec::new(),
            journal: None,
            saved: None,
        };
        let undecided = engine.machine.load(snapshot);
        engine.handle(Event::Reloaded(undecided), now)?;
        Ok(engine)
    }

    /// Says who it is among those that have documents open; somebody without any, until then.
    pub fn set_holder(&mut self, holder: Holder) {
        self.holder = holder;
    }

    /// Keeps a log of what happens in this file from now on.
    pub fn keep_journal(&mut self, path: PathBuf) {
        self.journal = Some(Journal::new(path));
    }

    /// Keeps no log any more.
    pub(crate) fn keep_no_journal(&mut self) {
        self.journal = None;
    }

    /// The files, to work on.
    pub fn files(&self) -> &F {
        &self.files
    }

    /// The machine, to look at.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine, to configure.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// The cache, to look at.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Which folders hold which kind.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Files that are not taken or could not be written, and why.
    pub fn problems(&self) -> Problems {
        let mut problems = self.scan_problems.clone();
        let written = self.write_problems.values();
        problems.extend(written.map(|(path, problem)| (path.as_str().to_owned(), problem.clone())));
        problems
    }

    /// Why the artifact's file could not be written the last time.
    pub fn write_problem(&self, key: &ArtifactKey) -> Option<&FileProblem> {
        self.write_problems.get(key).map(|(_, problem)| problem)
    }

    /// What happens next with an artifact.
    pub fn next_of(&self, entry: &Entry) -> Next {
        let texts = |hash| self.store.text(hash).ok().flatten();
        next(entry, self.machine.circumstances(&entry.key), &texts)
    }

    /// Takes an event, does everything that needs no network, and says what does.
    ///
    /// # Errors
    /// What the cache says. The event is lost then, but no text: files are as they were, and what
    /// the remote answered is asked for again. What was done nevertheless comes with the error.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Outcome, Failed> {
        let mut outcome = self.nothing_new();
        let mut first_error = None;
        let mut queue = std::mem::take(&mut self.owed);
        queue.push_back(event);
        while let Some(event) = queue.pop_front() {
            let event = self.complete(event);
            let (stand_in, owed) = (stand_in(&event), is_owed(&event).then(|| event.clone()));
            let read: Vec<_> = event.files().iter().map(|found| found.key.clone()).collect();
            let done = match self.step(event, now, &mut queue) {
                Ok(step) => {
                    self.forget_cured(&read, &step);
                    self.carry_out(step, now, &mut outcome, &mut queue)
                }
                Err(error) => {
                    stand_in.into_iter().for_each(|event| queue.push_front(event));
                    self.owed.extend(owed);
                    Err(error)
                }
            };
            if let Err(error) = done {
                first_error.get_or_insert(error);
            }
        }
        match first_error {
            None => Ok(outcome),
            Some(error) => Err(Failed::new(error, outcome)),
        }
    }

    /// What follows from a committed step.
    fn carry_out(
        &mut self,
        step: Step,
        now: Timestamp,
        outcome: &mut Outcome,
        queue: &mut VecDeque<Event>,
    ) -> Result<(), StoreError> {
        // The last word counts: an earlier step may have asked to wake for what is done by now.
        self.wake_at = step.wake_at;
        outcome.wake_at = step.wake_at;
        outcome.touched.extend(step.touched().cloned());
        let mut sent = Ok(());
        for request in step.requests {
            match self.sendable(request, queue) {
                Ok(request) => outcome.requests.extend(request),
                Err(error) => sent = Err(error),
            }
        }
        self.run_files(step.files, now, queue);
        if step.looks {
            queue.push_back(Event::Looked(self.compare(now)));
        }
        sent
    }

    pub(crate) fn nothing_new(&self) -> Outcome {
        Outcome { wake_at: self.wake_at, ..Outcome::default() }
    }

    /// Takes in what other processes committed since the last look.
    ///
    /// # Errors
    /// What the cache says.
    pub fn refresh(&mut self, now: Timestamp) -> Result<Outcome, Failed> {
        match self.store.changed_since(self.machine.rev()) {
            Ok(Some(snapshot)) => self.handle(Event::Reloaded(snapshot), now),
            Ok(None) => Ok(self.nothing_new()),
            Err(error) => Err(Failed::new(error, self.nothing_new())),
        }
    }

    /// Takes in which documents other processes have open, and closed.
    ///
    /// # Errors
    /// What the cache says.
    pub fn see_open(&mut self, now: Timestamp) -> Result<Outcome, Failed> {
        match self.store.open_elsewhere(&self.holder, now) {
            Ok(keys) if self.machine.is_open_elsewhere(&keys) => Ok(self.nothing_new()),
            Ok(keys) => self.handle(Event::OpenElsewhere(keys.into_iter().collect()), now),
            Err(error) => Err(Failed::new(error, self.nothing_new())),
        }
    }

    /// One event: decide, commit, apply; decided anew on top of what others committed meanwhile.
    fn step(
        &mut self,
        mut event: Event,
        now: Timestamp,
        queue: &mut VecDeque<Event>,
    ) -> Result<Step, StoreError> {
        let mut tries = 0;
        self.note_reverted(&event)?;
        loop {
            let store = &self.store;
            let texts = |hash| store.text(hash).ok().flatten();
            let step = self.machine.prepare(event.clone(), now, &mut *self.chance, &texts);
            if step.writes.is_empty() {
                self.machine.apply(&step, None);
                return Ok(step);
            }
            match self.store.commit(&step.writes) {
                Ok(rev) => {
                    if let Some(journal) = &mut self.journal {
                        journal.note(&step.writes, &self.machine, rev, now);
                    }
                    self.machine.apply(&step, Some(rev));
                    return Ok(step);
                }
                Err(StoreError::Stale(_)) if tries < MOST_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
            if let Some(snapshot) = self.store.changed_since(self.machine.rev())? {
                self.note_elsewhere(&snapshot)?;
                self.machine.absorb(&snapshot);
                queue.push_back(Event::Reloaded(snapshot));
                event = self.without_twins(event);
            }
        }
    }

    /// Looks up what only the history can tell of the files that an event brings: which hold what the
    /// remote had once and has replaced since.
    fn note_reverted(&mut self, event: &Event) -> Result<(), StoreError> {
        let known = |key: &ArtifactKey| self.machine.entry(key).and_then(|entry| entry.local);
        let brought: Vec<_> = match event {
            Event::Found(files) | Event::Looked(files) => files
                .iter()
                .filter_map(|found| Some((found, found.text.as_ref()?.hash())))
                .filter(|(found, hash)| known(&found.key) != Some(*hash))
                .map(|(found, hash)| (found.key.clone(), hash, self.saved.as_ref() == Some(&found.path)))
                .collect(),
            Event::Reloaded(snapshot) => return self.note_elsewhere(snapshot),
            // What a person or the program itself puts there goes back to nothing by accident.
            Event::BroughtBack(back) => {
                self.machine.note_reverted(&back.file.key, false);
                return Ok(());
            }
            Event::FilesDone(done) => {
                done.iter().for_each(|done| self.machine.note_reverted(done.effect.key(), false));
                return Ok(());
            }
            _ => return Ok(()),
        };
        for (key, hash, is_saved) in brought {
            let is_reverted = !is_saved && self.store.was_replaced(&key, hash)?;
            self.machine.note_reverted(&key, is_reverted);
        }
        Ok(())
    }

    /// The same of what another process found, and what somebody said there.
    fn note_elsewhere(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        for entry in &snapshot.entries {
            let known = self.machine.entry(&entry.key);
            let is_as_it_was = known.is_some_and(|known| known.local == entry.local);
            if is_as_it_was {
                self.machine.note_word(entry);
            } else if let Some(hash) = entry.local.filter(|_| entry.local != entry.base) {
                let is_reverted = self.store.was_replaced(&entry.key, hash)?;
                self.machine.note_reverted(&entry.key, is_reverted);
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, hash: ContentHash) -> Result<Text, FileProblem> {
        match self.store.text(hash) {
            Ok(Some(text)) => Ok(Text::new(text)),
            Ok(None) => Err(FileProblem::Io(format!("the cache has lost content {hash}; pull again"))),
            Err(error) => Err(FileProblem::Io(error.to_string())),
        }
    }
}

/// Title and state of a content.
pub(crate) fn outline(path: &ArtifactPath, text: &str) -> (Option<String>, Option<String>) {
    let outline = parse(text, Format::of_file(path.file_name()));
    let state = outline.state.map(|state| state_word(&state.text).to_uppercase());
    (outline.title.map(|title| title.text), state.filter(|state| !state.is_empty()))
}

/// Whether a file's time is old enough to tell a later change apart: two writes within one tick of
/// the file system's clock have the same time. Git calls such entries "racily clean".
pub(crate) fn is_settled(stat: &FileStat, now: Timestamp) -> bool {
    stat.mtime.saturating_add(1_000_000_000) < now.0.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests;
