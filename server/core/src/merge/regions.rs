//! From two lists of edits to the regions of a merge. Owns what counts as a conflict; where the
//! edits come from and what is done about a conflict is decided elsewhere.
//!
//! Four steps, the first three after Git's `xdiff`: edits of the two sides that overlap or touch form
//! a cluster; a conflicting cluster is cut where local and remote agree; conflicts that only lines
//! without a letter or digit separate are one again, because blank lines and rules match by accident;
//! and what a conflict begins or ends with alike is taken out of it.

use std::ops::Range;

use super::diff::{self, LineEdit};
use super::side::{Numbered, Side};
use super::{Region, RegionKind};

/// The three sides, as the steps below need them.
pub(super) struct Sides<'m> {
    pub(super) base: &'m Side,
    pub(super) local: &'m Side,
    pub(super) remote: &'m Side,
}

/// The clusters of a merge, with the unchanged lines between: regions before any refinement.
pub(super) fn clusters(sides: &Sides<'_>, numbered: &Numbered) -> Vec<Region> {
    let local = diff::edits(&numbered.base, &numbered.local);
    let remote = diff::edits(&numbered.base, &numbered.remote);
    let mut build = Builder { sides, found: Vec::new(), base: 0, local: 0, remote: 0 };
    let (mut local, mut remote) = (local.as_slice(), remote.as_slice());
    let skipped = numbered.skipped;
    while let Some(start) = first_start(local, remote) {
        let (mut end, mut from_local, mut from_remote) = (start, 0, 0);
        loop {
            let next = |edits: &[LineEdit], n: usize| edits.get(n).filter(|e| e.old.start <= end).cloned();
            if let Some(edit) = next(local, from_local) {
                end = end.max(edit.old.end);
                from_local += 1;
            } else if let Some(edit) = next(remote, from_remote) {
                end = end.max(edit.old.end);
                from_remote += 1;
            } else {
                break;
            }
        }
        let (in_local, later_local) = local.split_at(from_local);
        let (in_remote, later_remote) = remote.split_at(from_remote);
        (local, remote) = (later_local, later_remote);
        build.cluster(start + skipped..end + skipped, grown(in_local), grown(in_remote));
    }
    build.stable_up_to(sides.base.len());
    build.found
}

fn first_start(local: &[LineEdit], remote: &[LineEdit]) -> Option<usize> {
    let start = |edits: &[LineEdit]| edits.first().map(|edit| edit.old.start);
    start(local).into_iter().chain(start(remote)).min()
}

/// The lines that edits took away and the lines they added.
fn grown(edits: &[LineEdit]) -> (usize, usize) {
    edits.iter().fold((0, 0), |(taken, added), e| (taken + e.old.len(), added + e.new.len()))
}

/// Appends regions, keeping the three cursors in step.
struct Builder<'m> {
    sides: &'m Sides<'m>,
    found: Vec<Region>,
    base: usize,
    local: usize,
    remote: usize,
}

impl Builder<'_> {
    fn push(&mut self, kind: RegionKind, base: usize, local: usize, remote: usize) {
        let region = Region {
            kind,
            base: self.base..self.base + base,
            local: self.local..self.local + local,
            remote: self.remote..self.remote + remote,
        };
        (self.base, self.local, self.remote) = (region.base.end, region.local.end, region.remote.end);
        self.found.push(region);
    }

    fn stable_up_to(&mut self, base_line: usize) {
        let lines = base_line.saturating_sub(self.base);
        if lines > 0 {
            self.push(RegionKind::Stable, lines, lines, lines);
        }
    }

    fn cluster(&mut self, base: Range<usize>, local: (usize, usize), remote: (usize, usize)) {
        self.stable_up_to(base.start);
        let lines = base.len();
        let side = |(taken, added): (usize, usize)| (lines + added).saturating_sub(taken);
        self.push(RegionKind::Conflict, lines, side(local), side(remote));
        if let Some(region) = self.found.last_mut() {
            region.kind = kind_of(self.sides, region);
        }
    }
}

/// What a changed region is, judged by its texts alone.
fn kind_of(sides: &Sides<'_>, region: &Region) -> RegionKind {
    let base = sides.base.slice(region.base.clone());
    let local = sides.local.slice(region.local.clone());
    let remote = sides.remote.slice(region.remote.clone());
    match (local == base, remote == base) {
        (true, true) => RegionKind::Stable,
        (true, false) => RegionKind::Remote,
        (false, true) => RegionKind::Local,
        (false, false) if local == remote => RegionKind::Same,
        (false, false) => RegionKind::Conflict,
    }
}

/// Cuts every conflict where local and remote agree.
pub(super) fn refined(sides: &Sides<'_>, clusters: &[Region], numbered: &Numbered) -> Vec<Region> {
    let mut out = Vec::with_capacity(clusters.len());
    for cluster in clusters {
        let whole = cluster.local.is_empty() || cluster.remote.is_empty();
        if cluster.kind != RegionKind::Conflict || whole {
            out.push(cluster.clone());
        } else {
            cut(sides, cluster, numbered, &mut out);
        }
    }
    out
}

