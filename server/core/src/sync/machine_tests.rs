//! Events and what they lead to: files, the remote's revisions, other processes.

#[path = "machine_bench.rs"]
mod bench;
#[path = "machine_properties.rs"]
mod properties;
#[path = "machine_push_tests.rs"]
mod push;
#[path = "machine_secrets_tests.rs"]
mod secrets;
#[path = "machine_trouble_tests.rs"]
mod trouble;
#[path = "undo_tests.rs"]
mod undo;

use bench::*;

use super::*;
use std::collections::BTreeSet;

use crate::id::{ArtifactPath, Author, Seq, Text, Version};
use crate::ports::{Cause, Erasure, PullPage, RemoteError, RemoteRow, Write};
use crate::sync::next::{Next, Waits, next};
use crate::sync::{FileEffect, Request, ResolvedBase};

fn causes(step: &Step) -> Vec<Cause> {
    let cause = |write: &Write| match write {
        Write::Operation(operation) => Some(operation.cause),
        _ => None,
    };
    step.writes.iter().filter_map(cause).collect()
}

/// Checks which operations a step records, whether it asks the remote for something, and how many
/// files it changes.
fn check(step: &Step, expected: &[Cause], requests: usize, files: usize) {
    assert_eq!(causes(step), expected, "{:?}", step.writes);
    assert_eq!(step.requests.len(), requests, "{:?}", step.requests);
    assert_eq!(step.files.len(), files, "{:?}", step.files);
}

fn waits(bench: &Bench, id: &str) -> Next {
    let given = bench.machine.circumstances(&key(id));
    next(bench.entry(id), given, &|hash| bench.store.texts.get(&hash).cloned())
}

#[test]
fn a_new_file_is_kept_and_pushed() {
    let mut bench = Bench::new();
    let step = bench.save("A-1", "one\n");
    check(&step, &[Cause::Saved], 1, 0);
    assert_eq!(pushed(&step), ["A-1"]);
    assert_eq!(bench.store.texts[&hash("one\n")].as_ref(), "one\n");
    assert_eq!(bench.entry("A-1").pending, bench.store.open.get(&key("A-1")).cloned());
    assert_eq!(bench.entry("A-1").waiting_since, Some(bench.now));
}

#[test]
fn an_erased_author_is_renamed_at_an_equal_version_and_nothing_else_happens() {
    let by = |id: &str, seq, author: &str, name: &str| RemoteRow {
        author: Author { id: author.into(), name: name.into() },
        ..row(id, 1, seq, Some("one\n"))
    };
    let mut bench = Bench::new();
    let step =
        bench.pulled(vec![by("A-1", 1, "ben", "ben@example.com"), by("A-2", 2, "ann", "ann@example.com")]);
    bench.done(&step);
    bench.save("A-1", "mine\n");
    let before = bench.entry("A-1").clone();
    let step = bench.pulled(vec![by("A-1", 3, "0-8", "erased-1")]);
    check(&step, &[], 0, 0);
    let erased = Author { id: "0-8".into(), name: "erased-1".into() };
    let remote =
        crate::sync::RemoteSide { author: erased.clone(), seq: Seq(3), ..before.remote.clone().unwrap() };
    let rev = bench.entry("A-1").rev;
    assert_eq!(*bench.entry("A-1"), Entry { remote: Some(remote), rev, ..before });
    assert_eq!(bench.machine.cursor, Seq(3));
    let authors = bench.store.operations.iter().filter_map(|line| line.operation.author.as_ref());
    let authors: BTreeSet<_> = authors.map(|author| (author.id.as_str(), author.name.as_str())).collect();
    assert!(
        authors.contains(&("0-8", "erased-1")) && authors.contains(&("ann", "ann@example.com")),
        "{authors:?}"
    );
    assert!(!authors.iter().any(|(id, name)| id.contains("ben") || name.contains("ben")), "{authors:?}");
    // Heard once more, it is no news; nor does an answer that was on its way before bring the name back.
    for late in [by("A-1", 3, "0-8", "erased-1"), by("A-1", 1, "ben", "ben@example.com")] {
        let step = bench.pulled(vec![late]);
        assert!(step.writes.is_empty(), "{:?}", step.writes);
    }
}

