//! What is done when the cache fails.

use std::sync::Arc;

use agent_core::id::{ArtifactPath, Timestamp};
use agent_core::ports::{LiveEvent, StoreError};
use agent_core::sync::{Event, ResolvedBase};

use super::handle::Command;
use super::publish::Stands;
use super::{Driver, Notice, OpenDocument};
use crate::chance::now;
use crate::opened::SavedBase;

/// What the cache did not take and the next scan would not find.
pub(super) enum Again {
    /// A save that made a resolution durable.
    Saved(ArtifactPath, ResolvedBase),
    /// Anything else.
    Event(Event),
}

/// Whether an event is done again when the cache failed. The others are found out anew.
pub(super) fn is_kept(event: &Event) -> bool {
    match event {
        Event::Live(live) => !matches!(live, LiveEvent::Moved { .. }),
        Event::Closed(_) | Event::Resolved { .. } | Event::PushWanted { .. } => true,
        _ => false,
    }
}

impl Driver {
    pub(super) fn keep(&mut self, again: Option<Again>) {
        let kept = self.unsaved.get_or_insert_default();
        let Some(again) = again else { return };
        kept.retain(|old| match (old, &again) {
            (Again::Saved(old, _), Again::Saved(new, _)) => old != new,
            (Again::Event(Event::Live(_)), Again::Event(Event::Live(_)))
            | (Again::Event(Event::PushWanted { .. }), Again::Event(Event::PushWanted { .. })) => false,
            _ => true,
        });
        kept.push(again);
    }

    /// Does again what the cache did not take, and takes in everything that may have been missed.
    pub(super) fn catch_up(&mut self, at: Timestamp) {
        let Some(kept) = self.unsaved.take() else { return };
        self.declare_open();
        self.read_all_opened();
        self.see_open(at);
        for again in kept {
            match again {
                // The cache still fails.
                again if self.unsaved.is_some() => self.keep(Some(again)),
                Again::Saved(path, base) => self.saved(path, SavedBase::Moved(base)),
                Again::Event(Event::Closed(key)) if self.open.contains_key(&key) => {}
                Again::Event(event) => self.run_event(event),
            }
        }
        if self.unsaved.is_none() {
            self.scan();
        }
        if self.unsaved.is_none() {
            self.run_event(Event::PullScheduled);
        }
        if self.unsaved.is_none() {
            self.cache_problem = None;
        }
        self.show();
    }

    /// Replaces a damaged cache and takes everything in again; tried until it succeeds.
    pub(super) fn rebuild(&mut self) {
        let had_lease = self.session.engine.machine().leads();
        if let Err(error) = self.session.rebuild() {
            self.warn_about_cache(&error);
            return self.show();
        }
        self.is_broken = false;
        self.session.engine.set_holder(self.holder.clone());
        if let Some(rebuilt) = self.session.rebuilt.take() {
            self.notify(Notice::Warning(rebuilt));
        }
        let known: Vec<_> = self.shown.drain().map(|(_, path)| path).collect();
        known.iter().for_each(|path| self.views.set(path.clone(), None));
        self.stands = Stands::default();
        self.tell_again();
        self.keep(None);
        self.catch_up(now());
        if had_lease {
            self.run_event(Event::Leads(true));
        }
    }

    /// Shows why the cache failed. What it missed is caught up on at the next look.
    pub(super) fn cache_failed(&mut self, error: &StoreError) {
        self.warn_about_cache(error);
        self.keep(None);
        // A step that failed may have been due; it is tried with the rest, not at once for ever.
        self.wake_at = self.wake_at.filter(|due| *due > now());
        if matches!(error, StoreError::Corrupt { .. }) && !self.is_broken {
            self.is_broken = true;
            self.look_at = Timestamp(0);
        }
    }

    pub(super) fn warn_about_cache(&mut self, error: &StoreError) {
        tracing::error!(%error, "the cache");
        let message = error.to_string();
        if self.cache_problem.as_ref() != Some(&message) {
            self.notify(Notice::Warning(format!("not cached, your files are untouched: {message}")));
        }
        self.cache_problem = Some(message);
    }

    /// What is remembered of a command while nothing can be done about it.
    pub(super) fn note_open(&mut self, command: &Command) {
        let kinds = self.session.engine.kinds();
        match command {
            Command::Opened(path, text) => {
                if let Some(Ok(key)) = kinds.key_of(path) {
                    self.open.insert(key, OpenDocument::new(path, Arc::clone(text)));
                }
            }
            Command::Closed(path) => {
                if let Some(Ok(key)) = kinds.key_of(path) {
                    self.open.remove(&key);
                }
            }
            _ => {}
        }
    }
}
