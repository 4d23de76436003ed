//! Forgetting: exactly what was chosen goes, and nothing once anybody committed since.

use agent_core::id::{OperationId, Timestamp};
use agent_core::ports::{Cause, ChangeOutcome, History, OperationQuery, Store, Write};
use agent_core::sync::Entry;
use agent_core::sync::retention::{Expired, ExpiredText};

use super::make::*;
use crate::Cache;

const NOW: Timestamp = Timestamp(1_900_000_000_000);

/// An artifact, an open change and an answered one, two operations, and texts that only these name.
fn filled() -> Cache {
    let mut cache = Cache::in_memory().unwrap();
    let outcome = ChangeOutcome::Rejected("no".to_owned());
    let blobs = (0..12).map(blob);
    let first: Vec<_> = blobs
        .chain([put(&full(1)), put(&bare(2)), Write::Queue(key(2), change(7))])
        .chain([Write::Close(change_id(7), outcome)])
        .collect();
    cache.commit(&first).unwrap();
    let operation = |n| Write::Operation(Box::new(operation(n, Cause::Saved)));
    cache.commit(&[Write::Queue(key(2), change(8)), operation(1), operation(2)]).unwrap();
    cache
}

fn text(n: u64) -> ExpiredText {
    ExpiredText { hash: hash(n), bytes: 6, only_here: false }
}

#[test]
fn there_is_everything_to_choose_from() {
    let mut cache = filled();
    let (rev, holdings) = cache.holdings().unwrap();
    assert_eq!(rev, load(&mut cache).rev);
    assert_eq!(holdings.operations.iter().map(|recorded| recorded.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(holdings.changes.len(), 2);
    // The sides, the refused content and an older base of the first, the open change of the second.
    assert_eq!(holdings.in_use, [1, 2, 3, 4, 8].map(hash).into());
    let sizes: Vec<_> = holdings.sizes.iter().map(|(_, size)| *size).collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<u64>()), (12, 10 * 6 + 2 * 7));
}

#[test]
fn what_was_chosen_goes_and_nothing_else() {
    let mut cache = filled();
    let (rev, holdings) = cache.holdings().unwrap();
    let operations = vec![holdings.operations[0].clone()];
    let changes = vec![change_id(7), change_id(8)];
    let gone = Expired { operations, changes, texts: vec![text(9), text(10)] };
    assert!(cache.discard(rev, &gone, NOW).unwrap());
    let left = cache.recorded(&OperationQuery::default()).unwrap();
    assert_eq!(left.iter().map(|recorded| recorded.id).collect::<Vec<_>>(), [OperationId(2)]);
    let changes = cache.changes(None).unwrap();
    assert_eq!(changes.iter().map(|change| change.change_id).collect::<Vec<_>>(), [change_id(8)], "open");
    let has = |n| cache.text(hash(n)).unwrap().is_some();
    assert_eq!((0..12).filter(|n| has(*n)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 11]);
    assert_eq!(cache.collected_at().unwrap(), Some(NOW));
    // Nobody needs to read anything again.
    assert_eq!(cache.changed_since(rev).unwrap().map(|snapshot| snapshot.rev), None);
}

#[test]
fn a_commit_in_between_keeps_everything() {
    let mut cache = filled();
    let (rev, _) = cache.holdings().unwrap();
    let current = load(&mut cache).entries.into_iter().find(|entry| entry.key == key(2)).unwrap();
    cache.commit(&[blob(9), put(&Entry { local: Some(hash(9)), ..current })]).unwrap();
    let gone = Expired { texts: vec![text(9)], ..Expired::default() };
    assert!(!cache.discard(rev, &gone, NOW).unwrap());
    assert!(cache.text(hash(9)).unwrap().is_some());
    assert_eq!(cache.collected_at().unwrap(), None);
}

#[test]
fn whether_anything_is_old_is_known_without_reading_all() {
    let cache = filled();
    let oldest = operation(1, Cause::Saved).at;
    assert!(cache.remembers(oldest).unwrap() && !cache.remembers(oldest.plus(-1)).unwrap());
    assert!(!Cache::in_memory().unwrap().remembers(NOW).unwrap());
}
