//! What of the past may go. A text goes only when nothing that stays names it: no artifact, no change
//! under way, no operation that is kept. And it goes only when the remote has it as a revision, unless the
//! user said after how long even a text may go that is nowhere else.
//!
//! What the remote has is taken from what it told: the newest word on each version counts, and where
//! versions went backwards (a server restored from a backup), nothing that is newer than the version
//! it went back to is believed to be there still.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::id::{ArtifactKey, ChangeId, ContentHash, Rev, Timestamp, Version};
use crate::ports::{Holdings, Operation, Recorded, RecordedChange, Triple};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// So many operations of each artifact stay, however old.
const LEAST: usize = 10;

/// How long the past is kept, in milliseconds; `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What can be had from the remote again.
    pub keep: Option<i64>,
    /// Texts that are nowhere else, and what names them. Never shorter than `keep`.
    pub keep_unpushed: Option<i64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: Some(90 * DAY), keep_unpushed: None }
    }
}

/// A text that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredText {
    /// Its hash.
    pub hash: ContentHash,
    /// Its size in bytes.
    pub bytes: u64,
    /// The remote is not known to have it.
    pub only_here: bool,
}

/// What goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// Operations, oldest first.
    pub operations: Vec<Recorded>,
    /// Changes that were answered.
    pub changes: Vec<ChangeId>,
    /// Texts that only these named.
    pub texts: Vec<ExpiredText>,
}

impl Expired {
    /// Whether nothing goes.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.changes.is_empty() && self.texts.is_empty()
    }
}

/// Decides what goes.
pub fn expired(holdings: &Holdings, retention: Retention, now: Timestamp) -> Expired {
    let Some(keep) = retention.keep else { return Expired::default() };
    let ages = Ages { keep, unpushed: retention.keep_unpushed.map(|unpushed| unpushed.max(keep)), now };
    let sizes: HashMap<ContentHash, u64> = holdings.sizes.iter().copied().collect();
    let there = there(holdings);
    // A text that the cache has, that no artifact needs and that the remote is not known to have.
    let is_alone = |hash: &ContentHash| {
        sizes.contains_key(hash) && !holdings.in_use.contains(hash) && !there.contains(hash)
    };
    let mut gone = Expired::default();
    let mut kept = BTreeSet::new();
    for operations in by_artifact(holdings).values() {
        for (recorded, goes) in operations.iter().zip(going(operations, &ages, &is_alone)) {
            match goes {
                true => gone.operations.push((*recorded).clone()),
                false => kept.extend(named(&recorded.operation)),
            }
        }
    }
    gone.operations.sort_by_key(|recorded| recorded.id);
    for change in &holdings.changes {
        match is_over(change, &ages, &is_alone) {
            true => gone.changes.push(change.change_id),
            false => kept.extend(change.hash),
        }
    }
    let dropped: BTreeSet<_> = gone.changes.iter().collect();
    let of_changes = holdings.changes.iter().filter(|change| dropped.contains(&change.change_id));
    let of_operations = gone.operations.iter().flat_map(|recorded| named(&recorded.operation));
    let named: BTreeSet<_> = of_operations.chain(of_changes.filter_map(|change| change.hash)).collect();
    let texts = named.into_iter().filter(|hash| !kept.contains(hash) && !holdings.in_use.contains(hash));
    gone.texts = texts
        .filter_map(|hash| {
            let bytes = *sizes.get(&hash)?;
            Some(ExpiredText { hash, bytes, only_here: !there.contains(&hash) })
        })
        .collect();
    gone
}

struct Ages {
    keep: i64,
    unpushed: Option<i64>,
    now: Timestamp,
}

impl Ages {
    fn is_old(&self, at: Timestamp) -> bool {
        at.0 <= self.now.0.saturating_sub(self.keep)
    }

    fn may_be_lost(&self, at: Timestamp) -> bool {
        self.unpushed.is_some_and(|unpushed| at.0 <= self.now.0.saturating_sub(unpushed))
    }
}

fn by_artifact(holdings: &Holdings) -> BTreeMap<&ArtifactKey, Vec<&Recorded>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for recorded in &holdings.operations {
        all.entry(&recorded.operation.key).or_default().push(recorded);
    }
    all
}

/// Which of an artifact's operations go. What one commit did goes, or stays, as one, since it is undone
/// as one.
fn going(operations: &[&Recorded], ages: &Ages, is_alone: &dyn Fn(&ContentHash) -> bool) -> Vec<bool> {
    let newest = operations.len().saturating_sub(LEAST);
    let mut highest = Version(0);
    let mut stays = Vec::new();
    for (index, recorded) in operations.iter().enumerate() {
        let operation = &recorded.operation;
        // It tells that the remote went backwards: without it, what it lost would pass for being there.
        let went_back = operation.remote_version < highest;
        highest = highest.max(operation.remote_version);
        let is_needed = !ages.may_be_lost(operation.at) && named(operation).any(|hash| is_alone(&hash));
        stays.push(index >= newest || !ages.is_old(operation.at) || went_back || is_needed);
    }
    let commits: BTreeSet<Rev> = operations
        .iter()
        .zip(&stays)
        .filter(|(_, stays)| **stays)
        .filter_map(|(recorded, _)| recorded.rev)
        .collect();
    let with_others = |recorded: &Recorded| recorded.rev.is_some_and(|rev| commits.contains(&rev));
    operations.iter().zip(stays).map(|(recorded, stays)| !stays && !with_others(recorded)).collect()
}

fn is_over(change: &RecordedChange, ages: &Ages, is_alone: &dyn Fn(&ContentHash) -> bool) -> bool {
    let is_needed = !ages.may_be_lost(change.queued_at) && change.hash.as_ref().is_some_and(is_alone);
    !change.is_open && ages.is_old(change.queued_at) && !is_needed
}

/// The contents that an operation names.
fn named(operation: &Operation) -> impl Iterator<Item = ContentHash> + use<> {
    let of = |triple: &Triple| [triple.base, triple.local, triple.remote];
    of(&operation.before).into_iter().chain(of(&operation.after)).flatten()
}

/// The contents that the remote has as revisions, as far as it told.
fn there(holdings: &Holdings) -> BTreeSet<ContentHash> {
    let mut there = BTreeSet::new();
    for operations in by_artifact(holdings).values() {
        let mut known: BTreeMap<Version, Option<ContentHash>> = BTreeMap::new();
        let mut lowest = Version(u64::MAX);
        for recorded in operations.iter().rev() {
            let (version, content) = (recorded.operation.remote_version, recorded.operation.after.remote);
            if version > lowest {
                continue;
            }
            lowest = version;
            if *known.entry(version).or_insert(content) != content {
                // One number, two contents: it went backwards, nobody saw how far.
                lowest = Version(0);
                continue;
            }
            there.extend(content);
        }
    }
    there
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
