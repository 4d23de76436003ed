//! The real cache in memory, shared by the processes of one workspace, that can fail and be cut off.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, ContentHash, Rev, Timestamp};
use agent_core::ports::{Holder, Operation, Snapshot, Store, StoreError, Write};

use crate::{Fuse, lock};

#[derive(Clone)]
pub(crate) struct SharedCache {
    cache: Arc<Mutex<Cache>>,
    fuse: Fuse,
    /// The next commit finds the disk full.
    full: Arc<Mutex<bool>>,
}

impl SharedCache {
    pub(crate) fn new() -> Self {
        let cache = Cache::in_memory().expect("memory is enough");
        Self { cache: Arc::new(Mutex::new(cache)), fuse: Fuse::default(), full: Arc::default() }
    }

    /// The same cache, for a new process.
    pub(crate) fn for_process(&self, fuse: Fuse) -> Self {
        Self { cache: Arc::clone(&self.cache), fuse, full: Arc::default() }
    }

    pub(crate) fn fail_next_commit(&self, fail: bool) {
        *lock(&self.full) = fail;
    }

    pub(crate) fn knows(&self, text: &str) -> bool {
        let hash = ContentHash::of(text.as_bytes());
        lock(&self.cache).text(hash).expect("memory does not fail").is_some()
    }

    fn change(&self) -> Result<(), StoreError> {
        let path = "memory".to_owned();
        if !self.fuse.holds() {
            return Err(StoreError::Failed { path, detail: "the process is dead".to_owned() });
        }
        match std::mem::take(&mut *lock(&self.full)) {
            true => Err(StoreError::Unwritable { path, detail: "disk full".to_owned() }),
            false => Ok(()),
        }
    }
}

impl Store for SharedCache {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        lock(&self.cache).load()
    }

    fn changed_since(&mut self, rev: Rev) -> Result<Option<Snapshot>, StoreError> {
        lock(&self.cache).changed_since(rev)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Rev, StoreError> {
        self.change()?;
        lock(&self.cache).commit(writes)
    }

    fn text(&self, hash: ContentHash) -> Result<Option<Arc<str>>, StoreError> {
        lock(&self.cache).text(hash)
    }

    fn release(&mut self, holder: &Holder) -> Result<(), StoreError> {
        lock(&self.cache).release(holder)
    }

    fn set_open(
        &mut self,
        holder: &Holder,
        keys: &[ArtifactKey],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        lock(&self.cache).set_open(holder, keys, until)
    }

    fn open_elsewhere(
        &mut self,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<BTreeSet<ArtifactKey>, StoreError> {
        lock(&self.cache).open_elsewhere(holder, now)
    }

    fn operations(&self, key: Option<&ArtifactKey>, limit: usize) -> Result<Vec<Operation>, StoreError> {
        lock(&self.cache).operations(key, limit)
    }
}
