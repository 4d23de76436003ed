//! Documents that an editor opens and saves: which base the text it opened was made out of, and what is
//! known of the base of a text it saved. What the base then leads to is the machine's.

use std::sync::Arc;

use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Timestamp};
use agent_core::ports::{Files, Store, StoreError};
use agent_core::sync::older::{nothing, older_base};
use agent_core::sync::{Event, ResolvedBase};
use agent_core::text::without_bom;

use crate::engine::{Engine, Failed, Outcome};

/// How far back an opened text is looked for in an artifact's history, in operations.
const MOST_OPERATIONS: usize = 200;

/// A text that an editor opened, made out of an older base than the file.
#[derive(Debug, Clone)]
pub struct Older {
    /// The text as it was opened.
    pub opened: Arc<str>,
    /// The base it was made out of.
    pub base: ContentHash,
    /// That base's text; `None` when it is missing.
    pub text: Option<Arc<str>>,
}

/// What is known of the base of a text that an editor saved.
#[derive(Debug, Clone)]
pub enum SavedBase {
    /// It is the artifact's.
    Kept,
    /// It becomes the artifact's.
    Moved(ResolvedBase),
    /// Nothing: it has the base of the text that was opened.
    Unknown,
}

impl From<Option<ResolvedBase>> for SavedBase {
    fn from(moved: Option<ResolvedBase>) -> Self {
        moved.map_or(Self::Kept, Self::Moved)
    }
}

impl<S: Store, F: Files> Engine<S, F> {
    /// Whether a file holds what an editor opened.
    pub fn file_holds(&self, path: &ArtifactPath, opened: &str) -> bool {
        let file = self.files.read(path).ok().flatten();
        file.is_some_and(|file| without_bom(file.text.as_str()) == without_bom(opened))
    }

    /// Whether a text that an editor of this process opened is older than the file.
    ///
    /// # Errors
    /// What the cache says.
    pub fn older_than_file(&self, key: &ArtifactKey, opened: &Arc<str>) -> Result<Option<Older>, StoreError> {
        let Some(entry) = self.machine.entry(key) else { return Ok(None) };
        let texts = |hash| self.store.text(hash).ok().flatten();
        let past = match entry.local.and_then(texts) {
            Some(file) if without_bom(&file) == without_bom(opened) => return Ok(None),
            _ => self.store.operations(Some(key), MOST_OPERATIONS)?,
        };
        let older = older_base(opened, entry, &past, &texts);
        let text = |base| if base == nothing().hash() { Some(nothing().shared()) } else { texts(base) };
        Ok(older.map(|base| Older { opened: Arc::clone(opened), base, text: text(base) }))
    }

    /// Reads a file that an editor of this process saved. What the editor's side knows of the base of the
    /// text is more than what the text tells.
    ///
    /// # Errors
    /// What the cache says.
    pub fn file_saved(
        &mut self,
        path: &ArtifactPath,
        base: SavedBase,
        now: Timestamp,
    ) -> Result<Outcome, Failed> {
        self.saved = Some(path.clone());
        let outcome = self.read_saved(std::slice::from_ref(path), base, now);
        self.saved = None;
        outcome
    }

    fn read_saved(
        &mut self,
        path: &[ArtifactPath],
        base: SavedBase,
        now: Timestamp,
    ) -> Result<Outcome, Failed> {
        match base {
            SavedBase::Unknown => self.files_changed(path, None, now),
            SavedBase::Kept => {
                self.forget_older(&path[0]);
                self.files_changed(path, None, now)
            }
            SavedBase::Moved(moved) => {
                let outcome = self.files_changed(path, Some(moved), now);
                self.forget_older(&path[0]);
                outcome
            }
        }
    }

    /// Comes with the next event: nobody waits for it.
    fn forget_older(&mut self, path: &ArtifactPath) {
        let Some(Ok(key)) = self.kinds.key_of(path) else { return };
        if self.machine.entry(&key).is_some_and(|entry| entry.older_base.is_some()) {
            self.owed.push_back(Event::OpenedOlder(key, None));
        }
    }
}
