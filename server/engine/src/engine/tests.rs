//! What is left when the cache fails, loses a text, or a file is not what it was.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use agent_cache::Cache;
use agent_core::id::{Author, Rev, Seq, Version};
use agent_core::ports::{Holder, Operation, PullPage, PushReply, RemoteError, RemoteRow, Snapshot, Write};
use agent_core::sync::ResolvedBase;
use agent_core::sync::next::ConflictStrategy;
use tempfile::TempDir;

use super::*;
use crate::disk::Disk;
use crate::{SavedBase, SystemChance};

const A: &str = ".agent/stories/INFRA-001.md";
const B: &str = ".agent/stories/INFRA-002.md";
const NOW: Timestamp = Timestamp(1_900_000_000_000);

/// What befalls the cache.
#[derive(Default)]
struct Faults {
    /// How many commits succeed before one fails.
    good: Option<u32>,
    lost: BTreeSet<ContentHash>,
}

struct Shaky(Cache, Arc<Mutex<Faults>>);

impl Store for Shaky {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.0.load()
    }

    fn changed_since(&mut self, rev: Rev) -> Result<Option<Snapshot>, StoreError> {
        self.0.changed_since(rev)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Rev, StoreError> {
        let mut faults = self.1.lock().unwrap();
        match faults.good {
            Some(0) => {
                faults.good = None;
                return Err(StoreError::Unwritable { path: "db".to_owned(), detail: "disk full".to_owned() });
            }
            Some(left) => faults.good = Some(left - 1),
            None => {}
        }
        for write in writes {
            if let Write::Blob(text) = write {
                faults.lost.remove(&text.hash());
            }
        }
        self.0.commit(writes)
    }

    fn text(&self, hash: ContentHash) -> Result<Option<Arc<str>>, StoreError> {
        if self.1.lock().unwrap().lost.contains(&hash) {
            return Ok(None);
        }
        self.0.text(hash)
    }

    fn release(&mut self, holder: &Holder) -> Result<(), StoreError> {
        self.0.release(holder)
    }

    fn set_open(
        &mut self,
        holder: &Holder,
        keys: &[ArtifactKey],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.set_open(holder, keys, until)
    }

    fn open_elsewhere(
        &mut self,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<BTreeSet<ArtifactKey>, StoreError> {
        self.0.open_elsewhere(holder, now)
    }

    fn operations(&self, key: Option<&ArtifactKey>, limit: usize) -> Result<Vec<Operation>, StoreError> {
        self.0.operations(key, limit)
    }
}

struct Rig {
    folder: TempDir,
    faults: Arc<Mutex<Faults>>,
    engine: Engine<Shaky, Disk>,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".agent/stories")).unwrap();
        let faults = Arc::<Mutex<Faults>>::default();
        let store = Shaky(Cache::in_memory().unwrap(), Arc::clone(&faults));
        let policy = Policy { auto_push: true, may_write: true, strategy: ConflictStrategy::Manual };
        let disk = Disk::new(folder.path(), 1_000);
        let chance = Box::new(SystemChance);
        let engine = Engine::open(store, disk, Kinds::standard(), policy, chance, NOW).unwrap();
        Self { folder, faults, engine }
    }

    fn write(&self, at: &str, text: &str) {
        let file = self.folder.path().join(at);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn read(&self, at: &str) -> String {
        fs::read_to_string(self.folder.path().join(at)).unwrap()
    }

    fn save(&mut self, at: &str, text: &str) -> Result<Outcome, Failed> {
        self.write(at, text);
        self.engine.file_saved(&path(at), SavedBase::Kept, NOW)
    }

    fn handle(&mut self, event: Event) -> Result<Outcome, Failed> {
        self.engine.handle(event, NOW)
    }

    fn fail_after(&self, commits: u32) {
        self.faults.lock().unwrap().good = Some(commits);
    }

    fn lose(&self, text: &str) {
        self.faults.lock().unwrap().lost.insert(ContentHash::of(text.as_bytes()));
    }

    fn entry(&self, at: &str) -> &Entry {
        self.engine.machine().entry(&key(at)).unwrap()
    }

    /// The file's content was pushed, and is version 1.
    fn synced(&mut self, at: &str, text: &str) {
        self.save(at, text).unwrap();
        self.handle(pulled(at, 1, text, false)).unwrap();
    }
}

fn path(value: &str) -> ArtifactPath {
    ArtifactPath::new(value).unwrap()
}

