//! The loop of a long-running session: one thread owns the engine, takes commands in order, and
//! sends requests to the remote on the runtime without waiting for them. What the editor's side may
//! read is published as [`Views`]; it hears of changes as [`Notice`]s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{Holder, LiveEvent, Store, StoreError};
use agent_core::sync::next::{Next, Waits};
use agent_core::sync::{Entry, Event, ResolvedBase};
use agent_remote::Listener;
use tokio::sync::mpsc::UnboundedSender;

use crate::chance::now;
use crate::engine::Outcome;
use crate::lease::Lease;
use crate::resolve::{Ask, ResolveError};
use crate::session::{Sent, Session, SharedRemote};
use crate::view::{LinkState, View, Views};
use crate::watch::{Watch, watch};

/// How often other processes are looked at: their commits, their leases, their open documents.
const LOOK_MILLIS: i64 = 1_000;
/// How long file events are gathered, so that a `git checkout` is one scan.
const GATHER_MILLIS: i64 = 30;
/// More changed files than this are found faster by a scan.
const MANY_FILES: usize = 64;
/// How long an open document counts as open after its process was last heard of.
const OPEN_MILLIS: i64 = 60_000;
/// How long local content may wait before the artifact itself says so.
pub const WAITS_LONG_MILLIS: i64 = 60_000;

/// What the editor's side hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// These artifacts' views changed.
    Changed(Vec<ArtifactPath>),
    /// The connection or the queue changed.
    Link,
    /// These files became, or are no longer, ones that are not taken.
    Problems(Vec<String>),
    /// Something people should read.
    Warning(String),
    /// The first scan is done.
    Scanned,
}

type Answer = Box<dyn FnOnce(Result<(), ResolveError>) + Send>;

enum Command {
    Opened(ArtifactPath),
    Closed(ArtifactPath),
    Saved(ArtifactPath, Option<ResolvedBase>),
    Touched(Vec<PathBuf>),
    Answered(Event),
    Live(LiveEvent),
    Do(Event),
    Resolve(Ask, Answer),
    Stop(Sender<()>),
}

/// Talks to the loop. Nothing here waits.
#[derive(Clone)]
pub struct Handle {
    commands: Sender<Command>,
    views: Arc<Views>,
}

impl Handle {
    fn send(&self, command: Command) {
        // The loop is gone only while the process ends.
        let _ = self.commands.send(command);
    }

    /// The pictures of the session's state.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// The editor opened a document.
    pub fn opened(&self, path: ArtifactPath) {
        self.send(Command::Opened(path));
    }

    /// The editor closed a document.
    pub fn closed(&self, path: ArtifactPath) {
        self.send(Command::Closed(path));
    }

    /// The editor saved a document; `resolved` is what was resolved in its buffer before.
    pub fn saved(&self, path: ArtifactPath, resolved: Option<ResolvedBase>) {
        self.send(Command::Saved(path, resolved));
    }

    /// Files changed, by absolute path; an empty list means any may have.
    pub fn touched(&self, paths: Vec<PathBuf>) {
        self.send(Command::Touched(paths));
    }

    /// Push now, also what was refused.
    pub fn push(&self) {
        self.send(Command::Do(Event::PushWanted { retry_refused: true }));
    }

    /// Pull now.
    pub fn pull(&self) {
        self.send(Command::Do(Event::PullWanted));
    }

    /// Moves an artifact's base without changing its text.
    pub fn move_base(&self, key: ArtifactKey, base: ResolvedBase) {
        self.send(Command::Do(Event::Resolved { key, base }));
    }

    /// Chooses sides on disk; `answer` is called from the loop's thread.
    pub fn resolve(&self, ask: Ask, answer: impl FnOnce(Result<(), ResolveError>) + Send + 'static) {
        self.send(Command::Resolve(ask, Box::new(answer)));
    }

    /// Ends the loop, after what was sent before, and waits at most this long for it.
    pub fn stop(&self, at_most: Duration) {
        let (done, wait) = mpsc::channel();
        self.send(Command::Stop(done));
        let _ = wait.recv_timeout(at_most);
    }
}

/// Starts the loop on a thread of its own.
pub fn start(session: Session, runtime: tokio::runtime::Handle, notices: UnboundedSender<Notice>) -> Handle {
    let (commands, received) = mpsc::channel();
    let views = Arc::new(Views::default());
    let handle = Handle { commands: commands.clone(), views: Arc::clone(&views) };
    let remote = Arc::new(session.remote.clone());
    let lease = Lease::new(session.workspace.lease_file());
    let mut driver = Driver {
        holder: Holder(uuid::Uuid::new_v4().to_string()),
        session,
        remote,
        runtime,
        notices,
        commands,
        views,
        lease,
        listener: None,
        watch: None,
        wake_at: None,
        look_at: Timestamp(0),
        pull_at: Timestamp(0),
        open_renew_at: Timestamp(0),
        gathered: None,
        open: BTreeSet::new(),
        shown: HashMap::new(),
        stands: BTreeMap::new(),
        cache_problem: None,
        is_broken: false,
    };
    std::thread::spawn(move || driver.run(&received));
    handle
}

