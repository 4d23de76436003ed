//! What is left of an event that the cache did not take.

use agent_core::ports::{RemoteError, StoreError};
use agent_core::sync::Event;

use super::Outcome;

/// What the cache said, and what was done all the same: requests in it must be sent, for the machine
/// waits for their answers.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failed {
    /// What the cache said.
    pub error: StoreError,
    /// What was done.
    pub outcome: Box<Outcome>,
}

impl Failed {
    pub(crate) fn new(error: StoreError, outcome: Outcome) -> Self {
        Self { error, outcome: Box::new(outcome) }
    }
}

/// For those who end with the error.
impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// What stands in for an answer of the remote that could not be stored: it is asked for again.
pub(super) fn stand_in(event: &Event) -> Option<Event> {
    let error = || RemoteError::Protocol("its answer could not be stored".to_owned());
    match event {
        Event::Pulled(_) => Some(Event::PullFailed(error())),
        Event::Pushed(_) => Some(Event::PushFailed(error())),
        Event::BaseFound { key, .. } => Some(Event::SearchFailed(key.clone(), error())),
        _ => None,
    }
}

/// Whether nothing stands in for the event: without it the machine would wait for ever.
pub(super) fn is_owed(event: &Event) -> bool {
    matches!(event, Event::PullFailed(_) | Event::PushFailed(_) | Event::SearchFailed(..))
}
