//! `agent login`: signs in with a password, a code by mail or a provider in the browser, and shows
//! the teams to choose from. How each works is `agent-remote`'s; asking the person is done here.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use agent_core::ports::RemoteError;
use agent_remote::{Auth, User};
use anyhow::{Context as _, anyhow, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::args::{Login, misused};
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

const NO_TERMINAL: &str = "there is no terminal to ask for the password on: give --password-stdin with the password on \
    standard input, --code to have a code sent by mail, or --provider NAME to sign in through the browser";

/// The longest line taken for a password or a code, so that a wrong file is not read to its end.
const LONGEST: usize = 4096;
/// How long the browser may take: people look for passwords and second factors.
const BROWSER: Duration = Duration::from_secs(5 * 60);

/// Signs in.
pub(crate) fn run(args: Login) -> anyhow::Result<Done> {
    let has_way = args.password_stdin || args.code.is_some() || args.provider.is_some();
    if !has_way && !can_ask() {
        return Err(misused("login", NO_TERMINAL).into());
    }
    let connection = project::connect(&args.project)?;
    connection.auth.may_sign_in().map_err(|error| project::failed(&error))?;
    let email = args.email.as_deref().unwrap_or_default();
    let user = match (&args.provider, &args.code) {
        (Some(provider), _) => block_on(with_browser(&connection.auth, provider, !args.no_browser))?,
        (None, Some(code)) => with_code(&connection.auth, email, code)?,
        (None, None) => {
            let password = if has_way { read_password()? } else { ask_password(email)? };
            block_on(connection.auth.sign_in(email, password))?
        }
    };
    let user = user.map_err(|error| match error {
        RemoteError::SignedOut(why) => anyhow!("{why}; an earlier sign-in is as it was"),
        error => project::failed(&error).context("not signed in"),
    })?;
    let teams = block_on(connection.remote.teams())?;
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

pub(super) type SignedIn = Result<User, RemoteError>;

/// Asks for a code, unless there is one from before, and brings it back.
fn with_code(auth: &Auth, email: &str, code: &SecretString) -> anyhow::Result<SignedIn> {
    if !code.expose_secret().is_empty() {
        return block_on(auth.sign_in_with_code(email, code));
    }
    if let Err(error) = block_on(auth.send_code(email))? {
        return Ok(Err(error));
    }
    let code = read_line(&format!("A code was sent to {email}. The code: "), "code")
        .with_context(|| format!("the code is good for a while: agent login --email {email} --code=CODE"))?;
    block_on(auth.sign_in_with_code(email, &code))
}

pub(super) async fn with_browser(auth: &Auth, provider: &str, open: bool) -> SignedIn {
    let sign_in = auth.sign_in_with_browser(provider).await?;
    let is_opened = open && agent_engine::browser::open(sign_in.url());
    let what = match is_opened {
        true => "Your browser shows where to sign in; if it does not, open this address in it:",
        false => "Open this address in a browser on this machine:",
    };
    say(&format!("{what}\n{}\n", sign_in.url()));
    sign_in.finish(BROWSER).await
}

/// What the person has to know while the command waits; standard output is the report's.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether somebody is there to be asked.
fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for the password, without showing it.
fn ask_password(email: &str) -> anyhow::Result<SecretString> {
    let asked = dialoguer::Password::new().with_prompt(format!("Password of {email}")).report(false);
    let password = asked.interact_on(&console::Term::stderr()).context("the password cannot be read")?;
    Ok(SecretString::from(password))
}

fn read_password() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        bail!("--password-stdin reads a pipe or a file; leave it out to be asked for the password");
    }
    read_line("", "password")
}

fn read_line(question: &str, what: &str) -> anyhow::Result<SecretString> {
    say(question);
    let stdin = std::io::stdin();
    let mut line = String::new();
    let mut limited = std::io::Read::take(stdin.lock(), LONGEST as u64);
    limited.read_line(&mut line).with_context(|| format!("the {what} cannot be read from standard input"))?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        bail!("standard input holds no {what}");
    }
    Ok(SecretString::from(text.to_owned()))
}