#[test]
fn an_erased_person_leaves_the_history_also_where_nothing_newest_is_theirs() {
    let by = |version, author: &str| RemoteRow {
        author: Author { id: author.into(), name: format!("{author}@example.com") },
        ..row("A-1", version, version, Some(if version == 1 { "one\n" } else { "two\n" }))
    };
    let mut bench = Bench::new();
    for version in [by(1, "ben"), by(2, "ann")] {
        let step = bench.pulled(vec![version]);
        bench.done(&step);
    }
    let before = bench.entry("A-1").clone();
    let pseudonym = Author { id: "0-8".into(), name: "erased-1".into() };
    let erasures = vec![Erasure::of("ben", pseudonym.clone())];
    let (cursor, newest_seq) = (Seq(3), Seq(3));
    let page =
        PullPage { rows: Vec::new(), unreadable: Vec::new(), erasures, cursor, newest_seq, more: false };
    bench.take(Event::Pulled(Box::new(page)));
    assert_eq!(*bench.entry("A-1"), before);
    assert_eq!(bench.machine.cursor, Seq(3));
    let received = bench.store.operations.iter().filter(|line| line.operation.cause == Cause::Received);
    let authors: Vec<_> = received.filter_map(|line| line.operation.author.clone()).collect();
    assert_eq!(authors, [pseudonym, by(2, "ann").author]);
}

#[test]
fn the_same_content_again_is_no_news() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    let step = bench.save("A-1", "one\n");
    check(&step, &[], 0, 0);
    assert!(step.writes.is_empty() || matches!(step.writes[..], [Write::Blob(_)]), "{:?}", step.writes);
}

#[test]
fn a_deleted_file_is_deleted_for_all_and_an_unpushed_one_is_forgotten() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    let step = bench.delete("A-1");
    check(&step, &[Cause::Deleted], 0, 0);
    bench.now = step.wake_at.expect("the file may come back before its deletion is sent");
    check(&bench.take(Event::Tick), &[], 1, 0);
    assert_eq!(bench.entry("A-1").pending.as_ref().map(|pending| pending.hash), Some(None));

    let mut bench = Bench::idle(POLICY);
    bench.save("A-1", "one\n");
    check(&bench.delete("A-1"), &[Cause::Deleted], 0, 0);
    assert!(bench.machine.is_empty() && !bench.machine.todo.values().any(|todo| *todo == Todo::Push));
}

#[test]
fn a_moved_file_is_pushed_with_its_new_path_and_not_deleted_at_the_old_one() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    let to = ArtifactPath::new(".agent/stories/sub/A-1.md").unwrap();
    let step = bench.take(Event::Found(vec![found("A-1", &to, Some("one\n"))]));
    check(&step, &[Cause::Moved], 1, 0);
    assert_eq!(bench.entry("A-1").pending.as_ref().map(|pending| &pending.path), Some(&to));
    check(&bench.delete("A-1"), &[], 0, 0);
    assert_eq!(bench.entry("A-1").local, Some(hash("one\n")));
}

#[test]
fn a_new_revision_is_written_to_the_file_and_then_in_sync() {
    let mut bench = Bench::new();
    let step = bench.pulled(vec![row("A-1", 3, 9, Some("theirs\n"))]);
    check(&step, &[Cause::Received], 0, 1);
    assert_eq!(bench.store.cursor, Seq(9));
    let Some(FileEffect::Replace { expect: None, content, .. }) = step.files.first() else {
        panic!("{:?}", step.files)
    };
    assert_eq!(*content, Some(hash("theirs\n")));
    let step = bench.done(&step);
    check(&step, &[Cause::Updated, Cause::Settled], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Nothing);
}

