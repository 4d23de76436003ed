//! Forgetting the past that `sync.yaml` lets go, as [`agent_core::sync::retention`] decides.

use agent_cache::Cache;
use agent_core::id::Timestamp;
use agent_core::ports::{Files, Store as _, StoreError};
use agent_core::sync::next::clean_merge;
use agent_core::sync::retention::{Expired, Retention, expired};
use agent_core::sync::status::Status;

use crate::engine::Engine;

impl<F: Files> Engine<Cache, F> {
    /// Drops what may go, and says what that is. `None`, with nothing dropped, when other processes
    /// committed meanwhile: [`Engine::refresh`], and try again.
    ///
    /// # Errors
    /// What the cache says.
    pub fn forget(&mut self, retention: Retention, now: Timestamp) -> Result<Option<Expired>, StoreError> {
        let (rev, mut holdings) = self.store.holdings()?;
        if rev != self.machine.rev() {
            return Ok(None);
        }
        // A merge on its way into a file is kept already, and named by nothing yet.
        let texts = |hash| self.store.text(hash).ok().flatten();
        let diverged = self.machine.entries().filter(|entry| entry.status() == Status::Diverged);
        holdings.in_use.extend(diverged.filter_map(|entry| Some(clean_merge(entry, &texts)?.hash())));
        let gone = expired(&holdings, retention, now);
        Ok(self.store.discard(rev, &gone, now)?.then_some(gone))
    }
}
