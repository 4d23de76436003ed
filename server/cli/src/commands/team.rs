//! `agent team …`: teams, their members and invitations. Who may do what is the server's decision.

use agent_remote::{Invitation, Joined, Member, SentInvitation};
use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use uuid::Uuid;

use crate::args::{Project, Team, TeamCommand};
use crate::commands::project::Connection;
use crate::commands::{block_on, project};
use crate::output::{Done, Form};

#[derive(Serialize)]
struct Created {
    dry_run: bool,
    /// `null` in a dry run: the server gives the id.
    team: Option<Uuid>,
    name: String,
}

#[derive(Serialize)]
struct Invited {
    dry_run: bool,
    team: Uuid,
    /// `null` in a dry run: the server gives the id.
    invitation: Option<Uuid>,
    email: String,
    role: String,
}

#[derive(Serialize)]
struct Invitations {
    invitations: Vec<Invitation>,
}

#[derive(Serialize)]
struct Sent {
    team: Uuid,
    invitations: Vec<SentInvitation>,
}

#[derive(Serialize)]
struct Revoked {
    dry_run: bool,
    team: Uuid,
    invitation: Uuid,
    /// Whether it still waited.
    was_invited: bool,
}

#[derive(Serialize)]
struct Accepted {
    dry_run: bool,
    #[serde(flatten)]
    joined: Joined,
}

#[derive(Serialize)]
struct Declined {
    dry_run: bool,
    invitation: Uuid,
}

#[derive(Serialize)]
struct Members {
    team: Uuid,
    members: Vec<Member>,
}

#[derive(Serialize)]
struct Changed {
    dry_run: bool,
    team: Uuid,
    user_id: Uuid,
    role: String,
}

#[derive(Serialize)]
struct Left {
    dry_run: bool,
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
    // A dry run asks what there is, and sends nothing that changes it.
    let is_dry = at.dry_run;
    match command {
        TeamCommand::Create { name } => create(&connection, name, is_dry),
        TeamCommand::Invite { email, role } => invite(&connection, team()?, email, role, is_dry),
        TeamCommand::Invitations { sent: false } => invitations(&connection),
        TeamCommand::Invitations { sent: true } => sent(&connection, team()?),
        TeamCommand::Revoke { invitation } => revoke(&connection, team()?, &invitation, is_dry),
        TeamCommand::Accept { invitation } => accept(&connection, invitation, is_dry),
        TeamCommand::Decline { invitation } => decline(&connection, invitation, is_dry),
        TeamCommand::Members => members(&connection, team()?),
        TeamCommand::Role { member, role } => set_role(&connection, team()?, &member, role, is_dry),
        TeamCommand::Remove { member } => remove(&connection, team()?, &member, is_dry),
        TeamCommand::Leave => leave(&connection, team()?, is_dry),
    }
}

/// Waits for an answer of the server.
fn answer<T>(asked: impl Future<Output = Result<T, agent_core::ports::RemoteError>>) -> anyhow::Result<T> {
    block_on(asked)?.map_err(|error| project::failed(&error))
}

fn create(connection: &Connection, name: String, dry_run: bool) -> anyhow::Result<Done> {
    if dry_run {
        return Done::new(format!("Would make the team {name}.\n"), &Created { dry_run, team: None, name });
    }
    let team = answer(connection.remote.create_team(&name))?;
    let text = format!(
        "Made the team {name} ({team}).\nPut it into .agent/etc/sync.yaml as remote.team_id, and invite the others with: \
         agent team invite EMAIL --role editor --team {team}\n"
    );
    Done::new(text, &Created { dry_run, team: Some(team), name })
}

fn invite(
    connection: &Connection,
    team: Uuid,
    email: String,
    role: String,
    dry_run: bool,
) -> anyhow::Result<Done> {
    if dry_run {
        let text = format!("Would invite {email} to team {team} as {role}.\n");
        return Done::new(text, &Invited { dry_run, team, invitation: None, email, role });
    }
    let invitation = answer(connection.remote.invite_member(team, &email, &role))?;
    let text = format!(
        "{email} is invited to team {team} as {role}. They join, signed in with that address, with: agent team accept\n"
    );
    Done::new(text, &Invited { dry_run, team, invitation: Some(invitation), email, role })
}

