//! `agent login`: signs in with a password read from standard input and shows the teams to choose
//! from. The session's file and its lifetime are `agent-remote`'s.

use std::io::{BufRead as _, IsTerminal as _};

use agent_core::ports::RemoteError;
use anyhow::{Context as _, anyhow, bail};
use secrecy::SecretString;
use serde::Serialize;

use crate::args::Login;
use crate::commands::block_on;
use crate::commands::project::{self, TeamRow};
use crate::output::Done;
use crate::show::{self, List};

#[derive(Serialize)]
struct Report {
    user: String,
    user_id: String,
    project: String,
    /// `null` when the project did not say.
    teams: Option<Vec<TeamRow>>,
}

/// The longest line taken for a password, so that a wrong file is not read to its end.
const LONGEST: usize = 4096;

/// Signs in.
pub(crate) fn run(args: Login) -> anyhow::Result<Done> {
    if !args.password_stdin {
        bail!(
            "the password is read from standard input only, so that no shell history keeps it: \
             agent login --email {} --password-stdin",
            args.email
        );
    }
    let connection = project::connect(&args.project)?;
    let password = read_password()?;
    let (user, teams) = block_on(async {
        let user = connection.auth.sign_in(&args.email, password).await;
        let teams = connection.remote.teams().await;
        (user, teams)
    })?;
    let user = user.map_err(|error| match error {
        RemoteError::SignedOut(why) => anyhow!("{why}; an earlier sign-in is as it was"),
        error => project::failed(&error).context("not signed in"),
    })?;
    let (teams, notes) = match teams {
        Ok(teams) => (Some(project::rows(teams, connection.team())), Vec::new()),
        Err(error) => (None, vec![format!("your teams could not be listed: {}", show::trouble(&error))]),
    };
    let report =
        Report { user: user.email, user_id: user.id, project: connection.settings.url().to_string(), teams };
    Ok(Done::new(text(&report), &report)?.with(notes, false))
}

fn text(report: &Report) -> String {
    let mut out = format!("Signed in to {} as {}.\n", report.project, report.user);
    let Some(teams) = &report.teams else { return out };
    if teams.is_empty() {
        out.push_str(
            "You are in no team yet: make one with agent team create NAME, or ask an admin to add you.\n",
        );
    }
    let heading = match teams.iter().any(|team| team.is_this) {
        true => "Your teams:",
        false => "Your teams; put an id into .agent/etc/sync.yaml as remote.team_id:",
    };
    List::new(heading, project::lines(teams)).print_all(&mut out);
    out
}

fn read_password() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        bail!("--password-stdin reads a pipe or a file, for the terminal would show what you type");
    }
    let mut line = String::new();
    let mut limited = std::io::Read::take(stdin.lock(), LONGEST as u64);
    limited.read_line(&mut line).context("the password cannot be read from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("standard input holds no password; nothing was sent");
    }
    Ok(SecretString::from(password.to_owned()))
}
