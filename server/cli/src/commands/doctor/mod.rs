//! `agent doctor`: looks at everything the program depends on, and says of what is wrong how to put it
//! right. It changes nothing, and what it says holds no key, token or password. What is on this machine
//! is looked at in [`local`], Git's part in [`git`], the team's project in [`remote`].

mod finding;
mod git;
mod local;
mod remote;

use std::fmt::Write as _;

use agent_remote::{Auth, Settings};
use serde::Serialize;

use self::finding::{Finding, Result as Outcome};
use crate::args::Doctor;
use crate::commands::block_on;
use crate::output::{Done, Form};
use crate::place;
use crate::show::{Paint, count};

#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
    warnings: usize,
    failures: usize,
}

/// Looks, and answers with 1 when something does not work.
pub(crate) fn run(args: &Doctor) -> anyhow::Result<Done> {
    let mut findings = Vec::new();
    let workspace = place::workspace().ok();
    let config = local::configuration(workspace.as_ref(), &mut findings);
    let access = config.as_ref().and_then(|config| access(config, &mut findings));
    if let Some(workspace) = &workspace {
        let session = access.as_ref().map(|(_, auth)| auth.session_file());
        local::permissions(workspace, config.as_ref(), session, &mut findings);
        local::database(workspace, access.as_ref().map(|(settings, _)| settings), &mut findings);
    }
    git::look(workspace.as_ref(), config.as_ref(), &mut findings);
    match access {
        Some((settings, auth)) if !args.offline => {
            block_on(remote::look(&settings, &auth, &mut findings))?;
        }
        _ => remote::skip(if args.offline { "--offline" } else { "no project is configured" }, &mut findings),
    }
    let of = |outcome: Outcome| findings.iter().filter(|finding| finding.result == outcome).count();
    let (warnings, failures) = (of(Outcome::Warning), of(Outcome::Failure));
    let report = Report { findings, warnings, failures };
    Ok(Done::new(text(&report), &report)?.with(Vec::new(), failures > 0).form(Form::Answer))
}

/// What it takes to ask the project.
fn access(config: &agent_engine::config::Config, findings: &mut Vec<Finding>) -> Option<(Settings, Auth)> {
    let remote = config.remote.clone().ok()?;
    let made = place::home().map_err(|error| format!("{error:#}")).and_then(|home| {
        let settings = Settings::new(remote.url, remote.anon_key, remote.team_id, home, place::CLIENT)
            .and_then(|settings| settings.with_realtime_url(remote.realtime_url))
            .and_then(|settings| settings.with_environment(&place::env))
            .map_err(|error| error.to_string())?;
        let auth = Auth::new(&settings).map_err(|error| error.to_string())?;
        Ok((settings, auth))
    });
    made.map_err(|problem| {
        findings.push(Finding::failure(
            "settings",
            problem,
            "correct the remote section of .agent/etc/sync.yaml, or the environment variable it names",
        ));
    })
    .ok()
}

fn text(report: &Report) -> String {
    let paint = Paint::stdout();
    let mut out = String::new();
    for finding in &report.findings {
        let word = format!("{:8}", finding.result.as_str());
        let word = match finding.result {
            Outcome::Ok => paint.green(&word),
            Outcome::Warning => paint.yellow(&word),
            Outcome::Failure => paint.red(&word),
            Outcome::Skipped => word,
        };
        let said = finding.detail.as_deref().or(finding.cause.as_deref()).unwrap_or_default();
        let _ = writeln!(out, "{word} {:14} {said}", finding.name);
        if let Some(fix) = &finding.fix {
            let _ = writeln!(out, "{:23} fix: {fix}", "");
        }
    }
    match (report.failures, report.warnings) {
        (0, 0) => out.push_str("Nothing is wrong.\n"),
        (failures, warnings) => {
            let _ = writeln!(out, "{}, {}.", count(failures, "failure"), count(warnings, "warning"));
        }
    }
    out
}