fn key(at: &str) -> ArtifactKey {
    Kinds::standard().key_of(&path(at)).unwrap().unwrap()
}

fn hash(text: &str) -> Option<ContentHash> {
    Some(ContentHash::of(text.as_bytes()))
}

fn pulled(at: &str, version: u64, text: &str, more: bool) -> Event {
    let row = RemoteRow {
        key: key(at),
        version: Version(version),
        seq: Seq(version),
        path: path(at),
        title: None,
        state: None,
        content: Some(Text::new(text.to_owned())),
        author: Author::default(),
        change_id: None,
        at: NOW,
    };
    let (cursor, newest_seq) = (Seq(version), Seq(version + u64::from(more)));
    Event::Pulled(Box::new(PullPage {
        rows: vec![row],
        unreadable: Vec::new(),
        erasures: Vec::new(),
        cursor,
        newest_seq,
        more,
    }))
}

fn nothing_pulled() -> Event {
    let (rows, unreadable, cursor) = (Vec::new(), Vec::new(), Seq(0));
    Event::Pulled(Box::new(PullPage {
        rows,
        unreadable,
        erasures: Vec::new(),
        cursor,
        newest_seq: cursor,
        more: false,
    }))
}

fn batch(outcome: &Outcome) -> &[(ArtifactKey, agent_core::sync::PendingChange)] {
    match outcome.requests.as_slice() {
        [Request::Push(batch)] => batch,
        other => panic!("no push: {other:?}"),
    }
}

#[test]
fn a_request_is_not_lost_with_what_follows_it() {
    let mut rig = Rig::new();
    rig.synced(A, "one\n");
    rig.handle(Event::Leads(true)).unwrap();
    rig.fail_after(1);
    let failed = rig.handle(pulled(A, 2, "two\n", true)).unwrap_err();
    assert!(matches!(failed.error, StoreError::Unwritable { .. }));
    assert_eq!(failed.outcome.requests, [Request::Pull(Seq(2))]);
    assert!(failed.outcome.touched.contains(&key(A)));
}

/// An editor of another process opened it since this one looked last.
#[test]
fn a_file_is_not_written_under_a_document_that_was_just_opened_elsewhere() {
    let mut rig = Rig::new();
    rig.synced(A, "one\n");
    rig.handle(Event::Leads(true)).unwrap();
    let editor = Holder("an editor".to_owned());
    rig.engine.store.set_open(&editor, &[key(A)], NOW.plus(60_000)).unwrap();
    rig.handle(pulled(A, 2, "two\n", false)).unwrap();
    assert_eq!(rig.read(A), "one\n");
    rig.engine.store.release(&editor).unwrap();
    rig.engine.see_open(NOW).unwrap();
    assert_eq!(rig.read(A), "two\n");
}

/// One of many that are gone is the first to be noticed, because a teammate's change was to be written there.
#[test]
fn a_file_that_is_gone_when_it_is_to_be_written_is_a_reason_to_look_at_all() {
    let mut rig = Rig::new();
    let all: Vec<_> = (1..=12).map(|n| format!(".agent/stories/INFRA-{n:03}.md")).collect();
    for (at, version) in all.iter().zip(1..) {
        rig.save(at, "one\n").unwrap();
        rig.handle(pulled(at, version, "one\n", false)).unwrap();
    }
    rig.handle(Event::Leads(true)).unwrap();
    all.iter().for_each(|at| fs::remove_file(rig.folder.path().join(at)).unwrap());
    rig.handle(pulled(&all[0], 13, "two\n", false)).unwrap();
    let parked = |at: &String| rig.entry(at).parked.as_ref().map(|parked| parked.code.clone());
    assert_eq!(parked(&all[11]).as_deref(), Some("mass_deletion"));
    assert!(all.iter().all(|at| rig.entry(at).local.is_none()));
}

#[test]
fn an_answer_that_cannot_be_stored_is_asked_for_again() {
    let mut rig = Rig::new();
    rig.synced(A, "one\n");
    rig.handle(Event::Leads(true)).unwrap();
    rig.fail_after(0);
    let failed = rig.handle(pulled(A, 2, "two\n", false)).unwrap_err();
    assert!(failed.outcome.wake_at.is_some(), "it is asked for again");
    let later = NOW.plus(10_000);
    let outcome = rig.engine.handle(Event::Tick, later).unwrap();
    assert_eq!(outcome.requests, [Request::Pull(Seq(1))]);
}

