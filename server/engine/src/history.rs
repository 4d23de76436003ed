//! Bringing earlier contents back: restoring a revision, taking an operation back. What becomes of
//! an artifact is decided by [`agent_core::sync::undo`]; here it is recorded, and the file written.
//!
//! It is recorded first. A process that stops before the file is written leaves a file that the next
//! scan takes for a later edit: nothing is lost, and no base claims what the file does not hold. And
//! another process that sees the file change finds the reason in the cache already.

use agent_core::id::{ArtifactKey, ContentHash, OperationId, Text, Timestamp, Version};
use agent_core::ports::{Cause, FileProblem, Files, History, OperationQuery, Replaced, Store, StoreError};
use agent_core::sync::undo::{CannotUndo, Now, Reversal, Unit, latest, undo, unit, was_pushed};
use agent_core::sync::{BroughtBack, Entry, Event, Found, ResolvedBase};

use crate::engine::{Engine, Failed, Outcome, is_settled, outline};

/// What is brought back.
#[derive(Debug, Clone)]
pub struct BringBack {
    /// Of which artifact.
    pub key: ArtifactKey,
    /// The content; `None`: the file goes.
    pub text: Option<Text>,
    /// The base that goes back with it, and its version.
    pub base: Option<(Option<Text>, Version)>,
    /// Which operation this takes back; `None` when a revision is restored.
    pub undoes: Option<OperationId>,
}

/// Why nothing was brought back. No text changed.
#[derive(Debug, thiserror::Error)]
pub enum BringBackError {
    /// No such artifact.
    #[error("{0}: no such artifact here")]
    Unknown(ArtifactKey),
    /// There is no such operation.
    #[error("there is no operation {0}; agent sync log lists them")]
    NoSuchOperation(OperationId),
    /// Nothing happened that could be taken back.
    #[error("nothing happened here that could be taken back; agent sync log lists what did")]
    NothingToUndo,
    /// The operation cannot be taken back.
    #[error("operation {1} ({2}) of {0}: {3}")]
    CannotUndo(ArtifactKey, OperationId, &'static str, CannotUndo),
    /// The file holds this already.
    #[error("{0}: the file holds exactly this already")]
    Nothing(ArtifactKey),
    /// An editor has it open, and only that editor may change it.
    #[error(
        "{0}: open in an editor, which may hold unsaved text; use its code actions (Restore …, Undo …), or close it there first"
    )]
    Open(ArtifactKey),
    /// The file changed since it was read.
    #[error("{0}: the file changed meanwhile; run the command again")]
    FileChanged(ArtifactKey),
    /// The file could not be read or written.
    #[error("{0}: {1}")]
    File(ArtifactKey, FileProblem),
    /// The cache could not be written.
    #[error(transparent)]
    Store(#[from] Failed),
    /// The cache could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
}

impl<S: Store + History, F: Files> Engine<S, F> {
    /// What an operation, the newest of an artifact, or the newest of all did, with all that was done
    /// with the artifact in the same commit.
    ///
    /// # Errors
    /// When there is none.
    pub fn unit(&self, id: Option<OperationId>, key: Option<&ArtifactKey>) -> Result<Unit, BringBackError> {
        let read = |key: Option<&ArtifactKey>, from| {
            self.store.recorded(&OperationQuery { key: key.cloned(), from, limit: None })
        };
        let Some(id) = id else {
            return latest(&read(key, None)?).ok_or(BringBackError::NothingToUndo);
        };
        let target = self.store.operation(id)?.ok_or(BringBackError::NoSuchOperation(id))?;
        Ok(unit(&target, &read(Some(&target.operation.key), None)?))
    }

    /// What taking a unit back makes of its artifact's file and base.
    ///
    /// # Errors
    /// Why it cannot be taken back.
    pub fn preview_undo(&self, unit: &Unit) -> Result<Reversal, BringBackError> {
        let key = &unit.key;
        let entry = self.machine.entry(key).ok_or_else(|| BringBackError::Unknown(key.clone()))?;
        let side = |hash: Option<ContentHash>| {
            hash.map(|hash| self.text(hash)).transpose().map_err(|e| BringBackError::File(key.clone(), e))
        };
        self.preview_undo_in(unit, side(entry.base)?, side(entry.local)?)
    }

    /// What taking a unit back makes of another base and local text of its artifact: those of a buffer.
    ///
    /// # Errors
    /// Why it cannot be taken back.
    pub fn preview_undo_in(
        &self,
        unit: &Unit,
        base: Option<Text>,
        local: Option<Text>,
    ) -> Result<Reversal, BringBackError> {
        let key = &unit.key;
        let entry = self.machine.entry(key).ok_or_else(|| BringBackError::Unknown(key.clone()))?;
        let (base_version, remote) = (entry.base_version, entry.remote_hash());
        let now = Now { base, base_version, local, remote, was_pushed: self.was_pushed(unit)? };
        undo(unit, &now, &|hash| self.store.text(hash).ok().flatten())
            .map_err(|why| BringBackError::CannotUndo(key.clone(), unit.id, unit.cause.as_str(), why))
    }