/// What the counts in the status are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Waiting,
    Behind,
    Conflict,
    Refused,
}

struct Driver {
    holder: Holder,
    session: Session,
    remote: SharedRemote,
    runtime: tokio::runtime::Handle,
    notices: UnboundedSender<Notice>,
    commands: Sender<Command>,
    views: Arc<Views>,
    lease: Lease,
    listener: Option<Listener>,
    watch: Option<Watch>,
    wake_at: Option<Timestamp>,
    look_at: Timestamp,
    pull_at: Timestamp,
    open_renew_at: Timestamp,
    gathered: Option<(Timestamp, Vec<PathBuf>)>,
    open: BTreeSet<ArtifactKey>,
    shown: HashMap<ArtifactKey, ArtifactPath>,
    stands: BTreeMap<ArtifactKey, Stand>,
    cache_problem: Option<String>,
    /// The cache is damaged and could not be replaced yet. Files and buffers are all there is then;
    /// the scan after the replacement takes them in.
    is_broken: bool,
}

impl Driver {
    fn run(&mut self, commands: &Receiver<Command>) {
        self.begin();
        loop {
            match commands.recv_timeout(self.patience()) {
                Ok(Command::Stop(done)) => {
                    let _ = self.session.engine.store.release(&self.holder);
                    let _ = done.send(());
                    return;
                }
                Ok(command) => self.command(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.timers();
        }
    }

    /// How long nothing is due.
    fn patience(&self) -> Duration {
        let gathered = self.gathered.as_ref().map(|(at, _)| *at);
        let due = [Some(self.look_at), self.wake_at, gathered].into_iter().flatten().min();
        let millis = due.map_or(LOOK_MILLIS, |at| at.0 - now().0).clamp(0, LOOK_MILLIS);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    fn begin(&mut self) {
        if let Some(rebuilt) = self.session.rebuilt.take() {
            self.notify(Notice::Warning(rebuilt));
        }
        self.start_watch();
        let everything: Vec<_> = self.session.engine.machine().entries().map(|e| e.key.clone()).collect();
        self.publish(everything);
        self.run_event(Event::Tick);
        let scanned = self.session.engine.scan(now());
        self.carry_on(scanned);
        self.take_lease();
        self.notify(Notice::Scanned);
    }

    fn start_watch(&mut self) {
        let folders: Vec<String> = self.session.engine.kinds().folders().map(str::to_owned).collect();
        let commands = self.commands.clone();
        self.watch = watch(self.session.workspace.root(), &folders, move |paths| {
            let _ = commands.send(Command::Touched(paths));
        });
    }

    fn command(&mut self, command: Command) {
        if self.is_broken {
            return self.note_open(&command);
        }
        self.see_open(now());
        match command {
            Command::Opened(path) => self.open(&path, true),
            Command::Closed(path) => self.open(&path, false),
            Command::Saved(path, resolved) => {
                let outcome = self.session.engine.file_saved(&path, resolved, now());
                self.carry_on(outcome);
            }
            Command::Touched(paths) => self.gather(paths),
            Command::Answered(event) => {
                let had_trouble = self.session.engine.machine().link().trouble.is_some();
                self.run_event(event);
                let is_well = self.session.engine.machine().link().trouble.is_none();
                if let (true, true, Some(listener)) = (had_trouble, is_well, &self.listener) {
                    listener.wake();
                }
            }
            Command::Live(event) => self.run_event(Event::Live(event)),
            Command::Do(event) => self.run_event(event),
            Command::Resolve(ask, answer) => match self.session.engine.resolve(&ask, now()) {
                Ok(outcome) => {
                    self.carry_on(Ok(outcome));
                    answer(Ok(()));
                }
                Err(error) => answer(Err(error)),
            },
            Command::Stop(_) => {}
        }
    }

    /// Replaces a damaged cache and takes everything in again; tried until it succeeds.
    fn rebuild(&mut self) {
        let had_lease = self.session.engine.machine().leads();
        self.is_broken = true;
        if let Err(error) = self.session.rebuild() {
            self.warn_about_cache(&error);
            return;
        }
        self.is_broken = false;
        if let Some(rebuilt) = self.session.rebuilt.take() {
            self.notify(Notice::Warning(rebuilt));
        }
        let known: Vec<_> = self.shown.drain().map(|(_, path)| path).collect();
        known.iter().for_each(|path| self.views.set(path.clone(), None));
        self.stands.clear();
        self.declare_open();
        for key in self.open.clone() {
            self.run_event(Event::Opened(key));
        }
        let scanned = self.session.engine.scan(now());
        self.carry_on(scanned);
        if had_lease {
            self.run_event(Event::Leads(true));
        }
    }

    fn run_event(&mut self, event: Event) {
        let outcome = self.session.engine.handle(event, now());
        self.carry_on(outcome);
    }

    /// Sends what an event asks for, and shows what it changed.
    fn carry_on(&mut self, outcome: Result<Outcome, StoreError>) {
        match outcome {
            Ok(outcome) => {
                self.cache_problem = None;
                self.wake_at = outcome.wake_at;
                for request in outcome.requests {
                    self.send(Sent::new(&self.session.engine, request));
                }
                self.publish(outcome.touched);
            }
            Err(error) => self.cache_failed(&error),
        }
        if self.is_broken {
            return self.publish_link();
        }
        let changed = self.views.set_problems(self.session.engine.problems());
        if !changed.is_empty() {
            self.notify(Notice::Problems(changed));
        }
        self.publish_link();
    }

    fn send(&self, sent: Sent) {
        let (remote, commands) = (Arc::clone(&self.remote), self.commands.clone());
        self.runtime.spawn(async move {
            let event = sent.answer(&*remote).await;
            let _ = commands.send(Command::Answered(event));
        });
    }

    fn cache_failed(&mut self, error: &StoreError) {
        self.warn_about_cache(error);
        if matches!(error, StoreError::Corrupt { .. }) && !self.is_broken {
            self.rebuild();
        }
    }

    fn warn_about_cache(&mut self, error: &StoreError) {
        tracing::error!(%error, "the cache");
        let message = error.to_string();
        if self.cache_problem.as_ref() != Some(&message) {
            self.notify(Notice::Warning(format!("not cached, your files are untouched: {message}")));
        }
        self.cache_problem = Some(message);
    }

    fn gather(&mut self, paths: Vec<PathBuf>) {
        let (_, gathered) = self.gathered.get_or_insert_with(|| (now().plus(GATHER_MILLIS), Vec::new()));
        match paths.is_empty() {
            // Events were lost: pretend many.
            true => gathered.resize(MANY_FILES + 1, PathBuf::new()),
            false => gathered.extend(paths),
        }
    }

    /// What is remembered of a command while there is no cache to do it on.
    fn note_open(&mut self, command: &Command) {
        let kinds = self.session.engine.kinds();
        match command {
            Command::Opened(path) => self.open.extend(kinds.key_of(path).and_then(Result::ok)),
            Command::Closed(path) => {
                if let Some(Ok(key)) = kinds.key_of(path) {
                    self.open.remove(&key);
                }
            }
            _ => {}
        }
    }

    fn timers(&mut self) {
        let at = now();
        if self.is_broken {
            if self.look_at <= at {
                self.look_at = at.plus(LOOK_MILLIS);
                self.rebuild();
            }
            return;
        }
        if self.gathered.as_ref().is_some_and(|(due, _)| *due <= at) {
            let paths = self.gathered.take().map(|(_, paths)| paths).unwrap_or_default();
            self.see_open(at);
            self.files_touched(paths);
        }
        if self.wake_at.is_some_and(|due| due <= at) {
            self.wake_at = None;
            self.run_event(Event::Tick);
        }
        if self.look_at <= at {
            self.look_at = at.plus(LOOK_MILLIS);
            self.look_around(at);
        }
    }

    fn files_touched(&mut self, paths: Vec<PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        let root = self.session.workspace.root().to_owned();
        let relative = |path: &PathBuf| {
            let inside = path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            ArtifactPath::new(&inside).ok()
        };
        let folder_changed = paths.iter().any(|path| path.is_dir() || path.extension().is_none());
        if folder_changed {
            self.start_watch();
        }
        if folder_changed || paths.len() > MANY_FILES {
            let outcome = self.session.engine.scan(now());
            return self.carry_on(outcome);
        }
        let paths: Vec<_> = paths.iter().filter_map(relative).collect();
        let outcome = self.session.engine.files_changed(&paths, None, now());
        self.carry_on(outcome);
    }

    /// Other processes: what they committed, whether the lease is free, what they have open.
    fn look_around(&mut self, at: Timestamp) {
        let outcome = self.session.engine.refresh(at);
        if !matches!(&outcome, Ok(outcome) if outcome.touched.is_empty()) {
            self.carry_on(outcome);
        }
        self.take_lease();
        self.see_open(at);
        if self.open_renew_at <= at && !self.open.is_empty() {
            self.declare_open();
        }
        let interval = self.session.config.sync.auto_pull_interval;
        if interval > 0 && self.pull_at <= at && self.session.engine.machine().leads() {
            self.pull_at = at.plus(interval);
            self.run_event(Event::PullScheduled);
        }
        self.show_long_waits(at);
    }

    /// Which artifacts other processes have open. Looked up again before anything may lead to a file
    /// being written: an editor that opened it a moment ago would not see that happen.
    fn see_open(&mut self, at: Timestamp) {
        match self.session.engine.store.open_elsewhere(&self.holder, at) {
            Ok(keys) if !self.session.engine.machine().is_open_elsewhere(&keys) => {
                self.run_event(Event::OpenElsewhere(keys.into_iter().collect()));
            }
            Ok(_) => {}
            Err(error) => self.cache_failed(&error),
        }
    }

    fn take_lease(&mut self) {
        if self.session.engine.machine().leads() || !self.lease.try_take() {
            return;
        }
        self.pull_at = now().plus(self.session.config.sync.auto_pull_interval);
        self.run_event(Event::Leads(true));
        let (Some(settings), Some(auth)) = (&self.session.settings, &self.session.auth) else { return };
        let commands = self.commands.clone();
        let _inside = self.runtime.enter();
        self.listener = Some(agent_remote::listen(settings, auth, move |event| {
            let _ = commands.send(Command::Live(event));
        }));
    }

    fn open(&mut self, path: &ArtifactPath, is_open: bool) {
        let Some(Ok(key)) = self.session.engine.kinds().key_of(path) else { return };
        match is_open {
            true => self.open.insert(key.clone()),
            false => self.open.remove(&key),
        };
        self.declare_open();
        self.run_event(if is_open { Event::Opened(key) } else { Event::Closed(key) });
    }

    fn declare_open(&mut self) {
        let at = now();
        self.open_renew_at = at.plus(OPEN_MILLIS / 2);
        let keys: Vec<_> = self.open.iter().cloned().collect();
        if let Err(error) = self.session.engine.store.set_open(&self.holder, &keys, at.plus(OPEN_MILLIS)) {
            self.cache_failed(&error);
        }
    }

    /// An artifact that waits for long says so itself; nothing else happens to it at that moment.
    fn show_long_waits(&mut self, at: Timestamp) {
        let machine = self.session.engine.machine();
        let just_long = |key: &ArtifactKey| {
            let since = machine.entry(key).and_then(|entry| entry.waiting_since)?;
            let over = at.0 - since.0 - WAITS_LONG_MILLIS;
            (0..2 * LOOK_MILLIS).contains(&over).then(|| key.clone())
        };
        let waiting = self.stands.iter().filter(|(_, stand)| **stand == Stand::Waiting);
        let keys: Vec<_> = waiting.filter_map(|(key, _)| just_long(key)).collect();
        self.publish(keys);
    }

    fn publish(&mut self, keys: impl IntoIterator<Item = ArtifactKey>) {
        let mut changed = Vec::new();
        for key in keys {
            let engine = &self.session.engine;
            let Some(entry) = engine.machine().entry(&key).cloned() else { continue };
            let next = engine.next_of(&entry);
            match stand_of(&entry, &next) {
                Some(stand) => self.stands.insert(key.clone(), stand),
                None => self.stands.remove(&key),
            };
            let path = entry.path.clone();
            let quiet = matches!(next, Next::Nothing) && entry.pending.is_none();
            let view = (!quiet || self.open.contains(&key)).then(|| self.view(entry, next));
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

    fn view(&self, entry: Entry, next: Next) -> View {
        let engine = &self.session.engine;
        let differs = entry.base != entry.remote_hash();
        let text = |hash: Option<_>| hash.and_then(|hash| engine.store().text(hash).ok().flatten());
        View {
            base: differs.then(|| text(entry.base)).flatten(),
            local: differs.then(|| text(entry.local)).flatten(),
            remote: differs.then(|| text(entry.remote_hash())).flatten(),
            write_problem: engine.write_problem(&entry.key).cloned(),
            entry,
            next,
        }
    }

    fn publish_link(&self) {
        let count = |stand| self.stands.values().filter(|found| **found == stand).count();
        let machine = self.session.engine.machine();
        let link = LinkState {
            live: machine.link().live,
            leads: machine.leads(),
            trouble: machine.link().trouble.clone(),
            waiting: count(Stand::Waiting),
            behind: count(Stand::Behind),
            conflicts: count(Stand::Conflict),
            refused: count(Stand::Refused),
            artifacts: machine.len(),
            cache_problem: self.cache_problem.clone(),
        };
        if self.views.set_link(link) {
            self.notify(Notice::Link);
        }
    }

    fn notify(&self, notice: Notice) {
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
        Next::Wait(_) => Some(Stand::Conflict),
    }
}
