//! What the machine does when things go wrong beyond a lost answer: files that vanish in masses, a
//! server that forgot or contradicts itself, a change that is too much, a cache without bases.

use super::bench::*;
use super::*;
use crate::id::{Seq, Timestamp, Version};
use crate::ports::{PushOutcome, RemoteError, Write};
use crate::sync::deletions::MASS_DELETION;
use crate::sync::next::{Next, Waits, next};
use crate::sync::reversions::MASS_REVERSION;
use crate::sync::status::Status;
use crate::sync::{FileDone, FileStat, Request, Step, Traffic};

fn searches(step: &Step) -> usize {
    step.requests.iter().filter(|request| matches!(request, Request::FindBase(..))).count()
}

fn parked(bench: &Bench) -> Vec<String> {
    let is_held = |entry: &&Entry| entry.parked.as_ref().is_some_and(|parked| parked.code == MASS_DELETION);
    bench.machine.entries().filter(is_held).map(|entry| entry.key.id.as_str().to_owned()).collect()
}

/// A machine in sync with `count` artifacts.
fn with_artifacts(count: u64) -> Bench {
    let mut bench = Bench::new();
    (1..=count).for_each(|n| bench.agreed(&format!("A-{n}"), &format!("text {n}\n"), n));
    bench
}

fn gone(numbers: std::ops::RangeInclusive<u64>) -> Event {
    let file = |n: u64| found(&format!("A-{n}"), &at(&format!("A-{n}")), None);
    Event::Found(numbers.map(file).collect())
}

#[test]
fn many_deletions_at_once_wait_for_a_person() {
    let mut bench = with_artifacts(40);
    let step = bench.take(gone(1..=10));
    assert!(step.requests.is_empty() && step.wake_at.is_none(), "{:?}", step.requests);
    assert_eq!(parked(&bench).len(), 10);
    assert!(
        bench.take(Event::PushWanted { retry_refused: true }).requests.is_empty(),
        "a plain push is no consent"
    );
    let step = bench.take(Event::DeletionsAllowed);
    assert_eq!(pushed(&step).len(), 10);
}

#[test]
fn a_deletion_noticed_apart_from_the_others_waits_with_them() {
    let mut bench = with_artifacts(40);
    bench.save("A-11", "new\n");
    bench.delete("A-11");
    bench.take(gone(1..=10));
    assert_eq!(parked(&bench).len(), 11);
    let step = bench.answer(vec![PushOutcome::Applied(Version(2), Seq(41))]);
    assert!(pushed(&step).is_empty(), "{:?}", step.requests);
    assert_eq!(parked(&bench).len(), 11);
    // Nor does it go alone when it is noticed last.
    bench.take(gone(12..=12));
    bench.now = bench.now.plus(60_000);
    assert!(pushed(&bench.take(Event::Tick)).is_empty());
    assert_eq!(parked(&bench).len(), 12);
    assert_eq!(pushed(&bench.take(Event::DeletionsAllowed)).len(), 12);
}

#[test]
fn a_deletion_waits_with_the_others_also_when_its_last_text_was_refused() {
    let mut bench = with_artifacts(12);
    bench.save("A-8", "never\n");
    bench.take(gone(1..=12));
    assert_eq!(parked(&bench).len(), 12);
    let (code, message) = ("state".to_owned(), "never".to_owned());
    let step = bench.answer(vec![PushOutcome::Rejected { code, message }]);
    assert!(pushed(&step).is_empty(), "{:?}", step.requests);
    bench.now = bench.now.plus(60_000);
    assert!(pushed(&bench.take(Event::Tick)).is_empty());
    assert!(pushed(&bench.take(Event::PushWanted { retry_refused: true })).is_empty());
    assert_eq!(parked(&bench).len(), 12);
}

#[test]
fn a_deletion_is_young_however_long_its_text_had_waited() {
    let mut bench = with_artifacts(12);
    bench.save("A-8", "never\n");
    let (code, message) = ("state".to_owned(), "never".to_owned());
    bench.answer(vec![PushOutcome::Rejected { code, message }]);
    bench.now = bench.now.plus(60_000);
    assert!(pushed(&bench.take(gone(8..=8))).is_empty(), "the file may come back");
    bench.take(gone(1..=12));
    assert_eq!(parked(&bench).len(), 12);
}