/// An editor read the file, and before it said so a teammate's text took the file's place.
#[test]
fn what_an_editor_with_an_older_text_saves_goes_with_its_own_base_whoever_finds_it() {
    const OLD: &str = "# A\n\none\n\ntwo\n";
    const THEIRS: &str = "# A\n\none\n\ntwo\n\ntheirs\n";
    let opened = || {
        let mut bench = Bench::new();
        bench.agreed("A-1", OLD, 1);
        let step = bench.pulled(vec![row("A-1", 2, 2, Some(THEIRS))]);
        bench.done(&step);
        bench.take(Event::Opened(key("A-1")));
        bench.take(Event::OpenedOlder(key("A-1"), Some(hash(OLD))));
        bench
    };
    let mut bench = opened();
    check(&bench.save("A-1", "# A\n\nmine\n\ntwo\n"), &[Cause::Rebased, Cause::Saved], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Mergeable));

    let mut bench = opened();
    let step = bench.save("A-1", "# A\n\nanother program's\n\ntwo\n\ntheirs\n");
    check(&step, &[Cause::Saved], 1, 0);

    let mut bench = opened();
    bench.take(Event::Closed(key("A-1")));
    check(&bench.save("A-1", OLD), &[Cause::Saved], 1, 0);

    let mut bench = opened();
    let (from, to) = (Some(hash(THEIRS)), Some(Text::new(OLD)));
    let mut file = found("A-1", &at("A-1"), Some("# A\n\nmine\n\ntwo\n"));
    file.resolved = Some(ResolvedBase { from, to, undoes: None });
    check(&bench.take(Event::Found(vec![file])), &[Cause::Resolved, Cause::Saved], 0, 0);
    bench.take(Event::OpenedOlder(key("A-1"), None));
    assert_eq!(bench.entry("A-1").older_base, None);
}

#[test]
fn an_old_revision_is_no_news() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    check(&bench.pulled(vec![row("A-1", 1, 1, Some("one\n"))]), &[], 0, 0);
}

#[test]
fn a_deletion_by_others_removes_an_unchanged_file_only() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    let step = bench.pulled(vec![row("A-1", 2, 2, None)]);
    check(&step, &[Cause::Received], 0, 1);
    bench.done(&step);
    assert!(bench.machine.is_empty());

    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "mine\n");
    check(&bench.pulled(vec![row("A-1", 2, 2, None)]), &[Cause::Received], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::DeletedThere));
}

#[test]
fn an_open_document_is_not_written_until_it_is_closed_everywhere() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.take(Event::Opened(key("A-1")));
    bench.take(Event::OpenElsewhere(vec![key("A-1")]));
    check(&bench.pulled(vec![row("A-1", 2, 2, Some("two\n"))]), &[Cause::Received], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Behind));
    check(&bench.take(Event::Closed(key("A-1"))), &[], 0, 0);
    check(&bench.take(Event::OpenElsewhere(vec![])), &[], 0, 1);
}

#[test]
fn a_file_that_held_something_else_is_left_alone_until_it_is_read_or_pulled_again() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    check(&bench.pulled(vec![row("A-1", 2, 2, Some("two\n"))]), &[Cause::Received], 0, 1);
    check(&bench.take(Event::FileFailed(key("A-1"))), &[], 0, 0);
    check(&bench.take(Event::Tick), &[], 0, 0);
    check(&bench.pulled(vec![]), &[], 0, 1);
    bench.take(Event::FileFailed(key("A-1")));
    check(&bench.save("A-1", "one\n"), &[], 0, 1);
}

#[test]
fn both_sides_merge_into_a_closed_file_and_the_merge_is_pushed() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "1\n2\n3\n4\n5\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "1\n2\n3\n4\n5 mine\n");
    let step = bench.pulled(vec![row("A-1", 2, 2, Some("1 theirs\n2\n3\n4\n5\n"))]);
    check(&step, &[Cause::Received], 0, 1);
    bench.machine.set_policy(POLICY);
    check(&bench.done(&step), &[Cause::Merged], 1, 0);
    let pending = bench.entry("A-1").pending.clone().unwrap();
    assert_eq!((pending.hash, pending.base_version), (Some(hash("1 theirs\n2\n3\n4\n5 mine\n")), Version(2)));
}

