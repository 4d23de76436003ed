//! What a team decides: its states, its ids, its log. One call each; what follows from the answers is
//! decided elsewhere.

use agent_core::id::Kind;
use agent_core::lifecycle::Role;
use agent_core::ports::RemoteError;
use uuid::Uuid;

use super::{Repeat, SupabaseRemote, to_vec};
use crate::wire::team::{self, AuditEntry};

/// Which entries of a team's log to show, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only those since then, as RFC 3339 has it.
    pub since: Option<String>,
    /// Only this member's.
    pub member: Option<Uuid>,
    /// Only those older than this entry.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// A page of a team's log.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether there are older ones.
    pub more: bool,
}

impl SupabaseRemote {
    /// The team's lifecycle table, as the server writes it; [`crate::lifecycle`] reads it.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the project has none.
    pub async fn lifecycle(&self) -> Result<String, RemoteError> {
        let args = serde_json::json!({ "team": self.team.to_string() });
        let body = self.call(&self.function("team_lifecycle", to_vec(&args)?)?, Repeat::Quickly).await?;
        let text = String::from_utf8(body).map_err(|error| self.odd("team_lifecycle", &error.to_string()))?;
        match team::lifecycle(&text) {
            Ok(_) => Ok(text),
            Err(problem) => Err(self.odd("team_lifecycle", &problem)),
        }
    }

    /// The topic at which the team's live channel is now.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] when one is not in the team.
    pub(crate) async fn channel(&self) -> Result<String, RemoteError> {
        let args = serde_json::json!({ "team": self.team.to_string() });
        let body = self.call(&self.function("team_channel", to_vec(&args)?)?, Repeat::Quickly).await?;
        team::channel(&body).map_err(|problem| self.odd("team_channel", &problem))
    }

    /// One's own role in the team; `None` when one is not in it.
    ///
    /// # Errors
    /// What the server says.
    pub async fn role(&self) -> Result<Option<Role>, RemoteError> {
        let teams = self.teams().await?;
        let ours = teams.iter().find(|team| team.id == self.team);
        Ok(ours.and_then(|team| Role::named(&team.role)))
    }

    /// The next free id with this prefix, greater than `after`. Asked twice it gives two.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] for a viewer.
    pub async fn allocate_id(&self, kind: &Kind, prefix: &str, after: u64) -> Result<String, RemoteError> {
        let args = serde_json::json!({
            "team": self.team.to_string(), "kind": kind.as_str(), "prefix": prefix, "after_number": after,
        });
        let body = self.call(&self.function("allocate_id", to_vec(&args)?)?, Repeat::Never).await?;
        team::allocated(&body, prefix).map_err(|problem| self.odd("allocate_id", &problem))
    }

    /// A page of the team's log: all of it for an admin, one's own part for others.
    ///
    /// # Errors
    /// [`RemoteError::Forbidden`] when asked for somebody else's without being an admin.
    pub async fn audit(&self, query: &AuditQuery) -> Result<AuditPage, RemoteError> {
        let args = serde_json::json!({
            "team": self.team.to_string(), "since": query.since, "member": query.member.map(|id| id.to_string()),
            "before": query.before, "max_rows": query.limit,
        });
        let body = self.call(&self.function("audit_entries", to_vec(&args)?)?, Repeat::Quickly).await?;
        let (entries, more) = team::audit(&body).map_err(|problem| self.odd("audit_entries", &problem))?;
        Ok(AuditPage { entries, more })
    }

    /// The members of the team: their ids and names, as far as one may see them.
    ///
    /// # Errors
    /// What the server says.
    pub async fn members(&self) -> Result<Vec<(Uuid, String)>, RemoteError> {
        let path = format!("rest/v1/team_members?select=user_id,display_name&team_id=eq.{}", self.team);
        let request = self.http.request(reqwest::Method::GET, &path, None)?;
        let body = self.call(&request, Repeat::Quickly).await?;
        team::members(&body).map_err(|problem| self.odd("team_members", &problem))
    }
}