#[test]
fn a_deletion_that_was_allowed_goes_once_its_text_has_arrived() {
    let mut bench = with_artifacts(40);
    bench.save("A-11", "new\n");
    bench.take(gone(1..=11));
    bench.take(Event::DeletionsAllowed);
    let step = bench.answer(vec![PushOutcome::Applied(Version(2), Seq(41))]);
    assert_eq!(pushed(&step).len(), 11);
}

fn deleted_there(numbers: std::ops::RangeInclusive<u64>, from_seq: u64) -> Vec<crate::ports::RemoteRow> {
    let rows = numbers.zip(from_seq..);
    rows.map(|(n, seq)| row(&format!("A-{n}"), 2, seq, None)).collect()
}

fn held_there(bench: &Bench) -> usize {
    let waits = |entry: &&Entry| {
        let given = bench.machine.circumstances(&entry.key);
        next(entry, given, &|_| None) == Next::Wait(Waits::DeletedThere)
    };
    bench.machine.entries().filter(waits).count()
}

#[test]
fn many_deletions_by_the_team_leave_the_files_until_somebody_says_otherwise() {
    // Of 40, the limit of a fifth is 8, and fewer than 10 are never held.
    for (deleted, limit, held) in
        [(9, 20, 0), (10, 20, 10), (40, 20, 40), (40, 100, 0), (10, 25, 0), (10, 0, 10)]
    {
        let mut bench = with_artifacts(40);
        bench.machine.set_deletion_limit(limit);
        let step = bench.pulled(deleted_there(1..=deleted, 41));
        assert_eq!(
            (step.files.len() as u64, held_there(&bench) as u64),
            (deleted - held, held),
            "{deleted} {limit}"
        );
    }
}

#[test]
fn deletions_that_come_page_by_page_count_together() {
    let mut bench = with_artifacts(40);
    let mut first = page(deleted_there(1..=5, 41));
    first.more = true;
    let step = bench.take(Event::Pulled(Box::new(first)));
    assert!(step.files.is_empty(), "nothing goes while more may come: {:?}", step.files);
    assert!(bench.pulled(deleted_there(6..=12, 46)).files.is_empty());
    assert_eq!(held_there(&bench), 12);
    // And one that comes later belongs to them.
    assert!(bench.pulled(deleted_there(13..=13, 53)).files.is_empty());
    assert_eq!(held_there(&bench), 13);

    let mut bench = with_artifacts(40);
    let mut first = page(deleted_there(1..=5, 41));
    first.more = true;
    bench.take(Event::Pulled(Box::new(first)));
    assert_eq!(bench.pulled(vec![]).files.len(), 5, "a few go when it is known that they are few");
}

#[test]
fn what_the_team_deleted_in_masses_goes_when_allowed_or_is_given_back() {
    let mut bench = with_artifacts(40);
    bench.pulled(deleted_there(1..=20, 41));
    assert!(bench.take(Event::PushWanted { retry_refused: true }).files.is_empty(), "a push is no consent");
    let mut again = Bench::idle(POLICY);
    again.store = bench.store.clone();
    again.take(Event::Reloaded(bench.store.snapshot()));
    assert!(again.take(Event::Leads(true)).files.is_empty(), "held after a restart, too");
    assert_eq!(held_there(&again), 20);
    assert_eq!(bench.take(Event::IncomingDeletionsAllowed).files.len(), 20);

    let from = again.entry("A-1").base;
    let base = crate::sync::ResolvedBase { from, to: None, undoes: None };
    again.take(Event::Resolved { key: key("A-1"), base });
    let given = again.machine.circumstances(&key("A-1"));
    assert_eq!(next(again.entry("A-1"), given, &|_| None), Next::Push);
    assert_eq!(held_there(&again), 19);
}