#[test]
fn a_merge_that_was_written_before_a_crash_is_recognised() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "1\n2\n3\n4\n5\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "1\n2\n3\n4\n5 mine\n");
    bench.pulled(vec![row("A-1", 2, 2, Some("1 theirs\n2\n3\n4\n5\n"))]);
    check(&bench.save("A-1", "1 theirs\n2\n3\n4\n5 mine\n"), &[Cause::Merged], 0, 0);
    assert_eq!(bench.entry("A-1").base, Some(hash("1 theirs\n2\n3\n4\n5\n")));
}

#[test]
fn choosing_a_side_moves_the_base_unless_it_moved_already() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "mine\n");
    bench.pulled(vec![row("A-1", 2, 2, Some("theirs\n"))]);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Conflict));
    let choose = |from: &str| Event::Resolved {
        key: key("A-1"),
        base: ResolvedBase { from: Some(hash(from)), to: Some(Text::new("theirs\n")), undoes: None },
    };
    check(&bench.take(choose("another\n")), &[], 0, 0);
    check(&bench.take(choose("one\n")), &[Cause::Resolved], 0, 0);
    assert_eq!((waits(&bench, "A-1"), bench.entry("A-1").base_version), (Next::Push, Version(2)));
}

fn lost(bench: &mut Bench) -> Step {
    bench.save("A-1", "known\n");
    bench.pulled(vec![row("A-1", 5, 5, Some("newer\n"))])
}

#[test]
fn a_lost_base_is_found_again_by_its_content() {
    let mut bench = Bench::new();
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    let step = lost(&mut bench);
    assert_eq!(step.requests, [Request::FindBase(key("A-1"), hash("known\n"))]);
    check(&bench.take(Event::Tick), &[], 0, 0);
    let event = Event::BaseFound { key: key("A-1"), base: Some((hash("known\n"), Version(3))) };
    check(&bench.take(event), &[Cause::Rebased], 0, 1);
    assert_eq!(bench.entry("A-1").base_version, Version(3));
}

#[test]
fn a_base_that_is_nowhere_is_searched_once_and_then_people_decide() {
    let mut bench = Bench::new();
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    lost(&mut bench);
    let failed = Event::SearchFailed(key("A-1"), RemoteError::Unreachable("gone".into()));
    check(&bench.take(failed), &[], 0, 0);
    bench.now = bench.now.plus(60_000);
    check(&bench.take(Event::Tick), &[], 1, 0);
    check(&bench.take(Event::BaseFound { key: key("A-1"), base: None }), &[], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Conflict));
    check(&bench.pulled(vec![]), &[], 0, 0);
}

#[test]
fn who_does_not_lead_neither_asks_nor_writes() {
    let mut bench = Bench::idle(POLICY);
    check(&bench.save("A-1", "one\n"), &[Cause::Saved], 0, 0);
    check(&bench.take(Event::PullWanted), &[], 0, 0);
    check(&bench.take(Event::PushWanted { retry_refused: true }), &[], 0, 0);
    let step = bench.take(Event::Leads(true));
    assert_eq!(step.requests, [Request::Pull(Seq(0))]);
    assert_eq!(pushed(&bench.pulled(vec![])), ["A-1"]);
}

#[test]
fn a_new_leader_finishes_what_the_last_one_left() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    let left = bench.pulled(vec![row("A-1", 2, 2, Some("two\n"))]);
    let mut next = Bench { machine: Machine::new(POLICY), ..bench };
    let snapshot = next.store.snapshot();
    check(&next.take(Event::Reloaded(snapshot)), &[], 0, 0);
    let step = next.take(Event::Leads(true));
    assert_eq!((step.files, step.requests), (left.files, vec![Request::Pull(Seq(2))]));
}

