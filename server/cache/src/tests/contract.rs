//! Every promise of the port, on one handle.

use agent_core::id::{Author, Rev, Seq, Text, Timestamp, Version};
use agent_core::ports::{Cause, ChangeOutcome, Erasure, Holder, Operation, Store, StoreError, Write};
use agent_core::presence::{Person, Spot};
use agent_core::sync::{Entry, Parked};

use super::make::*;
use crate::Cache;

fn cache() -> Cache {
    Cache::in_memory().unwrap()
}

#[test]
fn starts_empty() {
    let snapshot = load(&mut cache());
    assert!(snapshot.entries.is_empty());
    assert_eq!((snapshot.rev, snapshot.cursor), (Rev(0), Seq(0)));
}

#[test]
fn entries_come_back_as_they_were_written() {
    let mut tombstone = full(3);
    tombstone.remote.as_mut().unwrap().hash = None;
    let parked_deletion =
        Entry { parked: Some(Parked { code: "c".into(), message: String::new(), hash: None }), ..bare(4) };
    let entries = [bare(1), full(2), tombstone, parked_deletion];
    let mut cache = cache();
    let rev = cache.commit(&entries.each_ref().map(put)).unwrap();
    let expected = entries.map(|entry| Entry { rev, ..entry });
    assert_eq!(load(&mut cache).entries, expected);
}

#[test]
fn replacing_an_entry_leaves_nothing_of_the_old_one() {
    let mut cache = cache();
    let rev = cache.commit(&[put(&full(1))]).unwrap();
    let next = cache.commit(&[put(&Entry { rev, ..bare(1) })]).unwrap();
    assert_eq!(load(&mut cache).entries, [Entry { rev: next, ..bare(1) }]);
}

#[test]
fn contents_come_back_byte_for_byte() {
    let mut cache = cache();
    for text in ["", "\u{feff}# Title\r\n\r\nno last newline", "\n", "a\rb\u{2028}c 🦀 ä", "\u{1}\u{7f}"] {
        let text = Text::new(text);
        cache.commit(&[Write::Blob(text.clone()), Write::Blob(text.clone())]).unwrap();
        assert_eq!(cache.text(text.hash()).unwrap().as_deref(), Some(text.as_str()));
    }
    assert_eq!(cache.text(hash(9)).unwrap(), None);
}

#[test]
fn what_the_remote_replaced_is_told_by_the_history_alone() {
    let mut cache = cache();
    let told = |n: u64| Write::Operation(Box::new(operation(n, Cause::Received)));
    // Of the second artifact: from text 2 there to nothing, and from text 4.
    cache.commit(&[told(1), told(3)]).unwrap();
    let replaced: Vec<_> = (0..8).filter(|n| cache.was_replaced(&key(1), hash(*n)).unwrap()).collect();
    assert_eq!(replaced, [2, 4]);
    assert!(!cache.was_replaced(&key(0), hash(2)).unwrap(), "another artifact's");
    let mut kept = operation(5, Cause::Received);
    kept.after.remote = kept.before.remote;
    cache.commit(&[Write::Operation(Box::new(kept))]).unwrap();
    assert!(!cache.was_replaced(&key(1), hash(6)).unwrap(), "it is there still");
}

#[test]
fn a_number_too_large_to_keep_fails_the_commit_and_keeps_nothing() {
    let mut cache = cache();
    let entry = Entry { base_version: Version(u64::MAX), ..bare(1) };
    let result = cache.commit(&[blob(1), put(&entry)]);
    assert!(matches!(result, Err(StoreError::Failed { .. })), "{result:?}");
    assert_eq!(cache.text(hash(1)).unwrap(), None);
    assert_eq!(load(&mut cache).rev, Rev(0));
}

#[test]
fn a_stale_commit_names_every_stale_artifact_once_and_writes_nothing() {
    let mut cache = cache();
    let rev = cache.commit(&[put(&bare(1)), put(&bare(2)), put(&bare(3))]).unwrap();
    let writes = [
        blob(1),
        put(&bare(1)),
        put(&Entry { rev, ..full(2) }),
        put(&Entry { rev: Rev(9), ..bare(3) }),
        put(&bare(1)),
        put(&Entry { rev: Rev(1), ..bare(7) }),
        Write::Cursor(Seq(5)),
    ];
    match cache.commit(&writes) {
        Err(StoreError::Stale(keys)) => assert_eq!(keys, [key(1), key(3), key(7)]),
        other => panic!("{other:?}"),
    }
    let snapshot = load(&mut cache);
    assert_eq!((snapshot.rev, snapshot.cursor), (rev, Seq(0)));
    assert_eq!(snapshot.entries[1], Entry { rev, ..bare(2) });
    assert_eq!(cache.text(hash(1)).unwrap(), None);
}

