//! `agent whoami`: who is signed in, where, and in which teams. The first two come from this
//! machine; the teams only if the project can be reached.

use serde::Serialize;

use crate::args::Whoami;
use crate::commands::block_on;
use crate::commands::project::{self, TeamRow};
use crate::output::{Done, Form};
use crate::show::{self, List};

#[derive(Serialize)]
struct Report {
    user: Option<String>,
    user_id: Option<String>,
    /// Where the session is kept.
    session: Option<&'static str>,
    project: String,
    team: Option<String>,
    role: Option<String>,
    /// `null` when the project did not say.
    teams: Option<Vec<TeamRow>>,
}

/// Shows who is signed in; the exit code is 1 when nobody is.
pub(crate) fn run(args: Whoami) -> anyhow::Result<Done> {
    let connection = project::connect(&args.project)?;
    let (teams, mut notes) = (None, Vec::new());
    let mut user = connection.auth.user();
    if let (None, Some(name)) = (&user, connection.auth.given_by()) {
        // Whose a refresh token is, only the project knows.
        match block_on(connection.auth.access_token())? {
            Ok(_) => user = connection.auth.user(),
            Err(error) => notes.push(format!("whose {name} is is not known: {}", show::trouble(&error))),
        }
    }
    let mut report = Report {
        user: user.as_ref().map(|user| user.email.clone()),
        user_id: user.as_ref().map(|user| user.id.clone()),
        session: connection.auth.kept(),
        project: connection.settings.url().to_string(),
        team: connection.team().map(|team| team.to_string()),
        role: None,
        teams,
    };
    if user.is_some() {
        match block_on(connection.remote.teams())? {
            Ok(teams) => report.teams = Some(project::rows(teams, connection.team())),
            Err(error) => notes.push(format!("your teams are not known: {}", show::trouble(&error))),
        }
    }
    let this = report.teams.iter().flatten().find(|team| team.is_this);
    report.role = this.map(|team| team.role.clone());
    let text = text(&report);
    Ok(Done::new(text, &report)?.with(notes, report.user.is_none()).form(Form::Answer))
}

fn text(report: &Report) -> String {
    let Some(user) = &report.user else {
        return format!(
            "Not signed in to {}; sign in with: agent login --email EMAIL --code, or --provider NAME\n",
            report.project
        );
    };
    let mut out = format!("{user} on {}\n", report.project);
    let Some(teams) = &report.teams else { return out };
    if let (Some(team), None) = (&report.team, &report.role) {
        out.push_str(&format!(
            "You are not in this workspace's team {team}; ask one of its admins to add you.\n"
        ));
    }
    if teams.is_empty() {
        out.push_str(
            "You are in no team yet: make one with agent team create NAME, or ask an admin to add you.\n",
        );
    }
    List::new("Teams:", project::lines(teams)).print_all(&mut out);
    out
}
