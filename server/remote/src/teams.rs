//! Teams, their members and invitations, as calls of [`SupabaseRemote`]. Who may make them is the
//! server's decision; its refusals are [`RemoteError::Forbidden`] in its own words.

use agent_core::ports::RemoteError;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rest::{Repeat, SupabaseRemote, to_vec};

/// A member of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their id.
    pub user_id: Uuid,
    /// Their name in this team, at first their address.
    pub display_name: String,
    /// `viewer`, `editor`, `approver` or `admin`.
    pub role: String,
}

/// An invitation that waits for oneself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub invitation: Uuid,
    /// The team's id.
    pub team: Uuid,
    /// The team's name.
    pub team_name: String,
    /// The role that is offered.
    pub role: String,
}

/// An invitation that a team has sent and nobody has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentInvitation {
    /// Its id.
    #[serde(alias = "id")]
    pub invitation: Uuid,
    /// Whom it is for.
    pub email: String,
    /// The role that is offered.
    pub role: String,
}

/// A team one has just joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Its id.
    pub team: Uuid,
    /// Its name.
    pub name: String,
    /// One's role in it.
    pub role: String,
}

#[derive(Deserialize)]
struct Invited {
    invitation: Uuid,
}

impl SupabaseRemote {
    /// Makes a team with oneself as its admin and returns its id.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] with the server's words when it refuses the name. Not repeated
    /// after a lost answer, which would make two teams.
    pub async fn create_team(&self, name: &str) -> Result<Uuid, RemoteError> {
        self.ask("create_team", &json!({ "name": name }), Repeat::Never).await
    }

    /// Invites whoever has this address, now or later; returns the invitation's id.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] unless one is an admin of the team and the role exists.
    pub async fn invite_member(&self, team: Uuid, email: &str, role: &str) -> Result<Uuid, RemoteError> {
        let args = json!({ "team": team.to_string(), "email": email, "role": role });
        let invited: Invited = self.ask("invite_member", &args, Repeat::Quickly).await?;
        Ok(invited.invitation)
    }

    /// The invitations that wait for the signed-in person.
    pub async fn my_invitations(&self) -> Result<Vec<Invitation>, RemoteError> {
        self.ask("my_invitations", &json!({}), Repeat::Quickly).await
    }

    /// Joins the team. Not repeated after a lost answer: the second time there is no invitation.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] when there is no such invitation for oneself.
    pub async fn accept_invitation(&self, invitation: Uuid) -> Result<Joined, RemoteError> {
        let args = json!({ "invitation": invitation.to_string() });
        self.ask("accept_invitation", &args, Repeat::Never).await
    }

    /// Turns an invitation down.
    ///
    /// # Errors
    /// As [`Self::accept_invitation`].
    pub async fn decline_invitation(&self, invitation: Uuid) -> Result<bool, RemoteError> {
        let args = json!({ "invitation": invitation.to_string() });
        self.ask("decline_invitation", &args, Repeat::Never).await
    }

    /// The open invitations of a team, by address; none for whoever is no admin of it.
    pub async fn sent_invitations(&self, team: Uuid) -> Result<Vec<SentInvitation>, RemoteError> {
        let path = format!("rest/v1/team_invitations?select=id,email,role&team_id=eq.{team}&order=email,id");
        let body = self.call(&self.request(Method::GET, &path)?, Repeat::Quickly).await?;
        self.read("team_invitations", &body)
    }

    /// Takes an invitation back; whether it still waited.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] unless one is an admin of its team.
    pub async fn revoke_invitation(&self, invitation: Uuid) -> Result<bool, RemoteError> {
        let args = json!({ "invitation": invitation.to_string() });
        self.ask("revoke_invitation", &args, Repeat::Quickly).await
    }

    /// The members of a team, by name.
    pub async fn team_members(&self, team: Uuid) -> Result<Vec<Member>, RemoteError> {
        let path = format!(
            "rest/v1/team_members?select=user_id,display_name,role&team_id=eq.{team}&order=display_name,user_id"
        );
        let body = self.call(&self.request(Method::GET, &path)?, Repeat::Quickly).await?;
        self.read("team_members", &body)
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] unless one is an admin; also when the team would be left without one.
    pub async fn set_member_role(&self, team: Uuid, member: Uuid, role: &str) -> Result<(), RemoteError> {
        let args = json!({ "team": team.to_string(), "member": member.to_string(), "role": role });
        self.ask("set_member_role", &args, Repeat::Quickly).await.map(|_: Value| ())
    }

    /// Ends a membership; whether there was one.
    ///
    /// # Errors
    /// As [`Self::set_member_role`].
    pub async fn remove_team_member(&self, team: Uuid, member: Uuid) -> Result<bool, RemoteError> {
        let args = json!({ "team": team.to_string(), "member": member.to_string() });
        self.ask("remove_team_member", &args, Repeat::Quickly).await
    }

    /// Ends one's own membership. Not repeated after a lost answer: a stranger may not even ask.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] for the last admin.
    pub async fn leave_team(&self, team: Uuid) -> Result<bool, RemoteError> {
        self.ask("leave_team", &json!({ "team": team.to_string() }), Repeat::Never).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        args: &Value,
        repeat: Repeat,
    ) -> Result<T, RemoteError> {
        let body = self.call(&self.function(name, to_vec(args)?)?, repeat).await?;
        self.read(name, &body)
    }

    fn read<T: DeserializeOwned>(&self, what: &str, body: &[u8]) -> Result<T, RemoteError> {
        serde_json::from_slice(body).map_err(|error| self.odd(what, &error.to_string()))
    }
}