#[test]
fn one_artifact_written_twice_in_a_commit_is_not_stale_and_the_last_counts() {
    let mut cache = cache();
    let rev = cache.commit(&[put(&full(1)), put(&bare(1))]).unwrap();
    assert_eq!(load(&mut cache).entries, [Entry { rev, ..bare(1) }]);
}

#[test]
fn every_commit_has_a_new_revision_and_an_empty_one_has_none() {
    let mut cache = cache();
    assert_eq!(cache.commit(&[]).unwrap(), Rev(0));
    assert_eq!(cache.commit(&[blob(1)]).unwrap(), Rev(1));
    assert_eq!(cache.commit(&[blob(1)]).unwrap(), Rev(2));
    assert_eq!(cache.commit(&[]).unwrap(), Rev(2));
}

#[test]
fn the_cursor_only_moves_forward() {
    let mut cache = cache();
    for (write, expected) in [(7, 7), (3, 7), (0, 7), (8, 8)] {
        cache.commit(&[Write::Cursor(Seq(write))]).unwrap();
        assert_eq!(load(&mut cache).cursor, Seq(expected));
    }
}

#[test]
fn changed_since_tells_what_changed_after_the_revision() {
    let mut cache = cache();
    assert!(cache.changed_since(Rev(0)).unwrap().is_none());
    let first = cache.commit(&[put(&bare(1)), put(&bare(2))]).unwrap();
    let second = cache.commit(&[put(&bare(3)), Write::Cursor(Seq(4))]).unwrap();
    let changed = cache.changed_since(first).unwrap().unwrap();
    assert_eq!(changed.entries, [Entry { rev: second, ..bare(3) }]);
    assert_eq!((changed.rev, changed.cursor), (second, Seq(4)));
    assert_eq!(cache.changed_since(Rev(0)).unwrap().unwrap().entries.len(), 3);
    assert!(cache.changed_since(second).unwrap().is_none());
}

#[test]
fn a_commit_without_entries_is_a_change_without_entries() {
    let mut cache = cache();
    let rev = cache.commit(&[Write::Cursor(Seq(4))]).unwrap();
    let changed = cache.changed_since(Rev(0)).unwrap().unwrap();
    assert!(changed.entries.is_empty());
    assert_eq!((changed.rev, changed.cursor), (rev, Seq(4)));
}

#[test]
fn a_revision_of_another_database_gets_everything() {
    let mut cache = cache();
    cache.commit(&[put(&bare(1))]).unwrap();
    assert_eq!(cache.changed_since(Rev(99)).unwrap().unwrap().entries.len(), 1);
}

#[test]
fn a_queued_change_is_the_entrys_pending_until_it_is_closed() {
    let mut cache = cache();
    // The order within a commit does not matter.
    let rev = cache.commit(&[Write::Queue(key(1), change(5)), put(&bare(1))]).unwrap();
    assert_eq!(load(&mut cache).entries, [Entry { rev, pending: Some(change(5)), ..bare(1) }]);

    let closed =
        cache.commit(&[Write::Close(change_id(5), ChangeOutcome::Applied(Version(1), Seq(2)))]).unwrap();
    assert_eq!(cache.changed_since(rev).unwrap().unwrap().entries, [Entry { rev: closed, ..bare(1) }]);

    let queued = cache.commit(&[Write::Queue(key(1), change(6))]).unwrap();
    let expected = [Entry { rev: queued, pending: Some(change(6)), ..bare(1) }];
    assert_eq!(cache.changed_since(closed).unwrap().unwrap().entries, expected);
}

#[test]
fn the_pending_change_of_a_written_entry_is_not_kept() {
    let mut cache = cache();
    cache.commit(&[put(&Entry { pending: Some(change(5)), ..bare(1) })]).unwrap();
    assert_eq!(load(&mut cache).entries[0].pending, None);
}

#[test]
fn closing_again_or_closing_an_unknown_change_does_nothing() {
    let mut cache = cache();
    cache.commit(&[put(&bare(1)), Write::Queue(key(1), change(5))]).unwrap();
    let close = |outcome| Write::Close(change_id(5), outcome);
    let rev = cache.commit(&[close(ChangeOutcome::Rejected("forbidden".into()))]).unwrap();
    cache.commit(&[close(ChangeOutcome::Conflict(Version(3)))]).unwrap();
    cache.commit(&[Write::Close(change_id(77), ChangeOutcome::Conflict(Version(3)))]).unwrap();
    assert!(cache.changed_since(rev).unwrap().unwrap().entries.is_empty());
    let kept: (String, String) = cache
        .conn
        .query_row("SELECT outcome, code FROM changes", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, ("rejected".to_owned(), "forbidden".to_owned()));
}

