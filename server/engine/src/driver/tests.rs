//! The loop's parts, without its thread.

use std::fs;

use agent_core::id::{Author, ChangeId, ContentHash, Seq, Text, Version};
use agent_core::ports::{PullPage, RemoteRow};
use agent_core::sync::ResolvedBase;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::workspace::Workspace;

const A: &str = ".agent/stories/INFRA-001.md";
const B: &str = ".agent/stories/INFRA-002.md";

/// A loop on a folder without a remote; what the remote would say is said by the test.
struct Rig {
    folder: TempDir,
    driver: Driver,
    received: Receiver<Command>,
    notices: UnboundedReceiver<Notice>,
    _runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".agent/stories")).unwrap();
        Self::on(folder)
    }

    /// Another life of the program on this folder.
    fn on(folder: TempDir) -> Self {
        let home = folder.path().join("home");
        let session = Session::open(Workspace::at(folder.path()), home, &|_| None, "test").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (sender, notices) = unbounded_channel();
        let (commands, received) = std::sync::mpsc::channel();
        let driver = Driver::new(session, runtime.handle().clone(), sender, commands);
        Self { folder, driver, received, notices, _runtime: runtime }
    }

    fn restart(self) -> Self {
        let Self { folder, driver, .. } = self;
        drop(driver);
        Self::on(folder)
    }

    fn write(&self, at: &str, text: &str) {
        fs::write(self.folder.path().join(at), text).unwrap();
    }

    fn read(&self, at: &str) -> String {
        fs::read_to_string(self.folder.path().join(at)).unwrap()
    }

    /// Lets the cache take nothing more, or everything again.
    fn break_cache(&self, is_broken: bool) {
        let sql = match is_broken {
            true => "CREATE TRIGGER full BEFORE INSERT ON operations BEGIN SELECT RAISE(ABORT, 'full'); END",
            false => "DROP TRIGGER full",
        };
        let database = self.driver.session.workspace.database();
        rusqlite::Connection::open(database).unwrap().execute_batch(sql).unwrap();
    }

    fn touch(&mut self, paths: &[&str]) {
        let paths = paths.iter().map(|at| self.folder.path().join(at)).collect();
        self.driver.files_touched(paths);
    }

    fn knows(&self, at: &str) -> bool {
        self.driver.session.engine.machine().entry(&self.key(at)).is_some_and(|entry| entry.local.is_some())
    }

    fn changed(&mut self) -> Vec<String> {
        let notices = std::iter::from_fn(|| self.notices.try_recv().ok());
        let changed = notices.filter_map(|notice| match notice {
            Notice::Changed(paths) => Some(paths),
            _ => None,
        });
        changed.flatten().map(|path| path.as_str().to_owned()).collect()
    }

    fn handle(&self) -> Handle {
        self.driver.handle()
    }

    /// Does what was said so far, then ends.
    fn run(&mut self) {
        let (done, _ended) = std::sync::mpsc::channel();
        self.driver.commands.send(Command::Stop(done)).unwrap();
        self.driver.run(&self.received);
    }

    fn key(&self, at: &str) -> ArtifactKey {
        self.driver.session.engine.kinds().key_of(&path(at)).unwrap().unwrap()
    }

    fn entry(&self, at: &str) -> agent_core::sync::Entry {
        self.driver.session.engine.machine().entry(&self.key(at)).unwrap().clone()
    }

    /// The remote has this as the artifact's version.
    fn pulled(&mut self, at: &str, version: u64, text: &str) {
        let row = RemoteRow {
            key: self.key(at),
            version: Version(version),
            seq: Seq(version),
            path: path(at),
            title: None,
            state: None,
            content: Some(Text::new(text.to_owned())),
            author: Author::default(),
            change_id: None::<ChangeId>,
            at: now(),
        };
        let (cursor, newest_seq) = (Seq(version), Seq(version));
        let page = PullPage {
            rows: vec![row],
            unreadable: Vec::new(),
            erasures: Vec::new(),
            cursor,
            newest_seq,
            more: false,
        };
        self.driver.run_event(Event::Pulled(Box::new(page)));
    }
}

fn path(value: &str) -> ArtifactPath {
    ArtifactPath::new(value).unwrap()
}

