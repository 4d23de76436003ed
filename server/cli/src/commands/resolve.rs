//! `agent sync resolve`: shows the hunks of conflicts, or settles them by choosing a side, with another
//! program ([`tool`]), or one after the other at a terminal ([`walk`]). Choosing moves the base and writes
//! the file; nothing is sent until the next push.

mod screen;
mod tool;
mod walk;

use std::io::IsTerminal as _;

use agent_core::merge::Choice;
use agent_core::sync::Entry;
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;
use anyhow::bail;
use serde::Serialize;

use crate::USAGE;
use crate::args::Resolve;
use crate::output::Done;
use crate::place::now;
use crate::show::{List, Row, Turn, count, went_back};
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
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let entries = chosen(&work, args)?;
    if !args.has_way() {
        return at_terminal(work, &entries, args);
    }
    if args.list {
        return super::hunks::list(&work, &entries);
    }
    let tool = args.tool.as_deref().map(|given| tool::name(&work, given)).transpose()?;
    // Before anything is done: a hunk that is not there is a mistake in what was typed.
    let takes = entries.iter().map(|entry| take(&work, entry, args)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut artifacts = Vec::new();
    for (entry, take) in entries.iter().zip(takes) {
        let problem = match &tool {
            Some(tool) => tool::resolve(&mut work, entry, tool, args.json.json)?,
            None => resolve(&mut work, entry, take),
        };
        artifacts.push(resolved(&work, entry, problem));
    }
    let left = artifacts.iter().any(|artifact| !artifact.resolved);
    let report = Report { dry_run: args.dry_run.dry_run, artifacts };
    Ok(Done::new(text(&report), &report)?.with(work.notes, left))
}

/// Asks for each hunk, where there is somebody to ask.
fn at_terminal(work: Work, entries: &[Entry], args: &Resolve) -> anyhow::Result<Done> {
    let is_asked = !args.json.json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_asked {
        return walk::run(work, entries, args.dry_run.dry_run);
    }
    let how = "without a terminal to ask at, say how: --ours, --theirs, --union, --merge, --tool or --list";
    Ok(Done { notes: vec![how.to_owned()], code: USAGE, ..Done::default() })
}

fn chosen(work: &Work, args: &Resolve) -> anyhow::Result<Vec<Entry>> {
    if !args.artifacts.is_empty() {
        return args.artifacts.iter().map(|name| work.find(name)).collect();
    }
    let waits = |entry: &Entry| {
        let turn = Turn::from(&work.next_of(entry));
        // Whether a base was looked for in vain is known only to the process that looked.
        turn.is_conflict()
            || went_back(entry)
            || turn == Turn::FindBase
            || (turn == Turn::Merge && (args.merge || args.list))
    };
    Ok(work.entries().into_iter().filter(waits).collect())
}

/// Chooses; answers why not.
fn resolve(work: &mut Work, entry: &Entry, take: Take) -> Option<String> {
    let seen = Some((entry.base, entry.remote_version()));
    let ask = Ask { key: entry.key.clone(), take, seen, even_open: false };
    work.session.engine.resolve(&ask, now()).err().map(|error| error.to_string())
}

fn resolved(work: &Work, entry: &Entry, problem: Option<String>) -> Resolved {
    let row = Row::of(work, work.entry(&entry.key).unwrap_or(entry));
    Resolved {
        kind: row.kind,
        id: row.id,
        path: row.path,
        resolved: problem.is_none(),
        conflicts: row.conflicts,
        next: row.next,
        problem,
    }
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
        true => (
            "Would resolve:",
            "Would resolve; what else the team changed comes with agent sync pull:",
            "Would resolve in part:",
        ),
        false => (
            "Resolved:",
            "Resolved; what else the team changed comes with agent sync pull:",
            "Resolved in part:",
        ),
    };
    let goes_out = |a: &Resolved| match a.next {
        Turn::Push => format!("{}  now send it with agent sync push", name(a)),
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