fn invitations(connection: &Connection) -> anyhow::Result<Done> {
    let invitations = answer(connection.remote.my_invitations())?;
    let line = |it: &Invitation| format!("{}  {}  {}  ({})\n", it.invitation, it.role, it.team_name, it.team);
    let text = match invitations.is_empty() {
        true => "No invitation waits for you.\n".to_owned(),
        false => invitations.iter().map(line).collect(),
    };
    Ok(Done::new(text, &Invitations { invitations })?.form(Form::Answer))
}

fn sent(connection: &Connection, team: Uuid) -> anyhow::Result<Done> {
    let invitations = sent_by(connection, team)?;
    let line = |it: &SentInvitation| format!("{}  {}  {}\n", it.invitation, it.role, it.email);
    let text = match invitations.is_empty() {
        true => "No invitation of the team's waits for anybody.\n".to_owned(),
        false => invitations.iter().map(line).collect(),
    };
    Ok(Done::new(text, &Sent { team, invitations })?.form(Form::Answer))
}

/// The open invitations of a team; only its admins see any.
fn sent_by(connection: &Connection, team: Uuid) -> anyhow::Result<Vec<SentInvitation>> {
    let mine = answer(connection.remote.teams())?;
    match mine.iter().find(|it| it.id == team).map(|it| it.role.as_str()) {
        Some("admin") => answer(connection.remote.sent_invitations(team)),
        Some(_) => bail!("only an admin of the team sees its invitations"),
        None => {
            bail!("you are not a member of the team {team}, or it does not exist; agent whoami shows yours")
        }
    }
}

fn revoke(connection: &Connection, team: Uuid, named: &str, dry_run: bool) -> anyhow::Result<Done> {
    let sent = sent_by(connection, team)?;
    let meant =
        sent.iter().find(|it| it.email.eq_ignore_ascii_case(named) || it.invitation.to_string() == named);
    let Some(meant) = meant else {
        let hint = "agent team invitations --sent shows those that wait";
        // What was taken back before, or accepted, is not there any more: doing it twice is harmless.
        let Ok(invitation) = Uuid::try_parse(named) else {
            bail!("the team has no invitation for {named}: {hint}");
        };
        let text = format!("No invitation {invitation} of team {team} waits: {hint}.\n");
        return Done::new(text, &Revoked { dry_run, team, invitation, was_invited: false });
    };
    let SentInvitation { invitation, email, .. } = meant;
    let invitation = *invitation;
    if dry_run {
        let text = format!("Would take back the invitation of {email} to team {team}.\n");
        return Done::new(text, &Revoked { dry_run, team, invitation, was_invited: true });
    }
    let was_invited = answer(connection.remote.revoke_invitation(invitation))?;
    let text = match was_invited {
        true => format!("{email} is invited to team {team} no more.\n"),
        false => format!("The invitation of {email} to team {team} does not wait any more.\n"),
    };
    Done::new(text, &Revoked { dry_run, team, invitation, was_invited })
}

fn accept(connection: &Connection, named: Option<Uuid>, dry_run: bool) -> anyhow::Result<Done> {
    if dry_run {
        let Invitation { team, team_name: name, role, .. } = waiting(connection, named)?;
        let text = format!("Would join the team {name} as {role}.\n");
        return Done::new(text, &Accepted { dry_run, joined: Joined { team, name, role } });
    }
    let invitation = match named {
        Some(invitation) => invitation,
        None => waiting(connection, None)?.invitation,
    };
    let joined: Joined = answer(connection.remote.accept_invitation(invitation))?;
    let Joined { team, name, role } = &joined;
    let text = format!(
        "You are {role} in the team {name} now.\nPut it into .agent/etc/sync.yaml as remote.team_id: {team}\n"
    );
    Done::new(text, &Accepted { dry_run, joined })
}