fn hash(text: &str) -> Option<ContentHash> {
    Some(ContentHash::of(text.as_bytes()))
}

/// Two artifacts that the remote has a newer version of, and a program that was not running then.
fn behind() -> Rig {
    let mut rig = Rig::new();
    for at in [A, B] {
        rig.write(at, "one\n");
    }
    rig.driver.session.engine.scan(now()).unwrap();
    for (at, version) in [(A, 1), (B, 2)] {
        rig.pulled(at, version, "one\n");
    }
    for (at, version) in [(A, 3), (B, 4)] {
        rig.pulled(at, version, "two\n");
    }
    rig.restart()
}

#[test]
fn what_is_open_at_the_start_is_not_written() {
    let mut rig = behind();
    rig.handle().opened(path(A), Arc::from("one\n"));
    rig.handle().begin();
    rig.run();
    assert_eq!(rig.read(B).as_str(), "one\n", "an editor may be about to open it");
    rig.driver.look_around(now());
    assert!(rig.driver.session.engine.machine().leads());
    assert_eq!((rig.read(A).as_str(), rig.read(B).as_str()), ("one\n", "two\n"));
}

#[test]
fn what_was_closed_again_before_the_start_is_written() {
    let mut rig = behind();
    rig.handle().opened(path(A), Arc::from("one\n"));
    rig.handle().closed(path(A));
    rig.handle().begin();
    rig.run();
    rig.driver.look_around(now());
    assert_eq!((rig.read(A).as_str(), rig.read(B).as_str()), ("two\n", "two\n"));
}

#[test]
fn what_is_said_before_the_start_is_done_after_it() {
    let mut rig = behind();
    rig.write(A, "mine\n");
    rig.handle().opened(path(A), Arc::from("one\n"));
    rig.handle().saved(path(A), SavedBase::Kept);
    rig.handle().begin();
    rig.run();
    assert_eq!(rig.entry(A).local, hash("mine\n"));
    assert!(std::iter::from_fn(|| rig.notices.try_recv().ok()).any(|it| matches!(it, Notice::Scanned)));
}

#[test]
fn a_save_the_cache_did_not_take_is_taken_as_soon_as_it_can_be() {
    let mut rig = Rig::new();
    rig.write(A, "one\n");
    rig.driver.begin();
    rig.pulled(A, 1, "one\n");
    rig.break_cache(true);
    rig.write(A, "mine\n");
    let resolved =
        ResolvedBase { from: hash("one\n"), to: Some(Text::new("two\n".to_owned())), undoes: None };
    rig.driver.command(Command::Saved(path(A), SavedBase::Moved(resolved)));
    assert_eq!(rig.entry(A).local, hash("one\n"));
    for _ in 0..2 {
        assert!(rig.driver.views.link().cache_problem.is_some());
        rig.driver.look_around(now());
    }
    rig.break_cache(false);
    assert!(rig.driver.views.link().cache_problem.is_some());
    rig.driver.look_around(now());
    assert_eq!((rig.entry(A).local, rig.entry(A).base), (hash("mine\n"), hash("two\n")));
    assert_eq!(rig.driver.views.link().cache_problem, None);
}

#[test]
fn a_file_found_while_the_cache_failed_is_found_again() {
    let mut rig = Rig::new();
    rig.driver.begin();
    rig.break_cache(true);
    rig.write(A, "one\n");
    rig.write(B, "one\n");
    rig.touch(&[A, B]);
    rig.break_cache(false);
    // An event that needs no cache says nothing about it.
    rig.driver.run_event(Event::Tick);
    assert!(rig.driver.views.link().cache_problem.is_some());
    rig.driver.look_around(now());
    assert_eq!((rig.entry(A).local, rig.entry(B).local), (hash("one\n"), hash("one\n")));
    assert_eq!(rig.driver.views.link().cache_problem, None);
}