#[test]
fn a_second_open_change_is_stale_unless_the_commit_closes_the_first() {
    let mut cache = cache();
    cache.commit(&[put(&bare(1)), Write::Queue(key(1), change(5))]).unwrap();
    match cache.commit(&[blob(1), Write::Queue(key(1), change(6))]) {
        Err(StoreError::Stale(keys)) => assert_eq!(keys, [key(1)]),
        other => panic!("{other:?}"),
    }
    assert_eq!(cache.text(hash(1)).unwrap(), None);
    let close = Write::Close(change_id(5), ChangeOutcome::Conflict(Version(2)));
    cache.commit(&[close, Write::Queue(key(1), change(6))]).unwrap();
    assert_eq!(load(&mut cache).entries[0].pending, Some(change(6)));
}

#[test]
fn queueing_two_at_once_or_for_nothing_is_a_defect_not_a_race() {
    let mut cache = cache();
    let two = [put(&bare(1)), Write::Queue(key(1), change(5)), Write::Queue(key(1), change(6))];
    for writes in [&two[..], &[Write::Queue(key(2), change(5))]] {
        let result = cache.commit(writes);
        assert!(matches!(result, Err(StoreError::Failed { .. })), "{result:?}");
    }
    assert_eq!(load(&mut cache).rev, Rev(0));
    cache.commit(&[put(&bare(1))]).unwrap();
}

#[test]
fn operations_are_listed_newest_first_whatever_their_clock() {
    let mut cache = cache();
    let all: Vec<_> = (0..).zip(crate::row::causes()).map(|(n, cause)| operation(n, cause)).collect();
    assert_eq!(all.last().unwrap().cause, Cause::Undone);
    for operation in &all {
        cache.commit(&[Write::Operation(Box::new(operation.clone()))]).unwrap();
    }
    let newest: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(cache.operations(None, usize::MAX).unwrap(), newest);
    assert_eq!(cache.operations(None, 2).unwrap(), newest[..2]);
    assert_eq!(cache.operations(None, 0).unwrap(), []);
    let of_one: Vec<_> = newest.iter().filter(|operation| operation.key == key(1)).cloned().collect();
    assert_eq!(cache.operations(Some(&key(1)), 100).unwrap(), of_one);
    assert_eq!(cache.operations(Some(&key(8)), 100).unwrap(), []);
}

#[test]
fn open_documents_are_the_other_holders_until_they_run_out() {
    let mut cache = cache();
    let (a, b) = (Holder("a".into()), Holder("b".into()));
    cache.set_open(&a, &[key(1), key(2), key(1)], Timestamp(10)).unwrap();
    cache.set_open(&b, &[key(2), key(3)], Timestamp(20)).unwrap();
    let mut seen = |holder, now| -> Vec<_> {
        cache.open_elsewhere(holder, Timestamp(now)).unwrap().into_iter().collect()
    };
    assert_eq!(seen(&a, 0), [key(2), key(3)]);
    assert_eq!(seen(&b, 9), [key(1), key(2)]);
    assert_eq!(seen(&b, 10), []);
    assert_eq!(seen(&Holder("c".into()), 5), [key(1), key(2), key(3)]);
    cache.set_open(&a, &[key(4)], Timestamp(30)).unwrap();
    assert_eq!(cache.open_elsewhere(&b, Timestamp(0)).unwrap().into_iter().collect::<Vec<_>>(), [key(4)]);
    cache.set_open(&b, &[], Timestamp(30)).unwrap();
    assert!(cache.open_elsewhere(&a, Timestamp(0)).unwrap().is_empty());
    cache.release(&a).unwrap();
    assert!(cache.open_elsewhere(&b, Timestamp(0)).unwrap().is_empty());
}

#[test]
fn open_documents_are_no_change_of_the_cache() {
    let mut cache = cache();
    let a = Holder("a".into());
    cache.set_open(&a, &[key(1)], Timestamp(9)).unwrap();
    assert!(cache.changed_since(Rev(0)).unwrap().is_none());
}