#[test]
fn a_few_deletions_go_out_after_a_moment() {
    for (artifacts, vanished) in [(40, 9), (60, 10)] {
        let mut bench = with_artifacts(artifacts);
        let step = bench.take(gone(1..=vanished));
        assert!(pushed(&step).is_empty());
        bench.now = step.wake_at.expect("looked at again");
        let step = bench.take(Event::Tick);
        assert_eq!(pushed(&step).len() as u64, vanished, "{vanished} of {artifacts}");
    }
}

#[test]
fn a_deletion_goes_only_once_all_files_were_looked_at() {
    for asked in [false, true] {
        let mut bench = with_artifacts(40);
        bench.take(gone(1..=1));
        bench.now = bench.now.plus(60_000);
        let event = if asked { Event::PushWanted { retry_refused: true } } else { Event::Tick };
        let step = bench.prepared(event);
        assert!(step.looks && step.requests.is_empty(), "others may be gone that nobody noticed yet");
        let all = (1..=10).map(|n: u64| found(&format!("A-{n}"), &at(&format!("A-{n}")), None)).collect();
        let step = bench.take(Event::Looked(all));
        assert!(pushed(&step).is_empty(), "{:?}", step.requests);
        assert_eq!(parked(&bench).len(), 10);
    }
}

#[test]
fn what_another_process_was_told_to_delete_is_not_held_back_here() {
    let mut bench = with_artifacts(40);
    bench.take(gone(1..=10));
    let mut snapshot = bench.store.snapshot();
    for entry in &mut snapshot.entries {
        entry.parked = None;
        bench.machine.note_word(entry);
    }
    bench.take(Event::Reloaded(snapshot));
    bench.take(gone(11..=11));
    assert!(parked(&bench).is_empty());
    // What was said holds for this time alone.
    let back = |n: u64| found(&format!("A-{n}"), &at(&format!("A-{n}")), Some(&format!("text {n}\n")));
    bench.take(Event::Found((1..=11).map(back).collect()));
    bench.take(gone(1..=10));
    assert_eq!(parked(&bench).len(), 10);
}

#[test]
fn a_file_that_was_moved_with_another_text_than_is_known_is_read_again() {
    let mut bench = with_artifacts(1);
    let (from, to) = (at("A-1"), ArtifactPath::new(".agent/stories/there/A-1-x.md").unwrap());
    let stat = Some(FileStat { size: 1, mtime: 1 });
    for (text, kept) in [("text 1\n", stat), ("another\n", None)] {
        let expect = Text::new(text.to_owned()).hash();
        let effect = FileEffect::Move { key: key("A-1"), from: from.clone(), to: to.clone(), expect };
        bench.take(Event::FilesDone(vec![FileDone { effect, stat, outline: (None, None) }]));
        assert_eq!((&bench.entry("A-1").path, bench.entry("A-1").stat), (&to, kept), "{text}");
    }
}

#[test]
fn a_file_whose_artifact_is_gone_there_stays_when_it_is_edited_and_edited_back() {
    let mut bench = with_artifacts(40);
    bench.pulled(deleted_there(1..=10, 41));
    assert_eq!(held_there(&bench), 10);
    for text in ["edited\n", "text 1\n"] {
        let step = bench.save("A-1", text);
        assert!(step.files.is_empty() && pushed(&step).is_empty(), "{text}");
        assert_eq!(held_there(&bench), 10, "{text}");
    }
    let step = bench.take(Event::IncomingDeletionsAllowed);
    assert_eq!(step.files.len(), 10);
}

