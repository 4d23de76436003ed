//! The loop of a long-running session: one thread owns the engine, takes commands in order, and
//! sends requests to the remote on the runtime without waiting for them. What the editor's side may
//! read is published as [`Views`]; it hears of changes as [`Notice`]s.

mod asked;
mod cache;
mod files;
mod forget;
mod handle;
mod ids;
mod past;
mod presence;
mod publish;
mod rules;
#[cfg(test)]
mod tests;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{Holder, RemoteError, Store};
use agent_core::sync::Event;
use agent_remote::Listener;
use tokio::sync::mpsc::UnboundedSender;

use crate::chance::now;
use crate::engine::{Failed, Outcome};
use crate::holders::{OPEN_MILLIS, Sign, forget_gone};
use crate::lease::Lease;
use crate::opened::{Older, SavedBase};
use crate::resolve::ResolveError;
use crate::session::{Sent, Session, SharedRemote};
use crate::view::Views;
use crate::watch::Watch;

pub use asked::{Listed, Revision, RevisionError, Sides, Told};
use cache::Again;
use handle::Command;
pub use handle::{Handle, Notice, Renumber, start};
use ids::NeedsId;
use presence::{Places, Word};
use publish::Stands;
pub use publish::{Stand, WAITS_LONG_MILLIS};
use rules::RulesDue;

/// How often other processes are looked at: their commits, their leases, their open documents.
const LOOK_MILLIS: i64 = 1_000;
/// How often files are tried again that could not be written.
const WRITES_MILLIS: i64 = 60_000;
/// How long an open document counts as open after its process was last heard of, where that shows its [`Sign`]: long enough for a machine that slept, whose processes do not all
/// wake at the same moment.
const SIGNED_MILLIS: i64 = 7 * 24 * 3_600_000;

struct Driver {
    holder: Holder,
    session: Session,
    remote: SharedRemote,
    runtime: tokio::runtime::Handle,
    notices: UnboundedSender<Notice>,
    commands: Sender<Command>,
    views: Arc<Views>,
    lease: Lease,
    /// Shown while something is open.
    sign: Option<Sign>,
    listener: Option<Listener>,
    watch: Option<Watch>,
    wake_at: Option<Timestamp>,
    /// The latest moment seen.
    seen_at: Timestamp,
    look_at: Timestamp,
    pull_at: Timestamp,
    writes_at: Timestamp,
    open_renew_at: Timestamp,
    /// When old history is looked through next; `None` until this process leads.
    forget_at: Option<Timestamp>,
    gathered: Option<(Timestamp, Vec<PathBuf>)>,
    /// Files that changed while our own editor has them open, and when to read them at the latest.
    held: BTreeMap<ArtifactPath, Timestamp>,
    open: BTreeMap<ArtifactKey, OpenDocument>,
    /// Where in them somebody was last, and when.
    seen_in: Places,
    word: Word,
    shown: HashMap<ArtifactKey, ArtifactPath>,
    stands: Stands,
    rules: RulesDue,
    needs_id: NeedsId,
    /// What was said about deletions that are held back.
    told: BTreeSet<String>,
    /// What is known of the remote's answering, by whichever process asked it.
    trouble: Option<(Timestamp, RemoteError)>,
    /// Whether the session that is there was tried since the remote said that nobody is signed in.
    tried_session: bool,
    cache_problem: Option<String>,
    /// The cache failed, and this is to be done again, and everything looked at.
    unsaved: Option<Vec<Again>>,
    /// The cache is damaged and could not be replaced yet. Files and buffers are all there is then;
    /// the scan after the replacement takes them in.
    is_broken: bool,
}

/// A document that the editor has open.
#[derive(Debug, Clone)]
struct OpenDocument {
    path: ArtifactPath,
    /// As it was opened.
    text: Arc<str>,
    /// Whether it was compared with the file, which the cache must be there for.
    is_compared: bool,
    older: Option<Older>,
}

impl OpenDocument {
    fn new(path: &ArtifactPath, text: Arc<str>) -> Self {
        Self { path: path.clone(), text, is_compared: false, older: None }
    }
}

impl Driver {
    fn new(
        mut session: Session,
        runtime: tokio::runtime::Handle,
        notices: UnboundedSender<Notice>,
        commands: Sender<Command>,
    ) -> Self {
        let remote = Arc::new(session.remote.clone());
        let lease = Lease::new(session.workspace.lease_file());
        let holder = Holder(uuid::Uuid::new_v4().to_string());
        session.engine.set_holder(holder.clone());
        Self {
            holder,
            session,
            remote,
            runtime,
            notices,
            commands,
            views: Arc::default(),
            lease,
            sign: None,
            listener: None,
            watch: None,
            wake_at: None,
            seen_at: Timestamp(0),
            look_at: Timestamp(0),
            pull_at: Timestamp(0),
            writes_at: Timestamp(0),
            open_renew_at: Timestamp(0),
            forget_at: None,
            gathered: None,
            held: BTreeMap::new(),
            open: BTreeMap::new(),
            seen_in: Places::new(),
            word: Word::default(),
            shown: HashMap::new(),
            stands: Stands::default(),
            rules: RulesDue::default(),
            needs_id: NeedsId::default(),
            told: BTreeSet::new(),
            trouble: None,
            tried_session: false,
            cache_problem: None,
            unsaved: None,
            is_broken: false,
        }
    }

