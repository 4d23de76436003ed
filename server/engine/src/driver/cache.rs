//! What is done when the cache fails.

use agent_core::ports::StoreError;
use agent_core::sync::Event;

use super::handle::Command;
use super::{Driver, Notice};
use crate::chance::now;

impl Driver {
    /// Replaces a damaged cache and takes everything in again; tried until it succeeds.
    pub(super) fn rebuild(&mut self) {
        let had_lease = self.session.engine.machine().leads();
        self.is_broken = true;
        if let Err(error) = self.session.rebuild() {
            self.warn_about_cache(&error);
            return;
        }
        self.is_broken = false;
        if let Some(rebuilt) = self.session.rebuilt.take() {
            self.notify(Notice::Warning(rebuilt));
        }
        let known: Vec<_> = self.shown.drain().map(|(_, path)| path).collect();
        known.iter().for_each(|path| self.views.set(path.clone(), None));
        self.stands.clear();
        self.declare_open();
        for key in self.open.clone() {
            self.run_event(Event::Opened(key));
        }
        let scanned = self.session.engine.scan(now());
        self.carry_on(scanned);
        if had_lease {
            self.run_event(Event::Leads(true));
        }
    }

    pub(super) fn cache_failed(&mut self, error: &StoreError) {
        self.warn_about_cache(error);
        if matches!(error, StoreError::Corrupt { .. }) && !self.is_broken {
            self.rebuild();
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
            Command::Opened(path) => self.open.extend(kinds.key_of(path).and_then(Result::ok)),
            Command::Closed(path) => {
                if let Some(Ok(key)) = kinds.key_of(path) {
                    self.open.remove(&key);
                }
            }
            _ => {}
        }
    }
}
