//! `agent sync resolve`: shows the hunks of conflicts, or settles them by choosing a side. Choosing
//! moves the base and writes the file; nothing is sent until the next push.

use agent_core::merge::Choice;
use agent_core::sync::Entry;
use agent_core::sync::resolve::{Sides, Take};
use agent_engine::resolve::Ask;
use anyhow::bail;
use serde::Serialize;

use crate::args::Resolve;
use crate::output::Done;
use crate::place::now;
use crate::show::{List, Row, Turn, count};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    artifacts: Vec<Resolved>,
}

#[derive(Serialize)]
struct Resolved {
    kind: String,
    id: String,
    path: String,
    resolved: bool,
    /// How many hunks conflict still.
    conflicts: usize,
    /// What the artifact's next step is now.
    next: Turn,
    /// Why nothing was chosen.
    problem: Option<String>,
}

/// Resolves, or lists.
pub(crate) fn run(args: &Resolve) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    work.scan()?;
    let entries = chosen(&work, args)?;
    if args.list {
        return super::hunks::list(&work, &entries);
    }
    let mut artifacts = Vec::new();
    for entry in &entries {
        artifacts.push(resolve(&mut work, entry, args)?);
    }
    let left = artifacts.iter().any(|artifact| !artifact.resolved);
    let report = Report { dry_run: args.dry_run.dry_run, artifacts };
    Ok(Done::new(text(&report), &report)?.with(work.notes, left))
}

fn chosen(work: &Work, args: &Resolve) -> anyhow::Result<Vec<Entry>> {
    if !args.all {
        return args.artifacts.iter().map(|name| work.find(name)).collect();
    }
    let waits = |entry: &Entry| {
        let turn = Turn::from(&work.next_of(entry));
        // Whether a base was looked for in vain is known only to the process that looked.
        turn.is_conflict() || turn == Turn::FindBase || (turn == Turn::Merge && (args.merge || args.list))
    };
    Ok(work.entries().into_iter().filter(waits).collect())
}

fn resolve(work: &mut Work, entry: &Entry, args: &Resolve) -> anyhow::Result<Resolved> {
    let take = take(work, entry, args)?;
    let seen = Some((entry.base, entry.remote_version()));
    let ask = Ask { key: entry.key.clone(), take, seen, even_open: false };
    let engine = &mut work.session.engine;
    let done = match args.dry_run.dry_run {
        true => engine.preview(&ask).map(|sides| left_of(&sides, entry, work)),
        false => engine.resolve(&ask, now()).map(|_| None),
    };
    let after = work.entry(&entry.key).unwrap_or(entry);
    let row = Row::of(work, after);
    let (conflicts, problem) = match done {
        Ok(would_leave) => (would_leave.unwrap_or(row.conflicts), None),
        Err(error) => (row.conflicts, Some(error.to_string())),
    };
    Ok(Resolved {
        kind: row.kind,
        id: row.id,
        path: row.path,
        resolved: problem.is_none(),
        conflicts,
        next: row.next,
        problem,
    })
}

/// How many hunks would conflict after this choice.
fn left_of(sides: &Sides, entry: &Entry, work: &Work) -> Option<usize> {
    let (base, local) = (sides.base.as_deref().unwrap_or_default(), sides.local.as_deref()?);
    let remote = work.text(entry.remote_hash()?)?;
    Some(agent_core::merge::Merge::of(&base.into(), &local.into(), &remote).conflicts().count())
}

fn take(work: &Work, entry: &Entry, args: &Resolve) -> anyhow::Result<Take> {
    let choice = match args {
        Resolve { ours: true, whole: true, .. } => return Ok(Take::WholeLocal),
        Resolve { theirs: true, whole: true, .. } => return Ok(Take::WholeRemote),
        Resolve { merge: true, .. } => return Ok(Take::Incoming),
        Resolve { ours: true, .. } => Choice::Local,
        Resolve { theirs: true, .. } => Choice::Remote,
        _ => Choice::LocalThenRemote,
    };
    let Some(number) = args.hunk else { return Ok(Take::All(choice)) };
    let merge = work.merge_of(entry);
    let regions: Vec<usize> =
        merge.iter().flat_map(|merge| merge.conflicts().map(|(index, _)| index)).collect();
    match number.checked_sub(1).and_then(|n| regions.get(n)) {
        Some(region) => Ok(Take::Hunk(*region, choice)),
        None => bail!(
            "{}: there is no hunk {number}, it has {}; nothing was changed (see --list)",
            entry.key,
            count(regions.len(), "conflicting hunk")
        ),
    }
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    let list = |heading: &str, of: &dyn Fn(&Resolved) -> bool, line: &dyn Fn(&Resolved) -> String| {
        let lines = report.artifacts.iter().filter(|artifact| of(artifact)).map(line).collect();
        List::new(heading, lines)
    };
    let name = |artifact: &Resolved| format!("{}/{}  {}", artifact.kind, artifact.id, artifact.path);
    let (whole, merges, part) = match report.dry_run {
        true => ("Would resolve:", "Would resolve:", "Would resolve in part:"),
        false => (
            "Resolved:",
            "Resolved; what else the team changed comes with agent sync pull:",
            "Resolved in part:",
        ),
    };
    let goes_out = |a: &Resolved| match a.next {
        Turn::Push if !report.dry_run => format!("{}  now send it with agent sync push", name(a)),
        _ => name(a),
    };
    let done = |a: &Resolved| a.resolved && a.conflicts == 0;
    list(whole, &|a| done(a) && a.next != Turn::Merge, &goes_out).print(&mut out);
    list(merges, &|a| done(a) && a.next == Turn::Merge, &name).print(&mut out);
    let hunks = |a: &Resolved| format!("{}  {} left", name(a), count(a.conflicts, "hunk"));
    list(part, &|a| a.resolved && a.conflicts > 0, &hunks).print(&mut out);
    let why = |a: &Resolved| a.problem.clone().unwrap_or_default();
    list("Not resolved, and left as they are:", &|a| !a.resolved, &why).print(&mut out);
    if report.artifacts.is_empty() {
        out.push_str("Nothing is in conflict.\n");
    }
    out
}