/// Somebody took out, by another program, what came in last, and the cache could not take that in.
#[test]
fn what_is_opened_while_the_cache_fails_is_not_taken_for_older_than_its_file() {
    const OLD: &str = "one\n\ntwo\n";
    const NEW: &str = "zero\n\none\n\ntwo\n";
    const MINE: &str = "one\n\ntwo\n\nmine\n";
    let mut rig = Rig::new();
    rig.write(A, OLD);
    rig.driver.begin();
    rig.driver.look_around(now());
    rig.pulled(A, 1, OLD);
    rig.pulled(A, 2, NEW);
    assert_eq!(rig.read(A), NEW);
    rig.break_cache(true);
    rig.write(A, MINE);
    rig.driver.command(Command::Opened(path(A), Arc::from(MINE)));
    rig.break_cache(false);
    rig.driver.look_around(now());
    assert_eq!((rig.entry(A).base, rig.entry(A).local), (hash(NEW), hash(MINE)));
}

#[test]
fn a_base_moved_while_the_cache_failed_is_moved_later() {
    let mut rig = Rig::new();
    rig.write(A, "one\n");
    rig.driver.begin();
    rig.pulled(A, 1, "one\n");
    rig.write(A, "mine\n");
    rig.driver.saved(path(A), SavedBase::Kept);
    rig.pulled(A, 2, "two\n");
    rig.break_cache(true);
    let base = ResolvedBase { from: hash("one\n"), to: Some(Text::new("two\n".to_owned())), undoes: None };
    rig.driver.command(Command::Do(Event::Resolved { key: rig.key(A), base }));
    rig.break_cache(false);
    rig.driver.look_around(now());
    assert_eq!(rig.entry(A).base, hash("two\n"));
}

#[test]
fn a_file_without_an_extension_is_no_reason_to_look_at_everything() {
    let mut rig = Rig::new();
    rig.driver.begin();
    rig.driver.watch = None;
    rig.write(B, "untold\n");
    rig.write(".agent/stories/4913", "vim tries whether it may write");
    rig.touch(&[".agent/stories/4913", ".agent/stories/gone", "elsewhere", A]);
    assert!(!rig.knows(B) && rig.driver.watch.is_none());
}

#[test]
fn a_folder_that_came_or_went_is_a_reason_to_look_at_everything() {
    let mut rig = Rig::new();
    rig.driver.begin();
    let below = ".agent/stories/sub/INFRA-003.md";
    let sub = rig.folder.path().join(".agent/stories/sub");
    fs::create_dir(&sub).unwrap();
    rig.write(below, "one\n");
    rig.driver.watch = None;
    rig.touch(&[".agent/stories/sub"]);
    assert!(rig.knows(below) && rig.driver.watch.is_none());
    fs::remove_dir_all(&sub).unwrap();
    rig.touch(&[".agent/stories/sub"]);
    assert!(!rig.knows(below));
    rig.write(A, "one\n");
    rig.touch(&[".agent/stories"]);
    assert!(rig.knows(A) && rig.driver.watch.is_some(), "a watched folder is watched anew");
}

#[test]
fn lost_events_are_a_reason_to_look_at_everything() {
    let mut rig = Rig::new();
    rig.driver.begin();
    rig.write(A, "one\n");
    rig.driver.gather(Vec::new());
    let (_, gathered) = rig.driver.gathered.take().unwrap();
    rig.driver.files_touched(gathered);
    assert!(rig.knows(A));
}

#[test]
fn a_folder_made_later_is_watched_and_looked_at() {
    let below = ".agent/plans/P-1.md";
    let mut rig = Rig::new();
    rig.driver.begin();
    fs::create_dir(rig.folder.path().join(".agent/plans")).unwrap();
    rig.write(below, "one\n");
    rig.driver.look_around(now());
    assert!(rig.knows(below));
    assert!(!rig.driver.watch.as_ref().unwrap().is_outdated());
}

#[test]
fn artifacts_are_counted_as_they_come_and_go() {
    let mut rig = Rig::new();
    rig.driver.begin();
    for (text, expected) in [(Some("one\n"), 1), (Some("two\n"), 1), (None, 0), (Some("three\n"), 1)] {
        match text {
            Some(text) => rig.write(A, text),
            None => fs::remove_file(rig.folder.path().join(A)).unwrap(),
        }
        rig.driver.saved(path(A), SavedBase::Kept);
        let link = rig.driver.views.link();
        assert_eq!((link.artifacts, link.waiting), (expected, expected));
        assert_eq!(link.artifacts, rig.driver.session.engine.machine().len());
    }
}

