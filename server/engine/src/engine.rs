//! The machine over its ports, step by step: commit, apply, then write files. Synchronous and
//! without a clock, so that the language server's loop, a command and the simulation all run this
//! same code. Requests to the remote go out as values; their answers come back in as events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agent_core::artifact::identity::Kinds;
use agent_core::artifact::parse::{Format, parse, state_word};
use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Text, Timestamp};
use agent_core::ports::{FileProblem, Files, PushChange, RemoteError, Replaced, Store, StoreError};
use agent_core::sync::next::{Next, next};
use agent_core::sync::{
    Chance, Entry, Event, FileDone, FileEffect, FileStat, Machine, PendingChange, Policy, Request, Step,
};

/// How often a step is decided anew when other processes commit in between.
const MOST_TRIES: usize = 50;

/// Files that are not taken, by their path as shown, and why.
pub type Problems = BTreeMap<String, FileProblem>;

/// What an event led to, for the caller to carry on with.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Requests to send; each is answered by an event.
    pub requests: Vec<Request>,
    /// When to send [`Event::Tick`] at the latest.
    pub wake_at: Option<Timestamp>,
    /// The artifacts that may have changed.
    pub touched: BTreeSet<ArtifactKey>,
}

impl Outcome {
    fn add(&mut self, step: &mut Step) {
        self.touched.extend(step.touched().cloned());
        self.requests.append(&mut step.requests);
        // The last word counts: an earlier step may have asked to wake for what is done by now.
        self.wake_at = step.wake_at;
    }
}

