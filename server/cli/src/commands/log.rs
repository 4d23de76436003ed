//! `agent sync log`: what happened to the artifacts on this machine, newest first, from the cache.

use std::fmt::Write as _;

use agent_core::id::ContentHash;
use agent_core::ports::{Operation, Store as _};
use serde::Serialize;

use crate::args::Log;
use crate::output::Done;
use crate::show::moment;
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    operations: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    at: String,
    kind: String,
    id: String,
    cause: &'static str,
    remote_version: u64,
    author: Option<String>,
    before: Sides,
    after: Sides,
}

/// The hashes of the three contents.
#[derive(Serialize)]
struct Sides {
    base: Option<String>,
    local: Option<String>,
    remote: Option<String>,
}

/// Shows the history.
pub(crate) fn run(args: &Log) -> anyhow::Result<Done> {
    let work = Work::open()?;
    let entry = args.artifact.as_deref().map(|name| work.find(name)).transpose()?;
    let key = entry.as_ref().map(|entry| &entry.key);
    let operations = work.session.engine.store().operations(key, args.max_count)?;
    let report = Report { operations: operations.iter().map(line).collect() };
    Ok(Done::new(text(&report), &report)?.with(work.notes, false))
}

fn line(operation: &Operation) -> Line {
    let text = |hash: Option<ContentHash>| hash.map(|hash| hash.to_string());
    let sides = |triple: &agent_core::ports::Triple| Sides {
        base: text(triple.base),
        local: text(triple.local),
        remote: text(triple.remote),
    };
    Line {
        at: moment(operation.at),
        kind: operation.key.kind.as_str().to_owned(),
        id: operation.key.id.as_str().to_owned(),
        cause: operation.cause.as_str(),
        remote_version: operation.remote_version.0,
        author: operation.author.as_ref().map(|author| author.name.clone()).filter(|name| !name.is_empty()),
        before: sides(&operation.before),
        after: sides(&operation.after),
    }
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    for line in &report.operations {
        let version = match line.remote_version {
            0 => String::new(),
            version => format!("  version {version}"),
        };
        let author = line.author.as_ref().map_or_else(String::new, |author| format!("  {author}"));
        let change = match (&line.before.local, &line.after.local) {
            (before, after) if before == after => String::new(),
            (before, after) => format!("  {} → {}", brief(before.as_deref()), brief(after.as_deref())),
        };
        let _ = writeln!(
            out,
            "{}  {:8}  {}/{}{version}{author}{change}",
            line.at, line.cause, line.kind, line.id
        );
    }
    if report.operations.is_empty() {
        out.push_str("Nothing happened yet.\n");
    }
    out
}

/// The beginning of a content's hash, which is enough to tell two apart.
fn brief(hash: Option<&str>) -> &str {
    hash.map_or("nothing", |hash| hash.get(..8).unwrap_or(hash))
}
