//! One running program on a workspace: the real engine, and around it what the loop of a session does
//! (`engine/driver`, which is bound to a real disk, clock and network). The loop takes what its editor
//! says in order, looks around once a second, and does again what the cache did not take.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{Holder, LiveEvent, Store};
use agent_core::sync::next::Next;
use agent_core::sync::{Entry, Event, ResolvedBase};
use agent_engine::resolve::Ask;
use agent_engine::{Engine, Failed, Older, Outcome, SavedBase, View};

use crate::editor::Editor;
use crate::files::MemoryFiles;
use crate::fuse::{Fuse, lock};
use crate::network::Body;
use crate::plan::Plan;
use crate::replica::{Replica, SeededChance};
use crate::store::SharedCache;
use crate::words::Planted;

/// As in the loop of a session.
const LOOK_MILLIS: i64 = 1_000;
const WRITES_MILLIS: i64 = 60_000;
const SIGNED_MILLIS: i64 = 7 * 24 * 3_600_000;
const RENEW_MILLIS: i64 = 30_000;
const HOLD_MILLIS: i64 = 1_000;
/// How often everything is pulled unasked.
const PULL_MILLIS: i64 = 300_000;

/// The lock that one process of a workspace holds; it ends with the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lease(Arc<Mutex<Option<u64>>>);

impl Lease {
    fn try_take(&self, life: u64) -> bool {
        *lock(&self.0).get_or_insert(life) == life
    }

    pub(crate) fn end(&self, life: u64) {
        lock(&self.0).take_if(|holder| *holder == life);
    }

    pub(crate) fn holder(&self) -> Option<u64> {
        *lock(&self.0)
    }
}

/// What is said to the loop.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Opened(ArtifactKey, ArtifactPath, Arc<str>),
    Closed(ArtifactKey, ArtifactPath),
    Saved(ArtifactPath, SavedBase),
    Touched(Vec<ArtifactPath>),
    Resolve(Ask),
    Scan,
    Do(Event),
}

/// What the cache did not take and the next scan would not find.
#[derive(Debug, Clone)]
enum Again {
    Saved(ArtifactPath, ResolvedBase),
    Event(Event),
}

/// As in the loop of a session.
#[derive(Debug, Clone)]
struct OpenDocument {
    path: ArtifactPath,
    text: Arc<str>,
    is_compared: bool,
    older: Option<Older>,
}

pub(crate) struct Process {
    pub(crate) engine: Engine<SharedCache, MemoryFiles>,
    pub(crate) files: MemoryFiles,
    pub(crate) store: SharedCache,
    pub(crate) fuse: Fuse,
    /// Answers to an earlier life of it are for nobody.
    pub(crate) life: u64,
    pub(crate) editors: BTreeMap<ArtifactKey, Editor>,
    pub(crate) commands: VecDeque<Command>,
    /// Requests to send.
    pub(crate) outbox: Vec<Body>,
    /// Artifacts that may have changed.
    pub(crate) touched: BTreeSet<ArtifactKey>,
    /// Whether it listens, and whether it wants to.
    pub(crate) is_joined: bool,
    pub(crate) wants_join: bool,
    /// What the editor's side sees of the artifacts it has open.
    pub(crate) views: BTreeMap<ArtifactPath, Arc<View>>,
    holder: Holder,
    kinds: Kinds,
    lease: Lease,
    open: BTreeMap<ArtifactKey, OpenDocument>,
    held: BTreeMap<ArtifactPath, Timestamp>,
    kept: Option<Vec<Again>>,
    wake_at: Option<Timestamp>,
    seen_at: Timestamp,
    look_at: Timestamp,
    pull_at: Timestamp,
    writes_at: Timestamp,
    open_renew_at: Timestamp,
    planted: Option<Planted>,
}

