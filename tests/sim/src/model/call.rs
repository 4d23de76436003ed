//! The functions by name, with their arguments as JSON: how PostgREST is called. An argument that is
//! missing or null has the function's default.

use agent_core::id::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ModelRemote, PageLimits, Refusal, Submitted, VersionsQuery};

/// What a call depends on besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Who is signed in, if anybody.
    pub me: Option<Uuid>,
    /// The server's time.
    pub now: Timestamp,
    /// The id that a new thing gets.
    pub new_id: Uuid,
}

impl ModelRemote {
    /// Calls a function, and records that in the team's log.
    ///
    /// # Errors
    /// What the function refuses, and a name no function has.
    pub fn call(&mut self, context: Context, function: &str, args: &Value) -> Result<Value, Refusal> {
        let before = self.before(context, function, args);
        let answer = self.answer(context, function, args);
        self.note(context, (function, args), &before, &answer);
        answer
    }

    fn answer(&mut self, context: Context, function: &str, args: &Value) -> Result<Value, Refusal> {
        let Context { me, now, new_id } = context;
        let text = |name: &str| args[name].as_str();
        let id = |name: &str| text(name).and_then(|text| Uuid::try_parse(text).ok());
        let small = |name: &str| args[name].as_i64().and_then(|number| i32::try_from(number).ok());
        // No team has the nil id, so a team that is missing reads as one that does not exist.
        let team = id("team").unwrap_or_default();
        if me.is_none() {
            return Err(Refusal::new("42501", format!("permission denied for function {function}")));
        }
        match function {
            "create_team" => self.create_team(me, new_id, text("name")).map(|team| json!(team.to_string())),
            "invite_member" => self.invite_member(context, team, text("email"), text("role")),
            "my_invitations" => Ok(self.my_invitations(me)),
            "accept_invitation" => self.accept_invitation(me, id("invitation").unwrap_or_default()),
            "decline_invitation" => self.decline_invitation(me, id("invitation").unwrap_or_default()),
            "revoke_invitation" => self.revoke_invitation(me, id("invitation").unwrap_or_default()),
            "set_member_role" => self.set_member_role(me, team, id("member"), text("role")),
            "remove_team_member" => self.remove_team_member(me, team, id("member")),
            "leave_team" => self.remove_team_member(me, team, me),
            "allocate_id" => {
                let after = args["after_number"].as_i64().unwrap_or(0);
                self.allocate_id(me, team, text("kind"), text("prefix"), after)
            }
            "push_artifacts" => {
                self.require_role(me, team)?;
                let Some(changes) = args["changes"].as_array() else {
                    return Err(Refusal::new("22023", "changes must be an array"));
                };
                let changes: Vec<_> = changes.iter().map(Submitted::from).collect();
                self.push(me, team, &changes, now).map(|pushed| pushed.to_json())
            }
            "pull_artifacts" => {
                let limits = PageLimits { rows: small("max_rows"), bytes: small("max_bytes") };
                let after = args["after_seq"].as_i64().unwrap_or(0);
                self.pull(me, team, after, limits).map(|page| page.to_json())
            }
            "artifact_versions" => {
                let query = VersionsQuery {
                    kind: text("kind").map(str::to_owned),
                    id: text("id").map(str::to_owned),
                    content_hash: text("content_hash").map(str::to_owned),
                    before_version: args["before_version"].as_i64(),
                    max_rows: small("max_rows"),
                    with_content: args["with_content"] == true,
                };
                self.versions(me, team, &query).map(|versions| versions.to_json())
            }
            "team_lifecycle" => self.team_lifecycle(me, team),
            "set_lifecycle" => self.set_lifecycle(me, team, text("kind"), &args["states"]),
            "audit_entries" => self.audit_entries(me, team, id("member"), small("max_rows")),
            "artifact_approvals" => self.artifact_approvals(me, team, text("kind"), text("id")),
            "erase_author" => self.erase_author(context, team, id("member"), text("texts")),
            other => Err(Refusal::new("PGRST202", format!("there is no function {other}"))),
        }
    }
}
