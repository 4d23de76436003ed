//! The network: what is sent when, what becomes of each answer, and when it is tried again.

use super::*;
use crate::ports::{ChangeOutcome, LiveEvent, PushOutcome, UnreadableRow};
use crate::sync::deletions::MASS_DELETION;

fn closed(step: &Step) -> Vec<ChangeOutcome> {
    let outcome = |write: &Write| match write {
        Write::Close(_, outcome) => Some(outcome.clone()),
        _ => None,
    };
    step.writes.iter().filter_map(outcome).collect()
}

/// Checks what became of the changes, and what is asked of the remote next.
fn check(step: &Step, expected: &[ChangeOutcome], requests: &[Request]) {
    assert_eq!(closed(step), expected, "{:?}", step.writes);
    assert_eq!(step.requests, requests);
}

fn refused(code: &str) -> PushOutcome {
    PushOutcome::Rejected { code: code.into(), message: "no".into() }
}

fn unreachable() -> RemoteError {
    RemoteError::Unreachable("connection refused".into())
}

fn moved(to: u64) -> Event {
    Event::Live(LiveEvent::Moved { from: Seq(to), to: Seq(to) })
}

fn pull(after: u64) -> Vec<Request> {
    vec![Request::Pull(Seq(after))]
}

#[test]
fn an_applied_change_makes_the_base_and_moves_the_cursor_without_a_pull() {
    for outcome in [PushOutcome::Applied(Version(1), Seq(1)), PushOutcome::Duplicate(Version(1), Seq(1))] {
        let mut bench = Bench::new();
        bench.save("A-1", "one\n");
        let step = bench.answer(vec![outcome.clone()]);
        check(&step, &[ChangeOutcome::Applied(Version(1), Seq(1))], &[]);
        let entry = bench.entry("A-1");
        assert_eq!((entry.base, entry.base_version), (Some(hash("one\n")), Version(1)));
        assert_eq!((&entry.pending, entry.waiting_since), (&None, None));
        assert_eq!(bench.store.open.len(), 0);
        let own = matches!(outcome, PushOutcome::Applied(..));
        assert_eq!(bench.store.cursor, Seq(u64::from(own)), "a duplicate may have had others before it");
    }
}

#[test]
fn the_cursor_follows_own_changes_up_to_the_first_gap() {
    for (seqs, cursor) in [([1, 2, 3], 3), ([3, 1, 2], 3), ([1, 3, 4], 1), ([2, 3, 4], 0)] {
        let mut bench = Bench::idle(POLICY);
        ["A-1", "A-2", "A-3"].into_iter().for_each(|id| drop(bench.save(id, id)));
        bench.take(Event::Leads(true));
        assert_eq!(pushed(&bench.pulled(vec![])).len(), 3);
        let step = bench.answer(seqs.map(|seq| PushOutcome::Applied(Version(1), Seq(seq))).into());
        assert_eq!(bench.store.cursor, Seq(cursor), "{seqs:?}");
        let wanted = if cursor == 3 { vec![] } else { pull(cursor) };
        assert_eq!(step.requests, wanted, "{seqs:?}");
    }
}

#[test]
fn an_own_change_seen_in_a_pull_is_acknowledged_and_its_late_answer_ignored() {
    let mut bench = Bench::new();
    bench.save("A-1", "one\n");
    bench.take(Event::PushFailed(unreachable()));
    bench.save("A-1", "one more\n");
    let mut own = row("A-1", 1, 1, Some("one\n"));
    own.change_id = Some(change_id(1));
    bench.take(Event::PullWanted);
    let step = bench.pulled(vec![own]);
    assert_eq!(closed(&step), [ChangeOutcome::Applied(Version(1), Seq(1))]);
    let pending = bench.entry("A-1").pending.clone().unwrap();
    assert_eq!((pending.hash, pending.base_version), (Some(hash("one more\n")), Version(1)));
    let late = crate::ports::PushReply {
        outcomes: vec![(change_id(1), PushOutcome::Duplicate(Version(1), Seq(1)))],
        newest_seq: Seq(1),
    };
    let step = bench.take(Event::Pushed(Box::new(late)));
    assert_eq!(closed(&step), []);
    assert_eq!(bench.entry("A-1").pending, Some(pending));
}

#[test]
fn a_conflict_brings_the_newest_revision_and_keeps_the_local_text() {
    let mut bench = Bench::new();
    bench.save("A-1", "mine\n");
    let step = bench.answer(vec![PushOutcome::Conflict(Some(Box::new(row("A-1", 4, 8, Some("theirs\n")))))]);
    assert_eq!(closed(&step), [ChangeOutcome::Conflict(Version(4))]);
    assert!(step.files.is_empty(), "{:?}", step.files);
    let entry = bench.entry("A-1");
    assert_eq!((entry.local, entry.remote_version()), (Some(hash("mine\n")), Version(4)));
    assert_eq!(entry.pending, None);
}