impl Process {
    /// Starts it. Nothing can fail yet: faults come later.
    pub(crate) fn start(
        replica: &Replica,
        plan: &Plan,
        life: u64,
        seed: u64,
        now: Timestamp,
        planted: Option<Planted>,
    ) -> Self {
        let fuse = Fuse::default();
        let files = replica.files.for_process(fuse.clone(), life);
        let store = replica.cache.for_process(fuse.clone());
        let chance = Box::new(SeededChance::new(seed));
        let kinds = Kinds::standard();
        let mut engine = Engine::open(store.clone(), files.clone(), kinds.clone(), plan.policy, chance, now)
            .expect("a sound cache opens");
        let holder = Holder(format!("process {life}"));
        engine.set_holder(holder.clone());
        let mut process = Self {
            engine,
            files,
            store,
            fuse,
            life,
            editors: BTreeMap::new(),
            commands: VecDeque::new(),
            outbox: Vec::new(),
            touched: BTreeSet::new(),
            is_joined: false,
            wants_join: false,
            views: BTreeMap::new(),
            holder: holder.clone(),
            kinds,
            lease: replica.lease.clone(),
            open: BTreeMap::new(),
            held: BTreeMap::new(),
            kept: None,
            wake_at: None,
            seen_at: now,
            look_at: now.plus(LOOK_MILLIS),
            pull_at: Timestamp::default(),
            writes_at: now.plus(WRITES_MILLIS),
            open_renew_at: Timestamp::default(),
            planted,
        };
        process.event(Event::Tick, now);
        process.scan(now);
        process
    }

    /// Who it is among those that have documents open.
    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(crate) fn has_heard_of(&self, key: &ArtifactKey) -> bool {
        self.open.contains_key(key)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.engine.machine().entries().cloned().collect()
    }

    /// Does all that was said to the loop, and what is due.
    pub(crate) fn turn(&mut self, now: Timestamp) {
        while let Some(command) = self.commands.pop_front() {
            self.command(command, now);
        }
        self.timers(now);
    }

    /// Takes one thing that was said.
    pub(crate) fn command(&mut self, command: Command, now: Timestamp) {
        self.see_open(now);
        match command {
            Command::Opened(key, path, text) => self.opened(&key, &path, text, now),
            Command::Closed(key, path) => self.closed(&key, &path, now),
            Command::Saved(path, base) => self.saved(&path, base, now),
            Command::Touched(paths) => self.files_touched(&paths, now),
            Command::Scan => self.scan(now),
            Command::Do(event) => self.event(event, now),
            Command::Resolve(ask) => {
                self.files.set_asked(true);
                let outcome = self.engine.resolve(&ask, now);
                self.files.set_asked(false);
                match outcome {
                    Ok(outcome) => self.carry_on(Ok(outcome)),
                    Err(agent_engine::resolve::ResolveError::Store(failed)) => self.carry_on(Err(failed)),
                    Err(_) => {}
                }
            }
        }
    }

    /// A live event or an answer of the server.
    pub(crate) fn hears(&mut self, event: Event, now: Timestamp) {
        match &event {
            Event::Live(LiveEvent::Ready) => self.is_joined = true,
            Event::Live(LiveEvent::Lost(_)) => self.is_joined = false,
            _ => {}
        }
        if let (Some(Planted::BelieveHints), Event::Live(LiveEvent::Moved { to, .. })) =
            (self.planted, &event)
        {
            let _ = self.store.commit(&[agent_core::ports::Write::Cursor(*to)]);
        }
        self.command(Command::Do(event), now);
    }

    fn event(&mut self, event: Event, now: Timestamp) {
        let again = is_kept(&event).then(|| Again::Event(event.clone()));
        let outcome = self.engine.handle(event, now);
        self.carry_on_or(outcome, again);
    }

    fn saved(&mut self, path: &ArtifactPath, base: SavedBase, now: Timestamp) {
        self.held.remove(path);
        if let (SavedBase::Unknown, Some(Ok(key))) = (&base, self.kinds.key_of(path)) {
            let outcome = self.engine.refresh(now);
            self.carry_on(outcome);
            self.compare_opened(&key, now);
        }
        let again = match &base {
            SavedBase::Moved(moved) => Some(Again::Saved(path.clone(), moved.clone())),
            SavedBase::Kept | SavedBase::Unknown => None,
        };
        let outcome = self.engine.file_saved(path, base, now);
        self.carry_on_or(outcome, again);
    }

    fn scan(&mut self, now: Timestamp) {
        let outcome = self.engine.scan(now);
        self.carry_on(outcome);
    }

    fn files_touched(&mut self, paths: &[ArtifactPath], now: Timestamp) {
        let machine = self.engine.machine();
        let is_in_editor = |key: &ArtifactKey| self.open.contains_key(key) || machine.circumstances(key).open;
        let is_open =
            |path: &&ArtifactPath| matches!(self.kinds.key_of(path), Some(Ok(key)) if is_in_editor(&key));
        let (open, closed): (Vec<_>, Vec<_>) = paths.iter().partition(is_open);
        for path in open {
            self.held.entry(path.clone()).or_insert_with(|| now.plus(HOLD_MILLIS));
        }
        let closed: Vec<_> = closed.into_iter().cloned().collect();
        let outcome = self.engine.files_changed(&closed, None, now);
        self.carry_on(outcome);
    }