#[test]
fn what_others_wrote_replaces_older_knowledge_and_never_newer() {
    let mut bench = Bench::idle(POLICY);
    bench.save("A-1", "one\n");
    let older = bench.store.snapshot();
    bench.save("A-1", "two\n");
    bench.take(Event::Reloaded(older.clone()));
    assert_eq!(bench.entry("A-1").local, Some(hash("two\n")));

    let mut other = older;
    other.rev = Rev(9);
    other.cursor = Seq(4);
    other.entries[0].rev = Rev(9);
    let step = bench.take(Event::Reloaded(other));
    assert!(step.writes.is_empty(), "it is written already: {:?}", step.writes);
    assert_eq!(bench.entry("A-1").local, Some(hash("one\n")));
    assert_eq!((bench.machine.rev(), bench.machine.cursor()), (Rev(9), Seq(4)));
}

#[test]
fn a_commit_of_another_process_in_between_is_still_to_be_read() {
    let mut bench = Bench::idle(POLICY);
    bench.save("A-1", "one\n");
    assert_eq!(bench.machine.rev(), Rev(1));
    bench.store.rev = Rev(2); // another process's
    bench.save("A-2", "two\n");
    assert_eq!((bench.store.rev, bench.machine.rev()), (Rev(3), Rev(1)));
    let snapshot = bench.store.snapshot();
    bench.take(Event::Reloaded(snapshot));
    assert_eq!(bench.machine.rev(), Rev(3));
}

#[test]
fn what_was_absorbed_is_decided_on_before_anything_is_pushed() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "mine\n");
    bench.machine.set_policy(POLICY);
    // Another process learnt of a revision that conflicts.
    let mut snapshot = bench.store.snapshot();
    let entry = &mut snapshot.entries[0];
    entry.remote = entry.remote.take().map(|remote| crate::sync::RemoteSide {
        hash: Some(hash("theirs\n")),
        version: Version(2),
        seq: Seq(2),
        ..remote
    });
    bench.store.texts.insert(hash("theirs\n"), "theirs\n".into());
    bench.store.entries.insert(key("A-1"), entry.clone());
    bench.machine.absorb(&snapshot);
    check(&bench.take(Event::Tick), &[], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Conflict));
}

#[test]
fn a_move_waits_to_be_pushed_like_a_changed_text() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    let to = ArtifactPath::new(".agent/stories/sub/A-1.md").unwrap();
    bench.take(Event::Found(vec![found("A-1", &to, Some("one\n"))]));
    assert_eq!(bench.entry("A-1").waiting_since, Some(bench.now));
    bench.take(Event::PushWanted { retry_refused: false });
    bench.answer(vec![crate::ports::PushOutcome::Applied(Version(2), Seq(2))]);
    assert_eq!(bench.entry("A-1").waiting_since, None);
}

#[test]
fn what_others_open_is_no_longer_to_be_written() {
    let mut bench = Bench::idle(POLICY);
    bench.pulled(vec![row("A-1", 1, 1, Some("one\n"))]);
    assert_eq!(bench.machine.todo.len(), 1);
    bench.take(Event::OpenElsewhere(vec![key("A-1")]));
    assert!(bench.machine.todo.is_empty());
}

#[test]
fn a_move_by_others_is_taken_or_taken_back() {
    let to = ArtifactPath::new(".agent/stories/sub/A-1.md").unwrap();
    let moved = || {
        let mut bench = Bench::new();
        bench.agreed("A-1", "one\n", 1);
        bench.take(Event::Opened(key("A-1")));
        let mut moved = row("A-1", 2, 2, Some("one\n"));
        moved.path = to.clone();
        check(&bench.pulled(vec![moved]), &[], 0, 0);
        assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Moved));
        bench
    };
    let mut bench = moved();
    let step = bench.take(Event::PathKept(key("A-1")));
    assert_eq!(pushed(&step), ["A-1"]);
    assert_eq!(bench.entry("A-1").pending.as_ref().map(|pending| &pending.path), Some(&at("A-1")));

    let mut bench = moved();
    check(&bench.take(Event::Found(vec![found("A-1", &to, Some("one\n"))])), &[Cause::Moved], 0, 0);
    assert_eq!(waits(&bench, "A-1"), Next::Nothing);
    // There is nothing left to keep.
    check(&bench.take(Event::PathKept(key("A-1"))), &[], 0, 0);
}
