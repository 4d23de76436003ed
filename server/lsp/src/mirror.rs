//! A document's text as the client's changes make it, in the order of their versions.
//!
//! The protocol has changes arrive in that order. Helix up to 25.01 sends each from a task of its own, so that keys
//! struck at once may arrive crosswise, and every position after them would be wrong. A change that arrives after
//! newer ones is therefore put where it belongs, and the newer ones are made again. Until it arrives nobody can know
//! of it: versions may have gaps.

use std::collections::VecDeque;

use agent_core::text::Encoding;
use ropey::Rope;

use crate::types::{Position, TextDocumentContentChangeEvent};

/// So many of the newest changes can be put in order; what comes later than that is applied as it comes.
const REMEMBERED: usize = 64;

/// The text of one open document.
#[derive(Debug)]
pub(crate) struct Mirror {
    rope: Rope,
    version: i32,
    recent: VecDeque<Step>,
}

/// What led to a version. Ropes share what they have in common, so keeping them is cheap.
#[derive(Debug)]
struct Step {
    version: i32,
    before: Rope,
    changes: Vec<TextDocumentContentChangeEvent>,
}

impl Mirror {
    pub(crate) fn new(version: i32, text: &str) -> Self {
        Self { rope: Rope::from_str(text), version, recent: VecDeque::new() }
    }

    pub(crate) fn rope(&self) -> &Rope {
        &self.rope
    }

    /// The newest version that was heard of.
    pub(crate) fn version(&self) -> i32 {
        self.version
    }

    /// Takes the changes that led to a version.
    pub(crate) fn change(
        &mut self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        let newer = self.take_back(version);
        self.make(Step { version, before: self.rope.clone(), changes }, encoding);
        for step in newer {
            self.make(step, encoding);
        }
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Goes back to before the versions that are newer than this one; they, oldest first.
    fn take_back(&mut self, version: i32) -> VecDeque<Step> {
        let in_order = self.recent.partition_point(|step| step.version <= version);
        let newer = self.recent.split_off(in_order);
        if let Some(first) = newer.front() {
            tracing::warn!(version, newest = self.version, "the client sent a change after newer ones");
            self.rope = first.before.clone();
        }
        newer
    }

    fn make(&mut self, mut step: Step, encoding: Encoding) {
        step.before = self.rope.clone();
        for change in &step.changes {
            apply(&mut self.rope, change, encoding);
        }
        self.version = self.version.max(step.version);
        self.recent.push_back(step);
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
#[path = "mirror_tests.rs"]
mod tests;
