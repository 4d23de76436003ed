//! Random sequences of calls on two handles of one file, against the simplest store that keeps the
//! port's promises.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::id::{ArtifactKey, Rev, Seq, Text, Timestamp, Version};
use agent_core::ports::{Cause, ChangeOutcome, Holder, Operation, Store, StoreError, Write};
use agent_core::sync::{Entry, PendingChange};
use proptest::prelude::*;

use super::make::*;
use crate::Cache;

/// The port, in maps.
#[derive(Clone, Default)]
struct Model {
    rev: u64,
    cursor: u64,
    texts: BTreeSet<u64>,
    entries: BTreeMap<ArtifactKey, Entry>,
    open: BTreeMap<ArtifactKey, PendingChange>,
    /// Every change there ever was, and whose.
    changes: BTreeMap<u64, ArtifactKey>,
    operations: Vec<Operation>,
    documents: BTreeMap<Holder, (BTreeSet<ArtifactKey>, i64)>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Done(Rev),
    Stale(Vec<ArtifactKey>),
    Failed,
}

/// A write in terms of small numbers, so that collisions are common.
#[derive(Debug, Clone)]
enum Step {
    Blob(u64),
    /// Artifact, variant, and by how much its revision is wrong (mostly not at all).
    Entry(u64, bool, u64),
    Queue(u64, u64),
    Close(u64, u8),
    Cursor(u64),
    Operation(u64),
}

#[derive(Debug, Clone)]
enum Call {
    Commit(Vec<Step>),
    Load,
    ChangedSince(u64),
    Text(u64),
    Operations(Option<u64>, usize),
    Release(u8),
    SetOpen(u8, Vec<u64>, i64),
    OpenElsewhere(u8, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let wrong = prop_oneof![8 => Just(0_u64), 1 => 1..3_u64];
    prop_oneof![
        2 => (0..8_u64).prop_map(Step::Blob),
        6 => (0..6_u64, any::<bool>(), wrong).prop_map(|(n, full, wrong)| Step::Entry(n, full, wrong)),
        3 => (0..6_u64, 0..40_u64).prop_map(|(n, change)| Step::Queue(n, change)),
        3 => (0..40_u64, 0..3_u8).prop_map(|(change, outcome)| Step::Close(change, outcome)),
        1 => (0..20_u64).prop_map(Step::Cursor),
        1 => (0..6_u64).prop_map(Step::Operation),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        10 => prop::collection::vec(step(), 0..5).prop_map(Call::Commit),
        2 => Just(Call::Load),
        4 => (0..8_u64).prop_map(Call::ChangedSince),
        1 => (0..8_u64).prop_map(Call::Text),
        1 => (prop::option::of(0..2_u64), 0..6_usize).prop_map(|(n, limit)| Call::Operations(n, limit)),
        1 => (0..3_u8).prop_map(Call::Release),
        1 => (0..3_u8, prop::collection::vec(0..6_u64, 0..4), 0..20_i64)
            .prop_map(|(holder, keys, until)| Call::SetOpen(holder, keys, until)),
        1 => (0..3_u8, 0..20_i64).prop_map(|(holder, now)| Call::OpenElsewhere(holder, now)),
    ]
}

fn holder(n: u8) -> Holder {
    Holder(format!("process {n}"))
}

fn outcome(n: u8) -> ChangeOutcome {
    match n {
        0 => ChangeOutcome::Applied(Version(1), Seq(2)),
        1 => ChangeOutcome::Conflict(Version(3)),
        _ => ChangeOutcome::Rejected("too_large".to_owned()),
    }
}

impl Model {
    /// The real write for a step, with the revision the model believes in.
    fn write(&self, step: &Step) -> Write {
        match *step {
            Step::Blob(n) => Write::Blob(Text::new(format!("text {n}"))),
            Step::Entry(n, is_full, wrong) => {
                let entry = if is_full { full(n) } else { bare(n) };
                let rev = self.entries.get(&key(n)).map_or(0, |entry| entry.rev.0);
                put(&Entry { rev: Rev(rev + wrong), ..entry })
            }
            Step::Queue(n, id) => Write::Queue(key(n), change(id)),
            Step::Close(id, n) => Write::Close(change_id(id), outcome(n)),
            Step::Cursor(seq) => Write::Cursor(Seq(seq)),
            Step::Operation(n) => Write::Operation(Box::new(operation(n, Cause::Merged))),
        }
    }

    fn commit(&mut self, steps: &[Step]) -> Outcome {
        if steps.is_empty() {
            return Outcome::Done(Rev(self.rev));
        }
        let stale = self.stale(steps);
        if !stale.is_empty() {
            return Outcome::Stale(stale);
        }
        let mut next = Self { rev: self.rev + 1, ..self.clone() };
        if !steps.iter().all(|step| next.apply(step)) {
            return Outcome::Failed;
        }
        if next.changes.values().any(|key| !next.entries.contains_key(key)) {
            return Outcome::Failed;
        }
        *self = next;
        Outcome::Done(Rev(self.rev))
    }