#[test]
fn a_conflict_with_nothing_there_creates_it_again() {
    let mut bench = Bench::new();
    bench.agreed("A-1", "one\n", 1);
    bench.save("A-1", "two\n");
    bench.answer(vec![PushOutcome::Conflict(None)]);
    assert_eq!(bench.entry("A-1").remote, None);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::DeletedThere));
}

#[test]
fn one_refusal_parks_its_artifact_and_the_others_go_on() {
    let mut bench = Bench::idle(POLICY);
    ["A-1", "A-2"].into_iter().for_each(|id| drop(bench.save(id, id)));
    bench.take(Event::Leads(true));
    bench.pulled(vec![]);
    let step = bench.answer(vec![refused("forbidden"), PushOutcome::Applied(Version(1), Seq(1))]);
    let expected = [ChangeOutcome::Rejected("forbidden".into()), ChangeOutcome::Applied(Version(1), Seq(1))];
    check(&step, &expected, &[]);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Refused));
    assert_eq!(waits(&bench, "A-2"), Next::Nothing);
    assert_eq!(pushed(&bench.save("A-3", "A-3")), ["A-3"], "the refused one stays");
    bench.answer(vec![PushOutcome::Applied(Version(1), Seq(2))]);
    assert_eq!(pushed(&bench.take(Event::PushWanted { retry_refused: false })), [""; 0]);
    assert_eq!(pushed(&bench.take(Event::PushWanted { retry_refused: true })), ["A-1"]);
    bench.answer(vec![refused("forbidden")]);
    assert_eq!(pushed(&bench.save("A-1", "changed")), ["A-1"]);
}

#[test]
fn a_deferred_change_is_sent_again_as_it_is_and_the_others_go_on() {
    use PushOutcome::{Applied, Deferred};
    let applied = |seq| Applied(Version(1), Seq(seq));
    for (outcomes, again) in [
        (vec![Deferred, applied(1), applied(2)], vec!["A-1"]),
        (vec![applied(1), Deferred, Deferred], vec!["A-2", "A-3"]),
        (vec![refused("forbidden"), Deferred, applied(1)], vec!["A-2"]),
    ] {
        let mut bench = Bench::idle(POLICY);
        let ids = ["A-1", "A-2", "A-3"];
        ids.into_iter().for_each(|id| drop(bench.save(id, id)));
        bench.take(Event::Leads(true));
        bench.pulled(vec![]);
        let pending = |bench: &Bench| ids.map(|id| bench.entry(id).pending.clone());
        let before = pending(&bench);
        let step = bench.answer(outcomes.clone());
        assert_eq!(closed(&step).len(), 3 - again.len(), "{outcomes:?}");
        assert_eq!(pushed(&step), again, "{outcomes:?}");
        for ((outcome, before), after) in outcomes.iter().zip(before).zip(pending(&bench)) {
            assert_eq!(after, before.filter(|_| matches!(outcome, Deferred)), "{outcomes:?}");
        }
    }
}

#[test]
fn too_much_is_halved_until_a_single_change_is_refused() {
    let mut bench = Bench::idle(POLICY);
    ["A-1", "A-2", "A-3", "A-4"].into_iter().for_each(|id| drop(bench.save(id, id)));
    bench.take(Event::Leads(true));
    assert_eq!(pushed(&bench.pulled(vec![])).len(), 4);
    let too_much = || Event::PushFailed(RemoteError::TooMuch("body too large".into()));
    assert_eq!(pushed(&bench.take(too_much())), ["A-1", "A-2"]);
    assert_eq!(pushed(&bench.take(too_much())), ["A-1"]);
    let step = bench.take(too_much());
    assert_eq!(closed(&step), [ChangeOutcome::Rejected("too_much".into())]);
    assert_eq!(pushed(&step), ["A-2"]);
    assert_eq!(waits(&bench, "A-1"), Next::Wait(Waits::Refused));
    let step = bench.answer(vec![PushOutcome::Applied(Version(1), Seq(1))]);
    assert_eq!(pushed(&step), ["A-3", "A-4"], "after a success, twice as many");
}

#[test]
fn an_unanswered_change_is_sent_again_under_its_id_after_a_while() {
    let mut bench = Bench::new();
    let sent = bench.save("A-1", "one\n").requests;
    let step = bench.take(Event::PushFailed(unreachable()));
    check(&step, &[], &[]);
    let wake_at = step.wake_at.expect("to try again");
    assert!(wake_at > bench.now);
    bench.save("A-1", "one and more\n");
    check(&bench.take(Event::Tick), &[], &[]);
    bench.now = wake_at;
    check(&bench.take(Event::Tick), &[], &sent);
    let step = bench.answer(vec![PushOutcome::Applied(Version(1), Seq(1))]);
    assert_eq!(pushed(&step), ["A-1"], "and then what was typed meanwhile");
}

