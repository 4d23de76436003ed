//! `agent state`: which state an artifact is in and which may follow; with a new one, sets it in the
//! file and pushes. Whether it is taken, the team's server decides.

use agent_core::artifact::parse::{Format, canonical_state, parse};
use agent_core::lifecycle::{Step, set_state};
use agent_core::sync::Entry;
use agent_engine::rules::{self, Rules};
use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::args::State;
use crate::commands::{block_on, send};
use crate::output::{Done, Form};
use crate::place::now;
use crate::show::{Refused, Row, trouble};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    kind: String,
    id: String,
    path: String,
    /// In the file; `null` when it says none.
    state: Option<String>,
    /// As the team has it.
    team_state: Option<String>,
    /// Whether the team's table has the state; `null` without a table.
    known: Option<bool>,
    /// What may follow the team's state, for the person at this machine.
    may_follow: Vec<Follows>,
    role: Option<&'static str>,
    /// Whether the file has another state now.
    changed: bool,
    /// Whether the team has it.
    pushed: bool,
    refused: Option<Refused>,
    remote_problem: Option<String>,
}

#[derive(Serialize)]
struct Follows {
    state: String,
    step: &'static str,
}

/// Shows or sets the state.
pub(crate) fn run(args: &State) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let entry = work.find(&args.artifact)?;
    let rules = rules_of(&mut work)?;
    let mut report = look(&work, &entry, &rules, args.dry_run.dry_run);
    if let Some(wanted) = &args.state {
        set(&mut work, &entry, &rules, wanted, &mut report)?;
    }
    let left = report.refused.is_some() || (report.changed && !report.pushed);
    let text = text(&report, args.state.is_some());
    let form = if args.state.is_some() { Form::Deed } else { Form::Answer };
    Ok(Done::new(text, &report)?.with(work.notes, left).form(form))
}

/// The team's rules: as its server has them, else as they were last heard of.
fn rules_of(work: &mut Work) -> anyhow::Result<Rules> {
    let user = work.user().map(|user| user.id);
    if let Some(user) = &user {
        match block_on(rules::fetch(&work.session.remote))? {
            Ok(fetched) => work.session.keep_rules(&fetched, user)?,
            Err(error) => work
                .notes
                .push(format!("what may follow is as this machine last heard of it: {}", trouble(&error))),
        }
    }
    Ok(work.session.rules()?)
}

fn state_in(text: &str, entry: &Entry) -> Option<String> {
    parse(text, Format::of_file(entry.path.file_name())).state.map(|state| state.text)
}

fn look(work: &Work, entry: &Entry, rules: &Rules, dry_run: bool) -> Report {
    let side =
        |hash: Option<_>| hash.and_then(|hash| work.text(hash)).and_then(|text| state_in(&text, entry));
    let (state, team_state) = (side(entry.local), side(entry.remote_hash()));
    let moves = rules.may_follow(&entry.key.kind, team_state.as_deref());
    let follows = moves.iter().map(|found| Follows { state: found.to.to_owned(), step: word(found.step) });
    let table = rules.table(&entry.key.kind);
    Report {
        dry_run,
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: entry.path.as_str().to_owned(),
        known: table.zip(state.as_ref()).map(|(table, state)| table.known(state).is_some()),
        may_follow: follows.collect(),
        role: rules.role.map(agent_core::lifecycle::Role::as_str),
        state,
        team_state,
        changed: false,
        pushed: false,
        refused: None,
        remote_problem: None,
    }
}

fn word(step: Step) -> &'static str {
    match step {
        Step::Approve => "approve",
        Step::SendBack => "send-back",
        Step::Move => "move",
    }
}

fn set(
    work: &mut Work,
    entry: &Entry,
    rules: &Rules,
    wanted: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let key = &entry.key;
    let local = entry.local.and_then(|hash| work.text(hash));
    let local = local.with_context(|| format!("{key}: there is no file here; agent sync pull"))?;
    let name = match rules.table(&key.kind) {
        Some(table) => match table.known(wanted) {
            Some(name) => name.to_owned(),
            None => bail!(
                "{wanted:?} is no state of a {} in this team; did you mean {}? Nothing was changed",
                key.kind.as_str(),
                table.resembling(wanted).join(" or ")
            ),
        },
        None => canonical_state(wanted),
    };
    if name.is_empty() {
        bail!("{wanted:?} is no name of a state; nothing was changed");
    }
    let format = Format::of_file(entry.path.file_name());
    if let Some(edit) = set_state(&local, format, &name) {
        report.changed = true;
        let written = work.session.engine.write(&entry.path, entry.local, &edit.apply(&local), now());
        written.with_context(|| format!("{key}: the state was not changed"))?;
    }
    report.state = Some(name);
    push(work, entry, report)
}

fn push(work: &mut Work, entry: &Entry, report: &mut Report) -> anyhow::Result<()> {
    if !work.session.config.sync.policy.auto_push {
        work.notes.push("pushing is not automatic here; push it with: agent sync push".to_owned());
        return Ok(());
    }
    work.check_remote("the state is set in the file and kept")?;
    block_on(send(work))??;
    let problem = work.session.engine.machine().link().trouble.as_ref().map(|(_, error)| trouble(error));
    report.remote_problem = problem;
    let Some(after) = work.entry(&entry.key).cloned() else { return Ok(()) };
    report.pushed = after.base == after.local && after.remote_hash() == after.local;
    let parked = after.parked.as_ref();
    report.refused = parked.map(|p| Refused { code: p.code.clone(), message: p.message.clone() });
    if !report.pushed && report.refused.is_none() && report.remote_problem.is_none() {
        let why = Row::of(work, &after).why();
        work.notes.push(format!("not pushed: {why}"));
    }
    Ok(())
}

fn text(report: &Report, sets: bool) -> String {
    let name = format!("{}/{}", report.kind, report.id);
    let state = report.state.as_deref().unwrap_or("(no state)");
    let mut out = match (sets, report.dry_run && report.changed) {
        (true, true) => format!("{name}  would be {state}  {}\n", report.path),
        _ => format!("{name}  {state}  {}\n", report.path),
    };
    if report.known == Some(false) {
        out.push_str("No artifact of this kind has such a state in this team; it is pushed as it is.\n");
    }
    if let Some(refused) = &report.refused {
        out.push_str(&format!("Refused and kept here: {}: {}\n", refused.code, refused.message));
    } else if report.changed && report.pushed {
        out.push_str(if report.dry_run { "Would push it.\n" } else { "Pushed.\n" });
    } else if let Some(problem) = &report.remote_problem {
        out.push_str(&format!("Not pushed yet: {problem}\n"));
    }
    if report.refused.is_some() || !sets {
        let from = report.team_state.as_deref().unwrap_or("a new artifact");
        let names: Vec<&str> = report.may_follow.iter().map(|follows| follows.state.as_str()).collect();
        let role = report.role.map_or_else(String::new, |role| format!(" for you ({role})"));
        match names.is_empty() {
            true => out.push_str(&format!("Nothing may follow {from}{role}.\n")),
            false => out.push_str(&format!("May follow {from}{role}: {}\n", names.join(", "))),
        }
    }
    out
}
