//! Choosing sides for an artifact on disk, as the command line does it, and for a closed file. The
//! editor's way for an open document goes through its buffer instead; both share
//! [`agent_core::sync::resolve`].

use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Text, Timestamp, Version};
use agent_core::merge::Choice;
use agent_core::ports::{FileProblem, Files, Replaced, Store};
use agent_core::sync::next::remote_move;
use agent_core::sync::resolve::{CannotTake, Sides, Take, resolve};
use agent_core::sync::status::Status;
use agent_core::sync::{Entry, Event, FileDone, FileEffect, Found, ResolvedBase};

use crate::engine::{Engine, Failed, Outcome, outline};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which artifact.
    pub key: ArtifactKey,
    /// Which side, of what.
    pub take: Take,
    /// What the asker saw; another base or remote version by now makes the request stale.
    pub seen: Option<(Option<ContentHash>, Version)>,
    /// Whether it may be done although an editor has the file open.
    pub even_open: bool,
}

/// Why nothing was chosen. No text changed.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No such artifact.
    #[error("{0}: no such artifact here")]
    Unknown(ArtifactKey),
    /// Base or remote moved since it was looked at.
    #[error("{0}: changed since you looked; look again")]
    Stale(ArtifactKey),
    /// There is nothing to choose.
    #[error("{0}: nothing to resolve, it is {1}")]
    Nothing(ArtifactKey, &'static str),
    /// An editor has it open, and only that editor may change it.
    #[error("{0}: open in an editor; resolve it there, or close it first")]
    Open(ArtifactKey),
    /// The file changed since it was read.
    #[error("{0}: the file changed meanwhile; run the command again")]
    FileChanged(ArtifactKey),
    /// The choice does not fit.
    #[error("{0}: {1}")]
    Cannot(ArtifactKey, CannotTake),
    /// The file could not be read or written.
    #[error("{0}: {1}")]
    File(ArtifactKey, FileProblem),
    /// The cache could not be written.
    #[error(transparent)]
    Store(#[from] Failed),
}

/// Of a file that the remote moved, whether this keeps it where it is.
fn keeps_path(take: Take) -> bool {
    matches!(take, Take::WholeLocal | Take::All(Choice::Local))
}

impl<S: Store, F: Files> Engine<S, F> {
    /// What an artifact's sides would become.
    ///
    /// # Errors
    /// [`ResolveError`], with nothing changed.
    pub fn preview(&self, ask: &Ask) -> Result<Sides, ResolveError> {
        let key = &ask.key;
        let entry = self.machine.entry(key).ok_or_else(|| ResolveError::Unknown(key.clone()))?;
        if remote_move(entry).is_some() {
            return self.preview_move(ask, entry);
        }
        let status = entry.status();
        if !matches!(status, Status::Behind | Status::Diverged) {
            return Err(ResolveError::Nothing(key.clone(), status.as_str()));
        }
        let seen = (entry.base, entry.remote_version());
        if ask.seen.is_some_and(|expected| expected != seen) {
            return Err(ResolveError::Stale(key.clone()));
        }
        if !ask.even_open && self.machine.circumstances(key).open {
            return Err(ResolveError::Open(key.clone()));
        }
        let side = |hash: Option<ContentHash>| {
            let text = hash.map(|hash| self.text(hash)).transpose();
            text.map(|text| text.map(|text| text.shared())).map_err(|e| ResolveError::File(key.clone(), e))
        };
        let (base, local, remote) = (side(entry.base)?, side(entry.local)?, side(entry.remote_hash())?);
        resolve(base.as_ref(), local.as_ref(), remote.as_ref(), ask.take)
            .map_err(|cannot| ResolveError::Cannot(key.clone(), cannot))
    }

    /// A moved file: its content stays, only whole sides can be taken.
    fn preview_move(&self, ask: &Ask, entry: &Entry) -> Result<Sides, ResolveError> {
        let key = &ask.key;
        if ask.seen.is_some_and(|expected| expected != (entry.base, entry.remote_version())) {
            return Err(ResolveError::Stale(key.clone()));
        }
        if matches!(ask.take, Take::Hunk(..)) {
            return Err(ResolveError::Cannot(key.clone(), CannotTake::NoSuchHunk));
        }
        if !keeps_path(ask.take) && !ask.even_open && self.machine.circumstances(key).open {
            return Err(ResolveError::Open(key.clone()));
        }
        let text = entry.local.map(|hash| self.text(hash)).transpose();
        let text = text.map_err(|problem| ResolveError::File(key.clone(), problem))?;
        let side = text.map(|text| text.as_str().to_owned());
        Ok(Sides { base: side.clone(), local: side, edits: Vec::new() })
    }

    /// Keeps the file where it is, or moves it to where the remote has it.
    fn resolve_move(
        &mut self,
        ask: &Ask,
        to: &ArtifactPath,
        now: Timestamp,
    ) -> Result<Outcome, ResolveError> {
        let key = &ask.key;
        if keeps_path(ask.take) {
            return Ok(self.handle(Event::PathKept(key.clone()), now)?);
        }
        let entry = self.machine.entry(key).ok_or_else(|| ResolveError::Unknown(key.clone()))?;
        let expect = entry.local.ok_or_else(|| ResolveError::FileChanged(key.clone()))?;
        let from = entry.path.clone();
        self.check_place(key, to).map_err(|problem| ResolveError::File(key.clone(), problem))?;
        let moved = self.files.rename(&from, to, expect);
        let moved = moved.map_err(|problem| ResolveError::File(key.clone(), problem))?;
        let Replaced::Done(stat) = moved else { return Err(ResolveError::FileChanged(key.clone())) };
        let stat = stat.filter(|stat| crate::engine::is_settled(stat, now));
        let effect = FileEffect::Move { key: key.clone(), from, to: to.clone(), expect };
        let done = FileDone { effect, stat, outline: (None, None) };
        Ok(self.handle(Event::FilesDone(vec![done]), now)?)
    }

    /// Chooses: writes the file if its text changes, then moves the base.
    ///
    /// # Errors
    /// [`ResolveError`]. When the cache cannot be written after the file was, the next scan finds
    /// the file's new text as a local edit; the old one is in the cache.
    pub fn resolve(&mut self, ask: &Ask, now: Timestamp) -> Result<Outcome, ResolveError> {
        let key = &ask.key;
        let sides = self.preview(ask)?;
        let entry = self.machine.entry(key).ok_or_else(|| ResolveError::Unknown(key.clone()))?.clone();
        match remote_move(&entry) {
            Some(to) => self.resolve_move(ask, to, now),
            None => self.settle(key, &entry, sides, now),
        }
    }

    /// Chooses, and puts `local` in the place of the local text that the choice makes: somebody edited it,
    /// or another program did.
    ///
    /// # Errors
    /// As [`Self::resolve`]; [`ResolveError::Nothing`] for a file that was only moved.
    pub fn resolve_with(&mut self, ask: &Ask, local: &str, now: Timestamp) -> Result<Outcome, ResolveError> {
        let key = &ask.key;
        let sides = Sides { local: Some(local.to_owned()), ..self.preview(ask)? };
        let entry = self.machine.entry(key).ok_or_else(|| ResolveError::Unknown(key.clone()))?.clone();
        match remote_move(&entry) {
            Some(_) => Err(ResolveError::Nothing(key.clone(), "only moved")),
            None => self.settle(key, &entry, sides, now),
        }
    }

    /// Writes the file if its text changes, and moves the base.
    fn settle(
        &mut self,
        key: &ArtifactKey,
        entry: &Entry,
        sides: Sides,
        now: Timestamp,
    ) -> Result<Outcome, ResolveError> {
        let base = ResolvedBase { from: entry.base, to: sides.base.map(Text::new), undoes: None };
        let local = sides.local.map(Text::new);
        if local.as_ref().map(Text::hash) == entry.local {
            return Ok(self.handle(Event::Resolved { key: key.clone(), base }, now)?);
        }
        let replaced = self
            .files
            .replace(&entry.path, entry.local, local.as_ref().map(Text::as_str))
            .map_err(|problem| ResolveError::File(key.clone(), problem))?;
        let Replaced::Done(stat) = replaced else {
            return Err(ResolveError::FileChanged(key.clone()));
        };
        let (title, state) = local.as_ref().map_or((None, None), |text| outline(&entry.path, text.as_str()));
        let stat = stat.filter(|stat| crate::engine::is_settled(stat, now));
        let found = Found {
            key: key.clone(),
            path: entry.path.clone(),
            text: local,
            stat,
            title,
            state,
            resolved: Some(base),
        };
        Ok(self.handle(Event::Found(vec![found]), now)?)
    }
}