#[test]
fn holders_that_never_came_back_are_forgotten_in_the_end() {
    let mut cache = cache();
    let (dead, alive) = (Holder("dead".into()), Holder("alive".into()));
    cache.set_open(&dead, &[key(1)], Timestamp(10)).unwrap();
    let late = 60 * 24 * 60 * 60 * 1000;
    let rows = |cache: &Cache| -> i64 {
        cache.conn.query_row("SELECT count(*) FROM open_documents", [], |row| row.get(0)).unwrap()
    };
    cache.set_open(&alive, &[key(2)], Timestamp(10 + late)).unwrap();
    assert_eq!(rows(&cache), 2);
    cache.set_open(&alive, &[key(2)], Timestamp(11 + late)).unwrap();
    assert_eq!(rows(&cache), 1);
}

#[test]
fn what_one_holder_says_for_a_week_ends_nothing_that_another_said_before() {
    let mut cache = cache();
    let (late, brief, here) = (Holder("late".into()), Holder("brief".into()), Holder("here".into()));
    let (minute, day) = (60_000, 24 * 60 * 60 * 1000);
    // One whose machine slept, and one that can show no sign that it is there.
    cache.set_open(&late, &[key(1)], Timestamp(7 * day)).unwrap();
    cache.set_open(&brief, &[key(2)], Timestamp(2 * day + minute)).unwrap();
    cache.set_open(&here, &[key(3)], Timestamp(9 * day)).unwrap();
    let open = cache.open_elsewhere(&here, Timestamp(2 * day)).unwrap();
    assert_eq!(open.into_iter().collect::<Vec<_>>(), [key(1), key(2)]);
}

#[test]
fn what_is_asked_often_is_found_by_index() {
    let cache = cache();
    let plan = |sql: &str| -> String {
        let mut statement = cache.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    let changed = plan(&crate::read::select_entries(crate::read::CHANGED).replace("?1", "5"));
    assert!(changed.contains("artifacts_by_rev") && changed.contains("changes_open"), "{changed}");
    let all = plan(&crate::read::select_entries(crate::read::ALL));
    assert!(!all.contains("TEMP"), "{all}");
    let history = plan("SELECT at FROM operations WHERE kind = 'a' AND id = 'b' ORDER BY op DESC LIMIT 5");
    assert!(history.contains("operations_by_artifact") && !history.contains("TEMP"), "{history}");
}

#[test]
fn a_cache_stays_with_the_team_whose_revisions_it_holds() {
    let mut cache = Cache::in_memory().unwrap();
    cache.bind("team a").unwrap();
    cache.bind("team b").unwrap(); // nothing of team a has arrived yet
    cache.commit(&[Write::Cursor(Seq(1))]).unwrap();
    cache.bind("team b").unwrap();
    let refused = cache.bind("team a");
    assert!(
        matches!(refused, Err(StoreError::OtherTeam { ref other, .. }) if other == "team b"),
        "{refused:?}"
    );
    cache.bind("team b").unwrap();
}

#[test]
fn an_erased_author_is_nowhere_in_the_history() {
    let mut cache = Cache::in_memory().unwrap();
    let by = |n, id: &str| {
        let author = Author { id: id.into(), name: format!("{id}@example.com") };
        Write::Operation(Box::new(Operation { author: Some(author), ..operation(n, Cause::Received) }))
    };
    cache.commit(&[by(1, "ben"), by(2, "ann"), by(3, "ben")]).unwrap();
    let there = |user: &str| Person {
        user: user.into(),
        name: format!("{user}@example.com"),
        spots: vec![Spot { key: key(1), section: None }],
    };
    cache.set_people(&[there("ann"), there("ben")]).unwrap();
    let pseudonym = Author { id: "0-8".into(), name: "erased-1".into() };
    cache.commit(&[Write::Erase(Erasure::of("ben", pseudonym.clone()))]).unwrap();
    assert_eq!(cache.people().unwrap(), [there("ann")]);
    let authors: Vec<_> =
        cache.operations(None, 9).unwrap().into_iter().map(|line| line.author.unwrap()).collect();
    let ann = Author { id: "ann".into(), name: "ann@example.com".into() };
    assert_eq!(authors, [pseudonym.clone(), ann, pseudonym]);
}

#[test]
fn a_rewound_cursor_starts_over_and_moves_on() {
    let mut cache = Cache::in_memory().unwrap();
    cache.commit(&[Write::Cursor(Seq(9))]).unwrap();
    cache.commit(&[Write::Rewind]).unwrap();
    assert_eq!(cache.load().unwrap().cursor, Seq(0));
    cache.commit(&[Write::Cursor(Seq(4))]).unwrap();
    assert_eq!(cache.load().unwrap().cursor, Seq(4));
}