/// The sync machine and what it works on.
pub struct Engine<S, F> {
    pub(crate) store: S,
    pub(crate) files: F,
    pub(crate) kinds: Kinds,
    pub(crate) machine: Machine,
    chance: Box<dyn Chance + Send>,
    pub(crate) scan_problems: Problems,
    write_problems: BTreeMap<ArtifactKey, (ArtifactPath, FileProblem)>,
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
            scan_problems: Problems::new(),
            write_problems: BTreeMap::new(),
        };
        engine.handle(Event::Reloaded(snapshot), now)?;
        Ok(engine)
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
    /// the remote answered is asked for again.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let fallback = fallback_of(&event);
            let mut step = match self.step(event, now, &mut queue) {
                Ok(step) => step,
                Err(error) => {
                    if let Some(event) = fallback {
                        self.step(event, now, &mut queue)?;
                    }
                    return Err(error);
                }
            };
            outcome.add(&mut step);
            self.run_files(std::mem::take(&mut step.files), now, &mut queue);
        }
        Ok(outcome)
    }

    /// Takes in what other processes committed since the last look.
    ///
    /// # Errors
    /// What the cache says.
    pub fn refresh(&mut self, now: Timestamp) -> Result<Outcome, StoreError> {
        match self.store.changed_since(self.machine.rev())? {
            Some(snapshot) => self.handle(Event::Reloaded(snapshot), now),
            None => Ok(Outcome::default()),
        }
    }

    /// One event: decide, commit, apply; decided anew on top of what others committed meanwhile.
    fn step(
        &mut self,
        event: Event,
        now: Timestamp,
        queue: &mut VecDeque<Event>,
    ) -> Result<Step, StoreError> {
        let mut tries = 0;
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
                    self.machine.apply(&step, Some(rev));
                    return Ok(step);
                }
                Err(StoreError::Stale(_)) if tries < MOST_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
            if let Some(snapshot) = self.store.changed_since(self.machine.rev())? {
                self.machine.absorb(&snapshot);
                queue.push_back(Event::Reloaded(snapshot));
            }
        }
    }

    fn run_files(&mut self, effects: Vec<FileEffect>, now: Timestamp, queue: &mut VecDeque<Event>) {
        let mut done = Vec::new();
        for effect in effects {
            let key = effect.key().clone();
            match self.run_file(&effect) {
                Ok(Some((stat, outline))) => {
                    self.write_problems.remove(&key);
                    done.push(FileDone { effect, stat: stat.filter(|stat| is_settled(stat, now)), outline });
                }
                Ok(None) => queue.push_back(Event::FileFailed(key)),
                Err(problem) => {
                    let path = effect_path(&effect).clone();
                    tracing::warn!(artifact = %key, %path, %problem, "the file was not written");
                    self.write_problems.insert(key.clone(), (path, problem));
                    queue.push_back(Event::FileFailed(key));
                }
            }
        }
        if !done.is_empty() {
            queue.push_back(Event::FilesDone(done));
        }
    }

    /// Does one file effect; `None` when the file held something else by now, which the next scan
    /// takes up.
    #[expect(clippy::type_complexity, reason = "used once, right above")]
    fn run_file(
        &self,
        effect: &FileEffect,
    ) -> Result<Option<(Option<FileStat>, (Option<String>, Option<String>))>, FileProblem> {
        let target = effect_path(effect);
        match self.kinds.key_of(target) {
            Some(Ok(key)) if key == *effect.key() => {}
            _ => {
                let problem =
                    format!("{target} is no place for {} in this project; see sync.kinds", effect.key());
                return Err(FileProblem::BadName(problem));
            }
        }
        let (replaced, text) = match effect {
            FileEffect::Move { from, to, expect, .. } => (self.files.rename(from, to, *expect)?, None),
            FileEffect::Replace { path, expect, content, .. } => {
                let text = content.map(|hash| self.text(hash)).transpose()?;
                (self.files.replace(path, *expect, text.as_ref().map(Text::as_str))?, text)
            }
        };
        let outline = text.map_or((None, None), |text| outline(target, text.as_str()));
        Ok(match replaced {
            Replaced::Done(stat) => Some((stat, outline)),
            Replaced::Changed => None,
        })
    }

    pub(crate) fn text(&self, hash: ContentHash) -> Result<Text, FileProblem> {
        match self.store.text(hash) {
            Ok(Some(text)) => Ok(Text::new(text)),
            Ok(None) => Err(FileProblem::Io(format!("the cache has lost content {hash}; pull again"))),
            Err(error) => Err(FileProblem::Io(error.to_string())),
        }
    }

    /// A batch with its contents, ready to be sent. A change whose content the cache cannot give is
    /// left out, and stays in the outbox.
    pub fn changes(&self, batch: &[(ArtifactKey, PendingChange)]) -> Vec<PushChange> {
        batch.iter().filter_map(|(key, pending)| self.change(key, pending)).collect()
    }

    fn change(&self, key: &ArtifactKey, pending: &PendingChange) -> Option<PushChange> {
        let content = match pending.hash.map(|hash| self.text(hash)).transpose() {
            Ok(content) => content,
            Err(problem) => {
                tracing::error!(artifact = %key, %problem, "not pushed");
                return None;
            }
        };
        let (title, state) =
            content.as_ref().map_or((None, None), |text| outline(&pending.path, text.as_str()));
        Some(PushChange {
            change_id: pending.change_id,
            key: key.clone(),
            base_version: pending.base_version,
            path: pending.path.clone(),
            title,
            state,
            content,
        })
    }
}

/// What stands in for an answer of the remote that could not be stored: it is asked for again.
fn fallback_of(event: &Event) -> Option<Event> {
    let error = || RemoteError::Protocol("its answer could not be stored".to_owned());
    match event {
        Event::Pulled(_) => Some(Event::PullFailed(error())),
        Event::Pushed(_) => Some(Event::PushFailed(error())),
        Event::BaseFound { key, .. } => Some(Event::SearchFailed(key.clone(), error())),
        _ => None,
    }
}

fn effect_path(effect: &FileEffect) -> &ArtifactPath {
    match effect {
        FileEffect::Replace { path, .. } => path,
        FileEffect::Move { to, .. } => to,
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
