//! What may go: a table of single cases, and what holds for any history.

use proptest::prelude::*;

use super::*;
use crate::id::{OperationId, Seq};
use crate::ports::Cause;

const NOW: Timestamp = Timestamp(1_900_000_000_000);

fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

fn side(text: &str) -> Option<ContentHash> {
    (!text.is_empty()).then(|| hash(text))
}

/// Days ago, local before and after, remote before and after, the remote's version after.
type Step<'a> = (i64, [&'a str; 2], [&'a str; 2], u64);

fn recorded(id: u64, (days, local, remote, version): Step<'_>) -> Recorded {
    let triple = |at: usize| Triple { base: None, local: side(local[at]), remote: side(remote[at]) };
    let operation = Operation {
        at: Timestamp(NOW.0 - days * DAY),
        key: ArtifactKey::new("story", "A-1").unwrap(),
        cause: Cause::Saved,
        before: triple(0),
        after: triple(1),
        remote_version: Version(version),
        author: None,
        versions: None,
        paths: None,
        undoes: None,
    };
    Recorded { id: OperationId(id), rev: Some(Rev(id)), operation }
}

/// These operations, then as many young ones as stay anyway, which tell of a deletion.
fn holdings(steps: &[Step<'_>], in_use: &[&str]) -> Holdings {
    let last = steps.last().map_or(0, |step| step.3);
    let young = vec![(0, ["", ""], ["", ""], last + 1); LEAST];
    let operations = (1..).zip(steps.iter().copied().chain(young)).map(|(id, step)| recorded(id, step));
    let operations: Vec<_> = operations.collect();
    let named: BTreeSet<_> = operations.iter().flat_map(|recorded| named(&recorded.operation)).collect();
    let sizes = named.into_iter().map(|hash| (hash, 10)).collect();
    let in_use = in_use.iter().map(|text| hash(text)).collect();
    Holdings { operations, changes: Vec::new(), in_use, sizes }
}

fn goes(holdings: &Holdings, retention: Retention) -> (Vec<u64>, BTreeSet<ContentHash>) {
    let gone = expired(holdings, retention, NOW);
    let operations = gone.operations.iter().map(|recorded| recorded.id.0).collect();
    (operations, gone.texts.into_iter().map(|text| text.hash).collect())
}

/// Checks which operations (by their place, from 1) and texts go.
fn check(steps: &[Step<'_>], in_use: &[&str], retention: Retention, operations: &[u64], texts: &[&str]) {
    let texts: BTreeSet<_> = texts.iter().map(|text| hash(text)).collect();
    assert_eq!(goes(&holdings(steps, in_use), retention), (operations.to_vec(), texts), "{steps:?}");
}

const LOSING: Retention = Retention { keep: Some(90 * DAY), keep_unpushed: Some(365 * DAY) };

#[test]
fn what_the_remote_has_goes_when_it_is_old_and_nothing_names_it() {
    let usual = Retention::default();
    let pushed = |days| (days, ["a", "a"], ["", "a"], 1);
    let second = |days| (days, ["a", "b"], ["a", "b"], 2);
    check(&[pushed(91)], &[], usual, &[1], &["a"]);
    check(&[pushed(89)], &[], usual, &[], &[]);
    check(&[pushed(91)], &["a"], usual, &[1], &[]);
    check(&[pushed(91), second(89)], &[], usual, &[1], &[]);
    check(&[pushed(91), second(91)], &["b"], usual, &[1, 2], &["a"]);
    check(&[pushed(-5)], &[], usual, &[], &[]);
    check(&[pushed(9999)], &[], Retention { keep: None, keep_unpushed: None }, &[], &[]);
}

#[test]
fn what_is_nowhere_else_stays_with_what_names_it_unless_the_user_says_otherwise() {
    let usual = Retention::default();
    let saved = |days| (days, ["", "mine"], ["", ""], 0);
    let next = |days| (days, ["mine", "b"], ["", ""], 0);
    check(&[saved(9999)], &[], usual, &[], &[]);
    check(&[saved(9999), next(9999)], &["b"], usual, &[], &[]);
    check(&[saved(364)], &[], LOSING, &[], &[]);
    check(&[saved(366)], &[], LOSING, &[1], &["mine"]);
    check(&[saved(366), next(364)], &["b"], LOSING, &[1], &[]);
    // Shorter than what the remote has is kept, it would lose the one and not the other.
    let hasty = Retention { keep: Some(90 * DAY), keep_unpushed: Some(0) };
    check(&[saved(89)], &[], hasty, &[], &[]);
}

#[test]
fn what_a_server_lost_that_was_restored_from_a_backup_stays() {
    let usual = Retention::default();
    let [one, two]: [Step<'_>; 2] = [(200, ["a", "a"], ["", "a"], 1), (200, ["b", "b"], ["a", "b"], 2)];
    let back = (200, ["b", "b"], ["b", "a"], 1);
    let again = (200, ["b", "b"], ["a", "c"], 2);
    // Version 2 is another one now: b is nowhere else, and the step that tells so stays, too.
    check(&[one, two, back, again], &[], usual, &[1], &[]);
    // Nobody saw how far it went back.
    check(&[one, two, again], &[], usual, &[], &[]);
    // It has nothing at all any more.
    check(&[one, two, (200, ["b", "b"], ["b", ""], 0)], &[], usual, &[], &[]);
}

#[test]
fn the_newest_operations_stay_and_a_commit_stays_as_one() {
    let step = (200, ["a", "a"], ["", "a"], 1);
    let mut all = holdings(&[step; 3], &["a"]);
    assert_eq!(goes(&all, Retention::default()).0, [1, 2, 3]);
    all.operations.truncate(LEAST + 1);
    for recorded in &mut all.operations {
        recorded.operation.at = Timestamp(0);
    }
    assert_eq!(goes(&all, Retention::default()).0, [1]);
    all.operations[0].rev = Some(Rev(2));
    assert_eq!(goes(&all, Retention::default()).0, Vec::<u64>::new());
}

#[test]
fn a_change_goes_when_it_is_answered_and_its_text_can_be_had_again() {
    let mut all = holdings(&[(91, ["a", "a"], ["", "a"], 1)], &[]);
    let change = |number: u128, text: &str, is_open, days: i64| RecordedChange {
        change_id: ChangeId(uuid::Uuid::from_u128(number)),
        key: ArtifactKey::new("story", "A-1").unwrap(),
        hash: side(text),
        queued_at: Timestamp(NOW.0 - days * DAY),
        is_open,
        applied: (!is_open).then_some((Version(1), Seq(1))),
    };
    all.changes = vec![
        change(1, "a", false, 91),
        change(2, "a", false, 89),
        change(3, "refused", false, 91),
        change(4, "", false, 91),
        change(5, "", true, 91),
    ];
    all.sizes.push((hash("refused"), 10));
    let gone = expired(&all, Retention::default(), NOW);
    let numbers: Vec<_> = gone.changes.iter().map(|id| id.0.as_u128()).collect();
    assert_eq!((numbers, gone.texts), (vec![1, 4], Vec::new()), "a younger change names the text");
    let gone = expired(&all, Retention { keep_unpushed: Some(0), ..Retention::default() }, NOW);
    let lost: Vec<_> = gone.texts.iter().map(|text| (text.hash, text.only_here)).collect();
    assert_eq!((gone.changes.len(), lost), (3, vec![(hash("refused"), true)]));
}

/// A history as a cache may hold it: each step goes on from the one before.
fn history() -> impl Strategy<Value = Holdings> {
    let step = (0..400_i64, 0..12_u8, prop::option::of(0..12_u8), 0..3_u64, any::<bool>());
    (prop::collection::vec(step, 0..40), prop::collection::btree_set(0..12_u8, 0..4)).prop_map(
        |(steps, used)| {
            let text = |number: u8| format!("text {number}");
            let (mut local, mut remote, mut version) = (String::new(), String::new(), 2_u64);
            let mut operations = Vec::new();
            for (id, (days, here, there, more, back)) in (1..).zip(steps) {
                let (from, of) = (local.clone(), remote.clone());
                local = text(here);
                if let Some(number) = there {
                    remote = text(number);
                    version = if back { version.saturating_sub(more) } else { version + more };
                }
                operations.push(recorded(id, (days, [&from, &local], [&of, &remote], version)));
            }
            let named: BTreeSet<_> =
                operations.iter().flat_map(|recorded| named(&recorded.operation)).collect();
            let sizes = named.into_iter().map(|hash| (hash, 10)).collect();
            let in_use = used.into_iter().map(|number| hash(&text(number))).collect();
            Holdings { operations, changes: Vec::new(), in_use, sizes }
        },
    )
}

fn without(holdings: &Holdings, gone: &Expired) -> Holdings {
    let mut left = holdings.clone();
    left.operations.retain(|recorded| gone.operations.iter().all(|other| other.id != recorded.id));
    left.sizes.retain(|(hash, _)| gone.texts.iter().all(|text| text.hash != *hash));
    left
}

proptest! {
    #[test]
    fn nothing_that_is_needed_goes(all in history(), days in 0..200_i64) {
        let keep = Retention { keep: Some(days * DAY), keep_unpushed: None };
        let gone = expired(&all, keep, NOW);
        let left = without(&all, &gone);
        let is_named = |hash: &ContentHash| {
            left.operations.iter().any(|recorded| named(&recorded.operation).any(|other| other == *hash))
        };
        for text in &gone.texts {
            prop_assert!(!all.in_use.contains(&text.hash) && !is_named(&text.hash) && !text.only_here);
            // The newest word on some version of the remote's is this text, and no later version is lower.
            let told = all.operations.iter().rposition(|recorded| {
                let operation = &recorded.operation;
                operation.after.remote == Some(text.hash)
                    && all.operations.iter().filter(|later| later.id > recorded.id).all(|later| {
                        let later = &later.operation;
                        later.remote_version > operation.remote_version
                            || (later.remote_version == operation.remote_version
                                && later.after.remote == operation.after.remote)
                    })
            });
            prop_assert!(told.is_some());
        }
        // What is nowhere else can still be found by an operation, unless an artifact has it.
        let there: BTreeSet<_> = there(&all);
        for (hash, _) in &all.sizes {
            prop_assert!(there.contains(hash) || all.in_use.contains(hash) || is_named(hash));
        }
        for recorded in &gone.operations {
            prop_assert!(recorded.operation.at.0 <= NOW.0 - days * DAY);
        }
    }

    #[test]
    fn however_often_it_is_done_nothing_goes_that_the_remote_did_not_have(
        all in history(),
        days in prop::collection::vec(0..200_i64, 1..4),
    ) {
        let there = there(&all);
        let mut left = all.clone();
        for days in days {
            let gone = expired(&left, Retention { keep: Some(days * DAY), keep_unpushed: None }, NOW);
            prop_assert!(gone.texts.iter().all(|text| there.contains(&text.hash)), "{gone:?}");
            left = without(&left, &gone);
        }
    }
}