#[test]
fn a_failed_pull_is_tried_again_and_somebody_asking_need_not_wait() {
    let mut bench = Bench::new();
    bench.take(Event::PullWanted);
    let step = bench.take(Event::PullFailed(unreachable()));
    check(&step, &[], &[]);
    check(&bench.take(Event::PullScheduled), &[], &[]);
    check(&bench.take(Event::PullWanted), &[], &pull(0));
    let step = bench.take(Event::PullFailed(unreachable()));
    bench.now = step.wake_at.expect("to try again");
    check(&bench.take(Event::Tick), &[], &pull(0));
    assert!(bench.machine.link().trouble.is_some());
    bench.pulled(vec![]);
    assert_eq!(bench.machine.link().trouble, None);
}

/// An editor that opened the file before a teammate's line came into it saves while what another program
/// added to that is under way.
#[test]
fn an_older_text_saved_while_a_newer_one_is_under_way_is_merged_with_it() {
    const OLD: &str = "one\n\ntwo\n\nthree\n";
    const THEIRS: &str = "one\n\ntwo\n\nthree\n\ntheirs\n";
    const ADDED: &str = "one\n\ntwo\n\nthree\n\ntheirs\n\nadded\n";
    const MINE: &str = "mine\n\ntwo\n\nthree\n";
    for is_pulled in [false, true] {
        let mut bench = Bench::new();
        bench.agreed("A-1", OLD, 1);
        let step = bench.pulled(vec![row("A-1", 2, 2, Some(THEIRS))]);
        bench.done(&step);
        assert_eq!(pushed(&bench.save("A-1", ADDED)), ["A-1"]);
        let to = Some(Text::new(OLD));
        let mut file = found("A-1", &at("A-1"), Some(MINE));
        file.resolved = Some(ResolvedBase { from: Some(hash(THEIRS)), to, undoes: None });
        bench.take(Event::Found(vec![file]));
        if is_pulled {
            let sent = bench.entry("A-1").pending.clone().expect("under way").change_id;
            bench.take(Event::PushFailed(RemoteError::Unreachable("gone".into())));
            let mut own = row("A-1", 3, 3, Some(ADDED));
            own.change_id = Some(sent);
            bench.pulled(vec![own]);
        } else {
            bench.answer(vec![PushOutcome::Applied(Version(3), Seq(3))]);
        }
        let entry = bench.entry("A-1");
        let sides = (entry.base, entry.local, entry.remote_hash());
        assert_eq!(sides, (Some(hash(OLD)), Some(hash(MINE)), Some(hash(ADDED))), "{is_pulled}");
    }
}

/// The same, where the newer one has just arrived when the save is heard of.
#[test]
fn an_older_text_saved_right_after_a_newer_one_arrived_is_merged_with_it() {
    const OLD: &str = "one\n\ntwo\n\nthree\n";
    const THEIRS: &str = "one\n\ntwo\n\nthree\n\ntheirs\n";
    const ADDED: &str = "one\n\ntwo\n\nthree\n\ntheirs\n\nadded\n";
    const MINE: &str = "mine\n\ntwo\n\nthree\n";
    let mut bench = Bench::new();
    bench.agreed("A-1", OLD, 1);
    let step = bench.pulled(vec![row("A-1", 2, 2, Some(THEIRS))]);
    bench.done(&step);
    bench.save("A-1", ADDED);
    bench.answer(vec![PushOutcome::Applied(Version(3), Seq(3))]);
    // Its own next text goes on with what arrived.
    let saved = |text: &str| {
        let mut file = found("A-1", &at("A-1"), Some(text));
        let to = Some(Text::new(OLD));
        file.resolved = Some(ResolvedBase { from: Some(hash(THEIRS)), to, undoes: None });
        Event::Found(vec![file])
    };
    let mut other = bench.clone_of();
    other.take(saved(&format!("{ADDED}\nmore\n")));
    assert_eq!(other.entry("A-1").base, Some(hash(ADDED)));
    bench.take(saved(MINE));
    let entry = bench.entry("A-1");
    let sides = (entry.base, entry.local, entry.remote_hash());
    assert_eq!(sides, (Some(hash(OLD)), Some(hash(MINE)), Some(hash(ADDED))));
}

#[test]
fn a_hint_is_followed_by_a_pull_and_one_known_already_is_not() {
    let mut bench = Bench::new();
    check(&bench.take(moved(4)), &[], &pull(0));
    check(&bench.take(moved(5)), &[], &[]);
    check(&bench.pulled(vec![row("A-1", 1, 4, None)]), &[], &pull(4));
    check(&bench.pulled(vec![row("A-1", 2, 5, None)]), &[], &[]);
    check(&bench.take(moved(5)), &[], &[]);
}