#[test]
fn what_vanishes_while_a_push_is_under_way_was_not_asked_for() {
    let mut bench = with_artifacts(40);
    bench.save("A-11", "new\n");
    bench.take(gone(1..=1));
    bench.take(Event::PushWanted { retry_refused: true });
    bench.now = bench.now.plus(1);
    bench.take(gone(2..=2));
    let step = bench.answer(vec![PushOutcome::Applied(Version(2), Seq(41))]);
    assert_eq!(pushed(&step), ["A-1"], "only what had vanished before somebody asked");
    bench.answer(vec![PushOutcome::Applied(Version(2), Seq(42))]);
    bench.now = bench.now.plus(1_000);
    bench.take(gone(3..=11));
    assert_eq!(parked(&bench).len(), 10);
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_up_a_deletion() {
    let mut bench = with_artifacts(3);
    assert!(pushed(&bench.take(gone(1..=1))).is_empty());
    bench.now = bench.now.plus(-365 * 24 * 3_600_000);
    assert_eq!(pushed(&bench.take(Event::Tick)), ["A-1"]);
}

#[test]
fn many_deletions_one_after_the_other_are_held_back_too() {
    let mut bench = with_artifacts(40);
    for n in 1..=40 {
        let step = bench.take(gone(n..=n));
        assert!(pushed(&step).is_empty(), "deletion {n}");
        bench.now = bench.now.plus(20);
    }
    bench.now = bench.now.plus(60_000);
    let step = bench.take(Event::Tick);
    assert!(pushed(&step).is_empty());
    assert_eq!(parked(&bench).len(), 40);
}

#[test]
fn a_file_that_comes_back_in_time_was_never_deleted() {
    let mut bench = with_artifacts(3);
    let step = bench.take(gone(1..=1));
    let due = step.wake_at.expect("looked at again");
    bench.save("A-1", "text 1\n");
    bench.now = due;
    assert!(bench.take(Event::Tick).requests.is_empty());
    let mut bench = with_artifacts(40);
    bench.take(gone(1..=20));
    (1..=20).for_each(|n| drop(bench.save(&format!("A-{n}"), &format!("text {n}\n"))));
    assert!(parked(&bench).is_empty());
}

#[test]
fn a_server_restored_from_a_backup_is_read_anew_and_counts() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.agreed("A-2", "two\n", 2);
    bench.take(Event::PullWanted);
    let mut restored = page(vec![]);
    (restored.cursor, restored.newest_seq) = (Seq(2), Seq(1));
    let step = bench.take(Event::Pulled(Box::new(restored)));
    assert!(step.writes.iter().any(|write| matches!(write, Write::Rewind)));
    assert_eq!(step.requests, [Request::Pull(Seq(0))]);
    let step = bench.take(Event::Pulled(Box::new(page(vec![row("A-1", 1, 1, Some("older\n"))]))));
    assert_eq!(bench.machine.cursor(), Seq(1));
    assert_eq!(bench.entry("A-1").remote_hash(), Some(hash("older\n")));
    assert!(step.files.is_empty() && step.requests.is_empty(), "nobody's file changes unasked");
    assert_eq!(bench.entry("A-1").local, Some(hash("one\n")));
    assert_eq!((bench.entry("A-2").local, bench.entry("A-2").remote_hash()), (Some(hash("two\n")), None));
    let waits = |bench: &Bench, id: &str| {
        let texts = bench.store.texts.clone();
        next(bench.entry(id), bench.machine.circumstances(&key(id)), &|hash| texts.get(&hash).cloned())
    };
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Behind));
    assert_eq!(waits(&bench, "A-2"), Next::Wait(Waits::DeletedThere));
    let step = bench.take(Event::PushWanted { retry_refused: true });
    assert!(step.files.is_empty() && pushed(&step).is_empty(), "a plain push is no answer");
    let mut followed = bench.clone_of();
    let step = followed.take(Event::RollbackAllowed);
    assert_eq!(step.files.len(), 2, "the files follow once somebody says so");
    // Or they go back to the team.
    for id in ["A-1", "A-2"] {
        let (from, there) = (bench.entry(id).base, bench.entry(id).remote_hash());
        let to = there.map(|hash| crate::id::Text::new(bench.store.texts[&hash].clone()));
        let base = crate::sync::ResolvedBase { from, to, undoes: None };
        bench.take(Event::Resolved { key: key(id), base });
    }
    let versions: Vec<_> =
        ["A-1", "A-2"].map(|id| bench.entry(id).pending.as_ref().map(|p| p.base_version)).into();
    assert_eq!(versions, [Some(Version(1)), None], "one after the other");
}