/// The invitation that is meant: the named one, or the only one.
fn waiting(connection: &Connection, named: Option<Uuid>) -> anyhow::Result<Invitation> {
    let mut waiting = answer(connection.remote.my_invitations())?;
    waiting.retain(|it| named.is_none_or(|named| it.invitation == named));
    match (waiting.pop(), waiting.len(), named) {
        (Some(only), 0, _) => Ok(only),
        (None, _, Some(named)) => bail!("no invitation {named} waits for you"),
        (None, _, None) => bail!("no invitation waits for you"),
        (Some(_), others, _) => bail!(
            "{} invitations wait for you: name one of those that agent team invitations shows",
            others + 1
        ),
    }
}

fn decline(connection: &Connection, invitation: Uuid, dry_run: bool) -> anyhow::Result<Done> {
    let report = Declined { dry_run, invitation };
    if dry_run {
        let Invitation { team_name, .. } = waiting(connection, Some(invitation))?;
        return Done::new(format!("Would decline to join the team {team_name}.\n"), &report);
    }
    answer(connection.remote.decline_invitation(invitation))?;
    Done::new("Declined.\n".to_owned(), &report)
}

fn members(connection: &Connection, team: Uuid) -> anyhow::Result<Done> {
    let members = team_of(connection, team)?;
    let line = |it: &Member| format!("{}  {}  {}\n", it.user_id, it.role, it.display_name);
    let text = members.iter().map(line).collect();
    Ok(Done::new(text, &Members { team, members })?.form(Form::Answer))
}

fn set_role(
    connection: &Connection,
    team: Uuid,
    member: &str,
    role: String,
    dry_run: bool,
) -> anyhow::Result<Done> {
    let user_id = found(connection, team, member)?;
    if dry_run {
        let text = format!("Would make {member} {role} in team {team}.\n");
        return Done::new(text, &Changed { dry_run, team, user_id, role });
    }
    answer(connection.remote.set_member_role(team, user_id, &role))?;
    let text = format!("{member} is {role} in team {team} now.\n");
    Done::new(text, &Changed { dry_run, team, user_id, role })
}

fn remove(connection: &Connection, team: Uuid, member: &str, dry_run: bool) -> anyhow::Result<Done> {
    let user_id = found(connection, team, member)?;
    if dry_run {
        let members = answer(connection.remote.team_members(team))?;
        let was_member = members.iter().any(|it| it.user_id == user_id);
        return Done::new(
            format!("Would remove {member} from team {team}.\n"),
            &Left { dry_run, team, was_member },
        );
    }
    let was_member = answer(connection.remote.remove_team_member(team, user_id))?;
    let text = match was_member {
        true => format!("{member} is in team {team} no more.\n"),
        false => format!("{member} was not in team {team}.\n"),
    };
    Done::new(text, &Left { dry_run, team, was_member })
}

fn leave(connection: &Connection, team: Uuid, dry_run: bool) -> anyhow::Result<Done> {
    if dry_run {
        let mine = answer(connection.remote.teams())?;
        let was_member = mine.iter().any(|it| it.id == team);
        return Done::new(format!("Would leave team {team}.\n"), &Left { dry_run, team, was_member });
    }
    let was_member = answer(connection.remote.leave_team(team))?;
    Done::new(format!("You left team {team}.\n"), &Left { dry_run, team, was_member })
}

/// The members of a team; a member sees at least themselves.
fn team_of(connection: &Connection, team: Uuid) -> anyhow::Result<Vec<Member>> {
    let members = answer(connection.remote.team_members(team))?;
    ensure!(
        !members.is_empty(),
        "you are not a member of the team {team}, or it does not exist; agent whoami shows yours"
    );
    Ok(members)
}

/// The member that is meant by an id, or by a name or address in the team.
fn found(connection: &Connection, team: Uuid, named: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = Uuid::try_parse(named) {
        return Ok(id);
    }
    let members = team_of(connection, team)?;
    let is_meant = |member: &&Member| member.display_name.eq_ignore_ascii_case(named);
    let meant: Vec<_> = members.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [only] => Ok(only.user_id),
        [] => bail!("the team has no member {named}: agent team members shows who is in it"),
        _ => bail!("the team has several members {named}: name one by the id that agent team members shows"),
    }
}
