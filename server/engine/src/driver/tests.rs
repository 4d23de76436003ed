//! The loop's parts, without its thread.

use std::fs;

use agent_core::id::{Author, ChangeId, ContentHash, Seq, Text, Version};
use agent_core::ports::{PullPage, RemoteRow};
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
        let page = PullPage { rows: vec![row], unreadable: Vec::new(), cursor, newest_seq, more: false };
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
    rig.handle().opened(path(A));
    rig.handle().begin();
    rig.run();
    assert!(rig.driver.session.engine.machine().leads());
    assert_eq!((rig.read(A).as_str(), rig.read(B).as_str()), ("one\n", "two\n"));
}

#[test]
fn what_was_closed_again_before_the_start_is_written() {
    let mut rig = behind();
    rig.handle().opened(path(A));
    rig.handle().closed(path(A));
    rig.handle().begin();
    rig.run();
    assert_eq!((rig.read(A).as_str(), rig.read(B).as_str()), ("two\n", "two\n"));
}

#[test]
fn what_is_said_before_the_start_is_done_after_it() {
    let mut rig = behind();
    rig.write(A, "mine\n");
    rig.handle().opened(path(A));
    rig.handle().saved(path(A), None);
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
    let resolved = ResolvedBase { from: hash("one\n"), to: Some(Text::new("two\n".to_owned())) };
    rig.driver.command(Command::Saved(path(A), Some(resolved)));
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
    rig.driver.files_touched(vec![rig.folder.path().join(A), rig.folder.path().join(B)]);
    rig.break_cache(false);
    // An event that needs no cache says nothing about it.
    rig.driver.run_event(Event::Tick);
    assert!(rig.driver.views.link().cache_problem.is_some());
    rig.driver.look_around(now());
    assert_eq!((rig.entry(A).local, rig.entry(B).local), (hash("one\n"), hash("one\n")));
    assert_eq!(rig.driver.views.link().cache_problem, None);
}

#[test]
fn a_base_moved_while_the_cache_failed_is_moved_later() {
    let mut rig = Rig::new();
    rig.write(A, "one\n");
    rig.driver.begin();
    rig.pulled(A, 1, "one\n");
    rig.write(A, "mine\n");
    rig.driver.saved(path(A), None);
    rig.pulled(A, 2, "two\n");
    rig.break_cache(true);
    let base = ResolvedBase { from: hash("one\n"), to: Some(Text::new("two\n".to_owned())) };
    rig.driver.command(Command::Do(Event::Resolved { key: rig.key(A), base }));
    rig.break_cache(false);
    rig.driver.look_around(now());
    assert_eq!(rig.entry(A).base, hash("two\n"));
}