#[test]
fn what_another_process_reads_anew_is_not_waited_for_in_the_old_place() {
    let mut bench = Bench::new();
    bench.pulled(vec![row("A-1", 1, 5, Some("one\n"))]);
    assert_eq!(bench.machine.cursor(), Seq(5));
    let mut rewound = bench.store.snapshot();
    rewound.rev.0 += 1;
    rewound.cursor = Seq(1);
    (bench.store.rev, bench.store.cursor) = (rewound.rev, rewound.cursor);
    bench.take(Event::Reloaded(rewound.clone()));
    assert_eq!(bench.machine.cursor(), Seq(1));
    bench.pulled(vec![row("A-2", 1, 2, Some("two\n"))]);
    assert_eq!(bench.machine.cursor(), Seq(2));
    bench.take(Event::Reloaded(rewound));
    assert_eq!(bench.machine.cursor(), Seq(2), "an old picture is no news");
}

#[test]
fn what_was_pushed_while_everything_is_read_anew_is_not_lost() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.agreed("A-2", "two\n", 2);
    bench.take(Event::PullWanted);
    let mut restored = page(vec![]);
    (restored.cursor, restored.newest_seq) = (Seq(2), Seq(1));
    bench.take(Event::Pulled(Box::new(restored)));
    // Another process gives it back meanwhile, which the answer under way cannot know.
    let mut other = bench.store.snapshot();
    other.rev.0 += 1;
    for entry in &mut other.entries {
        if entry.key == key("A-2") {
            entry.rev = other.rev;
            if let Some(remote) = &mut entry.remote {
                remote.version = Version(3);
            }
        }
    }
    bench.store.entries = other.entries.iter().map(|entry| (entry.key.clone(), entry.clone())).collect();
    bench.store.rev = other.rev;
    bench.take(Event::Reloaded(other));
    bench.take(Event::Pulled(Box::new(page(vec![row("A-1", 1, 1, Some("one\n"))]))));
    assert_eq!(bench.entry("A-2").remote_version(), Version(3));
    assert!(bench.machine.entries().all(|entry| entry.parked.is_none()));
}

#[test]
fn a_conflict_tells_what_the_remote_has_even_if_that_is_older() {
    let mut bench = Bench::new();
    bench.pulled(vec![row("A-1", 5, 5, Some("one\n"))]);
    bench.save("A-1", "one\n");
    bench.save("A-1", "mine\n");
    let step = bench.answer(vec![PushOutcome::Conflict(Some(Box::new(row("A-1", 2, 3, Some("theirs\n")))))]);
    assert_eq!(bench.entry("A-1").remote_version(), Version(2));
    assert!(pushed(&step).is_empty(), "nothing is pushed in a circle");
}

#[test]
fn a_conflict_that_makes_no_sense_is_waited_out() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.save("A-1", "mine\n");
    let same = row("A-1", 1, 1, Some("one\n"));
    let step = bench.answer(vec![PushOutcome::Conflict(Some(Box::new(same)))]);
    assert!(step.requests.is_empty() && step.wake_at.is_some_and(|at| at > bench.now));
    assert!(matches!(bench.machine.link().trouble, Some((_, RemoteError::Protocol(_)))));
    assert!(bench.entry("A-1").pending.is_some(), "it is sent again under the same id");
}

#[test]
fn a_push_of_which_nothing_was_decided_is_waited_out() {
    let mut bench = Bench::new();
    bench.save("A-1", "one\n");
    let step = bench.answer(vec![PushOutcome::Deferred]);
    assert!(step.requests.is_empty());
    bench.now = step.wake_at.expect("tried again");
    assert_eq!(pushed(&bench.take(Event::Tick)), ["A-1"]);
}

#[test]
fn what_was_too_much_is_tried_again_with_the_next_scheduled_pull() {
    let mut bench = Bench::new();
    bench.save("A-1", "one\n");
    bench.take(Event::PushFailed(RemoteError::TooMuch("the statement took too long".into())));
    assert!(bench.entry("A-1").parked.is_some());
    bench.take(Event::PullScheduled);
    assert_eq!(pushed(&bench.pulled(vec![])), ["A-1"]);
}

