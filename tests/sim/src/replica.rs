//! One teammate: a workspace with its files and its cache, and the processes that work on it.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath, ChangeId, Timestamp};
use agent_core::ports::{Holder, Store};
use agent_core::sync::{Chance, Entry, Event, Policy, Request, ResolvedBase};
use agent_engine::{Engine, Failed, Outcome};
use uuid::Uuid;

use crate::Fuse;
use crate::files::MemoryFiles;
use crate::store::SharedCache;

/// How long open documents are believed without being said again.
const OPEN_MILLIS: i64 = 60_000;

/// Randomness from the world's seed.
pub(crate) struct SeededChance(fastrand::Rng);

impl SeededChance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }
}

impl Chance for SeededChance {
    fn change_id(&mut self) -> ChangeId {
        ChangeId(Uuid::from_u128(self.0.u128(..)))
    }

    fn jitter(&mut self) -> f64 {
        self.0.f64()
    }
}

/// A document open in an editor.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    pub(crate) path: ArtifactPath,
    pub(crate) text: String,
    pub(crate) edited: bool,
    pub(crate) resolved: Option<ResolvedBase>,
}

/// One running program on the workspace.
pub(crate) struct Process {
    pub(crate) engine: Engine<SharedCache, MemoryFiles>,
    pub(crate) files: MemoryFiles,
    pub(crate) store: SharedCache,
    pub(crate) fuse: Fuse,
    /// Answers to an earlier life of it are for nobody.
    pub(crate) life: u64,
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) buffers: BTreeMap<ArtifactKey, Buffer>,
    holder: Holder,
}

impl Process {
    /// Starts it. Nothing can fail yet: faults come later.
    pub(crate) fn start(replica: &Replica, life: u64, seed: u64, now: Timestamp) -> Self {
        let fuse = Fuse::default();
        let (files, store) =
            (replica.files.for_process(fuse.clone()), replica.cache.for_process(fuse.clone()));
        let chance = Box::new(SeededChance::new(seed));
        let engine =
            Engine::open(store.clone(), files.clone(), Kinds::standard(), replica.policy, chance, now)
                .expect("a sound cache opens");
        let (holder, buffers) = (Holder(format!("process {life}")), BTreeMap::new());
        Self { engine, files, store, fuse, life, wake_at: None, buffers, holder }
    }

    /// What the loop of a real process does with an outcome: requests to send are handed back.
    pub(crate) fn carry_on(&mut self, outcome: Result<Outcome, Failed>) -> Vec<Request> {
        let outcome = outcome.unwrap_or_else(|failed| *failed.outcome);
        self.wake_at = outcome.wake_at;
        outcome.requests
    }

    pub(crate) fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Request> {
        let outcome = self.engine.handle(event, now);
        self.carry_on(outcome)
    }

    /// Looks at what other processes of the workspace did.
    pub(crate) fn look_around(&mut self, now: Timestamp) -> Vec<Request> {
        let outcome = self.engine.refresh(now);
        let mut requests = match &outcome {
            Ok(found) if found.touched.is_empty() => Vec::new(),
            _ => self.carry_on(outcome),
        };
        let keys = self.store.open_elsewhere(&self.holder, now).expect("memory does not fail");
        if !self.engine.machine().is_open_elsewhere(&keys) {
            requests.extend(self.handle(Event::OpenElsewhere(keys.into_iter().collect()), now));
        }
        requests
    }

    pub(crate) fn open(&mut self, key: &ArtifactKey, buffer: Buffer, now: Timestamp) -> Vec<Request> {
        self.files.set_open(&buffer.path, true);
        self.buffers.insert(key.clone(), buffer);
        self.declare_open(now);
        self.handle(Event::Opened(key.clone()), now)
    }

    pub(crate) fn close(&mut self, key: &ArtifactKey, now: Timestamp) -> Vec<Request> {
        let Some(buffer) = self.buffers.remove(key) else { return Vec::new() };
        self.files.set_open(&buffer.path, false);
        self.declare_open(now);
        self.handle(Event::Closed(key.clone()), now)
    }

    fn declare_open(&mut self, now: Timestamp) {
        let keys: Vec<_> = self.buffers.keys().cloned().collect();
        self.store.set_open(&self.holder, &keys, now.plus(OPEN_MILLIS)).expect("memory does not fail");
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.engine.machine().entries().cloned().collect()
    }
}

pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) policy: Policy,
    pub(crate) files: MemoryFiles,
    pub(crate) cache: SharedCache,
    /// Caches that were lost; what they knew is not lost by the program.
    pub(crate) lost: Vec<SharedCache>,
    pub(crate) processes: Vec<Process>,
    /// Every token that was ever in its files, and what somebody chose sides of: to go on without
    /// those is a decision.
    pub(crate) seen: BTreeSet<String>,
    pub(crate) chosen: BTreeSet<ArtifactKey>,
    /// The process that pushes and listens.
    pub(crate) leader: usize,
}

impl Replica {
    pub(crate) fn new(name: String, policy: Policy) -> Self {
        Self {
            name,
            policy,
            files: MemoryFiles::default(),
            cache: SharedCache::new(),
            lost: Vec::new(),
            processes: Vec::new(),
            seen: BTreeSet::new(),
            chosen: BTreeSet::new(),
            leader: 0,
        }
    }

    /// Whether the workspace ever had this text in its history.
    pub(crate) fn knows(&self, text: &str) -> bool {
        self.cache.knows(text) || self.lost.iter().any(|cache| cache.knows(text))
    }

    /// Everything in its files has been before somebody's eyes.
    pub(crate) fn look(&mut self) {
        for text in self.files.all().values() {
            self.seen.extend(tokens(text).map(str::to_owned));
        }
    }

    /// The files that claim to be this artifact.
    pub(crate) fn files_of(&self, key: &ArtifactKey) -> Vec<(ArtifactPath, String)> {
        let kinds = Kinds::standard();
        let is = |path: &ArtifactPath| matches!(kinds.key_of(path), Some(Ok(found)) if found == *key);
        let files = self.files.all().into_iter().filter(|(path, _)| is(path));
        files.map(|(path, text)| (path, text.to_string())).collect()
    }
}

/// The lines that nobody else ever wrote.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.len() == 5 && line.starts_with('t'))
}