#[test]
fn a_refusal_that_cannot_be_stored_is_stored_with_the_next_event() {
    let mut rig = Rig::new();
    rig.save(A, "one\n").unwrap();
    rig.handle(Event::Leads(true)).unwrap();
    let outcome = rig.handle(nothing_pulled()).unwrap();
    assert_eq!(batch(&outcome).len(), 1);
    rig.fail_after(0);
    rig.handle(Event::PushFailed(RemoteError::TooMuch("no".to_owned()))).unwrap_err();
    assert!(rig.engine.machine().link().is_busy());
    rig.handle(Event::Tick).unwrap();
    assert!(!rig.engine.machine().link().is_busy());
    assert!(rig.entry(A).parked.is_some());
}

#[test]
fn a_change_whose_text_is_lost_is_parked_and_the_others_go_on() {
    let mut rig = Rig::new();
    rig.save(A, "one\n").unwrap();
    rig.save(B, "two\n").unwrap();
    rig.write(A, "something else\n");
    rig.lose("one\n");
    rig.handle(Event::Leads(true)).unwrap();
    let outcome = rig.handle(nothing_pulled()).unwrap();
    let [(sent, pending)] = batch(&outcome) else { panic!("{outcome:?}") };
    assert_eq!(*sent, key(B));
    let outcomes = vec![(pending.change_id, PushOutcome::Applied(Version(1), Seq(1)))];
    let reply = PushReply { outcomes, newest_seq: Seq(1) };
    let outcome = rig.handle(Event::Pushed(Box::new(reply))).unwrap();
    assert_eq!(outcome.requests, []);
    assert_eq!(rig.entry(B).base, hash("two\n"));
    assert_eq!(rig.entry(A).pending, None);
    assert_eq!(rig.entry(A).parked.as_ref().unwrap().code, "text_missing");
}

#[test]
fn a_batch_of_lost_texts_alone_is_answered_without_a_request() {
    let mut rig = Rig::new();
    rig.save(A, "one\n").unwrap();
    rig.write(A, "something else\n");
    rig.lose("one\n");
    rig.handle(Event::Leads(true)).unwrap();
    let outcome = rig.handle(nothing_pulled()).unwrap();
    assert_eq!(outcome.requests, []);
    assert!(!rig.engine.machine().link().is_busy());
    assert_eq!(rig.entry(A).parked.as_ref().unwrap().code, "text_missing");
}

#[test]
fn a_lost_text_that_the_file_still_has_is_sent() {
    let mut rig = Rig::new();
    rig.save(A, "one\n").unwrap();
    rig.lose("one\n");
    rig.handle(Event::Leads(true)).unwrap();
    let outcome = rig.handle(nothing_pulled()).unwrap();
    let changes = rig.engine.changes(batch(&outcome));
    assert_eq!(changes[0].content.as_ref().map(Text::as_str), Some("one\n"));
}

#[test]
fn a_retry_is_not_forgotten_over_a_file_that_means_nothing() {
    let mut rig = Rig::new();
    rig.handle(Event::Leads(true)).unwrap();
    let failed = rig.handle(Event::PullFailed(RemoteError::Unreachable("no".to_owned()))).unwrap();
    assert!(failed.wake_at.is_some());
    let readme = path(".agent/stories/README.txt");
    assert_eq!(rig.engine.files_changed(&[readme], None, NOW).unwrap().wake_at, failed.wake_at);
    assert_eq!(rig.engine.scan(NOW).unwrap().wake_at, failed.wake_at);
    assert_eq!(rig.engine.refresh(NOW).unwrap().wake_at, failed.wake_at);
}

#[test]
fn a_file_that_changed_under_a_write_is_taken_in_at_once() {
    let mut rig = Rig::new();
    rig.synced(A, "one\n");
    rig.handle(Event::Leads(true)).unwrap();
    rig.write(A, "mine\n");
    rig.handle(pulled(A, 2, "two\n", false)).unwrap();
    assert_eq!(rig.entry(A).local, hash("mine\n"));
    assert_eq!(fs::read_to_string(rig.folder.path().join(A)).unwrap(), "mine\n");
}

