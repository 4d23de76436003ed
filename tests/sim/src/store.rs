//! The real cache in memory, shared by the processes of one workspace, that can be cut off, be full,
//! and lose its last commits.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, ContentHash, Rev, Timestamp, Version};
use agent_core::ports::{Holder, Operation, Snapshot, Store, StoreError, Write};
use agent_core::sync::status::{Status, status};

use crate::fuse::{Fuse, lock};
use crate::words::Planted;

struct Shared {
    cache: Cache,
    /// The last commit's.
    rev: Rev,
    /// All that was committed, where commits can be taken back.
    log: Option<Vec<Vec<Write>>>,
    /// No commit goes through.
    full: bool,
    planted: Option<Planted>,
}

#[derive(Clone)]
pub(crate) struct SharedCache {
    shared: Arc<Mutex<Shared>>,
    fuse: Fuse,
    /// The next commit finds the disk full.
    fails_once: Arc<Mutex<bool>>,
}

fn empty() -> Cache {
    Cache::in_memory().expect("memory is enough")
}

impl SharedCache {
    pub(crate) fn new(rolls_back: bool, planted: Option<Planted>) -> Self {
        let is_logged = rolls_back || planted == Some(Planted::ActBeforePersist);
        let shared = Shared {
            cache: empty(),
            rev: Rev::default(),
            log: is_logged.then(Vec::new),
            full: false,
            planted,
        };
        Self { shared: Arc::new(Mutex::new(shared)), fuse: Fuse::default(), fails_once: Arc::default() }
    }

    /// The same cache, for a new process.
    pub(crate) fn for_process(&self, fuse: Fuse) -> Self {
        Self { shared: Arc::clone(&self.shared), fuse, fails_once: Arc::default() }
    }

    pub(crate) fn fail_next_commit(&self, fail: bool) {
        *lock(&self.fails_once) = fail;
    }

    pub(crate) fn set_full(&self, full: bool) {
        lock(&self.shared).full = full;
    }

    /// A copy of the cache as it was some commits ago; `None` when that is not known.
    pub(crate) fn without_last(&self, commits: usize) -> Option<Self> {
        let shared = lock(&self.shared);
        let log = shared.log.as_ref()?;
        let kept = log[..log.len().saturating_sub(commits)].to_vec();
        let older = Self::new(true, shared.planted);
        let (mut cache, mut rev) = (empty(), Rev::default());
        for writes in &kept {
            rev = cache.commit(writes).expect("it was committed before");
        }
        *lock(&older.shared) = Shared { cache, rev, log: Some(kept), full: false, planted: shared.planted };
        Some(older)
    }

    /// Every content that can be found again: what the artifacts hold, and what their history names.
    pub(crate) fn known(&self) -> BTreeSet<ContentHash> {
        let mut shared = lock(&self.shared);
        let operations = shared.cache.operations(None, usize::MAX >> 1).expect("memory does not fail");
        let triples = operations.iter().flat_map(|operation| [operation.before, operation.after]);
        let mut named: BTreeSet<_> =
            triples.flat_map(|triple| [triple.base, triple.local, triple.remote]).flatten().collect();
        let entries = shared.cache.load().expect("memory does not fail").entries;
        named.extend(entries.iter().flat_map(|e| [e.base, e.local, e.remote_hash()]).flatten());
        named.retain(|hash| shared.cache.text(*hash).expect("memory does not fail").is_some());
        named
    }

    /// The statuses artifacts left: some last no longer than a step.
    pub(crate) fn statuses_left(&self) -> Vec<Status> {
        let operations = lock(&self.shared).cache.operations(None, usize::MAX >> 1);
        let left = |operation: Operation| {
            let before = operation.before;
            status(before.base, before.local, before.remote)
        };
        operations.expect("memory does not fail").into_iter().map(left).collect()
    }

    /// Whether the cache has this text.
    pub(crate) fn has(&self, hash: ContentHash) -> bool {
        lock(&self.shared).cache.text(hash).expect("memory does not fail").is_some()
    }

    /// The last commit's, whoever made it.
    pub(crate) fn rev(&self) -> Rev {
        lock(&self.shared).rev
    }

    /// What is in the cache, whoever committed it.
    pub(crate) fn snapshot(&self) -> Snapshot {
        lock(&self.shared).cache.load().expect("memory does not fail")
    }

    fn change(&self) -> Result<(), StoreError> {
        let path = "memory".to_owned();
        if !self.fuse.holds() {
            return Err(StoreError::Failed { path, detail: "the process is dead".to_owned() });
        }
        let is_full = lock(&self.shared).full;
        match std::mem::take(&mut *lock(&self.fails_once)) || is_full {
            true => Err(StoreError::Unwritable { path, detail: "disk full".to_owned() }),
            false => Ok(()),
        }
    }
}

/// What a forgetful cache keeps of a commit.
fn kept(planted: Option<Planted>, writes: &[Write]) -> Option<Vec<Write>> {
    let forget = |write: &Write| match (planted?, write) {
        (Planted::ForgetRemote, Write::Entry(entry)) => {
            let mut entry = entry.clone();
            entry.remote = None;
            Some(Write::Entry(entry))
        }
        (Planted::ForgetBase, Write::Entry(entry)) => {
            let mut entry = entry.clone();
            (entry.base, entry.base_version) = (None, Version(0));
            Some(Write::Entry(entry))
        }
        _ => None,
    };
    match planted? {
        Planted::DropOperation => {
            let is_kept = |write: &&Write| !matches!(write, Write::Operation(_));
            Some(writes.iter().filter(is_kept).cloned().collect())
        }
        Planted::ForgetRemote | Planted::ForgetBase => {
            Some(writes.iter().map(|write| forget(write).unwrap_or_else(|| write.clone())).collect())
        }
        _ => None,
    }
}

impl Store for SharedCache {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        lock(&self.shared).cache.load()
    }

    fn changed_since(&mut self, rev: Rev) -> Result<Option<Snapshot>, StoreError> {
        lock(&self.shared).cache.changed_since(rev)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Rev, StoreError> {
        self.change()?;
        let mut shared = lock(&self.shared);
        let forgetful = kept(shared.planted, writes);
        let rev = shared.cache.commit(forgetful.as_deref().unwrap_or(writes))?;
        shared.rev = rev;
        if let Some(log) = &mut shared.log {
            log.push(writes.to_vec());
        }
        Ok(rev)
    }

    fn text(&self, hash: ContentHash) -> Result<Option<Arc<str>>, StoreError> {
        lock(&self.shared).cache.text(hash)
    }

    fn release(&mut self, holder: &Holder) -> Result<(), StoreError> {
        lock(&self.shared).cache.release(holder)
    }

    fn set_open(
        &mut self,
        holder: &Holder,
        keys: &[ArtifactKey],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.change()?;
        lock(&self.shared).cache.set_open(holder, keys, until)
    }

    fn open_elsewhere(
        &mut self,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<BTreeSet<ArtifactKey>, StoreError> {
        lock(&self.shared).cache.open_elsewhere(holder, now)
    }

    fn operations(&self, key: Option<&ArtifactKey>, limit: usize) -> Result<Vec<Operation>, StoreError> {
        lock(&self.shared).cache.operations(key, limit)
    }
}