#[test]
fn traffic_can_be_restricted_to_one_direction() {
    let mut bench = Bench::idle(POLICY);
    bench.machine.set_traffic(Traffic::PushOnly);
    bench.save("A-1", "one\n");
    assert_eq!(pushed(&bench.take(Event::Leads(true))), ["A-1"], "without the pull that leading brings");

    let mut bench = Bench::idle(POLICY);
    bench.machine.set_traffic(Traffic::PullOnly);
    bench.save("A-1", "one\n");
    assert_eq!(bench.take(Event::Leads(true)).requests, [Request::Pull(Seq(0))]);
    assert!(bench.pulled(vec![]).requests.is_empty());
}

#[test]
fn bases_are_searched_a_few_at_a_time() {
    let mut bench = Bench::idle(POLICY);
    (1..=20).for_each(|n| drop(bench.save(&format!("A-{n}"), "mine\n")));
    bench.take(Event::Leads(true));
    let rows = (1..=20).map(|n| row(&format!("A-{n}"), 2, n, Some("theirs\n"))).collect();
    let step = bench.pulled(rows);
    assert_eq!(searches(&step), 8);
    let step = bench.take(Event::BaseFound { key: key("A-1"), base: None });
    assert_eq!(searches(&step), 1);
}

#[test]
fn another_content_is_searched_for_anew() {
    let mut bench = Bench::idle(POLICY);
    bench.save("A-1", "mine\n");
    bench.take(Event::Leads(true));
    assert_eq!(searches(&bench.pulled(vec![row("A-1", 2, 2, Some("theirs\n"))])), 1);
    bench.take(Event::BaseFound { key: key("A-1"), base: None });
    let state = |bench: &Bench| {
        let given = bench.machine.circumstances(&key("A-1"));
        next(bench.entry("A-1"), given, &|hash| bench.store.texts.get(&hash).cloned())
    };
    assert_eq!(state(&bench), Next::Wait(Waits::Conflict));
    let step = bench.save("A-1", "an old version\n");
    assert_eq!(searches(&step), 1);
    assert_eq!(bench.now, Timestamp(1_000));
}

#[test]
fn a_revision_that_the_base_missed_is_no_conflict() {
    let mut bench = Bench::idle(Policy { auto_push: false, ..POLICY });
    bench.save("A-1", "one\n");
    bench.take(Event::Leads(true));
    bench.pulled(vec![row("A-1", 1, 1, Some("one\n"))]);
    bench.save("A-1", "mine\n");
    // Nothing lies between the base and this one.
    assert_eq!(searches(&bench.pulled(vec![row("A-1", 2, 2, Some("two\n"))])), 0);
    assert_eq!(searches(&bench.pulled(vec![row("A-1", 3, 3, Some("three\n"))])), 1);
    let step = bench.take(Event::BaseFound { key: key("A-1"), base: None });
    assert_eq!((searches(&step), bench.entry("A-1").status()), (0, Status::Diverged));
    // What is older than the base stays an edit.
    assert_eq!(searches(&bench.save("A-1", "two\n")), 1);
    bench.take(Event::BaseFound { key: key("A-1"), base: Some((hash("two\n"), Version(1))) });
    assert_eq!(bench.entry("A-1").status(), Status::Diverged);
    bench.save("A-1", "mine again\n");
    assert_eq!(searches(&bench.save("A-1", "two\n")), 0);
    bench.take(Event::BaseFound { key: key("A-1"), base: None });
    assert_eq!(searches(&bench.save("A-1", "Two\n")), 1);
    bench.take(Event::BaseFound { key: key("A-1"), base: Some((hash("Two\n"), Version(2))) });
    let entry = bench.entry("A-1");
    assert_eq!((entry.base_version, entry.status()), (Version(2), Status::Behind));
}

