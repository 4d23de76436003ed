//! `agent sync restore`: an earlier text of an artifact becomes the file's, as a new edit. What the file
//! held stays in the history.

use agent_core::id::{ChangeId, OperationId, Text, Version};
use agent_core::ports::History as _;
use agent_core::sync::Entry;
use agent_engine::history::BringBack;
use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{changed, revision, stored};
use crate::args::Restore;
use crate::output::Done;
use crate::place::now;
use crate::show::{Difference, Paint, Turn};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    kind: String,
    id: String,
    path: String,
    restored: bool,
    /// What comes next with the artifact.
    next: Turn,
    /// What changes in the file.
    diff: String,
    /// Why nothing was restored.
    problem: Option<String>,
}

/// Restores.
pub(crate) fn run(args: &Restore) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let entry = work.find_past(&args.artifact)?;
    let (text, source) = source(&work, &entry, args)?;
    let Some(text) = text else {
        bail!("{}: {source} is a deletion; to delete the artifact, delete its file", entry.key)
    };
    let before = stored(&work, entry.local)?.map(|text| text.to_string());
    let difference =
        Difference { path: entry.path.to_string(), before, after: Some(text.as_str().to_owned()) };
    let ask = BringBack { key: entry.key.clone(), text: Some(text), base: None, undoes: None };
    let done = work.session.engine.bring_back(&ask, now());
    let problem = done.err().map(|error| error.to_string());
    let after = work.entry(&entry.key).unwrap_or(&entry);
    let report = Report {
        dry_run: args.dry_run.dry_run,
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: entry.path.to_string(),
        restored: problem.is_none(),
        next: Turn::of(&work, after),
        diff: difference.unified(Paint::none()),
        problem,
    };
    let text = match (&report.problem, report.dry_run) {
        (Some(problem), _) => format!("Not restored: {problem}\n"),
        (None, true) => {
            format!("Would restore {} from {source}:\n{}", entry.key, difference.unified(Paint::stdout()))
        }
        (None, false) => format!(
            "Restored {}  {} from {source}. What the file held before is in agent sync log; undo with agent sync undo {}\n",
            entry.key, entry.path, entry.key
        ),
    };
    let left = report.problem.is_some();
    Ok(Done::new(text, &report)?.with(work.notes, left))
}

/// The text to restore, and what it is.
fn source(work: &Work, entry: &Entry, args: &Restore) -> anyhow::Result<(Option<Text>, String)> {
    if let Some(version) = args.version {
        return Ok((revision(work, entry, Version(version))?.text, format!("version {version}")));
    }
    if let Some(id) = args.change {
        return Ok((changed(work, entry, ChangeId(id))?.text, format!("change {id}")));
    }
    let number = args.operation.context("no version, change or operation is named")?;
    let recorded = work.session.engine.store().operation(OperationId(number))?;
    let recorded =
        recorded.with_context(|| format!("there is no operation {number}; agent sync log lists them"))?;
    if recorded.operation.key != entry.key {
        bail!("operation {number} is one of {}, not of {}", recorded.operation.key, entry.key);
    }
    let text = stored(work, recorded.operation.after.local)?;
    Ok((text.map(Text::new), format!("operation {number}")))
}
