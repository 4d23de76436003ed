//! Several handles on one file, as several processes have them.

use std::path::PathBuf;
use std::thread;

use agent_core::id::{Rev, Seq, Text, Timestamp, Version};
use agent_core::ports::{ChangeOutcome, Holder, Store, StoreError, Write};
use agent_core::sync::Entry;
use tempfile::TempDir;

use super::make::*;
use crate::Cache;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    (folder, path)
}

fn two() -> (TempDir, Cache, Cache) {
    let (folder, path) = file();
    let (a, b) = (Cache::open(&path).unwrap(), Cache::open(&path).unwrap());
    (folder, a, b)
}

#[test]
fn each_sees_what_the_other_committed() {
    let (_folder, mut a, mut b) = two();
    let rev = a.commit(&[blob(1), put(&full(1)), Write::Cursor(Seq(3))]).unwrap();
    let seen = b.changed_since(Rev(0)).unwrap().unwrap();
    assert_eq!(seen.entries, [Entry { rev, ..full(1) }]);
    assert_eq!((seen.rev, seen.cursor), (rev, Seq(3)));
    assert_eq!(b.text(hash(1)).unwrap().as_deref(), Some("text 1"));
    assert!(b.changed_since(rev).unwrap().is_none());
}

#[test]
fn the_slower_of_two_is_stale_and_can_decide_anew() {
    let (_folder, mut a, mut b) = two();
    let rev = a.commit(&[put(&bare(1)), put(&bare(2))]).unwrap();
    assert_eq!(load(&mut b).rev, rev);
    let second = a.commit(&[put(&Entry { rev, ..full(1) })]).unwrap();
    match b.commit(&[put(&Entry { rev, ..full(2) }), put(&Entry { rev, ..bare(1) })]) {
        Err(StoreError::Stale(keys)) => assert_eq!(keys, [key(1)]),
        other => panic!("{other:?}"),
    }
    let seen = b.changed_since(rev).unwrap().unwrap();
    assert_eq!(seen.entries, [Entry { rev: second, ..full(1) }]);
    b.commit(&[put(&Entry { rev, ..full(2) }), put(&Entry { rev: second, ..bare(1) })]).unwrap();
}

#[test]
fn both_creating_the_same_artifact_makes_one_stale() {
    let (_folder, mut a, mut b) = two();
    a.commit(&[put(&bare(1))]).unwrap();
    assert!(matches!(b.commit(&[put(&full(1))]), Err(StoreError::Stale(_))));
}

#[test]
fn the_others_see_a_change_queued_and_closed() {
    let (_folder, mut a, mut b) = two();
    let rev = a.commit(&[put(&bare(1))]).unwrap();
    let queued = a.commit(&[Write::Queue(key(1), change(5))]).unwrap();
    let seen = b.changed_since(rev).unwrap().unwrap();
    assert_eq!(seen.entries, [Entry { rev: queued, pending: Some(change(5)), ..bare(1) }]);
    assert!(matches!(b.commit(&[put(&Entry { rev, ..bare(1) })]), Err(StoreError::Stale(_))));
    assert!(matches!(b.commit(&[Write::Queue(key(1), change(6))]), Err(StoreError::Stale(_))));
    let close = Write::Close(change_id(5), ChangeOutcome::Applied(Version(1), Seq(1)));
    let closed = b.commit(std::slice::from_ref(&close)).unwrap();
    let seen = a.changed_since(queued).unwrap().unwrap();
    assert_eq!(seen.entries, [Entry { rev: closed, ..bare(1) }]);
    a.commit(&[close]).unwrap();
}

