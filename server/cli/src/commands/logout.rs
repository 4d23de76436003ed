//! `agent logout`: ends this machine's session, here at once and on the server if it can be reached.
//! Nothing of the workspace changes: what waits to be pushed waits for the next sign-in.

use agent_remote::SignedOut;
use serde::Serialize;

use crate::args::Logout;
use crate::commands::{block_on, project};
use crate::output::Done;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    user: Option<String>,
    project: String,
}

/// Signs out.
pub(crate) fn run(args: Logout) -> anyhow::Result<Done> {
    let connection = project::connect(&args.project)?;
    let user = connection.auth.user();
    let mut notes = Vec::new();
    let is_dry = args.dry_run.dry_run;
    if user.is_some() && !is_dry {
        match block_on(connection.auth.sign_out())?.map_err(|error| project::failed(&error))? {
            SignedOut::Everywhere => {}
            SignedOut::HereOnly(why) => notes.push(format!(
                "the session is forgotten here, but the server could not be told to end it: {why}"
            )),
        }
    }
    let project = connection.settings.url().to_string();
    let report = Report { dry_run: is_dry, user: user.map(|user| user.email), project };
    let text = match &report.user {
        Some(user) if is_dry => format!("Would sign out of {} ({user}).\n", report.project),
        Some(user) => format!("Signed out of {} ({user}).\n", report.project),
        None => format!("Nobody was signed in to {}.\n", report.project),
    };
    Ok(Done::new(text, &report)?.with(notes, false))
}
