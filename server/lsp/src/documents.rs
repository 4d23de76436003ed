//! The open documents: exact text by version, and what was resolved in a buffer but not saved yet.
//! Changed only by the client's notifications, in their order; read as snapshots.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use agent_core::id::ContentHash;
use agent_core::text::Encoding;
use ropey::Rope;

use crate::folders::Place;
use crate::types::{Position, TextDocumentContentChangeEvent, Uri};

/// A base moved in a buffer, to be made durable when the buffer is saved.
#[derive(Debug, Clone)]
pub(crate) struct BufferBase {
    /// The artifact's base it was computed from.
    pub(crate) from: Option<ContentHash>,
    /// The text it becomes; `None` agrees with a deletion.
    pub(crate) to: Option<Arc<str>>,
    /// What to return to when the edit that came with it is undone in the editor.
    pub(crate) undo: Option<Arc<Undo>>,
}

/// The document before a resolution's edit. Undoing that edit must undo the decision too: else the
/// old text would stand there as if it had been chosen over the remote's.
#[derive(Debug)]
pub(crate) struct Undo {
    pub(crate) text: Arc<str>,
    pub(crate) base: Option<BufferBase>,
}

/// A document as it is at one version.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) uri: Uri,
    pub(crate) version: i32,
    pub(crate) text: Arc<str>,
    pub(crate) place: Option<Place>,
    pub(crate) base: Option<BufferBase>,
}

struct Document {
    version: i32,
    /// The version that was saved last.
    saved: Option<i32>,
    rope: Rope,
    text: Option<Arc<str>>,
    place: Option<Place>,
    base: Option<BufferBase>,
}

/// All open documents.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Document>>);

impl Documents {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Document>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn open(&self, uri: &Uri, version: i32, text: &str, place: Option<Place>) {
        let document =
            Document { version, saved: None, rope: Rope::from_str(text), text: None, place, base: None };
        self.with(|all| all.insert(uri.as_str().to_owned(), document));
    }

    /// Applies changes in order; answers `false` for a document that is not open.
    pub(crate) fn change(
        &self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> bool {
        self.with(|all| {
            let Some(document) = all.get_mut(uri.as_str()) else { return false };
            for change in changes {
                apply(&mut document.rope, &change, encoding);
            }
            document.version = version;
            document.text = None;
            document.forget_undone();
            true
        })
    }

    pub(crate) fn close(&self, uri: &Uri) -> Option<Place> {
        self.with(|all| all.remove(uri.as_str()).and_then(|document| document.place))
    }

    pub(crate) fn get(&self, uri: &Uri) -> Option<Snapshot> {
        self.with(|all| all.get_mut(uri.as_str()).map(|document| document.snapshot(uri)))
    }

    /// Every open document.
    pub(crate) fn uris(&self) -> Vec<Uri> {
        self.with(|all| all.keys().filter_map(|uri| uri.parse().ok()).collect())
    }

    pub(crate) fn set_place(&self, uri: &Uri, place: Option<Place>) {
        self.with(|all| {
            if let Some(document) = all.get_mut(uri.as_str()) {
                document.place = place;
            }
        });
    }

    /// The client saved the newest version.
    pub(crate) fn saved(&self, uri: &Uri) {
        self.with(|all| {
            if let Some(document) = all.get_mut(uri.as_str()) {
                document.saved = Some(document.version);
            }
        });
    }

    /// Whether the newest version came after `edited`, and the client saved it. A client may say that
    /// an edit is applied before it says what changed: then the newest version still is the one that
    /// was edited, and its having been saved says nothing about the edit.
    pub(crate) fn is_saved_since(&self, uri: &Uri, edited: i32) -> bool {
        self.with(|all| {
            all.get(uri.as_str())
                .is_some_and(|document| document.version > edited && document.saved == Some(document.version))
        })
    }

    /// Records a resolution made in the buffer.
    pub(crate) fn set_base(&self, uri: &Uri, base: Option<BufferBase>) {
        self.with(|all| {
            if let Some(document) = all.get_mut(uri.as_str()) {
                document.base = base;
            }
        });
    }
}

impl Document {
    fn forget_undone(&mut self) {
        let Some(undo) = self.base.as_ref().and_then(|base| base.undo.clone()) else { return };
        if self.rope.len_bytes() == undo.text.len() && self.rope == *undo.text {
            self.base = undo.base.clone();
        }
    }

    fn snapshot(&mut self, uri: &Uri) -> Snapshot {
        let rope = &self.rope;
        let text = self.text.get_or_insert_with(|| Arc::from(rope.to_string()));
        Snapshot {
            uri: uri.clone(),
            version: self.version,
            text: Arc::clone(text),
            place: self.place.clone(),
            base: self.base.clone(),
        }
    }
}

fn apply(rope: &mut Rope, change: &TextDocumentContentChangeEvent, encoding: Encoding) {
    let Some(range) = change.range else {
        *rope = Rope::from_str(&change.text);
        return;
    };
    let start = char_of(rope, range.start, encoding);
    let end = char_of(rope, range.end, encoding).max(start);
    rope.remove(start..end);
    rope.insert(start, &change.text);
}

/// The character index of a position; past a line's or the document's end is that end, as the
/// protocol says.
fn char_of(rope: &Rope, position: Position, encoding: Encoding) -> usize {
    let line = position.line as usize;
    if line >= rope.len_lines() {
        return rope.len_chars();
    }
    let slice = rope.line(line);
    let units = position.character as usize;
    let within = match encoding {
        Encoding::Utf8 => slice.byte_to_char(units.min(slice.len_bytes())),
        Encoding::Utf16 => slice.utf16_cu_to_char(units.min(slice.len_utf16_cu())),
        Encoding::Utf32 => units.min(slice.len_chars()),
    };
    rope.line_to_char(line) + within.min(content_chars(slice))
}

/// A line's length in characters without its terminator.
fn content_chars(line: ropey::RopeSlice<'_>) -> usize {
    let mut length = line.len_chars();
    if length > 0 && line.char(length - 1) == '\n' {
        length -= 1;
    }
    if length > 0 && line.char(length - 1) == '\r' {
        length -= 1;
    }
    length
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
