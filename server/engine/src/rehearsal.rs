//! A session that only rehearses: everything runs as it would, on a copy of the cache, and on files that
//! remember what would be written to them; what would be pushed is answered as if the team had changed
//! nothing since. So a dry run's plan is made by the code that does the deed, and cannot differ from it.

use agent_core::id::{ArtifactKey, Seq, Version};
use agent_core::ports::{Files, PushOutcome, PushReply, Store, StoreError};
use agent_core::sync::{Event, PendingChange};

use crate::chance::now;
use crate::engine::Engine;
use crate::session::Session;

impl Session {
    /// From here on nothing is changed any more, neither here nor at the remote. What is asked of the
    /// remote is asked in earnest.
    ///
    /// # Errors
    /// What the cache says.
    pub fn rehearse(&mut self) -> Result<(), StoreError> {
        let engine = &mut self.engine;
        engine.store = engine.store.copy()?;
        engine.files = engine.files.rehearsed();
        engine.keep_no_journal();
        self.rehearses = true;
        let snapshot = self.engine.store.load()?;
        self.engine.handle(Event::Reloaded(snapshot), now()).map(drop).map_err(Into::into)
    }
}

/// The answer of a remote where nothing happened since: each change makes the next version.
pub(crate) fn answer<S: Store, F: Files>(
    engine: &Engine<S, F>,
    batch: &[(ArtifactKey, PendingChange)],
) -> Event {
    let newest = engine.machine().cursor().0;
    let outcome = |(n, (_, change)): (u64, &(ArtifactKey, PendingChange))| {
        let version = Version(change.base_version.0 + 1);
        (change.change_id, PushOutcome::Applied(version, Seq(newest + n)))
    };
    let outcomes: Vec<_> = (1..).zip(batch).map(outcome).collect();
    let newest_seq = Seq(newest + batch.len() as u64);
    Event::Pushed(Box::new(PushReply { outcomes, newest_seq }))
}
