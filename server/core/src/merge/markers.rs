//! The merge as one text with conflict markers, byte for byte as `git merge-file -p` writes it.
//!
//! Only for those who ask: `agent merge-file` and "insert conflict markers". Nothing reads markers
//! back; hunks come from [`Merge::regions`].
//!
//! How close it is, what differs and what of that is meant: docs/merge.md.

use super::regions::Sides;
use super::side::Side;
use super::{Merge, Region, RegionKind, regions};

/// How a conflict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Style {
    /// Local and remote; conflicts are cut where they agree.
    #[default]
    Merge,
    /// Local, base and remote; conflicts as wide as the changes.
    Diff3,
    /// As [`Style::Diff3`], with what both sides begin or end alike taken out of the conflict.
    ZDiff3,
}

/// What is written instead of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Favor {
    /// The conflict, with markers.
    #[default]
    None,
    /// The local lines.
    Ours,
    /// The remote lines.
    Theirs,
    /// The local lines, then the remote's.
    Union,
}

/// How [`render`] writes conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerOptions {
    /// Which texts a conflict shows.
    pub style: Style,
    /// What to write instead of a conflict.
    pub favor: Favor,
    /// What stands after the marker of local, base and remote.
    pub labels: [Option<String>; 3],
    /// The characters of a marker; 0 means 7.
    pub marker_size: usize,
}

impl Default for MarkerOptions {
    fn default() -> Self {
        Self { style: Style::Merge, favor: Favor::None, labels: [None, None, None], marker_size: 7 }
    }
}

/// The merged text with its conflicts in markers, and how many there are.
pub fn render(merge: &Merge, options: &MarkerOptions) -> (String, usize) {
    let mut out = String::with_capacity(merge.local.text().len() + merge.remote.text().len());
    let mut conflicts = 0;
    for region in presented(merge, options.style) {
        match (region.kind, options.favor) {
            (RegionKind::Remote, _) | (RegionKind::Conflict, Favor::Theirs) => {
                out.push_str(merge.remote_lines(region.remote));
            }
            (RegionKind::Conflict, Favor::None) => {
                conflicts += 1;
                conflict(merge, options, &region, &mut out);
            }
            (RegionKind::Conflict, Favor::Union) => {
                let newline = newline(merge, &region);
                closed(merge.local_lines(region.local), newline, &mut out);
                out.push_str(merge.remote_lines(region.remote));
            }
            _ => out.push_str(merge.local_lines(region.local)),
        }
    }
    (out, conflicts)
}

/// The regions as Git would present them in this style. In the merge style Git joins conflicts
/// with at most three lines between them; an editor's actions are better off without that.
fn presented(merge: &Merge, style: Style) -> Vec<Region> {
    match style {
        Style::Merge => regions::joined(merge.regions.clone(), |between| git_joins(merge, between)),
        Style::Diff3 => merge.clusters.clone(),
        Style::ZDiff3 => {
            let sides = Sides { base: &merge.base, local: &merge.local, remote: &merge.remote };
            regions::trimmed(&sides, merge.clusters.clone())
        }
    }
}

fn git_joins(merge: &Merge, between: &[Region]) -> bool {
    let lines: usize = between.iter().map(|region| region.local.len()).sum();
    let blank =
        |r: &Region| !merge.local_lines(r.local.clone()).contains(|c: char| c.is_ascii_alphanumeric());
    lines <= 3 || between.iter().all(blank)
}

fn conflict(merge: &Merge, options: &MarkerOptions, region: &Region, out: &mut String) {
    let newline = newline(merge, region);
    let [ours, base, theirs] = &options.labels;
    let size = if options.marker_size == 0 { 7 } else { options.marker_size };
    let mark = |out: &mut String, sign: char, label: &Option<String>| {
        out.extend(std::iter::repeat_n(sign, size));
        if let Some(label) = label {
            out.push(' ');
            out.push_str(label);
        }
        out.push_str(newline);
    };
    mark(out, '<', ours);
    closed(merge.local_lines(region.local.clone()), newline, out);
    if options.style != Style::Merge {
        mark(out, '|', base);
        closed(merge.base_lines(region.base.clone()), newline, out);
    }
    mark(out, '=', &None);
    closed(merge.remote_lines(region.remote.clone()), newline, out);
    mark(out, '>', theirs);
}

/// Appends lines so that the next thing starts on a line of its own.
fn closed(lines: &str, newline: &str, out: &mut String) {
    out.push_str(lines);
    if !lines.is_empty() && !lines.ends_with('\n') {
        out.push_str(newline);
    }
}

/// How the markers of a conflict end. As Git has it: like the line before the conflict in local,
/// unless that is a plain line feed also like it in the remote, and like the first line of the base.
fn newline(merge: &Merge, region: &Region) -> &'static str {
    let sides = [
        (&merge.local, region.local.start.saturating_sub(1)),
        (&merge.remote, region.remote.start.saturating_sub(1)),
        (&merge.base, 0),
    ];
    let mut crlf = None;
    for (side, line) in sides {
        match ends_in_crlf(side, line) {
            Some(false) => return "\n",
            Some(true) => crlf = Some(true),
            None => crlf = None,
        }
    }
    if crlf == Some(true) { "\r\n" } else { "\n" }
}

/// Whether a line ends in CRLF, judged by the line before it when it is the last and has no
/// ending; `None` when there is nothing to judge by.
fn ends_in_crlf(side: &Side, line: usize) -> Option<bool> {
    if side.len() == 0 {
        return None;
    }
    let judged = if side.line(line).ends_with('\n') { line } else { line.checked_sub(1)? };
    Some(side.line(judged).ends_with("\r\n"))
}
