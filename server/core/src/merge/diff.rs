//! What one text changed of another: a line diff as a list of edits, in a canonical place.
//! Owns the choice of algorithm and how an ambiguous edit is placed; regions are made elsewhere.
//!
//! The diff is Myers' with the cut-offs Git uses, from `similar`: linear in practice, also on large
//! texts that share nothing. Which of two equal lines was inserted cannot be known, but it must be
//! answered the same way for both sides and after a resolution moved the base, or hunks
//! would wander. So, as Git does, an edit is slid down as far as it goes, and joined with a
//! neighbour where it can touch one.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Lines `old` were replaced by lines `new`; one of the two may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineEdit {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

impl LineEdit {
    fn is_one_sided(&self) -> bool {
        self.old.is_empty() || self.new.is_empty()
    }

    fn touches(&self, next: &Self) -> bool {
        self.old.end == next.old.start && self.new.end == next.new.start
    }

    fn joined(self, next: &Self) -> Self {
        Self { old: self.old.start..next.old.end, new: self.new.start..next.new.end }
    }

    fn moved_down(&mut self) {
        self.old = self.old.start + 1..self.old.end + 1;
        self.new = self.new.start + 1..self.new.end + 1;
    }

    fn moved_up(&mut self) {
        self.old = self.old.start - 1..self.old.end - 1;
        self.new = self.new.start - 1..self.new.end - 1;
    }
}

/// The edits that make `new` of `old`, ascending, with at least one equal line between two.
pub(super) fn edits(old: &[u32], new: &[u32]) -> Vec<LineEdit> {
    let mut found: Vec<LineEdit> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let edit = LineEdit { old: op.old_range(), new: op.new_range() };
        match found.pop() {
            Some(last) if last.touches(&edit) => found.push(last.joined(&edit)),
            Some(last) => found.extend([last, edit]),
            None => found.push(edit),
        }
    }
    slide(found, old, new)
}

/// Puts every one-sided edit in its canonical place.
fn slide(found: Vec<LineEdit>, old: &[u32], new: &[u32]) -> Vec<LineEdit> {
    let mut placed: Vec<LineEdit> = Vec::with_capacity(found.len());
    let mut waiting = found.into_iter().peekable();
    while let Some(mut edit) = waiting.next() {
        while edit.is_one_sided() {
            let (lines, own) = if edit.old.is_empty() { (new, &edit.new) } else { (old, &edit.old) };
            let own = own.clone();
            if let Some(up) = steps_up_to_touch(lines, &own, placed.last(), &edit) {
                (0..up).for_each(|_| edit.moved_up());
                if let Some(last) = placed.pop() {
                    edit = last.joined(&edit);
                }
                continue;
            }
            let room = waiting.peek().map_or(old.len(), |next| next.old.start) - edit.old.end;
            let down = steps_down(lines, &own, room);
            (0..down).for_each(|_| edit.moved_down());
            match waiting.next_if(|next| edit.touches(next)) {
                Some(next) => edit = edit.joined(&next),
                None => break,
            }
        }
        placed.push(edit);
    }
    placed
}

/// How many steps up `edit` can go to touch the edit before it, if it can.
fn steps_up_to_touch(
    lines: &[u32],
    own: &Range<usize>,
    before: Option<&LineEdit>,
    edit: &LineEdit,
) -> Option<usize> {
    let room = edit.old.start - before?.old.end;
    let fits = (1..=room).all(|step| lines[own.start - step] == lines[own.end - step]);
    fits.then_some(room)
}

/// How many steps down the lines `own` can go, at most `room`.
fn steps_down(lines: &[u32], own: &Range<usize>, room: usize) -> usize {
    (0..room).take_while(|step| lines[own.start + step] == lines[own.end + step]).count()
}
