//! `agent sync status`: how each artifact stands between this machine and the team, as far as the
//! cache knows. No network, and no file is written.

use std::fmt::Write as _;

use serde::Serialize;

use crate::args::{Porcelain, Status};
use crate::output::{Done, Form};
use crate::show::{
    Lines, List, NotTaken, Paint, Row, Turn, count, moment, not_taken, not_taken_list, trouble,
};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    artifacts: Vec<Row>,
    not_taken: Vec<NotTaken>,
    cursor: u64,
    signed_in_as: Option<String>,
    /// Since when the remote has not answered whoever asked it last, and why; null when it did.
    remote_trouble: Option<Trouble>,
    #[serde(skip)]
    in_sync: usize,
    #[serde(skip)]
    remote: Result<String, String>,
}

#[derive(Serialize)]
struct Trouble {
    since: String,
    problem: String,
}

/// Shows the status.
pub(crate) fn run(args: &Status) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    work.scan()?;
    let mut in_sync = 0;
    let mut artifacts = Vec::new();
    for entry in work.session.engine.machine().entries() {
        // Nearly all are, and nothing is made of what is not shown.
        if entry.is_at_rest() && !args.all {
            in_sync += 1;
            continue;
        }
        let row = Row::of(&work, entry);
        in_sync += usize::from(row.is_in_sync());
        if args.all || !row.is_in_sync() {
            artifacts.push(row);
        }
    }
    let report = Report {
        artifacts,
        not_taken: not_taken(&work.session.engine.problems()),
        cursor: work.session.engine.machine().cursor().0,
        remote_trouble: work
            .session
            .trouble()?
            .map(|(since, error)| Trouble { since: moment(since), problem: trouble(&error) }),
        signed_in_as: work.user().map(|user| user.email),
        in_sync,
        remote: remote(&work),
    };
    let text = match args {
        Status { short: true, nul, .. } => short(&report, Lines::nul(*nul), Paint::stdout()),
        Status { porcelain: Some(Porcelain::V1), nul, .. } | Status { nul: nul @ true, .. } => {
            short(&report, Lines::nul(*nul), Paint::none())
        }
        _ => long(&report, args.all),
    };
    Ok(Done::new(text, &report)?.with(work.notes, false).form(Form::Answer))
}

fn remote(work: &Work) -> Result<String, String> {
    work.session.config.remote.clone()?;
    match &work.session.settings {
        Some(settings) => Ok(format!("team {} on {}", settings.team(), settings.host())),
        None => match &work.session.remote {
            agent_engine::AnyRemote::Missing(reason) => Err(reason.clone()),
            agent_engine::AnyRemote::Supabase(_) => Ok(String::new()),
        },
    }
}

fn long(report: &Report, all: bool) -> String {
    let mut out = String::new();
    match (&report.remote, &report.signed_in_as) {
        (Err(problem), _) => {
            let _ =
                writeln!(out, "Without a team: {problem} (.agent/etc/sync.yaml). Everything local works.");
        }
        (Ok(team), None) => {
            let _ = writeln!(out, "On {team}, not signed in; sign in with: agent login");
        }
        (Ok(team), Some(user)) => {
            let _ = writeln!(out, "On {team} as {user}, seen up to change {}", report.cursor);
        }
    }
    if let Some(trouble) = &report.remote_trouble {
        let _ = writeln!(
            out,
            "When asked last, the remote did not answer, since {}: {}",
            trouble.since, trouble.problem
        );
    }
    for (heading, turns) in GROUPS {
        let rows = report.artifacts.iter().filter(|row| turns.contains(&row.next) && !row.is_in_sync());
        List::new(heading, rows.map(line).collect()).print(&mut out);
    }
    not_taken_list(&report.not_taken).print(&mut out);
    if all {
        let rows = report.artifacts.iter().filter(|row| row.is_in_sync());
        List::new("In sync:", rows.map(Row::name).collect()).print_all(&mut out);
    }
    let _ = writeln!(out, "{} in sync.", count(report.in_sync, "artifact"));
    out
}

const GROUPS: [(&str, &[Turn]); 7] = [
    ("To be pushed (agent sync push):", &[Turn::Push, Turn::NeedsId]),
    ("Refused and kept here; each says why (then: agent sync push):", &[Turn::Refused]),
    ("To be taken (agent sync pull):", &[Turn::Update, Turn::Move, Turn::Merge, Turn::FindBase]),
    ("Left to the editor that has them open:", &[Turn::Editor]),
    ("Undone here, and not taken again unasked:", &[Turn::Undone]),
    (
        "In conflict (agent sync resolve --all --list):",
        &[Turn::Conflict, Turn::DeletedHere, Turn::DeletedThere],
    ),
    ("Not known well enough (agent sync pull):", &[Turn::TextMissing]),
];

fn line(row: &Row) -> String {
    let name = row.name();
    match row.next {
        Turn::Push | Turn::NeedsId => format!("{:8} {name}", change(row)),
        Turn::Refused => {
            let why =
                row.refused.as_ref().map_or_else(String::new, |r| format!("  {}: {}", r.code, r.message));
            format!("{:8} {name}{why}", change(row))
        }
        Turn::Update if !row.here => format!("new      {name}"),
        Turn::Update if !row.there => format!("deleted  {name}"),
        Turn::Update => format!("changed  {name}  version {}", row.remote_version),
        Turn::Move => format!("moved    {name}"),
        Turn::Merge => format!("merges   {name}  with version {}", row.remote_version),
        Turn::FindBase => format!("unknown  {name}  both sides have it; pull compares them"),
        _ => format!("{name}  {}", row.why()),
    }
}

/// What the local side did.
fn change(row: &Row) -> &'static str {
    match (row.here, row.there) {
        (true, false) => "new",
        (false, _) => "deleted",
        (true, true) if row.status == "in-sync" => "moved",
        (true, true) => "changed",
    }
}

/// What is here in green, what is to be settled in red, as Git colours them.
fn short(report: &Report, lines: Lines, paint: Paint) -> String {
    let mut out = String::new();
    for row in &report.artifacts {
        let (status, next) = (status_letter(row.status).to_string(), row.next.letter().to_string());
        let needs_care = row.next.is_conflict() || row.next == Turn::Refused;
        let next = if needs_care { paint.red(&next) } else { paint.green(&next) };
        lines.push(&mut out, &format!("{}{next} ", paint.green(&status)), &row.path);
    }
    for file in &report.not_taken {
        lines.push(&mut out, &format!("{} ", paint.red("??")), &file.path);
    }
    out
}

fn status_letter(status: &str) -> char {
    match status {
        "ahead" => 'A',
        "behind" => 'B',
        "diverged" => 'D',
        "converged" => 'C',
        _ => '=',
    }
}
