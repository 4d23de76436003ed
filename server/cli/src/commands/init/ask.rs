//! What `agent sync init` asks a person at a terminal: the project, the key's variable, who they are, the
//! team. Each answer is tried against the project before the next question; nothing is written into the
//! workspace before all are given.

use std::path::Path;

use agent_core::ports::RemoteError;
use agent_remote::Auth;
use agent_remote::probe::{Contract, probe};
use anyhow::Context as _;
use dialoguer::{Confirm, Input, Password, Select};
use secrecy::SecretString;
use uuid::Uuid;

use crate::args::{Init, Project};
use crate::commands::block_on;
use crate::commands::login::{self, SignedIn};
use crate::commands::project::{self, Connection};
use crate::output;
use crate::place;
use crate::show::trouble;

/// What was answered.
pub(super) struct Given {
    pub(super) url: String,
    pub(super) key_env: String,
    pub(super) team: Uuid,
}

/// Asks for what the arguments do not say.
pub(super) fn ask(args: &Init, root: &Path) -> anyhow::Result<Given> {
    say(&format!("{} is no workspace yet. Ctrl-C leaves it as it is.\n", root.display()));
    let key_env = key_env(args)?;
    let (url, connection) = project(args, &key_env)?;
    sign_in(&connection.auth)?;
    let team = match args.team_id {
        Some(team) => team,
        None => team(&connection)?,
    };
    Ok(Given { url, key_env, team })
}

/// Whether they say yes. Who leaves says no.
pub(super) fn agrees(question: &str) -> bool {
    Confirm::new().with_prompt(question).default(true).interact().unwrap_or(false)
}

fn say(text: &str) {
    output::err(text);
}

fn key_env(args: &Init) -> anyhow::Result<String> {
    let name: String = Input::new()
        .with_prompt("The environment variable that holds the project's publishable (anon) key")
        .default(args.anon_key_env.clone())
        .interact_text()?;
    place::env(&name).filter(|key| !key.is_empty()).with_context(|| {
        format!(
            "{name} is not set; nothing was changed. Copy the publishable key from the project's API settings, then: \
             export {name}=…, and run the command again"
        )
    })?;
    Ok(name)
}

/// Asks for the address until a project answers there.
fn project(args: &Init, key_env: &str) -> anyhow::Result<(String, Connection)> {
    let mut known = args.url.clone();
    loop {
        let url = match known.take() {
            Some(url) => url,
            None => Input::new()
                .with_prompt("The team's Supabase project (https://….supabase.co)")
                .interact_text()?,
        };
        match tried(&url, key_env) {
            Ok((connection, said)) => {
                say(&format!("{said}\n"));
                return Ok((url, connection));
            }
            Err(problem) => say(&format!("{problem:#}\n")),
        }
    }
}

fn tried(url: &str, key_env: &str) -> anyhow::Result<(Connection, String)> {
    let named = Project { url: Some(url.trim().to_owned()), anon_key_env: Some(key_env.to_owned()) };
    let connection = project::connect(&named)?;
    let probe = block_on(probe(&connection.settings))?.map_err(|silent| silent.error)?;
    match probe.contract {
        Contract::Version(_) => {
            let said = format!("{} answers in {} ms.", connection.settings.host(), probe.took.as_millis());
            Ok((connection, said))
        }
        Contract::Missing => {
            anyhow::bail!("the project's database lacks what agent needs; apply supabase/migrations to it")
        }
        Contract::Unknown(error) => Err(error.into()),
    }
}

/// Signs somebody in, unless they are already.
fn sign_in(auth: &Auth) -> anyhow::Result<()> {
    if let Some(user) = auth.user() {
        say(&format!("Signed in as {}.\n", user.email));
        return Ok(());
    }
    if auth.given_by().is_some() {
        return Ok(());
    }
    loop {
        let ways = ["with a password", "with a code by mail", "through the browser"];
        let way = Select::new().with_prompt("Sign in").items(ways).default(0).interact()?;
        let user = match way {
            0 => with_password(auth)?,
            1 => with_code(auth)?,
            _ => with_browser(auth)?,
        };
        match user {
            Ok(user) => {
                say(&format!("Signed in as {}.\n", user.email));
                return Ok(());
            }
            Err(error) => say(&format!("{}\n", trouble(&error))),
        }
    }
}

fn email() -> anyhow::Result<String> {
    let email: String = Input::new().with_prompt("Your address").interact_text()?;
    Ok(email.trim().to_owned())
}

fn with_password(auth: &Auth) -> anyhow::Result<SignedIn> {
    let email = email()?;
    let password = SecretString::from(Password::new().with_prompt("Password").interact()?);
    block_on(auth.sign_in(&email, password))
}

fn with_code(auth: &Auth) -> anyhow::Result<SignedIn> {
    let email = email()?;
    if let Err(error) = block_on(auth.send_code(&email))? {
        return Ok(Err(error));
    }
    let code = Password::new().with_prompt(format!("The code that was sent to {email}")).interact()?;
    block_on(auth.sign_in_with_code(&email, &SecretString::from(code)))
}

fn with_browser(auth: &Auth) -> anyhow::Result<SignedIn> {
    let providers = match block_on(auth.providers())? {
        Ok(providers) => providers,
        Err(error) => return Ok(Err(error)),
    };
    if providers.is_empty() {
        return Ok(Err(RemoteError::Forbidden("the project has no provider switched on".to_owned())));
    }
    let chosen = Select::new().with_prompt("Provider").items(&providers).default(0).interact()?;
    block_on(login::with_browser(auth, &providers[chosen], true))
}

/// The team: one they are in, one that invited them, or a new one.
fn team(connection: &Connection) -> anyhow::Result<Uuid> {
    let remote = &connection.remote;
    let failed = |error: RemoteError| project::failed(&error);
    let teams = block_on(remote.teams())?.map_err(failed)?;
    let invitations = block_on(remote.my_invitations())?.map_err(failed)?;
    let mut items: Vec<String> = teams.iter().map(|team| format!("{} ({})", team.name, team.role)).collect();
    items.extend(
        invitations.iter().map(|one| format!("accept the invitation to {} ({})", one.team_name, one.role)),
    );
    items.push("make a new team".to_owned());
    let chosen = Select::new().with_prompt("Team").items(&items).default(0).interact()?;
    if let Some(team) = teams.get(chosen) {
        return Ok(team.id);
    }
    if let Some(invitation) = invitations.get(chosen - teams.len()) {
        let joined = block_on(remote.accept_invitation(invitation.invitation))?.map_err(failed)?;
        return Ok(joined.team);
    }
    let name: String = Input::new().with_prompt("Its name").interact_text()?;
    block_on(remote.create_team(name.trim()))?.map_err(failed)
}
