//! An artifact's three sides as an open document sees them: the buffer is local, and the base is
//! the buffer's (`bases`). Diagnostics, actions and hover all start here.

use std::ops::Range;
use std::sync::Arc;

use agent_core::id::Text;
use agent_core::merge::{Merge, Region};
use agent_core::sync::next::Next;
use agent_core::text::{Encoding, LineIndex, without_bom};
use agent_engine::View;

use crate::bases::{Base, BufferBase};
use crate::documents::Snapshot;
use crate::types;

const BOM: &str = "\u{feff}";

/// The sides of one artifact.
pub struct Hunks {
    /// The picture of the artifact.
    pub view: Arc<View>,
    /// Which base the buffer comes from, and what was decided over it.
    pub known: BufferBase,
    /// The base's text; `None` when it is absent.
    pub base: Option<Arc<str>>,
    /// The buffer's text.
    pub local: Arc<str>,
    /// The remote's text; `None` when the remote has deleted it.
    pub remote: Option<Arc<str>>,
    /// The merge; `None` when the remote has deleted it.
    pub merge: Option<Merge>,
    /// Whether the buffer holds exactly what the file does.
    pub is_saved: bool,
    bom: bool,
    index: LineIndex,
}

impl Hunks {
    /// The sides of an open document; `None` when the remote has nothing that the buffer does not
    /// know, and while that cannot be told.
    pub(crate) fn of_document(document: &Snapshot) -> Option<Self> {
        let view = document.view.clone()?;
        // While the remote's history is searched for the base, everything would look like a conflict.
        let is_searched = view.next == Next::FindBase
            && document.place.as_ref().is_some_and(|p| p.folder.handle.views().link().trouble.is_none());
        if is_searched {
            return None;
        }
        Self::of_buffer(view, document.own.clone(), document.moved.as_ref(), Arc::clone(&document.text))
    }

    /// The sides of a buffer: its text, the base of its own and what was decided in it, if any.
    pub fn of_buffer(
        view: Arc<View>,
        own: Option<Base>,
        moved: Option<&BufferBase>,
        text: Arc<str>,
    ) -> Option<Self> {
        let is_moved = |own: &Base| moved.is_some_and(|moved| moved.from == own.hash);
        let own = own.unwrap_or_else(|| Base::of_file(&view));
        if !is_moved(&own) && own.hash == view.entry.remote_hash() {
            return None;
        }
        let known = known_base(own, moved);
        Self::new(view, known, text)
    }

    /// What is one's own in an open document with whose remote nothing is new.
    pub(crate) fn own(document: &Snapshot) -> Option<Self> {
        let view = document.view.clone()?;
        let own = document.own.clone().unwrap_or_else(|| Base::of_file(&view));
        let known = known_base(own, document.moved.as_ref());
        let local = Arc::clone(&document.text);
        let bom = lacks_bom(&view, &local);
        let base: Arc<str> = match &known.to {
            Some(base) if bom => Arc::from(without_bom(base)),
            Some(base) => Arc::clone(base),
            None => return None,
        };
        let merge = Some(Merge::of(&base, &local, &base));
        let index = LineIndex::new(&local);
        let (remote, is_saved) = (Some(Arc::clone(&base)), false);
        Some(Self { view, known, base: Some(base), local, remote, merge, is_saved, bom, index })
    }

    /// The sides of a closed file.
    pub(crate) fn of_file(view: Arc<View>) -> Option<Self> {
        let local = view.local.clone().filter(|_| view.entry.base != view.entry.remote_hash())?;
        let Base { hash, text } = Base::of_file(&view);
        Self::new(view, BufferBase { from: hash, to: text, undoes: None }, local)
    }

    fn new(view: Arc<View>, known: BufferBase, local: Arc<str>) -> Option<Self> {
        // A text that is missing from the cache is no deletion, and nothing to compare with.
        if view.entry.remote_hash().is_some() && view.remote.is_none() {
            return None;
        }
        let bom = lacks_bom(&view, &local);
        let bare = |text: &Arc<str>| if bom { Arc::from(without_bom(text)) } else { Arc::clone(text) };
        let base = known.to.as_ref().map(bare);
        let remote = view.remote.as_ref().map(bare);
        let is_saved = view.local.as_ref().is_some_and(|disk| bare(disk) == local);
        if base == remote {
            return None;
        }
        let empty = Arc::from("");
        let merge = remote.as_ref().map(|remote| Merge::of(base.as_ref().unwrap_or(&empty), &local, remote));
        let index = LineIndex::new(&local);
        Some(Self { view, known, base, local, remote, merge, is_saved, bom, index })
    }

    /// Whether the buffer differs from the base: there is something of one's own to lose.
    pub(crate) fn is_edited(&self) -> bool {
        self.base.as_deref() != Some(&*self.local)
    }

    /// Which base the sides were computed from: the one moved in the buffer, where there is one, so
    /// that it stays the same while a choice goes from the buffer into the cache.
    pub fn base_hash(&self) -> Option<String> {
        self.base.as_deref().map(|base| Text::new(base).hash().to_string())
    }