    fn stale(&self, steps: &[Step]) -> Vec<ArtifactKey> {
        let mut closing = BTreeSet::new();
        let mut stale = Vec::new();
        for step in steps {
            let key = match *step {
                Step::Entry(n, _, wrong) if wrong > 0 => key(n),
                Step::Queue(n, _) if self.is_open_besides(n, &closing) => key(n),
                Step::Close(id, _) => {
                    closing.insert(change_id(id));
                    continue;
                }
                _ => continue,
            };
            if !stale.contains(&key) {
                stale.push(key);
            }
        }
        stale
    }

    fn is_open_besides(&self, n: u64, closing: &BTreeSet<agent_core::id::ChangeId>) -> bool {
        self.open.get(&key(n)).is_some_and(|open| !closing.contains(&open.change_id))
    }

    fn touch(&mut self, key: &ArtifactKey) {
        let rev = Rev(self.rev);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.rev = rev;
        }
    }

    /// Whether the step is possible.
    fn apply(&mut self, step: &Step) -> bool {
        match *step {
            Step::Blob(n) => drop(self.texts.insert(n)),
            Step::Entry(n, is_full, _) => {
                let entry = if is_full { full(n) } else { bare(n) };
                self.entries.insert(key(n), Entry { rev: Rev(self.rev), ..entry });
            }
            Step::Queue(n, id) => {
                if self.open.contains_key(&key(n)) || self.changes.insert(id, key(n)).is_some() {
                    return false;
                }
                self.open.insert(key(n), change(id));
                self.touch(&key(n));
            }
            Step::Close(id, _) => {
                let found = self.open.iter().find(|(_, open)| open.change_id == change_id(id));
                if let Some(key) = found.map(|(key, _)| key.clone()) {
                    self.open.remove(&key);
                    self.touch(&key);
                }
            }
            Step::Cursor(seq) => self.cursor = self.cursor.max(seq),
            Step::Operation(n) => self.operations.push(operation(n, Cause::Merged)),
        }
        true
    }

    fn changed(&self, after: Option<u64>) -> Vec<Entry> {
        let changed = self.entries.values().filter(|entry| after.is_none_or(|after| entry.rev.0 > after));
        let pending = |entry: &Entry| self.open.get(&entry.key).cloned();
        changed.map(|entry| Entry { pending: pending(entry), ..entry.clone() }).collect()
    }

    fn open_elsewhere(&self, holder: &Holder, now: i64) -> BTreeSet<ArtifactKey> {
        let others = self.documents.iter().filter(|(other, (_, until))| *other != holder && *until > now);
        others.flat_map(|(_, (keys, _))| keys.iter().cloned()).collect()
    }
}

fn check_commit(cache: &mut Cache, model: &mut Model, steps: &[Step]) {
    let writes: Vec<_> = steps.iter().map(|step| model.write(step)).collect();
    let outcome = match cache.commit(&writes) {
        Ok(rev) => Outcome::Done(rev),
        Err(StoreError::Stale(keys)) => Outcome::Stale(keys),
        Err(StoreError::Failed { .. }) => Outcome::Failed,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(outcome, model.commit(steps));
}

fn check(cache: &mut Cache, model: &mut Model, call: &Call) {
    match call {
        Call::Commit(steps) => check_commit(cache, model, steps),
        Call::Load => {
            let snapshot = load(cache);
            assert_eq!((snapshot.rev, snapshot.cursor), (Rev(model.rev), Seq(model.cursor)));
            assert_eq!(snapshot.entries, model.changed(None));
        }
        Call::ChangedSince(back) => {
            let after = model.rev.saturating_sub(*back);
            let changed = cache.changed_since(Rev(after)).unwrap().map(|snapshot| sorted(snapshot).entries);
            assert_eq!(changed, (after != model.rev).then(|| model.changed(Some(after))));
        }
        Call::Text(n) => {
            assert_eq!(cache.text(hash(*n)).unwrap().is_some(), model.texts.contains(n));
        }
        Call::Operations(n, limit) => {
            let newest = model.operations.iter().rev();
            let of = newest.filter(|operation| n.is_none_or(|n| operation.key == key(n)));
            let expected: Vec<_> = of.take(*limit).cloned().collect();
            assert_eq!(cache.operations(n.map(key).as_ref(), *limit).unwrap(), expected);
        }
        Call::Release(n) => {
            cache.release(&holder(*n)).unwrap();
            model.documents.remove(&holder(*n));
        }
        Call::SetOpen(n, keys, until) => {
            let keys: Vec<_> = keys.iter().map(|n| key(*n)).collect();
            cache.set_open(&holder(*n), &keys, Timestamp(*until)).unwrap();
            model.documents.insert(holder(*n), (keys.into_iter().collect(), *until));
        }
        Call::OpenElsewhere(n, now) => {
            let open = cache.open_elsewhere(&holder(*n), Timestamp(*now)).unwrap();
            assert_eq!(open, model.open_elsewhere(&holder(*n), *now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn two_handles_answer_as_the_model_does(
        calls in prop::collection::vec((any::<bool>(), call()), 1..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.db");
        let mut handles = [Cache::open(&path).unwrap(), Cache::open(&path).unwrap()];
        let mut model = Model::default();
        for (second, call) in &calls {
            check(&mut handles[usize::from(*second)], &mut model, call);
        }
        for mut cache in handles {
            check(&mut cache, &mut model, &Call::Load);
        }
        check(&mut Cache::open(&path).unwrap(), &mut model, &Call::Load);
    }
}
