//! Once a day the process that leads drops the history that may go.

use agent_core::id::Timestamp;

use super::Driver;

/// How often old history is looked through.
const EVERY: i64 = 24 * 60 * 60 * 1000;
/// How long after a start, or after others were in the way: nobody waits for it.
const LATER: i64 = 60_000;

impl Driver {
    pub(super) fn forget(&mut self, at: Timestamp) {
        if self.is_broken || !self.session.engine.machine().leads() {
            return;
        }
        let Some(due) = self.forget_at else {
            self.forget_at = Some(self.first_due(at));
            return;
        };
        let retention = self.session.config.sync.retention;
        let Some(keep) = retention.keep.filter(|_| due <= at) else { return };
        self.forget_at = Some(at.plus(LATER));
        let engine = &mut self.session.engine;
        let gone = match engine.store().remembers(Timestamp(at.0.saturating_sub(keep))) {
            Ok(false) => Ok(Some(agent_core::sync::retention::Expired::default())),
            Ok(true) => engine.forget(retention, at),
            Err(error) => Err(error),
        };
        match gone {
            Ok(None) => {}
            Ok(Some(gone)) => {
                self.forget_at = Some(at.plus(EVERY));
                let (operations, texts) = (gone.operations.len(), gone.texts.len());
                tracing::info!(operations, texts, "old history was dropped");
            }
            Err(error) => self.cache_failed(&error),
        }
    }

    /// A day after whoever did it last, and not at once.
    fn first_due(&self, at: Timestamp) -> Timestamp {
        let last = self.session.engine.store().collected_at().ok().flatten();
        let due = last.filter(|last| *last <= at).map_or(at, |last| last.plus(EVERY));
        due.max(at.plus(LATER))
    }
}