#[test]
fn a_file_that_could_not_be_written_is_no_problem_any_more_once_it_is_there() {
    let below = ".agent/stories/sub/INFRA-003.md";
    let mut rig = Rig::new();
    rig.handle(Event::Leads(true)).unwrap();
    rig.write(".agent/stories/sub", "a file where the folder belongs");
    rig.handle(pulled(below, 1, "one\n", false)).unwrap();
    assert!(rig.engine.write_problem(&key(below)).is_some());
    fs::remove_file(rig.folder.path().join(".agent/stories/sub")).unwrap();
    rig.save(below, "one\n").unwrap();
    assert_eq!(rig.engine.write_problem(&key(below)), None);
    assert!(rig.engine.problems().is_empty());
}

#[cfg(unix)]
#[test]
fn what_is_behind_a_link_is_not_deleted_and_the_link_is_shown() {
    let below = ".agent/stories/sub/INFRA-003.md";
    let mut rig = Rig::new();
    rig.synced(below, "one\n");
    rig.synced(A, "one\n");
    let sub = rig.folder.path().join(".agent/stories/sub");
    fs::remove_dir_all(&sub).unwrap();
    std::os::unix::fs::symlink("nowhere", &sub).unwrap();
    fs::remove_file(rig.folder.path().join(A)).unwrap();
    rig.engine.scan(NOW).unwrap();
    rig.engine.files_changed(&[path(below)], None, NOW).unwrap();
    assert_eq!((rig.entry(below).local, rig.entry(A).local), (hash("one\n"), None));
    assert_eq!(rig.engine.problems()[".agent/stories/sub"], FileProblem::NotAFile);
}

#[test]
fn what_could_not_be_written_is_tried_again() {
    let below = ".agent/stories/sub/INFRA-003.md";
    let mut rig = Rig::new();
    rig.handle(Event::Leads(true)).unwrap();
    rig.write(".agent/stories/sub", "a file where the folder belongs");
    rig.handle(pulled(below, 1, "one\n", false)).unwrap();
    rig.engine.retry_writes(NOW).unwrap();
    assert!(rig.engine.write_problem(&key(below)).is_some(), "nothing changed");
    fs::remove_file(rig.folder.path().join(".agent/stories/sub")).unwrap();
    rig.engine.retry_writes(NOW).unwrap();
    assert_eq!(fs::read_to_string(rig.folder.path().join(below)).unwrap(), "one\n");
    assert!(rig.engine.problems().is_empty());
}

#[test]
fn a_resolution_is_kept_when_its_file_is_moved_at_the_same_moment() {
    const MOVED: &str = ".agent/stories/sub/INFRA-001.md";
    let decided =
        || ResolvedBase { from: hash("one\n"), to: Some(Text::new("theirs\n".to_owned())), undoes: None };
    let conflict = || {
        let mut rig = Rig::new();
        rig.synced(A, "one\n");
        rig.save(A, "mine\n").unwrap();
        rig.handle(pulled(A, 2, "theirs\n", false)).unwrap();
        assert_eq!(rig.entry(A).base, hash("one\n"));
        rig.write(A, "mine, decided\n");
        rig
    };
    let rename = |rig: &Rig| {
        let root = rig.folder.path();
        fs::create_dir_all(root.join(MOVED).parent().unwrap()).unwrap();
        fs::rename(root.join(A), root.join(MOVED)).unwrap();
    };
    // Saved under the new path before anybody saw the move; moved between the save and our look;
    // moved and seen there, before we heard of the save.
    let orders: [(&str, bool, &[&str]); 3] = [(MOVED, true, &[]), (A, true, &[MOVED]), (A, false, &[])];
    for (saved_at, moved_unseen, seen_later) in orders {
        let mut rig = conflict();
        rename(&rig);
        if !moved_unseen {
            rig.engine.scan(NOW).unwrap();
            assert_eq!(rig.entry(A).base, hash("one\n"));
        }
        rig.engine.file_saved(&path(saved_at), SavedBase::Moved(decided()), NOW).unwrap();
        for at in seen_later {
            rig.engine.files_changed(&[path(at)], None, NOW).unwrap();
        }
        let entry = rig.entry(A);
        assert_eq!((entry.base, entry.local), (hash("theirs\n"), hash("mine, decided\n")), "{saved_at}");
        assert_eq!(entry.path, path(MOVED));
    }
    // A save that is not taken, because another file has the id by now, decides nothing.
    let mut rig = conflict();
    rename(&rig);
    rig.engine.scan(NOW).unwrap();
    rig.write(A, "mine, decided\n");
    rig.engine.file_saved(&path(A), SavedBase::Moved(decided()), NOW).unwrap();
    assert_eq!(rig.entry(A).base, hash("one\n"));
    assert!(rig.engine.problems().contains_key(A));
}
