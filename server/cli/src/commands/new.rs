//! `agent new-plan | new-story | new-runbook | new-adr`: a new artifact from a template, with an id of
//! the team's; without its server, with a provisional one that the first push replaces.

use agent_core::create::naming;
use agent_core::id::Kind;
use agent_engine::create::{self, New};
use serde::Serialize;

use crate::args;
use crate::commands::{block_on, send};
use crate::output::Done;
use crate::place::now;
use crate::show::{Refused, trouble};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    kind: String,
    id: String,
    path: String,
    title: String,
    /// Whether the id is provisional.
    provisional: bool,
    pushed: bool,
    refused: Option<Refused>,
    remote_problem: Option<String>,
}

/// Makes an artifact of a kind.
pub(crate) fn run(kind: &str, args: &args::New) -> anyhow::Result<Done> {
    let dry_run = args.dry_run.dry_run;
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let wanted = New {
        kind: Kind::new(kind)?,
        title: args.title.clone().unwrap_or_else(|| format!("New {kind}")),
        id: args.id.clone(),
        prefix: args.prefix.clone(),
        path: None,
        date: create::today(),
        author: work.session.author().unwrap_or_default(),
    };
    let (id, why) = match work.session.engine.wanted_id(&wanted)? {
        None => (wanted.id.clone().unwrap_or_default(), None),
        // Asking gives the id out, which a dry run must not.
        Some((prefix, _)) if dry_run && work.session.can_ask() => (guess(&work, &prefix), None),
        Some((prefix, after)) => {
            let asked = block_on(create::allocate(&work.session.remote, &wanted.kind, &prefix, after))?;
            asked.map_err(|error| anyhow::anyhow!("no id: {}; nothing was made", trouble(&error)))?
        }
    };
    let created = work.session.engine.draft(&work.session.workspace, &wanted, &id)?;
    let mut report = Report {
        dry_run,
        kind: kind.to_owned(),
        id,
        path: created.path.as_str().to_owned(),
        title: wanted.title,
        provisional: why.is_some(),
        pushed: false,
        refused: None,
        remote_problem: why,
    };
    work.session.engine.create(&created, now())?;
    if !report.provisional && work.session.config.sync.policy.auto_push {
        push(&mut work, &created.key, &mut report)?;
    }
    let left = report.refused.is_some() || report.provisional || report.remote_problem.is_some();
    Ok(Done::new(text(&report), &report)?.with(work.notes, left))
}

/// The id that the team gives out next, as far as this machine knows: none is given twice, not even that
/// of an artifact which is no more.
fn guess(work: &Work, prefix: &str) -> String {
    let all = work.session.engine.machine().snapshot().entries;
    let highest = naming::highest_number(prefix, all.iter().map(|entry| (&entry.key, &entry.path)));
    format!("{prefix}-{:03}", highest + 1)
}

fn push(work: &mut Work, key: &agent_core::id::ArtifactKey, report: &mut Report) -> anyhow::Result<()> {
    block_on(send(work))??;
    let problem = work.session.engine.machine().link().trouble.as_ref();
    report.remote_problem = problem.map(|(_, error)| trouble(error));
    let Some(entry) = work.entry(key) else { return Ok(()) };
    report.pushed = entry.base == entry.local;
    let parked = entry.parked.as_ref();
    report.refused = parked.map(|p| Refused { code: p.code.clone(), message: p.message.clone() });
    Ok(())
}

fn text(report: &Report) -> String {
    let made = if report.dry_run { "Would make" } else { "Made" };
    let mut out = format!("{made} {}/{}  {}\n", report.kind, report.id, report.path);
    if report.provisional {
        out.push_str("The id is provisional: the first push that reaches the team replaces it everywhere.\n");
    }
    if let Some(refused) = &report.refused {
        out.push_str(&format!("Refused and kept here: {}: {}\n", refused.code, refused.message));
    }
    match (&report.remote_problem, report.pushed) {
        (Some(problem), _) => out.push_str(&format!("Not pushed yet: {problem}\n")),
        (None, true) => out.push_str(if report.dry_run { "Would push it.\n" } else { "Pushed.\n" }),
        _ => {}
    }
    out
}