    fn carry_on_or(&mut self, outcome: Result<Outcome, Failed>, again: Option<Again>) {
        if outcome.is_err() {
            self.keep(again);
        }
        self.carry_on(outcome);
    }

    fn carry_on(&mut self, outcome: Result<Outcome, Failed>) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(failed) => {
                self.keep(None);
                *failed.outcome
            }
        };
        self.wake_at = outcome.wake_at;
        self.outbox.extend(outcome.requests.into_iter().map(|request| Body::of(&self.engine, request)));
        for key in &outcome.touched {
            self.publish(key);
        }
        self.touched.extend(outcome.touched);
    }

    /// The picture that the editor's side sees of an artifact.
    pub(crate) fn publish(&mut self, key: &ArtifactKey) {
        if !self.open.contains_key(key) && !self.editors.contains_key(key) {
            return;
        }
        let Some(entry) = self.engine.machine().entry(key).cloned() else { return };
        let next = self.engine.next_of(&entry);
        let quiet = matches!(next, Next::Nothing) && entry.pending.is_none();
        let path = entry.path.clone();
        if quiet && !self.open.contains_key(key) {
            self.views.remove(&path);
            return;
        }
        let wanted = entry.base != entry.remote_hash() || self.open.contains_key(key);
        let text = |hash: Option<_>| hash.and_then(|hash| self.store.text(hash).ok().flatten());
        let view = View {
            base: wanted.then(|| text(entry.base)).flatten(),
            local: wanted.then(|| text(entry.local)).flatten(),
            remote: wanted.then(|| text(entry.remote_hash())).flatten(),
            write_problem: self.engine.write_problem(key).cloned(),
            older: self.open.get(key).and_then(|document| document.older.clone()),
            entry,
            next,
        };
        self.views.insert(path, Arc::new(view));
    }

    fn opened(&mut self, key: &ArtifactKey, path: &ArtifactPath, text: Arc<str>, now: Timestamp) {
        let document = OpenDocument { path: path.clone(), text, is_compared: false, older: None };
        self.open.insert(key.clone(), document);
        self.files.set_open(path, Some(Timestamp(i64::MIN)));
        if self.planted == Some(Planted::OverwriteUnsaved) {
            return;
        }
        self.declare_open(now);
        self.read_opened(key, now);
    }

    fn read_opened(&mut self, key: &ArtifactKey, now: Timestamp) {
        self.event(Event::Opened(key.clone()), now);
        let outcome = self.engine.refresh(now);
        self.carry_on(outcome);
        let Some(document) = self.open.get(key).filter(|document| !document.is_compared).cloned() else {
            return;
        };
        if self.engine.file_holds(&document.path, &document.text) {
            let outcome = self.engine.files_changed(&[document.path], None, now);
            self.carry_on(outcome);
        }
        self.compare_opened(key, now);
        self.publish(key);
    }

    fn compare_opened(&mut self, key: &ArtifactKey, now: Timestamp) {
        if self.kept.is_some() {
            return;
        }
        let Some(text) = self.open.get(key).map(|document| Arc::clone(&document.text)) else { return };
        match self.engine.older_than_file(key, &text) {
            Ok(older) => {
                if let Some(older) = &older {
                    self.event(Event::OpenedOlder(key.clone(), Some(older.base)), now);
                }
                self.open.entry(key.clone()).and_modify(|document| {
                    document.is_compared = true;
                    document.older = older;
                });
            }
            Err(_) => self.keep(None),
        }
    }

    fn closed(&mut self, key: &ArtifactKey, path: &ArtifactPath, now: Timestamp) {
        self.open.remove(key);
        self.files.set_open(path, None);
        self.declare_open(now);
        self.event(Event::Closed(key.clone()), now);
    }

    fn declare_open(&mut self, now: Timestamp) {
        self.open_renew_at = now.plus(RENEW_MILLIS);
        let keys: Vec<_> = self.open.keys().cloned().collect();
        let until = now.plus(SIGNED_MILLIS);
        match self.store.set_open(&self.holder, &keys, until) {
            Ok(()) => {
                self.open.values().for_each(|document| self.files.set_open(&document.path, Some(until)))
            }
            Err(_) => self.keep(None),
        }
    }

    /// Which artifacts other processes have open.
    fn see_open(&mut self, now: Timestamp) {
        let outcome = self.engine.see_open(now);
        self.carry_on(outcome);
    }

    /// Does what is due.
    pub(crate) fn timers(&mut self, now: Timestamp) {
        self.mind_clock(now);
        let due: Vec<_> =
            self.held.iter().filter(|(_, due)| **due <= now).map(|(path, _)| path.clone()).collect();
        if !due.is_empty() {
            self.held.retain(|_, due| *due > now);
            self.see_open(now);
            let outcome = self.engine.files_changed(&due, None, now);
            self.carry_on(outcome);
        }
        if self.wake_at.is_some_and(|due| due <= now) {
            self.wake_at = None;
            self.event(Event::Tick, now);
        }
        if self.look_at <= now {
            self.look_at = now.plus(LOOK_MILLIS);
            self.look_around(now);
        }
    }

    fn mind_clock(&mut self, now: Timestamp) {
        let was_set_back = now.plus(LOOK_MILLIS) < std::mem::replace(&mut self.seen_at, now);
        if !was_set_back {
            return;
        }
        (self.look_at, self.pull_at, self.writes_at, self.open_renew_at) = (now, now, now, now);
        self.held.values_mut().for_each(|due| *due = now);
        self.event(Event::PullWanted, now);
    }

    pub(crate) fn look_around(&mut self, now: Timestamp) {
        self.catch_up(now);
        let outcome = self.engine.refresh(now);
        if !matches!(&outcome, Ok(outcome) if outcome.touched.is_empty()) {
            self.carry_on(outcome);
        }
        self.see_open(now);
        self.take_lease(now);
        if self.open_renew_at <= now
            && !self.open.is_empty()
            && self.planted != Some(Planted::OverwriteUnsaved)
        {
            self.declare_open(now);
        }
        if self.pull_at <= now && self.engine.machine().leads() {
            self.pull_at = now.plus(PULL_MILLIS);
            self.event(Event::PullScheduled, now);
        }
        if self.writes_at <= now {
            self.writes_at = now.plus(WRITES_MILLIS);
            let outcome = self.engine.retry_writes(now);
            self.carry_on(outcome);
        }
    }

    fn take_lease(&mut self, now: Timestamp) {
        if self.engine.machine().leads() || !self.lease.try_take(self.life) {
            return;
        }
        self.pull_at = now.plus(PULL_MILLIS);
        self.event(Event::Leads(true), now);
        self.wants_join = self.engine.machine().leads();
    }

    fn keep(&mut self, again: Option<Again>) {
        let kept = self.kept.get_or_insert_default();
        let Some(again) = again else { return };
        kept.retain(|old| match (old, &again) {
            (Again::Saved(old, _), Again::Saved(new, _)) => old != new,
            (Again::Event(Event::Live(_)), Again::Event(Event::Live(_)))
            | (Again::Event(Event::PushWanted { .. }), Again::Event(Event::PushWanted { .. })) => false,
            _ => true,
        });
        kept.push(again);
    }

    fn catch_up(&mut self, now: Timestamp) {
        let Some(kept) = self.kept.take() else { return };
        self.declare_open(now);
        for key in self.open.keys().cloned().collect::<Vec<_>>() {
            self.read_opened(&key, now);
        }
        self.see_open(now);
        for again in kept {
            match again {
                again if self.kept.is_some() => self.keep(Some(again)),
                Again::Saved(path, base) => self.saved(&path, SavedBase::Moved(base), now),
                Again::Event(Event::Closed(key)) if self.open.contains_key(&key) => {}
                Again::Event(event) => self.event(event, now),
            }
        }
        if self.kept.is_none() {
            self.scan(now);
        }
        if self.kept.is_none() {
            self.event(Event::PullScheduled, now);
        }
    }
}

/// Whether an event is done again when the cache failed. The others are found out anew.
fn is_kept(event: &Event) -> bool {
    match event {
        Event::Live(live) => !matches!(live, LiveEvent::Moved { .. }),
        Event::Closed(_) | Event::Resolved { .. } | Event::PushWanted { .. } => true,
        _ => false,
    }
}
