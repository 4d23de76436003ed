//! One of the three texts of a merge, cut into lines, and the numbering of equal lines across the
//! three. Owns line tables and line identity; knows nothing of edits or regions.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::BuildHasherDefault;
use std::ops::Range;
use std::sync::Arc;

use crate::text::line_ends;

/// A text and where its lines end.
#[derive(Debug, Clone)]
pub(super) struct Side {
    text: Arc<str>,
    ends: Vec<usize>,
}

impl Side {
    pub(super) fn new(text: &Arc<str>) -> Self {
        Self { text: Arc::clone(text), ends: line_ends(text) }
    }

    /// The side of `text`, sparing the work where it is the same text: most of the time a document
    /// has changed on one side at most.
    pub(super) fn like(&self, text: &Arc<str>) -> Self {
        if self.text == *text { self.clone() } else { Self::new(text) }
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// The number of lines.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The byte at which `line` starts; the text's length for a line past the last.
    fn start(&self, line: usize) -> usize {
        match line.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.text.len()),
        }
    }

    /// The text of a range of lines; what lies past the last line is left out.
    pub(super) fn slice(&self, lines: Range<usize>) -> &str {
        let (start, end) = (self.start(lines.start), self.start(lines.end));
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn line(&self, line: usize) -> &str {
        self.slice(line..line + 1)
    }

    /// The terminator of the first line that has one.
    pub(super) fn terminator(&self) -> Option<&'static str> {
        let line = self.line(0);
        ["\r\n", "\n", "\r"].into_iter().find(|end| line.ends_with(end))
    }
}

/// The lines of the three sides as numbers: equal number, equal bytes. Lines before `skipped` are
/// equal on all three sides and are left out, because hashing the unchanged head of a document
/// on every keystroke would cost more than everything else together.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) skipped: usize,
    pub(super) base: Vec<u32>,
    pub(super) local: Vec<u32>,
    pub(super) remote: Vec<u32>,
}

/// Hashes with fixed keys: the core draws no randomness, not even for a table.
type Numbers<'t> = HashMap<&'t str, u32, BuildHasherDefault<DefaultHasher>>;

impl Numbered {
    pub(super) fn new(base: &Side, local: &Side, remote: &Side) -> Self {
        let shortest = base.len().min(local.len()).min(remote.len());
        let skipped = (0..shortest)
            .find(|&n| base.line(n) != local.line(n) || base.line(n) != remote.line(n))
            .unwrap_or(shortest);
        let mut numbers = Numbers::default();
        numbers.reserve(base.len() - skipped);
        let base_lines = number_lines(base, skipped, &mut numbers);
        let mut number = |side| match base.is_same(side) {
            true => base_lines.clone(),
            false => number_lines(side, skipped, &mut numbers),
        };
        let (local, remote) = (number(local), number(remote));
        Self { skipped, base: base_lines, local, remote }
    }
}

fn number_lines<'t>(side: &'t Side, from: usize, numbers: &mut Numbers<'t>) -> Vec<u32> {
    (from..side.len())
        .map(|line| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(side.line(line)).or_insert(next)
        })
        .collect()
}