#[test]
fn a_long_wait_is_shown_once_however_late_it_is_noticed() {
    let mut rig = Rig::new();
    rig.driver.begin();
    rig.write(A, "one\n");
    rig.driver.saved(path(A), SavedBase::Kept);
    let since = rig.entry(A).waiting_since.unwrap();
    rig.changed();
    rig.driver.show_long_waits(since.plus(WAITS_LONG_MILLIS - 1));
    assert!(rig.changed().is_empty());
    for expected in [vec![A.to_owned()], Vec::new()] {
        rig.driver.show_long_waits(since.plus(5 * WAITS_LONG_MILLIS));
        assert_eq!(rig.changed(), expected);
    }
}

#[test]
fn a_clock_that_was_set_back_stops_nothing() {
    let mut rig = Rig::new();
    rig.driver.begin();
    let hour = 3_600_000;
    let ahead = now().plus(hour);
    (rig.driver.seen_at, rig.driver.look_at, rig.driver.open_renew_at) = (ahead, ahead, ahead);
    rig.driver.gathered = Some((ahead, Vec::new()));
    rig.driver.timers();
    let soon = now().plus(hour / 2);
    assert!(rig.driver.look_at <= soon && rig.driver.open_renew_at <= soon);
    assert!(rig.driver.gathered.is_none());
}

#[test]
fn a_file_open_here_is_read_when_its_editor_says_that_it_saved_or_a_while_later() {
    let mut rig = behind();
    rig.handle().opened(path(A), Arc::from("one\n"));
    rig.handle().begin();
    rig.run();
    for at in [A, B] {
        rig.write(at, "saved\n");
    }
    rig.touch(&[A, B]);
    assert_eq!((rig.entry(A).local, rig.entry(B).local), (hash("one\n"), hash("saved\n")));
    rig.driver.command(Command::Saved(path(A), SavedBase::Kept));
    assert_eq!(rig.entry(A).local, hash("saved\n"));
    assert!(rig.driver.held.is_empty(), "it was said");

    rig.write(A, "by another program\n");
    rig.touch(&[A]);
    rig.driver.read_held(now());
    assert_eq!(rig.entry(A).local, hash("saved\n"));
    rig.driver.read_held(now().plus(1_000));
    assert_eq!(rig.entry(A).local, hash("by another program\n"));
}

#[test]
fn what_is_open_stays_open_while_the_machine_sleeps() {
    let mut rig = behind();
    rig.driver.command(Command::Opened(path(A), Arc::from("one\n")));
    let (other, awake) = (Holder("another".to_owned()), now().plus(12 * 3_600_000));
    let key = rig.key(A);
    let open = rig.driver.session.engine.store.open_elsewhere(&other, awake).unwrap();
    assert!(open.contains(&key));
}

#[test]
fn whoever_leads_drops_old_history_once_a_day() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let mut rig = Rig::new();
    for number in 0..30 {
        rig.write(A, &format!("{number}\n"));
        rig.touch(&[A]);
        rig.pulled(A, number + 1, &format!("{number}\n"));
    }
    let later = now().plus(100 * DAY);
    let left = |rig: &Rig| rig.driver.session.engine.store().operations(None, 999).unwrap().len();
    let before = left(&rig);
    rig.driver.forget(later);
    rig.driver.forget(later.plus(DAY));
    assert_eq!(left(&rig), before, "only who leads");
    rig.driver.run_event(Event::Leads(true));
    rig.driver.forget(later);
    assert_eq!(left(&rig), before, "not at once");
    rig.driver.forget(later.plus(60_000));
    let after = left(&rig);
    assert!(after < before && after >= 10, "{after} of {before}");
    assert_eq!(rig.driver.session.engine.store().collected_at().unwrap(), Some(later.plus(60_000)));
    // Not again on the same day, whoever leads then.
    rig.driver.forget_at = None;
    rig.driver.forget(later.plus(120_000));
    assert_eq!(rig.driver.forget_at, Some(later.plus(60_000 + DAY)));
    // The present is untouched.
    assert_eq!(rig.driver.session.engine.text(rig.entry(A).local.unwrap()).unwrap().as_str(), "29\n");
}
