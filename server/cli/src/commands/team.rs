//! `agent team …`: teams, their members and invitations. Who may do what is the server's decision.

use agent_remote::{Invitation, Joined, Member};
use anyhow::{Context as _, bail};
use serde::Serialize;
use uuid::Uuid;

use crate::args::{Project, Team, TeamCommand};
use crate::commands::project::Connection;
use crate::commands::{block_on, project};
use crate::output::Done;

#[derive(Serialize)]
struct Created {
    team: Uuid,
    name: String,
}

#[derive(Serialize)]
struct Invited {
    team: Uuid,
    invitation: Uuid,
    email: String,
    role: String,
}

#[derive(Serialize)]
struct Invitations {
    invitations: Vec<Invitation>,
}

#[derive(Serialize)]
struct Declined {
    invitation: Uuid,
}

#[derive(Serialize)]
struct Members {
    team: Uuid,
    members: Vec<Member>,
}

#[derive(Serialize)]
struct Changed {
    team: Uuid,
    user_id: Uuid,
    role: String,
}

#[derive(Serialize)]
struct Left {
    team: Uuid,
    was_member: bool,
}

/// Does what the subcommand says.
pub(crate) fn run(args: Team) -> anyhow::Result<Done> {
    let Team { command, at } = args;
    let connection = project::connect(&Project { url: at.url, anon_key_env: at.anon_key_env })?;
    let team = at.team.or(connection.team());
    let team =
        || team.context("no team is named: give --team ID, or set remote.team_id in .agent/etc/sync.yaml");
    match command {
        TeamCommand::Create { name } => create(&connection, name),
        TeamCommand::Invite { email, role } => invite(&connection, team()?, email, role),
        TeamCommand::Invitations => invitations(&connection),
        TeamCommand::Accept { invitation } => accept(&connection, invitation),
        TeamCommand::Decline { invitation } => decline(&connection, invitation),
        TeamCommand::Members => members(&connection, team()?),
        TeamCommand::Role { member, role } => set_role(&connection, team()?, &member, role),
        TeamCommand::Remove { member } => remove(&connection, team()?, &member),
        TeamCommand::Leave => leave(&connection, team()?),
    }
}

/// Waits for an answer of the server.
fn answer<T>(asked: impl Future<Output = Result<T, agent_core::ports::RemoteError>>) -> anyhow::Result<T> {
    block_on(asked)?.map_err(|error| project::failed(&error))
}

fn create(connection: &Connection, name: String) -> anyhow::Result<Done> {
    let team = answer(connection.remote.create_team(&name))?;
    let text = format!(
        "Made the team {name} ({team}).\nPut it into .agent/etc/sync.yaml as remote.team_id, and invite the others with: \
         agent team invite EMAIL --role editor --team {team}\n"
    );
    Done::new(text, &Created { team, name })
}

fn invite(connection: &Connection, team: Uuid, email: String, role: String) -> anyhow::Result<Done> {
    let invitation = answer(connection.remote.invite_member(team, &email, &role))?;
    let text = format!(
        "{email} is invited to team {team} as {role}. They join, signed in with that address, with: agent team accept\n"
    );
    Done::new(text, &Invited { team, invitation, email, role })
}

fn invitations(connection: &Connection) -> anyhow::Result<Done> {
    let invitations = answer(connection.remote.my_invitations())?;
    let line = |it: &Invitation| format!("{}  {}  {}  ({})\n", it.invitation, it.role, it.team_name, it.team);
    let text = match invitations.is_empty() {
        true => "No invitation waits for you.\n".to_owned(),
        false => invitations.iter().map(line).collect(),
    };
    Done::new(text, &Invitations { invitations })
}

fn accept(connection: &Connection, invitation: Option<Uuid>) -> anyhow::Result<Done> {
    let invitation = match invitation {
        Some(invitation) => invitation,
        None => match answer(connection.remote.my_invitations())?.as_slice() {
            [only] => only.invitation,
            [] => bail!("no invitation waits for you"),
            several => bail!(
                "{} invitations wait for you: name one of those that agent team invitations shows",
                several.len()
            ),
        },
    };
    let joined: Joined = answer(connection.remote.accept_invitation(invitation))?;
    let Joined { team, name, role } = &joined;
    let text = format!(
        "You are {role} in the team {name} now.\nPut it into .agent/etc/sync.yaml as remote.team_id: {team}\n"
    );
    Done::new(text, &joined)
}

fn decline(connection: &Connection, invitation: Uuid) -> anyhow::Result<Done> {
    answer(connection.remote.decline_invitation(invitation))?;
    Done::new("Declined.\n".to_owned(), &Declined { invitation })
}

fn members(connection: &Connection, team: Uuid) -> anyhow::Result<Done> {
    let members = answer(connection.remote.team_members(team))?;
    let line = |it: &Member| format!("{}  {}  {}\n", it.user_id, it.role, it.display_name);
    let text = members.iter().map(line).collect();
    Done::new(text, &Members { team, members })
}

fn set_role(connection: &Connection, team: Uuid, member: &str, role: String) -> anyhow::Result<Done> {
    let user_id = found(connection, team, member)?;
    answer(connection.remote.set_member_role(team, user_id, &role))?;
    Done::new(format!("{member} is {role} in team {team} now.\n"), &Changed { team, user_id, role })
}

fn remove(connection: &Connection, team: Uuid, member: &str) -> anyhow::Result<Done> {
    let user_id = found(connection, team, member)?;
    let was_member = answer(connection.remote.remove_team_member(team, user_id))?;
    Done::new(format!("{member} is in team {team} no more.\n"), &Left { team, was_member })
}

fn leave(connection: &Connection, team: Uuid) -> anyhow::Result<Done> {
    let was_member = answer(connection.remote.leave_team(team))?;
    Done::new(format!("You left team {team}.\n"), &Left { team, was_member })
}

/// The member that is meant by an id, or by a name or address in the team.
fn found(connection: &Connection, team: Uuid, named: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = Uuid::try_parse(named) {
        return Ok(id);
    }
    let members = answer(connection.remote.team_members(team))?;
    let is_meant = |member: &&Member| member.display_name.eq_ignore_ascii_case(named);
    let meant: Vec<_> = members.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [only] => Ok(only.user_id),
        [] => bail!("the team has no member {named}: agent team members shows who is in it"),
        _ => bail!("the team has several members {named}: name one by the id that agent team members shows"),
    }
}