    /// Whether the remote took something of the artifact from here after the unit.
    ///
    /// # Errors
    /// What the cache says.
    pub fn was_pushed(&self, unit: &Unit) -> Result<bool, StoreError> {
        let query = OperationQuery { key: Some(unit.key.clone()), from: Some(unit.last), limit: None };
        Ok(was_pushed(unit, &self.store.recorded(&query)?))
    }
}

impl<S: Store, F: Files> Engine<S, F> {
    /// Brings a content back into a closed file, and its base with it.
    ///
    /// # Errors
    /// [`BringBackError`]. When the file cannot be written, the artifact stands as before, and the
    /// history says so.
    pub fn bring_back(&mut self, ask: &BringBack, now: Timestamp) -> Result<Outcome, BringBackError> {
        let key = &ask.key;
        let before = self.check_bring_back(ask)?;
        let wanted = ask.text.as_ref().map(Text::hash);
        let mut outcome = self.handle(ask.event(&before, None, ask.base_of(&before)), now)?;
        let recorded = self.sides(key);
        if recorded.1 != wanted {
            return Err(BringBackError::FileChanged(key.clone()));
        }
        if wanted != before.local {
            let text = ask.text.as_ref().map(Text::as_str);
            let stat = match self.files.replace(&before.path, before.local, text) {
                Ok(Replaced::Done(stat)) => stat.filter(|stat| is_settled(stat, now)),
                Ok(Replaced::Changed) => {
                    self.take_back(&before, now)?;
                    return Err(BringBackError::FileChanged(key.clone()));
                }
                Err(problem) => {
                    self.take_back(&before, now)?;
                    return Err(BringBackError::File(key.clone(), problem));
                }
            };
            // Another process may have read the file in between, and taken it for an edit.
            let base = ask.base_of(&before).filter(|_| self.sides(key) != recorded);
            merge(&mut outcome, self.handle(ask.event(&before, stat, base), now)?);
        }
        Ok(outcome)
    }

    /// Whether it could be brought back.
    ///
    /// # Errors
    /// Why not.
    pub fn check_bring_back(&self, ask: &BringBack) -> Result<Entry, BringBackError> {
        let key = &ask.key;
        let entry = self.machine.entry(key).ok_or_else(|| BringBackError::Unknown(key.clone()))?;
        if self.machine.circumstances(key).open {
            return Err(BringBackError::Open(key.clone()));
        }
        if ask.base.is_none() && ask.text.as_ref().map(Text::hash) == entry.local {
            return Err(BringBackError::Nothing(key.clone()));
        }
        self.check_place(key, &entry.path).map_err(|problem| BringBackError::File(key.clone(), problem))?;
        Ok(entry.clone())
    }

    fn sides(&self, key: &ArtifactKey) -> (Option<ContentHash>, Option<ContentHash>) {
        self.machine.entry(key).map_or((None, None), |entry| (entry.base, entry.local))
    }

    /// The file was not written: what it holds, and the base from before, count again.
    fn take_back(&mut self, before: &Entry, now: Timestamp) -> Result<(), BringBackError> {
        let key = &before.key;
        let Some(mut found) = self.look_at(key, &before.path, now) else { return Ok(()) };
        let (base, _) = self.sides(key);
        if base != before.base {
            let to = before.base.map(|hash| self.text(hash)).transpose();
            let to = to.map_err(|problem| BringBackError::File(key.clone(), problem))?;
            found.resolved = Some(ResolvedBase { from: base, to, undoes: None });
        }
        self.handle(Event::Found(vec![found]), now)?;
        Ok(())
    }
}

impl BringBack {
    fn base_of(&self, entry: &Entry) -> Option<(ResolvedBase, Version)> {
        let (to, version) = self.base.clone()?;
        Some((ResolvedBase { from: entry.base, to, undoes: self.undoes }, version))
    }

    fn event(
        &self,
        entry: &Entry,
        stat: Option<agent_core::sync::FileStat>,
        base: Option<(ResolvedBase, Version)>,
    ) -> Event {
        let (path, text) = (entry.path.clone(), self.text.clone());
        let (title, state) = text.as_ref().map_or((None, None), |text| outline(&path, text.as_str()));
        let key = self.key.clone();
        let file = Found { key, path, text, stat, title, state, resolved: None };
        let cause = if self.undoes.is_some() { Cause::Undone } else { Cause::Restored };
        let (seen, undoes) = (entry.local, self.undoes);
        Event::BroughtBack(Box::new(BroughtBack { file, seen, base, cause, undoes }))
    }
}

fn merge(outcome: &mut Outcome, later: Outcome) {
    outcome.requests.extend(later.requests);
    outcome.touched.extend(later.touched);
    outcome.wake_at = later.wake_at;
}
