//! A provisional id makes room for one of the team's: in every text that names it, and in the file's
//! name. Files that an editor has open are left to that editor. Done again after a crash, it goes on
//! where it stopped: the file's name changes last.

use agent_core::create::renumber::Renumbering;
use agent_core::create::{naming, provisional};
use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{Files, RemoteError, Replaced, Store, StoreError};
use agent_core::sync::Entry;
use agent_core::sync::next::{Next, Waits};

use crate::chance::now;
use crate::create::CreateError;
use crate::engine::{Engine, Outcome};
use crate::rules;
use crate::session::Session;

/// What is left of a replacement.
#[derive(Debug, Default)]
pub struct Renumbered {
    /// What followed from what was done.
    pub outcomes: Vec<Outcome>,
    /// Files that name the id and are open in an editor.
    pub open: Vec<ArtifactPath>,
    /// Where the artifact's file belongs; `None` once it is there.
    pub moves_to: Option<ArtifactPath>,
}

impl Session {
    /// Gives every artifact under a provisional id one of the team's, as far as the server gives them
    /// out and no editor is in the way. Answers what is left, one sentence each, for people.
    ///
    /// # Errors
    /// What the cache says.
    pub async fn give_ids(&mut self) -> Result<Vec<String>, StoreError> {
        let needs = |entry: &&Entry| self.engine.next_of(entry) == Next::Wait(Waits::Id);
        let keys: Vec<_> =
            self.engine.machine().entries().filter(needs).map(|entry| entry.key.clone()).collect();
        let mut left = Vec::new();
        for key in keys {
            let id = match rules::kept_id(&self.engine.store, &key)? {
                Some(id) => Ok(id),
                None => self.ask_id(&key).await,
            };
            match id {
                Err(error) => left.push(format!("{key} keeps its provisional id: {error}")),
                Ok(id) => {
                    let id = rules::keep_id(&mut self.engine.store, &key, &id)?;
                    left.extend(self.take_id(&key, &id)?);
                }
            }
        }
        Ok(left)
    }

    async fn ask_id(&self, key: &ArtifactKey) -> Result<String, RemoteError> {
        let prefix = provisional::prefix(key.id.as_str()).unwrap_or_default();
        let known = self.engine.machine().entries().map(|entry| (&entry.key, &entry.path));
        let after = naming::highest_number(prefix, known);
        self.remote.get()?.allocate_id(&key.kind, prefix, after).await
    }

    fn take_id(&mut self, key: &ArtifactKey, id: &str) -> Result<Option<String>, StoreError> {
        let Some((change, to)) = self.engine.renumbering(key, id) else { return Ok(None) };
        match self.engine.renumber(key, &change, &to, now()) {
            Ok(done) if done.open.is_empty() && done.moves_to.is_none() => Ok(None),
            Ok(_) => {
                Ok(Some(format!("{key} becomes {id} once the editor that has it open saves or closes it")))
            }
            Err(CreateError::Store(failed)) => Err(failed.into()),
            Err(error) => Ok(Some(format!("{key} keeps its provisional id: {error}"))),
        }
    }
}

impl<S: Store, F: Files> Engine<S, F> {
    /// The replacement of an artifact's provisional id, and where its file belongs then. `None` when
    /// there is no such artifact, or the names make no path.
    pub fn renumbering(&self, key: &ArtifactKey, id: &str) -> Option<(Renumbering, ArtifactPath)> {
        let entry = self.machine.entry(key).filter(|entry| entry.local.is_some())?;
        let change = Renumbering::new(key.id.as_str(), id, entry.path.file_name(), entry.title.as_deref());
        let folder = entry.path.as_str().strip_suffix(entry.path.file_name())?;
        let to = ArtifactPath::new(&format!("{folder}{}", change.to_file)).ok()?;
        let is_ours = matches!(self.kinds.key_of(&to), Some(Ok(found)) if found.id.as_str() == id && found.kind == key.kind);
        is_ours.then_some((change, to))
    }

    /// Replaces the id wherever no editor is in the way, and moves the artifact's file once nothing
    /// in it names the old id any more.
    ///
    /// # Errors
    /// What the files and the cache say; nothing is half done that is not finished the next time.
    pub fn renumber(
        &mut self,
        key: &ArtifactKey,
        change: &Renumbering,
        to: &ArtifactPath,
        now: Timestamp,
    ) -> Result<Renumbered, CreateError> {
        let mut done = Renumbered::default();
        let naming: Vec<Entry> =
            self.machine.entries().filter(|entry| entry.local.is_some()).cloned().collect();
        for entry in naming {
            let Some(text) = entry.local.and_then(|hash| self.store.text(hash).ok().flatten()) else {
                continue;
            };
            let Some(changed) = change.apply(&text) else { continue };
            match self.write(&entry.path, entry.local, &changed, now) {
                Ok(outcome) => done.outcomes.push(outcome),
                // It is open, or was just changed: its editor, or the next time, sees to it.
                Err(CreateError::Changed(path)) => done.open.push(path),
                Err(error) => return Err(error),
            }
        }
        let Some(own) = self.machine.entry(key).cloned() else { return Ok(done) };
        let Some(hash) = own.local else { return Ok(done) };
        if done.open.contains(&own.path) || self.machine.circumstances(key).open {
            done.moves_to = Some(to.clone());
            return Ok(done);
        }
        let moved = self.files.rename(&own.path, to, hash);
        match moved.map_err(|problem| CreateError::File(own.path.clone(), problem))? {
            Replaced::Done(_) => {
                done.outcomes.push(self.files_changed(&[own.path, to.clone()], None, now)?)
            }
            Replaced::Changed => done.moves_to = Some(to.clone()),
        }
        Ok(done)
    }
}
