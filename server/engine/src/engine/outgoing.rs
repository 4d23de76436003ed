//! What goes to the remote: changes with their contents. A change whose content the cache has lost
//! is answered here instead, because without an answer it would be sent for ever.

use std::collections::VecDeque;

use agent_core::id::{ArtifactKey, ContentHash, Seq, Text};
use agent_core::ports::{Files, PushChange, PushOutcome, PushReply, RemoteError, Store, StoreError, Write};
use agent_core::sync::{Event, PendingChange, Request};

use super::{Engine, outline};

/// Why a change is refused here whose content is nowhere any more.
const TEXT_MISSING: &str = "text_missing";

impl<S: Store, F: Files> Engine<S, F> {
    /// The part of a request that can be sent, if any. What cannot is answered with the rest of the
    /// batch, or at once when nothing is left of it.
    pub(super) fn sendable(
        &mut self,
        request: Request,
        queue: &mut VecDeque<Event>,
    ) -> Result<Option<Request>, StoreError> {
        let Request::Push(mut batch) = request else { return Ok(Some(request)) };
        let mut refused = Vec::new();
        for (key, pending) in &batch {
            let Some(hash) = pending.hash else { continue };
            match self.restored(key, hash) {
                Ok(true) => {}
                Ok(false) => {
                    tracing::error!(artifact = %key, %hash, "not pushed: the cache has lost its text");
                    let message = "the cache has lost this text; change the file and save it".to_owned();
                    let refusal = PushOutcome::Rejected { code: TEXT_MISSING.to_owned(), message };
                    refused.push((pending.change_id, refusal));
                }
                Err(error) => {
                    let problem = RemoteError::Protocol(format!("nothing was sent: {error}"));
                    queue.push_back(Event::PushFailed(problem));
                    return Err(error);
                }
            }
        }
        batch.retain(|(_, pending)| refused.iter().all(|(id, _)| *id != pending.change_id));
        if batch.is_empty() {
            queue.push_back(Event::Pushed(Box::new(PushReply { outcomes: refused, newest_seq: Seq(0) })));
            return Ok(None);
        }
        self.unsendable = refused;
        Ok(Some(Request::Push(batch)))
    }

    /// Whether the cache has this text; if it lost it, the artifact's file may have it still.
    fn restored(&mut self, key: &ArtifactKey, hash: ContentHash) -> Result<bool, StoreError> {
        if self.store.text(hash)?.is_some() {
            return Ok(true);
        }
        let Some(entry) = self.machine.entry(key) else { return Ok(false) };
        let Ok(Some(file)) = self.files.read(&entry.path) else { return Ok(false) };
        if file.text.hash() != hash {
            return Ok(false);
        }
        self.store.commit(&[Write::Blob(file.text)])?;
        Ok(true)
    }

    /// The remote's answer with what was answered here.
    pub(super) fn complete(&mut self, event: Event) -> Event {
        match event {
            Event::Pushed(mut reply) => {
                reply.outcomes.append(&mut self.unsendable);
                Event::Pushed(reply)
            }
            Event::PushFailed(error) => {
                self.unsendable.clear();
                Event::PushFailed(error)
            }
            other => other,
        }
    }

    /// A batch with its contents, ready to be sent. A change whose content the cache cannot give is
    /// left out, and stays in the outbox.
    pub fn changes(&self, batch: &[(ArtifactKey, PendingChange)]) -> Vec<PushChange> {
        batch.iter().filter_map(|(key, pending)| self.change(key, pending)).collect()
    }

    fn change(&self, key: &ArtifactKey, pending: &PendingChange) -> Option<PushChange> {
        let content = match pending.hash.map(|hash| self.text(hash)).transpose() {
            Ok(content) => content,
            Err(problem) => {
                tracing::error!(artifact = %key, %problem, "not pushed");
                return None;
            }
        };
        let (title, state) =
            content.as_ref().map_or((None, None), |text: &Text| outline(&pending.path, text.as_str()));
        Some(PushChange {
            change_id: pending.change_id,
            key: key.clone(),
            base_version: pending.base_version,
            path: pending.path.clone(),
            title,
            state,
            content,
        })
    }
}
