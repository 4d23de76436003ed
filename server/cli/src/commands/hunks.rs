//! `agent sync resolve --list`: the hunks of artifacts with all three texts, numbered as `--hunk`
//! takes them. Changes nothing.

use std::fmt::Write as _;
use std::ops::Range;

use agent_core::merge::{Merge, Region};
use agent_core::sync::Entry;
use serde::Serialize;

use crate::output::{Done, Form};
use crate::show::{Row, Turn};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    artifacts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    kind: String,
    id: String,
    path: String,
    next: Turn,
    remote_version: u64,
    author: Option<String>,
    hunks: Vec<Hunk>,
    /// How many changes of the remote conflict with nothing.
    incoming: usize,
    #[serde(skip)]
    why: String,
}

#[derive(Serialize)]
struct Hunk {
    number: usize,
    base: Part,
    local: Part,
    remote: Part,
}

/// Lines of one side, counted from 1; `last` is before `first` when there are none.
#[derive(Serialize)]
struct Part {
    first: usize,
    last: usize,
    text: String,
}

/// Lists the hunks.
pub(crate) fn list(work: &Work, entries: &[Entry]) -> anyhow::Result<Done> {
    let report = Report { artifacts: entries.iter().map(|entry| listed(work, entry)).collect() };
    Ok(Done::new(text(&report), &report)?.with(work.notes.clone(), false).form(Form::Answer))
}

fn listed(work: &Work, entry: &Entry) -> Listed {
    let row = Row::of(work, entry);
    let merge = work.merge_of(entry).filter(|_| matches!(row.status, "diverged" | "behind"));
    let hunks = merge.iter().flat_map(|merge| merge.conflicts().map(move |(_, region)| (merge, region)));
    let hunks = hunks.enumerate().map(|(n, (merge, region))| hunk(n + 1, merge, region)).collect();
    Listed {
        next: row.next,
        remote_version: row.remote_version,
        why: row.why(),
        incoming: merge.as_ref().map_or(0, |merge| merge.incoming().count()),
        kind: row.kind,
        id: row.id,
        path: row.path,
        author: row.author,
        hunks,
    }
}

fn hunk(number: usize, merge: &Merge, region: &Region) -> Hunk {
    let part = |lines: &Range<usize>, text: &str| Part {
        first: lines.start + 1,
        last: lines.end,
        text: text.to_owned(),
    };
    Hunk {
        number,
        base: part(&region.base, merge.base_lines(region.base.clone())),
        local: part(&region.local, merge.local_lines(region.local.clone())),
        remote: part(&region.remote, merge.remote_lines(region.remote.clone())),
    }
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    for artifact in &report.artifacts {
        let _ = writeln!(out, "{}/{}  {}  {}", artifact.kind, artifact.id, artifact.path, artifact.why);
        if artifact.incoming > 0 {
            let _ = writeln!(
                out,
                "  beside that, {} of the remote's changes conflict with nothing",
                artifact.incoming
            );
        }
        for hunk in &artifact.hunks {
            let _ = writeln!(out, "  hunk {}", hunk.number);
            part(&mut out, "base", '|', &hunk.base);
            part(&mut out, "local", '-', &hunk.local);
            part(&mut out, "remote", '+', &hunk.remote);
        }
    }
    if report.artifacts.is_empty() {
        out.push_str("Nothing is in conflict.\n");
    }
    out
}

fn part(out: &mut String, side: &str, sign: char, part: &Part) {
    let lines = match part.last.checked_sub(part.first) {
        None => format!("nothing, before line {}", part.first),
        Some(0) => format!("line {}", part.first),
        Some(_) => format!("lines {}-{}", part.first, part.last),
    };
    let _ = writeln!(out, "    {side}, {lines}:");
    for line in part.text.lines() {
        let _ = writeln!(out, "      {sign} {line}");
    }
}