#[test]
fn a_reader_in_between_sees_all_of_a_commit_or_nothing() {
    let (_folder, path) = file();
    let mut writer = Cache::open(&path).unwrap();
    let reading = path.clone();
    let reader = thread::spawn(move || {
        let mut cache = Cache::open(&reading).unwrap();
        loop {
            let snapshot = load(&mut cache);
            assert!(snapshot.entries.iter().all(|entry| entry.rev == snapshot.rev), "a torn picture");
            if snapshot.rev == Rev(100) {
                return;
            }
        }
    });
    let mut rev = Rev(0);
    for _ in 0..100 {
        rev = writer.commit(&[1, 2, 3, 4].map(|n| put(&Entry { rev, ..bare(n) }))).unwrap();
    }
    reader.join().unwrap();
}

#[test]
fn a_lock_held_too_long_is_busy_and_readers_do_not_mind() {
    let (_folder, mut a, b) = two();
    let rev = a.commit(&[put(&bare(1))]).unwrap();
    b.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    a.conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    let result = a.commit(&[put(&Entry { rev, ..full(1) })]);
    assert!(matches!(result, Err(StoreError::Busy { .. })), "{result:?}");
    assert_eq!(load(&mut a).entries, [Entry { rev, ..bare(1) }]);
    b.conn.execute_batch("ROLLBACK").unwrap();
    a.commit(&[put(&Entry { rev, ..full(1) })]).unwrap();
}

#[test]
fn open_documents_are_known_to_all() {
    let (_folder, mut a, mut b) = two();
    let (one, other) = (Holder("a".into()), Holder("b".into()));
    let at = Timestamp;
    a.set_open(&one, &[key(1)], at(10)).unwrap();
    assert!(b.open_elsewhere(&other, at(9)).unwrap().contains(&key(1)));
    assert!(b.open_elsewhere(&other, at(10)).unwrap().is_empty());
    a.release(&one).unwrap();
    assert!(b.open_elsewhere(&other, at(9)).unwrap().is_empty());
}

#[test]
fn what_is_told_of_presence_is_known_to_all_is_no_revision_and_ends_with_its_process() {
    use agent_core::presence::{Person, SectionName, Spot};
    let (_folder, mut a, mut b) = two();
    let (one, other) = (Holder("a".into()), Holder("b".into()));
    let (at, section) = (Timestamp, |title: &str| SectionName { title: title.to_owned(), nth: 1 });
    let seen = [(key(1), section("One"), at(5)), (key(2), section("Two"), at(6))];
    a.set_open(&one, &[key(1)], at(10)).unwrap();
    a.set_seen(&one, &seen).unwrap();
    assert_eq!(b.seen_elsewhere(&other, at(9)).unwrap(), seen[..1], "only of what it has open");
    assert!(b.seen_elsewhere(&other, at(10)).unwrap().is_empty(), "what ran out");
    assert!(b.seen_elsewhere(&one, at(9)).unwrap().is_empty(), "one's own");
    a.set_seen(&one, &[(key(1), section("Later"), at(7))]).unwrap();
    assert_eq!(b.seen_elsewhere(&other, at(9)).unwrap()[0].1, section("Later"));
    // Saying anew what is open keeps where one is in it.
    a.set_open(&one, &[key(1), key(2)], at(20)).unwrap();
    assert_eq!(b.seen_elsewhere(&other, at(19)).unwrap().len(), 1);
    b.release(&one).unwrap();
    assert!(a.seen_elsewhere(&other, at(19)).unwrap().is_empty());

    assert!(b.people().unwrap().is_empty());
    let spot = |n, section| Spot { key: key(n), section };
    let person = |name: &str, spots: Vec<Spot>| Person { user: "same".into(), name: name.into(), spots };
    // The same person twice, in two programs, stays twice; who has nothing open is left out.
    let people = [
        person("Ann", vec![spot(1, Some(section("One"))), spot(2, None)]),
        person("Ann", vec![spot(3, None)]),
        person("Bob", Vec::new()),
    ];
    a.set_people(&people).unwrap();
    assert_eq!(b.people().unwrap(), people[..2]);
    b.set_people(&people[1..]).unwrap();
    assert_eq!(a.people().unwrap(), people[1..2]);
    a.set_people(&[]).unwrap();
    assert!(b.people().unwrap().is_empty());
    assert!(Store::changed_since(&mut b, Rev(0)).unwrap().is_none(), "it is no revision");
}