fn cut(sides: &Sides<'_>, cluster: &Region, numbered: &Numbered, out: &mut Vec<Region>) {
    let ids = |ids: &[u32], lines: &Range<usize>| {
        ids.get(lines.start - numbered.skipped..lines.end - numbered.skipped).unwrap_or_default().to_vec()
    };
    let local = ids(&numbered.local, &cluster.local);
    let remote = ids(&numbered.remote, &cluster.remote);
    let edits = edits_between(sides, cluster, &local, &remote);
    let last = edits.len().saturating_sub(1);
    let mut at = Region {
        kind: RegionKind::Same,
        base: cluster.base.start..cluster.base.start,
        local: cluster.local.start..cluster.local.start,
        remote: cluster.remote.start..cluster.remote.start,
    };
    let mut push = |kind, base: usize, local: usize, remote: usize| {
        let region = Region {
            kind,
            base: at.base.end..at.base.end + base,
            local: at.local.end..at.local.end + local,
            remote: at.remote.end..at.remote.end + remote,
        };
        at = region.clone();
        out.push(region);
        cluster.base.end - at.base.end
    };
    let (mut agreed, mut left) = (0, cluster.base.len());
    for (n, edit) in edits.iter().enumerate() {
        let same = edit.old.start - agreed;
        if same > 0 {
            // Nothing in the base says which of its lines became these; spread by size.
            left = push(RegionKind::Same, if n == 0 { 0 } else { same.min(left) }, same, same);
        }
        let share = if n == last { left } else { left.min(edit.old.len().max(edit.new.len())) };
        left = push(RegionKind::Conflict, share, edit.old.len(), edit.new.len());
        agreed = edit.old.end;
    }
    let same = local.len() - agreed;
    if same > 0 {
        push(RegionKind::Same, 0, same, same);
    }
}

/// The edits from local to remote, aligned the same way when the two change places: people on both
/// ends of a conflict are to see the same hunks.
fn edits_between(sides: &Sides<'_>, cluster: &Region, local: &[u32], remote: &[u32]) -> Vec<LineEdit> {
    if sides.local.slice(cluster.local.clone()) <= sides.remote.slice(cluster.remote.clone()) {
        return diff::edits(local, remote);
    }
    let swap = |edit: LineEdit| LineEdit { old: edit.new, new: edit.old };
    diff::edits(remote, local).into_iter().map(swap).collect()
}

/// Joins neighbouring conflicts when `joins` says so of what lies between them: the regions, none
/// of which is a conflict or one side's change.
pub(super) fn joined(regions: Vec<Region>, joins: impl Fn(&[Region]) -> bool) -> Vec<Region> {
    let mut out: Vec<Region> = Vec::with_capacity(regions.len());
    let mut conflict: Option<usize> = None;
    for region in regions {
        match region.kind {
            RegionKind::Stable | RegionKind::Same => {}
            RegionKind::Local | RegionKind::Remote => conflict = None,
            RegionKind::Conflict => {
                if let Some(before) = conflict.filter(|&n| joins(&out[n + 1..])) {
                    out.truncate(before + 1);
                    extend(&mut out[before], &region);
                    continue;
                }
                conflict = Some(out.len());
            }
        }
        out.push(region);
    }
    out
}

fn extend(conflict: &mut Region, by: &Region) {
    conflict.base.end = by.base.end;
    conflict.local.end = by.local.end;
    conflict.remote.end = by.remote.end;
}

/// Conflicts without the lines local and remote begin or end with alike; those lie beside it. A diff
/// leaves some, because it stops looking for the shortest answer in large or repetitive texts.
pub(super) fn trimmed(sides: &Sides<'_>, regions: Vec<Region>) -> Vec<Region> {
    let mut out = Vec::with_capacity(regions.len());
    for region in regions {
        match region.kind {
            RegionKind::Conflict => trim(sides, &region, &mut out),
            _ => out.push(region),
        }
    }
    out
}

fn trim(sides: &Sides<'_>, region: &Region, out: &mut Vec<Region>) {
    let Region { base, local, remote, .. } = region;
    let shortest = local.len().min(remote.len());
    let agree = |l: usize, r: usize| sides.local.line(l) == sides.remote.line(r);
    let head = (0..shortest).take_while(|n| agree(local.start + n, remote.start + n)).count();
    let tail = (1..=shortest - head).take_while(|n| agree(local.end - n, remote.end - n)).count();
    let starts = [base.start, local.start, remote.start];
    let inner = [base.start, local.start + head, remote.start + head];
    let tails = [base.end, local.end - tail, remote.end - tail];
    let ends = [base.end, local.end, remote.end];
    let mut push = |kind, from: [usize; 3], to: [usize; 3]| {
        if from != to {
            let [base, local, remote] = [0, 1, 2].map(|side| from[side]..to[side]);
            out.push(Region { kind, base, local, remote });
        }
    };
    push(RegionKind::Same, starts, inner);
    push(RegionKind::Conflict, inner, tails);
    push(RegionKind::Same, tails, ends);
}

/// Whether nothing between two conflicts holds a letter or digit, so that it may have matched
/// by accident.
pub(super) fn is_weak(sides: &Sides<'_>, between: &[Region]) -> bool {
    let blank = |text: &str| !text.contains(char::is_alphanumeric);
    between
        .iter()
        .all(|r| blank(sides.local.slice(r.local.clone())) && blank(sides.base.slice(r.base.clone())))
}