    fn run(&mut self, commands: &Receiver<Command>) {
        let mut early = Vec::new();
        loop {
            match commands.recv() {
                Ok(Command::Begin) => break,
                Ok(Command::Stop(done)) => return self.stop(&done),
                Ok(command @ (Command::Opened(..) | Command::Closed(_))) => self.note_open(&command),
                Ok(command) => early.push(command),
                Err(_) => return,
            }
        }
        self.begin();
        early.into_iter().for_each(|command| self.command(command));
        loop {
            match commands.recv_timeout(self.patience()) {
                Ok(Command::Stop(done)) => return self.stop(&done),
                Ok(command) => self.command(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.timers();
        }
    }

    fn stop(&mut self, done: &Sender<()>) {
        self.forget_people();
        let _ = self.session.engine.store.release(&self.holder);
        self.sign = None;
        let _ = done.send(());
    }

    /// How long nothing is due.
    fn patience(&self) -> Duration {
        let gathered = self.gathered.as_ref().map(|(at, _)| *at);
        let held = self.held.values().min().copied();
        let due = [Some(self.look_at), self.wake_at, gathered, held].into_iter().flatten().min();
        let millis = due.map_or(LOOK_MILLIS, |at| at.0 - now().0).clamp(0, LOOK_MILLIS);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// What is open, here and elsewhere, is known before anything may be written.
    fn begin(&mut self) {
        if let Some(rebuilt) = self.session.rebuilt.take() {
            self.notify(Notice::Warning(rebuilt));
        }
        self.start_watch();
        self.declare_open();
        self.read_trouble();
        self.read_rules();
        let everything: Vec<_> = self.session.engine.machine().entries().map(|e| e.key.clone()).collect();
        self.publish(everything);
        for key in self.open.keys().cloned().collect::<Vec<_>>() {
            self.run_event(Event::Opened(key));
        }
        self.run_event(Event::Tick);
        self.scan();
        self.read_all_opened();
        // The lease, and with it the first closed file that is written, is left to the first look: an
        // editor reads its files a moment before it says that they are open.
        self.look_at = now().plus(LOOK_MILLIS);
        self.notify(Notice::Scanned);
    }

    fn command(&mut self, command: Command) {
        if self.is_broken {
            return self.note_open(&command);
        }
        self.see_open(now());
        match command {
            Command::Opened(path, text) => self.opened(&path, text),
            Command::Closed(path) => self.closed(&path),
            Command::Saved(path, base) => self.saved(path, base),
            Command::Touched(paths) => self.gather(paths),
            Command::Answered(event) => {
                self.know_user();
                self.rules.note(&event);
                let had_trouble = self.session.engine.machine().link().trouble.is_some();
                self.run_event(event);
                self.record_link();
                let is_well = self.session.engine.machine().link().trouble.is_none();
                if let (true, true, Some(listener)) = (had_trouble, is_well, &self.listener) {
                    listener.wake();
                }
                self.ask_rules();
            }
            Command::Rules(answer) => self.rules_answered(answer),
            Command::Allocated(key, answer) => self.allocated(key, answer),
            Command::Create(wanted, answer) => self.create(wanted, answer),
            Command::Created(wanted, answer, id) => self.create_with(wanted, id, answer),
            Command::Live(event) => {
                self.rules.heard(&event);
                self.needs_id.heard(&event);
                self.run_event(Event::Live(event));
            }
            Command::SeenIn(path, section) => self.seen_in(&path, section),
            Command::Meet(people) => self.meet(people),
            Command::Do(event) => self.run_event(event),
            Command::UserChanged => self.user_changed(),
            Command::Resolve(ask, answer) => match self.session.engine.resolve(&ask, now()) {
                Ok(outcome) => {
                    self.carry_on(Ok(outcome));
                    answer(Ok(()));
                }
                Err(ResolveError::Store(mut failed)) => {
                    self.proceed(std::mem::take(&mut failed.outcome));
                    self.cache_failed(&failed.error);
                    self.show();
                    answer(Err(ResolveError::Store(failed)));
                }
                Err(error) => answer(Err(error)),
            },
            Command::Texts(hashes, answer) => self.texts(&hashes, answer),
            Command::List(answer) => self.list(answer),
            Command::Sides(key, answer) => self.sides(&key, answer),
            Command::History(key, answer) => self.tell_history(&key, answer),
            Command::Revision(key, version, answer) => self.revision(key, version, answer),
            Command::PreviewUndo(ask, answer) => self.preview_undo(*ask, answer),
            Command::Scan(done) => {
                self.scan();
                done();
            }
            Command::Begin | Command::Stop(_) => {}
        }
    }

    fn run_event(&mut self, event: Event) {
        let again = cache::is_kept(&event).then(|| Again::Event(event.clone()));
        let outcome = self.session.engine.handle(event, now());
        self.carry_on_or(outcome, again);
    }

    fn saved(&mut self, path: ArtifactPath, base: SavedBase) {
        self.held.remove(&path);
        if let (SavedBase::Unknown, Some(Ok(key))) = (&base, self.session.engine.kinds().key_of(&path)) {
            // A process that stood still for long may have lost the file to a teammate's text.
            let outcome = self.session.engine.refresh(now());
            self.carry_on(outcome);
            self.compare_opened(&key);
        }
        let again = match &base {
            SavedBase::Moved(moved) => Some(Again::Saved(path.clone(), moved.clone())),
            SavedBase::Kept | SavedBase::Unknown => None,
        };
        let outcome = self.session.engine.file_saved(&path, base, now());
        self.carry_on_or(outcome, again);
    }

    /// Carries on; if the cache failed, this is done again as soon as it does not.
    fn carry_on_or(&mut self, outcome: Result<Outcome, Failed>, again: Option<Again>) {
        if outcome.is_err() {
            self.keep(again);
        }
        self.carry_on(outcome);
    }

    /// Sends what an event asks for, and shows what it changed.
    fn carry_on(&mut self, outcome: Result<Outcome, Failed>) {
        match outcome {
            Ok(outcome) => self.proceed(outcome),
            Err(failed) => {
                self.proceed(*failed.outcome);
                self.cache_failed(&failed.error);
            }
        }
        self.show();
    }

    fn proceed(&mut self, outcome: Outcome) {
        self.wake_at = outcome.wake_at;
        for request in outcome.requests {
            self.send(Sent::new(&self.session.engine, request));
        }
        self.publish(outcome.touched);
    }

    fn show(&mut self) {
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

    fn timers(&mut self) {
        let at = now();
        self.mind_clock(at);
        if self.is_broken {
            if self.look_at <= at {
                self.rebuild();
                self.look_at = at.plus(LOOK_MILLIS);
            }
            return;
        }
        if self.gathered.as_ref().is_some_and(|(due, _)| *due <= at) {
            let paths = self.gathered.take().map(|(_, paths)| paths).unwrap_or_default();
            self.see_open(at);
            self.files_touched(paths);
        }
        self.read_held(at);
        if self.wake_at.is_some_and(|due| due <= at) {
            self.wake_at = None;
            self.run_event(Event::Tick);
        }
        if self.look_at <= at {
            self.look_at = at.plus(LOOK_MILLIS);
            self.look_around(at);
        }
    }

    /// A clock that was set back must not keep what is due from being done.
    fn mind_clock(&mut self, at: Timestamp) {
        let was_set_back = at.plus(LOOK_MILLIS) < std::mem::replace(&mut self.seen_at, at);
        if !was_set_back {
            return;
        }
        self.look_at = at;
        self.pull_at = at;
        self.writes_at = at;
        self.open_renew_at = at;
        self.rules.again_at = at;
        self.forget_at = None;
        if let Some((due, _)) = &mut self.gathered {
            *due = at;
        }
        self.held.values_mut().for_each(|due| *due = at);
        if !self.is_broken {
            // It also ends the wait for a moment that is far away by now.
            self.run_event(Event::PullWanted);
        }
    }

    /// What did not get into the cache; then other processes: what they committed, whether the lease is free, what they have open.
    fn look_around(&mut self, at: Timestamp) {
        self.catch_up(at);
        self.watch_new_folders();
        let seen = self.session.engine.machine().rev();
        let outcome = self.session.engine.refresh(at);
        if self.session.engine.machine().rev() != seen {
            self.read_rules();
        }
        if !matches!(&outcome, Ok(outcome) if outcome.touched.is_empty()) {
            self.carry_on(outcome);
        }
        if let Err(error) =
            forget_gone(&mut self.session.engine.store, &self.session.workspace.database(), at)
        {
            self.cache_failed(&error);
        }
        self.see_open(at);
        self.record_link();
        self.notice_sign_in();
        self.take_lease();
        self.present(at);
        if self.open_renew_at <= at && !self.open.is_empty() {
            self.declare_open();
        }
        let interval = self.session.config.sync.auto_pull_interval;
        if interval > 0 && self.pull_at <= at && self.session.engine.machine().leads() {
            self.pull_at = at.plus(interval);
            self.run_event(Event::PullScheduled);
        }
        if self.writes_at <= at {
            self.writes_at = at.plus(WRITES_MILLIS);
            let outcome = self.session.engine.retry_writes(at);
            self.carry_on(outcome);
        }
        self.show_long_waits(at);
        self.mind_ids(at);
        self.ask_rules();
        self.forget(at);
    }

    /// Which artifacts other processes have open.
    fn see_open(&mut self, at: Timestamp) {
        let outcome = self.session.engine.see_open(at);
        if !matches!(&outcome, Ok(outcome) if outcome.touched.is_empty()) {
            self.rules.opened(at);
            self.carry_on(outcome);
        }
    }

    fn take_lease(&mut self) {
        if self.session.engine.machine().leads() || !self.lease.try_take() {
            return;
        }
        self.pull_at = now().plus(self.session.config.sync.auto_pull_interval);
        self.run_event(Event::Leads(true));
        if self.listener.is_some() || !self.session.engine.machine().leads() {
            return;
        }
        self.meet_nobody();
        let (Some(settings), Some(auth)) = (&self.session.settings, &self.session.auth) else { return };
        let commands = self.commands.clone();
        let _inside = self.runtime.enter();
        let live = move |event| {
            let _ = commands.send(Command::Live(event));
        };
        let others = self.commands.clone();
        self.listener = Some(match self.session.config.sync.presence {
            true => agent_remote::listen_present(settings, auth, live, move |people| {
                let _ = others.send(Command::Meet(people));
            }),
            false => agent_remote::listen(settings, auth, live),
        });
    }

    fn opened(&mut self, path: &ArtifactPath, text: Arc<str>) {
        let Some(Ok(key)) = self.session.engine.kinds().key_of(path) else { return };
        self.open.insert(key.clone(), OpenDocument::new(path, text));
        self.declare_open();
        self.rules.opened(now());
        self.ask_rules();
        self.read_opened(&key);
    }

    fn read_all_opened(&mut self) {
        for key in self.open.keys().cloned().collect::<Vec<_>>() {
            self.read_opened(&key);
        }
    }

    /// Takes in an open document, and what its editor's text was made out of.
    fn read_opened(&mut self, key: &ArtifactKey) {
        // What another process left to be done to the file is not done under the editor.
        self.run_event(Event::Opened(key.clone()));
        // Whoever may have written the file knows by now that it is open, and did so before.
        let outcome = self.session.engine.refresh(now());
        self.carry_on(outcome);
        let Some(document) = self.open.get(key).filter(|document| !document.is_compared).cloned() else {
            return;
        };
        // Anything else may be the editor's first save, of which it is about to say the base.
        if self.session.engine.file_holds(&document.path, &document.text) {
            let outcome = self.session.engine.files_changed(&[document.path], None, now());
            self.carry_on(outcome);
        }
        self.compare_opened(key);
        // Being open is no change of the artifact, but an open one is seen in full.
        self.publish([key.clone()]);
    }

    /// Finds out whether what was opened is older than the file.
    fn compare_opened(&mut self, key: &ArtifactKey) {
        if self.unsaved.is_some() {
            return; // what the file holds was not taken in, and would look as if it were older
        }
        let Some(text) = self.open.get(key).map(|document| Arc::clone(&document.text)) else { return };
        match self.session.engine.older_than_file(key, &text) {
            Ok(older) => {
                if let Some(older) = &older {
                    self.run_event(Event::OpenedOlder(key.clone(), Some(older.base)));
                }
                self.open.entry(key.clone()).and_modify(|document| {
                    document.is_compared = true;
                    document.older = older;
                });
            }
            Err(error) => self.cache_failed(&error),
        }
    }

    fn closed(&mut self, path: &ArtifactPath) {
        let Some(Ok(key)) = self.session.engine.kinds().key_of(path) else { return };
        self.open.remove(&key);
        self.declare_open();
        self.run_event(Event::Closed(key.clone()));
        self.publish([key]);
    }

    fn declare_open(&mut self) {
        let at = now();
        self.open_renew_at = at.plus(OPEN_MILLIS / 2);
        let keys: Vec<_> = self.open.keys().cloned().collect();
        // Shown before anything is said to be open, so that nobody takes it for gone.
        if !keys.is_empty() && self.sign.is_none() {
            self.sign = Sign::show(&self.session.workspace.database(), &self.holder);
        }
        let lasts = if self.sign.is_some() { SIGNED_MILLIS } else { OPEN_MILLIS };
        if let Err(error) = self.session.engine.store.set_open(&self.holder, &keys, at.plus(lasts)) {
            self.cache_failed(&error);
        }
    }
}