    /// A text as it is in the file.
    pub fn with_bom(&self, text: &str) -> Arc<str> {
        with_bom(text, self.bom)
    }

    /// Lines of the local text as a protocol range. An empty run is a place between two lines; it is
    /// shown on the line after it, or at the end.
    pub(crate) fn range(&self, lines: &Range<usize>, encoding: Encoding) -> types::Range {
        let start = self.offset_of(lines.start);
        let mut end = self.offset_of(lines.end);
        if lines.is_empty() {
            return types::Range::new(self.at(start, encoding), self.at(start, encoding));
        }
        // Up to the last line's end, not into the next line.
        let last = &self.local[start..end];
        end -= last.len() - agent_core::text::without_terminator(last).len();
        types::Range::new(self.at(start, encoding), self.at(end, encoding))
    }

    /// The edit that replaces whole lines of the local text, terminators included.
    pub(crate) fn replace(&self, lines: &Range<usize>, text: &str, encoding: Encoding) -> types::TextEdit {
        replace(&self.local, &self.index, lines, text, encoding)
    }

    fn offset_of(&self, line: usize) -> usize {
        offset_of(&self.local, &self.index, line)
    }

    fn at(&self, offset: usize, encoding: Encoding) -> types::Position {
        at(&self.local, &self.index, offset, encoding)
    }

    /// Whether a region lies where the client asks: on one of its lines, or right beside it when it
    /// is empty.
    pub(crate) fn touches(region: &Region, asked: types::Range) -> bool {
        let (first, last) = (asked.start.line as usize, asked.end.line as usize);
        let end = region.local.end.max(region.local.start + 1);
        let start =
            if region.local.is_empty() { region.local.start.saturating_sub(1) } else { region.local.start };
        start <= last && first < end
    }
}

/// The base of a buffer as it is: its own, and what was decided over it.
pub(crate) fn known_base(own: Base, moved: Option<&BufferBase>) -> BufferBase {
    let moved = moved.filter(|moved| moved.from == own.hash);
    BufferBase { from: own.hash, to: moved.map_or(own.text, |moved| moved.to.clone()), undoes: None }
}

/// Whether a buffer is without the byte order mark that its file has: editors take it off the text and
/// put it back on saving.
pub(crate) fn lacks_bom(view: &View, text: &str) -> bool {
    let on_disk = view.local.as_deref().or(view.remote.as_deref()).unwrap_or_default();
    on_disk.starts_with(BOM) && !text.starts_with(BOM)
}

/// A buffer's text as it is in a file.
pub(crate) fn with_bom(text: &str, lacks_bom: bool) -> Arc<str> {
    if lacks_bom { Arc::from(format!("{BOM}{text}")) } else { Arc::from(text) }
}

/// The edits that make one text out of another, of no more lines than differ.
pub(crate) fn edits_to(from: &Arc<str>, to: &Arc<str>, encoding: Encoding) -> Vec<types::TextEdit> {
    let index = LineIndex::new(from);
    let changes = Merge::of(from, from, to).take_incoming().edits;
    changes.iter().map(|edit| replace(from, &index, &edit.lines, &edit.text, encoding)).collect()
}

fn replace(
    local: &str,
    index: &LineIndex,
    lines: &Range<usize>,
    text: &str,
    encoding: Encoding,
) -> types::TextEdit {
    let bytes = offset_of(local, index, lines.start)..offset_of(local, index, lines.end);
    let (bytes, new_text) = at_end_of_last_line(local, bytes, text);
    let range =
        types::Range::new(at(local, index, bytes.start, encoding), at(local, index, bytes.end, encoding));
    types::TextEdit { range, new_text }
}

fn offset_of(local: &str, index: &LineIndex, line: usize) -> usize {
    if line >= index.line_count() { local.len() } else { index.line_start(line) }
}

fn at(local: &str, index: &LineIndex, offset: usize, encoding: Encoding) -> types::Position {
    let position = index.position(local, offset, encoding);
    types::Position::new(position.line, position.character)
}

/// The same edit without a place behind the last line's terminator, which to Neovim (0.11 and older)
/// is outside of the buffer: lines inserted there come with an empty line too many.
fn at_end_of_last_line(local: &str, bytes: Range<usize>, text: &str) -> (Range<usize>, String) {
    let terminator = |text: &str| text.len() - agent_core::text::without_terminator(text).len();
    let (ends, brings) = (terminator(local), terminator(text));
    let (end, more) = (&local[local.len() - ends..], &text[text.len() - brings..]);
    if !bytes.is_empty() || bytes.end != local.len() || end.is_empty() || end != more {
        return (bytes, text.to_owned());
    }
    let at = local.len() - ends;
    (at..at, format!("{end}{}", &text[..text.len() - brings]))
}

#[cfg(test)]
#[path = "hunks_tests.rs"]
mod tests;
