//! Requests on their way: each may be carried out late, twice or never, and its answer may be lost.

use agent_core::id::{ArtifactKey, ContentHash, Seq, Timestamp};
use agent_core::ports::{Files, LiveEvent, PushChange, RemoteError, Store};
use agent_core::sync::{Event, Request};
use agent_engine::Engine;

use crate::server::Server;

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Push(Vec<PushChange>),
    Pull(Seq),
    Find(ArtifactKey, ContentHash),
}

/// A request, and once it was carried out its answer.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) replica: usize,
    pub(crate) process: usize,
    pub(crate) life: u64,
    pub(crate) body: Body,
    pub(crate) answer: Option<Event>,
    /// Nobody waits for the answer any more.
    pub(crate) abandoned: bool,
}

/// A live announcement on its way.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    pub(crate) replica: usize,
    pub(crate) event: LiveEvent,
}

impl Body {
    pub(crate) fn of<S: Store, F: Files>(engine: &Engine<S, F>, request: Request) -> Self {
        match request {
            Request::Push(batch) => Self::Push(engine.changes(&batch)),
            Request::Pull(after) => Self::Pull(after),
            Request::FindBase(key, hash) => Self::Find(key, hash),
        }
    }

    /// The server does what is asked.
    pub(crate) fn carry_out(&self, server: &mut Server, n: usize, now: Timestamp, rows: i32) -> Event {
        match self {
            Self::Push(changes) => match server.push(n, changes, now) {
                Ok(reply) => Event::Pushed(Box::new(reply)),
                Err(error) => Event::PushFailed(error),
            },
            Self::Pull(after) => match server.pull(n, *after, rows) {
                Ok(page) => Event::Pulled(Box::new(page)),
                Err(error) => Event::PullFailed(error),
            },
            Self::Find(key, hash) => match server.find(n, key, *hash) {
                Ok(base) => Event::BaseFound { key: key.clone(), base },
                Err(error) => Event::SearchFailed(key.clone(), error),
            },
        }
    }

    /// What the client makes of an error.
    pub(crate) fn failed(&self, error: RemoteError) -> Event {
        match self {
            Self::Push(_) => Event::PushFailed(error),
            Self::Pull(_) => Event::PullFailed(error),
            Self::Find(key, _) => Event::SearchFailed(key.clone(), error),
        }
    }

    /// What the client makes of silence.
    pub(crate) fn timed_out(&self) -> Event {
        self.failed(RemoteError::Unreachable("no answer".to_owned()))
    }
}
