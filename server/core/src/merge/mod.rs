//! The three-way merge of an artifact, as a value: which lines only local changed, which only the
//! remote, which both alike, and where they conflict.
//!
//! Owns the regions of a merge, what choosing a side does to local text and base, and the text with
//! conflict markers for those who ask for it. Leaves to others: when to merge, how a hunk is shown,
//! and every effect. Nothing is normalised: line endings, a byte order mark and a missing last line
//! ending are content like any other.

mod diff;
pub mod markers;
mod regions;
mod resolve;
mod side;

use std::ops::Range;
use std::sync::Arc;

pub use resolve::{Choice, Edit, Resolution, Which};

use regions::Sides;
use side::{Numbered, Side};

/// Who changed a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegionKind {
    /// Nobody.
    Stable,
    /// Only local.
    Local,
    /// Only the remote.
    Remote,
    /// Both, to the same text.
    Same,
    /// Both, differently.
    Conflict,
}

/// A run of lines that has one answer to who changed it. Ranges count lines from 0 in each side;
/// the regions of a merge follow each other without gaps on all three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Who changed it.
    pub kind: RegionKind,
    /// Its lines in the base. In a conflict that was cut into several, which base lines belong
    /// to which part is a guess by size.
    pub base: Range<usize>,
    /// Its lines in the local text.
    pub local: Range<usize>,
    /// Its lines in the remote text.
    pub remote: Range<usize>,
}

/// A three-way merge. It shares the three texts and borrows nothing.
#[derive(Debug, Clone)]
pub struct Merge {
    base: Side,
    local: Side,
    remote: Side,
    /// Conflicts as wide as the two diffs made them, which is what `diff3` shows.
    clusters: Vec<Region>,
    regions: Vec<Region>,
}

impl Merge {
    /// Merges what `local` and `remote` made of `base`. An empty base makes it a two-way merge:
    /// what both have is [`RegionKind::Same`], the rest conflicts.
    pub fn of(base: &Arc<str>, local: &Arc<str>, remote: &Arc<str>) -> Self {
        let base = Side::new(base);
        let (local, remote) = (base.like(local), base.like(remote));
        let numbered = Numbered::new(&base, &local, &remote);
        let sides = Sides { base: &base, local: &local, remote: &remote };
        let clusters = regions::clusters(&sides, &numbered);
        let refined = regions::refined(&sides, &clusters, &numbered);
        let joined = regions::joined(refined, |between| regions::is_weak(&sides, between));
        let regions = regions::trimmed(&sides, joined);
        Self { base, local, remote, clusters, regions }
    }

    /// All regions, in order.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The conflicts, each with its index in [`Merge::regions`].
    pub fn conflicts(&self) -> impl Iterator<Item = (usize, &Region)> {
        self.of_kind(RegionKind::Conflict)
    }

    /// What the remote changed and local did not, each with its index in [`Merge::regions`].
    pub fn incoming(&self) -> impl Iterator<Item = (usize, &Region)> {
        self.of_kind(RegionKind::Remote)
    }

    fn of_kind(&self, kind: RegionKind) -> impl Iterator<Item = (usize, &Region)> {
        self.regions.iter().enumerate().filter(move |(_, region)| region.kind == kind)
    }

    /// Whether nothing conflicts.
    pub fn is_clean(&self) -> bool {
        self.conflicts().next().is_none()
    }

    /// Whether the local text already holds every change of the remote: no conflict, nothing
    /// incoming. Then the base may become the remote's text, and the artifact is merely ahead.
    pub fn holds_all_remote(&self) -> bool {
        self.is_clean() && self.incoming().next().is_none()
    }

    /// The merged text; `None` when something conflicts.
    pub fn text(&self) -> Option<String> {
        if !self.is_clean() {
            return None;
        }
        Some(self.concat(self.regions.iter().map(|region| match region.kind {
            RegionKind::Remote => self.remote_lines(region.remote.clone()),
            _ => self.local_lines(region.local.clone()),
        })))
    }

    /// The text of lines of the base, terminators included.
    pub fn base_lines(&self, lines: Range<usize>) -> &str {
        self.base.slice(lines)
    }

    /// The text of lines of the local text, terminators included.
    pub fn local_lines(&self, lines: Range<usize>) -> &str {
        self.local.slice(lines)
    }

    /// The text of lines of the remote text, terminators included.
    pub fn remote_lines(&self, lines: Range<usize>) -> &str {
        self.remote.slice(lines)
    }
}
