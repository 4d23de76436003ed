//! Choosing a side. Owns what a choice does to the local text and to the base; nothing here keeps
//! a state between two choices, which is why they survive a restart and can be undone.
//!
//! A choice moves the base: where something was chosen, the new base has the remote's text, so that
//! what remains different there is a plain local change. A merge of the new base, the new local
//! text and the same remote then shows only what is still open.

use std::ops::Range;
use std::sync::Arc;

use super::side::{Numbered, Side};
use super::{Merge, Region, RegionKind, diff};

/// What a choice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// The whole artifact: every conflict and every incoming change. Choosing the remote means all
    /// of the remote's text, so local changes that conflict with nothing go too; choosing local
    /// leaves the local text as it is; both orders keep both in conflicts and take every incoming
    /// change. The base becomes the remote's text in each case.
    All,
    /// One region by its index in [`Merge::regions`]. An index out of range chooses nothing.
    Region(usize),
}

/// The side a choice falls on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Keep the local text; the remote's is known and decided against.
    Local,
    /// Take the remote's text.
    Remote,
    /// Keep both, the local text first. In a region without a conflict: the side that changed.
    LocalThenRemote,
    /// Keep both, the remote's text first. In a region without a conflict: the side that changed.
    RemoteThenLocal,
}

/// What a choice makes of base and local.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The new base.
    pub base: String,
    /// The new local text.
    pub local: String,
    /// How the old local text becomes the new one: ascending, not overlapping, and no larger than
    /// the lines that differ.
    pub edits: Vec<Edit>,
}

/// Lines of the local text and what replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The lines replaced, counted from 0 in the local text; empty for an insertion before that
    /// line.
    pub lines: Range<usize>,
    /// The new lines, each with its terminator.
    pub text: String,
}

impl Merge {
    /// Decides one region or all. Where nothing was decided local stays, and base stays except
    /// where both sides already agree.
    ///
    /// When a conflict was cut into several where local and remote agree, deciding one moves the
    /// base in the agreeing lines around it too. Of what remains there, a part that only one side
    /// has may then be that side's plain change and no conflict any more.
    pub fn resolve(&self, which: Which, choice: Choice) -> Resolution {
        let chosen = |n: usize| which == Which::All || which == Which::Region(n);
        self.rebuild(chosen, |region| self.chosen_text(region, choice))
    }

    /// Takes every incoming change that conflicts with nothing; conflicts and local changes stay.
    pub fn take_incoming(&self) -> Resolution {
        let incoming = |n: usize| self.regions.get(n).is_some_and(|r| r.kind == RegionKind::Remote);
        self.rebuild(incoming, |region| self.remote_lines(region.remote.clone()).to_owned())
    }

    fn chosen_text(&self, region: &Region, choice: Choice) -> String {
        let local = self.local_lines(region.local.clone());
        let remote = self.remote_lines(region.remote.clone());
        let pieces: &[&str] = match (choice, region.kind) {
            (Choice::Local, _) => &[local],
            (Choice::Remote, _) | (_, RegionKind::Remote) => &[remote],
            (Choice::LocalThenRemote, RegionKind::Conflict) => &[local, remote],
            (Choice::RemoteThenLocal, RegionKind::Conflict) => &[remote, local],
            _ => &[local],
        };
        self.concat(pieces.iter().copied())
    }

    /// Base and local with the `chosen` regions decided: local becomes what `text` says.
    fn rebuild(&self, chosen: impl Fn(usize) -> bool, text: impl Fn(&Region) -> String) -> Resolution {
        let settled: Vec<bool> = (0..self.regions.len()).map(|n| self.is_settled(n, &chosen)).collect();
        let base = self.concat(self.regions.iter().zip(settled).map(|(region, settled)| {
            if settled {
                self.remote_lines(region.remote.clone())
            } else {
                self.base_lines(region.base.clone())
            }
        }));
        let pieces: Vec<String> = (self.regions.iter().enumerate())
            .map(
                |(n, region)| {
                    if chosen(n) { text(region) } else { self.local_lines(region.local.clone()).to_owned() }
                },
            )
            .collect();
        let local = self.concat(pieces.iter().map(String::as_str));
        let edits = edits_between(self.local.text(), &local);
        Resolution { base, local, edits }
    }

    /// Whether region `n` gets the remote's text in the new base: it was chosen, or both sides
    /// agree on it. Agreeing lines inside a cut conflict count only when a part of that conflict
    /// was chosen: else the cut would decide about parts nobody has looked at.
    fn is_settled(&self, n: usize, chosen: &impl Fn(usize) -> bool) -> bool {
        if chosen(n) {
            return true;
        }
        if self.regions.get(n).is_none_or(|region| region.kind != RegionKind::Same) {
            return false;
        }
        let in_cut = |&m: &usize| {
            self.regions.get(m).is_some_and(|r| matches!(r.kind, RegionKind::Same | RegionKind::Conflict))
        };
        let before = (0..n).rev().take_while(in_cut);
        let after = (n + 1..self.regions.len()).take_while(in_cut);
        let mut parts = before.chain(after).peekable();
        parts.peek().is_none() || parts.any(|m| chosen(m))
    }

    /// Joins pieces of different sides. A piece that ends without a terminator ended its text; what
    /// follows it starts a line of its own, in the local text's manner of ending lines.
    pub(super) fn concat<'t>(&self, pieces: impl IntoIterator<Item = &'t str>) -> String {
        let mut out = String::with_capacity(self.local.text().len() + self.remote.text().len());
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            // A carriage return and the line feed of another side would fuse into one terminator.
            let fuses = out.ends_with('\r') && piece.starts_with('\n');
            if fuses || !(out.is_empty() || out.ends_with(['\n', '\r'])) {
                out.push_str(self.terminator());
            }
            out.push_str(piece);
        }
        out
    }

    fn terminator(&self) -> &'static str {
        [&self.local, &self.remote, &self.base].into_iter().find_map(Side::terminator).unwrap_or("\n")
    }
}

/// The smallest line edits that make `new` of `old`.
fn edits_between(old: &Arc<str>, new: &str) -> Vec<Edit> {
    if **old == *new {
        return Vec::new();
    }
    let (old, new) = (Side::new(old), Side::new(&new.into()));
    let numbered = Numbered::new(&old, &new, &new);
    let skipped = numbered.skipped;
    diff::edits(&numbered.base, &numbered.local)
        .into_iter()
        .map(|edit| Edit {
            lines: edit.old.start + skipped..edit.old.end + skipped,
            text: new.slice(edit.new.start + skipped..edit.new.end + skipped).to_owned(),
        })
        .collect()
}
