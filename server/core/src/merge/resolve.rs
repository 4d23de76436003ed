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
    /// One region by its index in [`Merge::regions`]; an index out of range chooses nothing. In
    /// a region only the remote changed, choosing local turns the change down: the old text is then
    /// a local change. In one that only local changed, choosing the remote takes that change back.
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

/// What the new base has where nothing was chosen. The answer is free as long as the next merge
/// shows what is still open, and with lines that repeat, one base aligns where another does not.
#[derive(Debug, Clone, Copy)]
struct Leave {
    /// Lines that both sides changed alike become base lines.
    agreed: bool,
    /// Which open conflicts lose their base lines, so that none can match what was just decided.
    emptied: Emptied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptied {
    None,
    /// The other parts of the conflict that was cut, if both sides have lines there.
    Parts,
    /// All that both sides have lines in.
    All,
    /// The other parts of the conflict that was cut. Where only one side has lines, they are then
    /// that side's plain addition.
    EveryPart,
}

/// What a region has beside it, without an unchanged line between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing: it is a cluster of changes of its own.
    Nothing,
    /// Other parts of its cluster, none of which was chosen.
    Open,
    /// Other parts of its cluster, and one of the cluster's parts was chosen.
    Chosen,
}

/// What may be left in the base, the most faithful first.
const LEAVES: [Leave; 7] = [
    Leave { agreed: true, emptied: Emptied::None },
    Leave { agreed: true, emptied: Emptied::Parts },
    Leave { agreed: false, emptied: Emptied::None },
    Leave { agreed: false, emptied: Emptied::Parts },
    Leave { agreed: true, emptied: Emptied::All },
    Leave { agreed: false, emptied: Emptied::All },
    Leave { agreed: true, emptied: Emptied::EveryPart },
];

impl Merge {
    /// Decides one region or all. Where nothing was decided local stays, and base stays except
    /// where both sides already agree.
    ///
    /// When a conflict was cut into several where local and remote agree, deciding one moves the
    /// base in the agreeing lines around it too. Of what remains there, a part that only one side
    /// has may then be that side's plain change and no conflict any more.
    ///
    /// The next merge of the new base, the new local text and the same remote has fewer conflicts,
    /// except that in texts of mostly repeated lines (in 0.3 % of generated choices) it may align
    /// them anew and show as many; deciding again then ends.
    pub fn resolve(&self, which: Which, choice: Choice) -> Resolution {
        let region = match which {
            Which::All => return self.rebuild(|_| true, LEAVES[0], |r| self.chosen_text(r, choice)),
            Which::Region(region) => region,
        };
        let (conflicts, incoming) = (self.conflicts().count(), self.incoming().count());
        let is_conflict = self.regions.get(region).is_some_and(|r| r.kind == RegionKind::Conflict);
        self.first_that(
            |leave| self.rebuild(|n| n == region, leave, |r| self.chosen_text(r, choice)),
            |after| {
                let left = after.conflicts().count();
                if is_conflict {
                    left < conflicts
                } else {
                    left <= conflicts && after.incoming().count() <= incoming
                }
            },
        )
    }

    /// Takes every incoming change that conflicts with nothing; conflicts and local changes stay.
    pub fn take_incoming(&self) -> Resolution {
        let mut taken = self.take_incoming_once();
        // Where lines repeat, a base that moved may be aligned differently and show one more.
        for _ in 0..self.regions.len() {
            let next = self.after(&taken);
            if next.incoming().next().is_none() {
                break;
            }
            taken = next.take_incoming_once();
        }
        taken.edits = edits_between(self.local.text(), &taken.local);
        taken
    }

    fn take_incoming_once(&self) -> Resolution {
        let incoming = |n: usize| self.regions.get(n).is_some_and(|r| r.kind == RegionKind::Remote);
        let conflicts = self.conflicts().count();
        self.first_that(
            |leave| self.rebuild(incoming, leave, |r| self.remote_lines(r.remote.clone()).to_owned()),
            |after| after.incoming().next().is_none() && after.conflicts().count() == conflicts,
        )
    }

    /// The merge that follows a resolution.
    fn after(&self, made: &Resolution) -> Self {
        Self::of(&made.base.as_str().into(), &made.local.as_str().into(), self.remote.text())
    }

    /// The first resolution after which the next merge is as it should be; if none is, the most
    /// faithful one.
    fn first_that(&self, make: impl Fn(Leave) -> Resolution, is_right: impl Fn(&Self) -> bool) -> Resolution {
        let right = LEAVES.into_iter().map(&make).find(|made| is_right(&self.after(made)));
        right.unwrap_or_else(|| make(LEAVES[0]))
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
    fn rebuild(
        &self,
        chosen: impl Fn(usize) -> bool,
        leave: Leave,
        text: impl Fn(&Region) -> String,
    ) -> Resolution {
        let around = self.around(&chosen);
        let base = (self.regions.iter().zip(around).enumerate()).map(|(n, (region, around))| {
            if chosen(n) {
                self.remote_lines(region.remote.clone())
            } else {
                self.left_in_base(region, around, leave)
            }
        });
        let base = self.concat(base);
        let pieces: Vec<String> = (self.regions.iter().enumerate())
            .map(|(n, region)| match chosen(n) {
                true => text(region),
                false => self.local_lines(region.local.clone()).to_owned(),
            })
            .collect();
        let local = self.concat(pieces.iter().map(String::as_str));
        let edits = edits_between(self.local.text(), &local);
        Resolution { base, local, edits }
    }

    /// What the new base has of a region that was not chosen.
    fn left_in_base(&self, region: &Region, around: Around, leave: Leave) -> &str {
        let two_sided = !region.local.is_empty() && !region.remote.is_empty();
        let emptied = match leave.emptied {
            Emptied::None => false,
            Emptied::Parts => two_sided && around == Around::Chosen,
            Emptied::All => two_sided,
            Emptied::EveryPart => around == Around::Chosen,
        };
        // Lines both sides agree on inside a cut conflict become base lines when a part of that
        // conflict was chosen, and only then: else the cut would decide about parts nobody saw.
        let agreed = around == Around::Chosen || (around == Around::Nothing && leave.agreed);
        match region.kind {
            RegionKind::Same if agreed => self.remote_lines(region.remote.clone()),
            RegionKind::Conflict if emptied => "",
            _ => self.base_lines(region.base.clone()),
        }
    }

    /// For every region, what was chosen of the cluster of changes it was cut from.
    fn around(&self, chosen: impl Fn(usize) -> bool) -> Vec<Around> {
        let in_cut = |region: &Region| matches!(region.kind, RegionKind::Same | RegionKind::Conflict);
        let mut found = Vec::with_capacity(self.regions.len());
        for parts in self.regions.chunk_by(|a, b| in_cut(a) && in_cut(b)) {
            let mut indices = found.len()..found.len() + parts.len();
            let around = match parts {
                [_] => Around::Nothing,
                _ if indices.any(&chosen) => Around::Chosen,
                _ => Around::Open,
            };
            found.extend(std::iter::repeat_n(around, parts.len()));
        }
        found
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
