//! `agent team create | add`: the two calls that make a team. Who may make them is the server's
//! decision.

use anyhow::Context as _;
use serde::Serialize;
use uuid::Uuid;

use crate::args::{Team, TeamCommand};
use crate::commands::{block_on, project};
use crate::output::Done;

#[derive(Serialize)]
struct Created {
    team: Uuid,
    name: String,
}

#[derive(Serialize)]
struct Added {
    team: Uuid,
    user_id: Uuid,
    email: String,
    role: String,
}

/// Makes a team or adds somebody to one.
pub(crate) fn run(args: Team) -> anyhow::Result<Done> {
    match args.command {
        TeamCommand::Create { name, project, .. } => create(name, &project),
        TeamCommand::Add { email, role, team, project, .. } => add(email, role, team, &project),
    }
}

fn create(name: String, project: &crate::args::Project) -> anyhow::Result<Done> {
    let connection = project::connect(project)?;
    let team = block_on(connection.remote.create_team(&name))?.map_err(|error| project::failed(&error))?;
    let text = format!(
        "Made the team {name} ({team}).\nPut it into .agent/etc/sync.yaml as remote.team_id, and add the others with: \
         agent team add EMAIL --role editor --team {team}\n"
    );
    Done::new(text, &Created { team, name })
}

fn add(
    email: String,
    role: String,
    team: Option<Uuid>,
    project: &crate::args::Project,
) -> anyhow::Result<Done> {
    let connection = project::connect(project)?;
    let team = team
        .or(connection.team())
        .context("no team is named: give --team ID, or set remote.team_id in .agent/etc/sync.yaml")?;
    let added = block_on(connection.remote.add_team_member(team, &email, &role))?;
    let user_id = added.map_err(|error| project::failed(&error))?;
    let text = format!("{email} is {role} in team {team} now.\n");
    Done::new(text, &Added { team, user_id, email, role })
}
