//! Requests on their way: each may be carried out late, twice or never, and its answer may be lost.

use agent_core::id::{ArtifactKey, ContentHash, Seq, Version};
use agent_core::ports::{Files, PushChange, RemoteError, Store};
use agent_core::sync::{Event, Request};
use agent_engine::Engine;

use crate::remote::ModelRemote;

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Push(Vec<PushChange>),
    Pull(Seq),
    Find(ArtifactKey, ContentHash),
}

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

impl Body {
    pub(crate) fn of<S: Store, F: Files>(engine: &Engine<S, F>, request: Request) -> Self {
        match request {
            Request::Push(batch) => Self::Push(engine.changes(&batch)),
            Request::Pull(after) => Self::Pull(after),
            Request::FindBase(key, hash) => Self::Find(key, hash),
        }
    }

    /// The remote does what is asked.
    pub(crate) fn carry_out(&self, remote: &mut ModelRemote, who: &str) -> Event {
        match self {
            Self::Push(changes) if remote.most_changes != 0 && changes.len() > remote.most_changes => {
                Event::PushFailed(RemoteError::TooMuch("too many at once".to_owned()))
            }
            Self::Push(changes) => Event::Pushed(Box::new(remote.push(who, changes))),
            Self::Pull(after) => Event::Pulled(Box::new(remote.pull(*after))),
            Self::Find(key, hash) => {
                let base = remote.version_with(key, *hash).map(|version: Version| (*hash, version));
                Event::BaseFound { key: key.clone(), base }
            }
        }
    }

    /// What the client makes of silence.
    pub(crate) fn timed_out(&self) -> Event {
        let error = RemoteError::Unreachable("no answer".to_owned());
        match self {
            Self::Push(_) => Event::PushFailed(error),
            Self::Pull(_) => Event::PullFailed(error),
            Self::Find(key, _) => Event::SearchFailed(key.clone(), error),
        }
    }
}
