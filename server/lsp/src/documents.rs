//! The open documents: exact text by version, and which base it is compared out of (`bases`).
//! Changed only by the client's notifications, in their order; read as snapshots.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use agent_core::id::ArtifactPath;
use agent_core::text::Encoding;
use agent_engine::View;

use crate::bases::{Base, Bases, BufferBase, Edited, Saved};
use crate::folders::{Folder, Place};
use crate::mirror::Mirror;
use crate::types::{TextDocumentContentChangeEvent, Uri};

/// A document as it is at one version.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) uri: Uri,
    pub(crate) version: i32,
    pub(crate) text: Arc<str>,
    /// The line somebody was last known to be in.
    pub(crate) cursor: Option<u32>,
    pub(crate) place: Option<Place>,
    /// The newest picture of the artifact.
    pub(crate) view: Option<Arc<View>>,
    /// What was decided in the buffer.
    pub(crate) moved: Option<BufferBase>,
    /// The base it was edited out of, where that is another than the file's.
    pub(crate) own: Option<Base>,
}

struct Document {
    mirror: Mirror,
    /// The version that was saved last.
    saved: Option<i32>,
    text: Option<Arc<str>>,
    cursor: Option<u32>,
    place: Option<Place>,
    bases: Bases,
}

/// All open documents.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Document>>);

impl Documents {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Document>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_one<T>(&self, uri: &Uri, work: impl FnOnce(&mut Document) -> T) -> Option<T> {
        self.with(|all| all.get_mut(uri.as_str()).map(work))
    }

    pub(crate) fn open(&self, uri: &Uri, version: i32, text: &str) {
        let (mirror, bases) = (Mirror::new(version, text), Bases::new(text));
        let document = Document { mirror, saved: None, text: None, cursor: None, place: None, bases };
        self.with(|all| all.insert(uri.as_str().to_owned(), document));
    }

    /// Applies the changes that led to a version; answers `false` for a document that is not open.
    pub(crate) fn change(
        &self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> bool {
        let changed = self.with_one(uri, |document| {
            let last = changes.iter().rev().find_map(|change| change.range);
            document.cursor = last.map(|range| range.start.line).or(document.cursor);
            document.mirror.change(version, changes, encoding);
            document.text = None;
            document.bases.changed(document.mirror.rope());
            document.look();
        });
        changed.is_some()
    }

    /// Somebody is in this line; answers whether that is another than before.
    pub(crate) fn seen_at(&self, uri: &Uri, line: u32) -> bool {
        self.with_one(uri, |document| document.cursor.replace(line) != Some(line)).unwrap_or(false)
    }

    pub(crate) fn close(&self, uri: &Uri) -> Option<Place> {
        self.with(|all| all.remove(uri.as_str()).and_then(|document| document.place))
    }

    /// A document as it is now, beside the newest picture of its artifact.
    pub(crate) fn get(&self, uri: &Uri) -> Option<Snapshot> {
        self.with_one(uri, |document| document.snapshot(uri))
    }

    /// Every open document.
    pub(crate) fn uris(&self) -> Vec<Uri> {
        self.with(|all| all.keys().filter_map(|uri| uri.parse().ok()).collect())
    }

    /// The open documents of a folder, each with its artifact's path. A client may spell an address
    /// differently than this server does, and knows a document only by its own spelling.
    pub(crate) fn of_folder(&self, folder: &Arc<Folder>) -> Vec<(ArtifactPath, Uri)> {
        let in_folder = |(uri, document): (&String, &Document)| {
            let place = document.place.as_ref().filter(|place| Arc::ptr_eq(&place.folder, folder))?;
            Some((place.path.clone(), uri.parse().ok()?))
        };
        self.with(|all| all.iter().filter_map(in_folder).collect())
    }

    pub(crate) fn set_place(&self, uri: &Uri, place: Option<Place>) {
        self.with_one(uri, |document| document.place = place);
    }

    /// The text of a document as it was opened, or saved last.
    pub(crate) fn loaded(&self, uri: &Uri) -> Option<Arc<str>> {
        self.with_one(uri, |document| document.bases.loaded())
    }

    /// The documents of a folder are no artifacts any more.
    pub(crate) fn forget_places(&self, root: &Path) {
        let is_in = |place: &Place| place.folder.workspace.root() == root;
        self.with(|all| {
            for document in all.values_mut().filter(|document| document.place.as_ref().is_some_and(is_in)) {
                document.place = None;
            }
        });
    }

    /// The client saved the newest version; answers what its base is.
    pub(crate) fn saved(&self, uri: &Uri) -> Saved {
        self.with_one(uri, Document::saved).unwrap_or(Saved::Unknown)
    }

    /// Records a decision that left the text as it was. `durable` says how the artifact's base moves
    /// at once, where it does.
    pub(crate) fn settled(&self, uri: &Uri, moved: BufferBase, durable: Option<&BufferBase>) {
        self.with_one(uri, |document| {
            document.bases.settled(document.mirror.rope(), moved);
            if let Some(durable) = durable {
                document.bases.durable(durable.from, durable.hash());
            }
        });
    }

    /// Records a decision that came with an edit of a version; answers whether the text it led to is
    /// saved already. A client may say that an edit is applied before it says what changed: then the
    /// newest version still is the one that was edited, and its having been saved says nothing about
    /// the edit.
    pub(crate) fn edited(&self, uri: &Uri, version: i32, edited: Edited, moved: BufferBase) -> bool {
        let is_saved = self.with_one(uri, |document| {
            let is_in = document.mirror.version() > version;
            let is_saved = is_in && document.saved == Some(document.mirror.version());
            document.bases.edited(document.mirror.rope(), edited, moved.clone(), is_in);
            if is_saved {
                document.bases.saved_before(&moved);
            }
            is_saved
        });
        is_saved.unwrap_or(false)
    }
}

impl Document {
    /// Takes notice of the newest picture of the artifact.
    fn look(&mut self) -> Option<Arc<View>> {
        let view = self.place.as_ref()?.view()?;
        self.bases.see(self.mirror.rope(), &view);
        Some(view)
    }

    fn text(&mut self) -> Arc<str> {
        let rope = self.mirror.rope();
        Arc::clone(self.text.get_or_insert_with(|| Arc::from(rope.to_string())))
    }

    fn saved(&mut self) -> Saved {
        self.saved = Some(self.mirror.version());
        let (view, text) = (self.look(), self.text());
        self.bases.saved(&text, view.as_deref())
    }

    fn snapshot(&mut self, uri: &Uri) -> Snapshot {
        let (view, text) = (self.look(), self.text());
        Snapshot {
            uri: uri.clone(),
            version: self.mirror.version(),
            text,
            cursor: self.cursor,
            place: self.place.clone(),
            moved: self.bases.moved(),
            own: view.as_deref().and_then(|view| self.bases.own(self.mirror.rope(), view)),
            view,
        }
    }
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
