//! The port itself: each call goes to the module that owns it, and its failure gets the file's
//! name.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::id::{ArtifactKey, ContentHash, Rev, Timestamp};
use agent_core::ports::{Holder, Operation, OperationQuery, Snapshot, Store, StoreError, Write};

use crate::Cache;
use crate::error::Fault;
use crate::{commit, history, presence, read};

impl Cache {
    pub(crate) fn named<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault.at(self.name()))
    }
}

impl Store for Cache {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.check_in_place()?;
        let result = read::load(&mut self.conn);
        self.named(result)
    }

    fn changed_since(&mut self, rev: Rev) -> Result<Option<Snapshot>, StoreError> {
        self.check_in_place()?;
        let result = read::changed_since(&mut self.conn, rev);
        self.named(result)
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Rev, StoreError> {
        self.check_in_place()?;
        let result = commit::commit(&mut self.conn, writes);
        self.named(result)
    }

    fn text(&self, hash: ContentHash) -> Result<Option<Arc<str>>, StoreError> {
        self.named(read::text(&self.conn, hash))
    }

    fn release(&mut self, holder: &Holder) -> Result<(), StoreError> {
        let result = presence::release(&mut self.conn, holder);
        self.named(result)
    }

    fn set_open(
        &mut self,
        holder: &Holder,
        keys: &[ArtifactKey],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.check_in_place()?;
        let result = presence::set_open(&mut self.conn, holder, keys, until);
        self.named(result)
    }

    fn open_elsewhere(
        &mut self,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<BTreeSet<ArtifactKey>, StoreError> {
        self.named(presence::open_elsewhere(&self.conn, holder, now))
    }

    fn was_replaced(&self, key: &ArtifactKey, content: ContentHash) -> Result<bool, StoreError> {
        self.named(history::was_replaced(&self.conn, key, content))
    }

    fn operations(&self, key: Option<&ArtifactKey>, limit: usize) -> Result<Vec<Operation>, StoreError> {
        let query = OperationQuery { key: key.cloned(), from: None, limit: Some(limit) };
        let recorded = self.named(history::recorded(&self.conn, &query))?;
        Ok(recorded.into_iter().map(|recorded| recorded.operation).collect())
    }
}
