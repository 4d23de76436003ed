//! `agent sync undo`: takes an operation back. What was edited since stays; undoing is an operation
//! itself, and undoing that is redoing.

use agent_core::id::OperationId;
use agent_core::sync::undo::{Reversal, Unit};
use agent_engine::history::{BringBack, BringBackError};
use serde::Serialize;

use super::stored;
use crate::args::Undo;
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
    /// The operation that is taken back, and why it happened.
    operation: u64,
    cause: &'static str,
    undone: bool,
    /// The remote took what is undone already: the next push sends this as a new edit.
    was_pushed: bool,
    /// What comes next with the artifact.
    next: Turn,
    /// What changes in the file.
    diff: String,
    /// Why nothing was undone.
    problem: Option<String>,
}

/// Undoes.
pub(crate) fn run(args: &Undo) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let number = args.what.as_deref().and_then(|what| what.parse().ok()).map(OperationId);
    let entry = match (&args.what, number) {
        (Some(name), None) => Some(work.find_past(name)?),
        _ => None,
    };
    let unit = work.session.engine.unit(number, entry.as_ref().map(|entry| &entry.key))?;
    let planned = work.session.engine.preview_undo(&unit);
    let path = work.entry(&unit.key).map_or_else(String::new, |entry| entry.path.to_string());
    let before = work.entry(&unit.key).and_then(|entry| entry.local);
    let before = stored(&work, before)?.map(|text| text.to_string());
    let after = planned.as_ref().ok().map(|done| done.local.as_ref().map(|text| text.as_str().to_owned()));
    let difference =
        Difference { path: path.clone(), after: after.unwrap_or_else(|| before.clone()), before };
    let was_pushed = planned.as_ref().is_ok_and(|reversal| reversal.was_pushed);
    let done = planned.and_then(|reversal| undo(&mut work, &unit, reversal));
    let problem = done.err().map(|error| error.to_string());
    let next = work.entry(&unit.key).map_or(Turn::Nothing, |entry| Turn::of(&work, entry));
    let report = Report {
        dry_run: args.dry_run.dry_run,
        kind: unit.key.kind.as_str().to_owned(),
        id: unit.key.id.as_str().to_owned(),
        path,
        operation: unit.id.0,
        cause: unit.cause.as_str(),
        undone: problem.is_none(),
        was_pushed,
        next,
        diff: difference.unified(Paint::none()),
        problem,
    };
    let text = text(&report, &unit, &difference);
    let left = report.problem.is_some();
    Ok(Done::new(text, &report)?.with(work.notes, left))
}

fn undo(work: &mut Work, unit: &Unit, reversal: Reversal) -> Result<(), BringBackError> {
    let Reversal { local, base, .. } = reversal;
    let ask = BringBack { key: unit.key.clone(), text: local, base, undoes: Some(unit.id) };
    work.session.engine.bring_back(&ask, now()).map(drop)
}

fn text(report: &Report, unit: &Unit, difference: &Difference) -> String {
    let what = format!("operation {} ({}) of {}", unit.id, report.cause, unit.key);
    if let Some(problem) = &report.problem {
        return format!("Not undone: {problem}\n");
    }
    if report.dry_run {
        return format!("Would undo {what}:\n{}", difference.unified(Paint::stdout()));
    }
    let next = match (report.was_pushed, report.next) {
        (true, _) => "The team has it already, so this is a new edit: the next push sends it.\n",
        (false, Turn::Undone) => {
            "The team's change is not taken again until you say so (agent sync resolve, or undo once more).\n"
        }
        _ => "",
    };
    format!("Undone: {what}  {}\n{next}", report.path)
}