#[test]
fn a_hint_that_promises_too_much_is_believed_once() {
    let mut bench = Bench::new();
    check(&bench.take(moved(1_000_000)), &[], &pull(0));
    check(&bench.pulled(vec![row("A-1", 1, 4, None)]), &[], &[]);
    check(&bench.take(Event::Tick), &[], &[]);
    check(&bench.take(moved(5)), &[], &pull(4));
}

#[test]
fn a_page_that_is_not_the_last_is_followed_by_the_next() {
    let mut bench = Bench::new();
    bench.take(Event::PullWanted);
    let mut first = page(vec![row("A-1", 1, 2, Some("one\n"))]);
    (first.more, first.newest_seq) = (true, Seq(9));
    check(&bench.take(Event::Pulled(Box::new(first))), &[], &pull(2));
}

#[test]
fn joining_the_live_channel_pulls_what_came_before() {
    let mut bench = Bench::new();
    check(&bench.take(Event::Live(LiveEvent::Ready)), &[], &pull(0));
    assert!(bench.machine.link().live);
    for event in [LiveEvent::Lost("reset".into()), LiveEvent::Refused("private".into())] {
        bench.machine.link.live = true;
        check(&bench.take(Event::Live(event)), &[], &[]);
        assert!(!bench.machine.link().live);
    }
}

#[test]
fn one_request_at_a_time() {
    let mut bench = Bench::new();
    check(&bench.take(Event::PullWanted), &[], &pull(0));
    check(&bench.save("A-1", "one\n"), &[], &[]);
    let step = bench.pulled(vec![]);
    assert_eq!(pushed(&step), ["A-1"]);
    check(&bench.take(Event::PullWanted), &[], &[]);
    check(&bench.save("A-2", "two\n"), &[], &[]);
    let step = bench.answer(vec![PushOutcome::Applied(Version(1), Seq(1))]);
    assert_eq!(step.requests, pull(1));
    assert_eq!(pushed(&bench.pulled(vec![])), ["A-2"]);
}

#[test]
fn without_auto_push_only_what_is_asked_for_is_sent_and_what_was_sent_is_sent_again() {
    let mut bench = Bench::new();
    bench.machine.set_policy(Policy { auto_push: false, ..POLICY });
    check(&bench.save("A-1", "one\n"), &[], &[]);
    let step = bench.take(Event::PushWanted { retry_refused: false });
    assert_eq!(pushed(&step), ["A-1"]);
    let step = bench.take(Event::PushFailed(unreachable()));
    let mut restarted = Bench { machine: Machine::new(bench.machine.policy), ..bench };
    restarted.now = step.wake_at.unwrap();
    let snapshot = restarted.store.snapshot();
    restarted.take(Event::Reloaded(snapshot));
    restarted.take(Event::Leads(true));
    assert_eq!(pushed(&restarted.pulled(vec![])), ["A-1"]);
    let step = restarted.answer(vec![PushOutcome::Applied(Version(1), Seq(1))]);
    check(&step, &[ChangeOutcome::Applied(Version(1), Seq(1))], &[]);
    check(&restarted.save("A-1", "two\n"), &[], &[]);
}

#[test]
fn rows_that_cannot_be_read_are_remembered_and_passed() {
    let mut bench = Bench::new();
    let mut odd = page(vec![]);
    let row = UnreadableRow { name: "story/../x".into(), problem: "a path that leaves".into() };
    (odd.unreadable, odd.cursor, odd.newest_seq) = (vec![row.clone()], Seq(3), Seq(3));
    check(&bench.take(Event::Pulled(Box::new(odd))), &[], &[]);
    assert_eq!((bench.machine.unreadable(), bench.store.cursor), (&[row][..], Seq(3)));
}

#[test]
fn many_deletions_at_once_wait_for_a_word() {
    let mut bench = Bench::new();
    let ids: Vec<_> = (0..12).map(|n| format!("A-{n}")).collect();
    for (id, seq) in ids.iter().zip(1..) {
        bench.agreed(id, id, seq);
    }
    let gone = |ids: &[String]| Event::Found(ids.iter().map(|id| found(id, &at(id), None)).collect());
    assert_eq!(pushed(&bench.take(gone(&ids[..10]))), [""; 0]);
    assert_eq!(bench.entry("A-0").parked.as_ref().map(|parked| parked.code.as_str()), Some(MASS_DELETION));
    assert_eq!(pushed(&bench.take(Event::PushWanted { retry_refused: true })), [""; 0]);
    assert_eq!(pushed(&bench.take(Event::DeletionsAllowed)).len(), 10);
}