/// Commits until the shared artifact is written on top of what is there.
fn contend(cache: &mut Cache, title: &str) -> usize {
    let mut stale = 0;
    loop {
        let snapshot = load(cache);
        let found = snapshot.entries.into_iter().find(|entry| entry.key == key(0));
        let mut entry = found.unwrap_or_else(|| bare(0));
        entry.title = Some(format!("{}{title}\n", entry.title.unwrap_or_default()));
        match cache.commit(&[put(&entry)]) {
            Ok(_) => return stale,
            Err(StoreError::Stale(_)) => stale += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn ten_writers_at_once_lose_nothing_and_are_never_told_to_come_back() {
    const WRITERS: u64 = 10;
    const COMMITS: u64 = 20;
    let (_folder, path) = file();
    let writers: Vec<_> = (1..=WRITERS)
        .map(|writer| {
            let path = path.clone();
            thread::spawn(move || {
                let mut cache = Cache::open(&path).unwrap();
                for n in 0..COMMITS {
                    let own = writer * 1000 + n;
                    let text = Text::new(format!("text {own}"));
                    cache.commit(&[Write::Blob(text), put(&full(own))]).unwrap();
                    contend(&mut cache, &own.to_string());
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());

    let mut cache = Cache::open(&path).unwrap();
    let snapshot = load(&mut cache);
    assert_eq!(snapshot.rev, Rev(2 * WRITERS * COMMITS));
    let shared = snapshot.entries[0].title.clone().unwrap();
    for own in (1..=WRITERS).flat_map(|writer| (0..COMMITS).map(move |n| writer * 1000 + n)) {
        assert!(snapshot.entries.iter().any(|entry| entry.key == key(own)), "entry {own}");
        assert!(cache.text(hash(own)).unwrap().is_some(), "text {own}");
        assert_eq!(shared.lines().filter(|line| *line == own.to_string()).count(), 1, "share of {own}");
    }
}

#[test]
fn many_opening_a_new_database_at_once_all_get_the_same() {
    let (_folder, path) = file();
    let openers: Vec<_> = (0..8)
        .map(|n| {
            let path = path.clone();
            thread::spawn(move || Cache::open(&path).unwrap().commit(&[put(&bare(n))]).unwrap())
        })
        .collect();
    assert!(openers.into_iter().all(|opener| opener.join().is_ok()));
    assert_eq!(load(&mut Cache::open(&path).unwrap()).entries.len(), 8);
}

#[test]
fn what_one_process_found_out_of_the_remote_the_others_know_and_it_outlives_that_process() {
    use agent_core::ports::RemoteError::{self, *};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    let mut leader = Cache::open(&path).unwrap();
    let follower = Cache::open(&path).unwrap();
    assert_eq!(follower.trouble().unwrap(), None, "nobody asked yet");
    let all: [RemoteError; 8] = [
        Unreachable("refused".into()),
        Busy { detail: "starting".into(), retry_after: None },
        TooMuch("large".into()),
        SignedOut("expired".into()),
        Forbidden("no member".into()),
        Misconfigured("wrong key".into()),
        Incompatible("schema 2".into()),
        Protocol("nonsense".into()),
    ];
    for (since, error) in (1..).map(Timestamp).zip(all) {
        leader.set_trouble(Some(&(since, error.clone()))).unwrap();
        assert_eq!(follower.trouble().unwrap(), Some((since, error)));
    }
    let before = Store::changed_since(&mut leader, Rev(0)).unwrap();
    assert!(before.is_none(), "it is no revision");
    drop(leader);
    assert!(follower.trouble().unwrap().is_some());
    let mut next = Cache::open(&path).unwrap();
    next.set_trouble(None).unwrap();
    assert_eq!(follower.trouble().unwrap(), None);
}