/// Files that go back to what the remote had once, as the history would tell.
fn back(bench: &mut Bench, numbers: std::ops::RangeInclusive<u64>) -> Step {
    let ids: Vec<_> = numbers.map(|n| format!("A-{n}")).collect();
    ids.iter().for_each(|id| bench.machine.note_reverted(&key(id), true));
    bench
        .take(Event::Found(ids.iter().map(|id| found(id, &at(id), Some(&format!("older {id}\n")))).collect()))
}

fn held_back(bench: &Bench) -> usize {
    let is_held = |entry: &&Entry| {
        entry.parked.as_ref().is_some_and(|p| p.code == MASS_REVERSION && p.hash == entry.local)
    };
    bench.machine.entries().filter(is_held).count()
}

#[test]
fn many_files_that_go_back_at_once_wait_for_a_person() {
    // Of 40, the limit of a fifth is 8, and fewer than 10 are never held.
    for (count, limit, held) in
        [(9, 20, 0), (10, 20, 10), (40, 20, 40), (40, 100, 0), (10, 25, 0), (10, 0, 10)]
    {
        let mut bench = with_artifacts(40);
        bench.machine.set_reversion_limit(limit);
        let step = back(&mut bench, 1..=count);
        assert!(pushed(&step).is_empty(), "others may follow in a moment");
        assert_eq!(held_back(&bench) as u64, held, "{count} {limit}");
        bench.now = bench.now.plus(2_000);
        assert_eq!(pushed(&bench.take(Event::Tick)).len() as u64, count - held, "{count} {limit}");
    }
}

#[test]
fn what_goes_back_slowly_counts_together() {
    let mut bench = with_artifacts(40);
    for n in 1..=12 {
        assert!(pushed(&back(&mut bench, n..=n)).is_empty());
        bench.now = bench.now.plus(100);
    }
    assert_eq!(held_back(&bench), 12);
    bench.now = bench.now.plus(60_000);
    assert!(pushed(&bench.take(Event::PushWanted { retry_refused: true })).is_empty(), "no consent");
    assert_eq!(pushed(&bench.take(Event::ReversionsAllowed)).len(), 12);
}

#[test]
fn a_word_for_what_went_back_holds_for_that_alone_also_when_some_of_it_is_refused() {
    let mut bench = with_artifacts(40);
    back(&mut bench, 1..=12);
    assert_eq!(pushed(&bench.take(Event::ReversionsAllowed)).len(), 12);
    let refused = || PushOutcome::Rejected { code: "state".to_owned(), message: "never".to_owned() };
    let outcomes = (1..=11).map(|n| PushOutcome::Applied(Version(2), Seq(40 + n))).chain([refused()]);
    bench.answer(outcomes.collect());
    bench.now = bench.now.plus(60_000);
    bench.take(Event::Tick);
    let step = back(&mut bench, 20..=31);
    assert!(pushed(&step).is_empty(), "{:?}", step.requests);
    assert_eq!(held_back(&bench), 12);
}

#[test]
fn what_is_held_is_not_merged_and_files_that_come_back_wait_for_nothing() {
    let mut bench = with_artifacts(40);
    back(&mut bench, 1..=20);
    let step = bench.pulled(vec![row("A-1", 2, 41, Some("theirs\n"))]);
    assert!(step.files.is_empty() && held_back(&bench) == 20);
    let files =
        (2..=20).map(|n| found(&format!("A-{n}"), &at(&format!("A-{n}")), Some(&format!("text {n}\n"))));
    (2..=20).for_each(|n| bench.machine.note_reverted(&key(&format!("A-{n}")), false));
    bench.take(Event::Found(files.collect()));
    assert_eq!(held_back(&bench), 1);
}

#[test]
fn many_new_texts_at_once_are_pushed() {
    let mut bench = with_artifacts(40);
    let files =
        (1..=40).map(|n| found(&format!("A-{n}"), &at(&format!("A-{n}")), Some(&format!("new {n}\n"))));
    assert_eq!(pushed(&bench.take(Event::Found(files.collect()))).len(), 40);
}
