//! Which project a command signs in to: the one its arguments name, else the workspace's.

use agent_core::ports::RemoteError;
use agent_engine::config::ProjectConfig;
use agent_remote::{Auth, Settings, SupabaseRemote, Team};
use anyhow::{Context as _, anyhow};
use serde::Serialize;
use uuid::Uuid;

use crate::args::Project;
use crate::{place, show};

/// A project and the session with it.
pub(crate) struct Connection {
    /// Where it is, and which team the workspace belongs to (nil: not known).
    pub(crate) settings: Settings,
    /// The session.
    pub(crate) auth: Auth,
    /// The server.
    pub(crate) remote: SupabaseRemote,
}

impl Connection {
    /// The workspace's team, where one is configured.
    pub(crate) fn team(&self) -> Option<Uuid> {
        Some(self.settings.team()).filter(|team| !team.is_nil())
    }
}

/// A team in a report.
#[derive(Debug, Serialize)]
pub(crate) struct TeamRow {
    /// Its id, for `remote.team_id`.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
    /// One's own role.
    pub(crate) role: String,
    /// Whether it is the workspace's.
    pub(crate) is_this: bool,
}

/// The teams for a report.
pub(crate) fn rows(teams: Vec<Team>, this: Option<Uuid>) -> Vec<TeamRow> {
    let row = |team: Team| TeamRow {
        id: team.id,
        is_this: Some(team.id) == this,
        name: team.name,
        role: team.role,
    };
    teams.into_iter().map(row).collect()
}

/// The lines of a list of teams.
pub(crate) fn lines(teams: &[TeamRow]) -> Vec<String> {
    let line = |team: &TeamRow| {
        let this = if team.is_this { "  (this workspace's)" } else { "" };
        format!("{}  {}  {}{this}", team.id, team.role, team.name)
    };
    teams.iter().map(line).collect()
}

/// What to say when a request failed.
pub(crate) fn failed(error: &RemoteError) -> anyhow::Error {
    match error {
        RemoteError::Misconfigured(_) => anyhow!("{}", show::trouble(error)),
        _ => anyhow!("{error}"),
    }
}

/// Connects to the project; sends nothing yet.
pub(crate) fn connect(project: &Project) -> anyhow::Result<Connection> {
    let (project, team) = match (&project.url, &project.anon_key_env) {
        (Some(url), Some(name)) => (named(url, name)?, None),
        _ => configured()?,
    };
    let team = team.unwrap_or(Uuid::nil());
    let settings = Settings::new(project.url, project.anon_key, team, place::home()?, place::CLIENT)
        .and_then(|settings| settings.with_environment(&place::env))
        .map_err(|error| failed(&error))?;
    let auth = Auth::new(&settings).map_err(|error| failed(&error))?;
    let remote = SupabaseRemote::new(&settings, auth.clone());
    Ok(Connection { settings, auth, remote })
}

fn named(url: &str, name: &str) -> anyhow::Result<ProjectConfig> {
    let key = place::env(name).filter(|key| !key.is_empty()).with_context(|| {
        format!(
            "the environment variable {name} is not set; put the project's publishable (anon) key into it"
        )
    })?;
    let url = url.parse().with_context(|| format!("--url {url:?} is no address"))?;
    Ok(ProjectConfig { url, anon_key: key.into() })
}

fn configured() -> anyhow::Result<(ProjectConfig, Option<Uuid>)> {
    let workspace = place::workspace()
        .context("no project is named: give --url and --anon-key-env, or go to a workspace")?;
    let config = workspace.config(&place::env)?;
    let team = config.remote.ok().map(|remote| remote.team_id);
    let file = workspace.config_file();
    let project = config.project.map_err(|problem| anyhow!("{}: {problem}", file.display()))?;
    Ok((project, team))
}
