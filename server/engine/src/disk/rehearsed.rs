//! What files would hold, beside what they do: for a rehearsal, which writes none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_core::id::{ArtifactPath, ContentHash, Text};
use agent_core::ports::{FileProblem, FoundFile, Listing, Replaced};
use agent_core::sync::FileStat;

/// The files that would be written, or gone (`None`).
#[derive(Debug, Clone, Default)]
pub(super) struct Rehearsed(Arc<Mutex<BTreeMap<ArtifactPath, Option<Text>>>>);

impl Rehearsed {
    fn files(&self) -> MutexGuard<'_, BTreeMap<ArtifactPath, Option<Text>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listing as it would be.
    pub(super) fn list(&self, mut real: Listing, folders: &[&str]) -> Listing {
        let files = self.files();
        real.files.retain(|(path, _)| !files.contains_key(path));
        let is_listed =
            |path: &ArtifactPath| folders.iter().any(|folder| crate::scan::is_at_or_below(path, folder));
        let written = files.iter().filter(|(path, _)| is_listed(path));
        real.files.extend(written.filter_map(|(path, text)| Some((path.clone(), stat(text.as_ref()?)))));
        real
    }

    /// A file as it would be; `None` when it is as it is.
    pub(super) fn read(&self, path: &ArtifactPath) -> Option<Option<FoundFile>> {
        let files = self.files();
        let text = files.get(path)?;
        Some(text.clone().map(|text| FoundFile { stat: stat(&text), text }))
    }

    /// Replaces a file whose content is `found`, if that is the expected one.
    pub(super) fn replace(
        &self,
        path: &ArtifactPath,
        found: Option<ContentHash>,
        expect: Option<ContentHash>,
        text: Option<&str>,
    ) -> Result<Replaced, FileProblem> {
        if found != expect {
            return Ok(Replaced::Changed);
        }
        let text = text.map(Text::new);
        let done = Replaced::Done(text.as_ref().map(stat));
        self.files().insert(path.clone(), text);
        Ok(done)
    }
}

/// Of a time that never counts as long ago, so that the file is always looked at.
fn stat(text: &Text) -> FileStat {
    FileStat { size: text.as_str().len() as u64, mtime: i64::MAX }
}
