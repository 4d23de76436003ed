//! The JSON of what a team decides: the lifecycle table, an id, the log.

use std::collections::BTreeMap;

use agent_core::create::naming;
use agent_core::id::Kind;
use agent_core::lifecycle::{Lifecycle, Role, Table, Transition};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::one_line;

#[derive(Deserialize)]
struct WireLifecycle {
    version: u64,
    kinds: Option<BTreeMap<String, WireTable>>,
}

#[derive(Deserialize)]
struct WireTable {
    states: Vec<String>,
    approved: Vec<String>,
    transitions: Option<Vec<WireTransition>>,
}

#[derive(Deserialize)]
struct WireTransition {
    from: Option<String>,
    to: String,
    role: String,
}

/// Reads the answer of `team_lifecycle`. A transition for a role that this program does not know is
/// left out: nobody here can have it.
///
/// # Errors
/// What is wrong with it, for people.
pub fn lifecycle(body: &str) -> Result<Lifecycle, String> {
    let read: WireLifecycle = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let mut kinds = BTreeMap::new();
    for (kind, table) in read.kinds.unwrap_or_default() {
        let kind = Kind::new(&kind).map_err(|error| error.to_string())?;
        let transitions = table.transitions.unwrap_or_default().into_iter().filter_map(|wire| {
            Some(Transition { from: wire.from, to: wire.to, role: Role::named(&wire.role)? })
        });
        kinds.insert(kind, Table::new(table.states, table.approved, transitions.collect()));
    }
    Ok(Lifecycle::new(read.version, kinds))
}

/// Reads the answer of `allocate_id`. It becomes a file's name, so it must be an id with the prefix
/// that was asked for.
pub(crate) fn allocated(body: &[u8], prefix: &str) -> Result<String, String> {
    let id: String = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match naming::parts(&id) {
        Some((given, _)) if given == prefix => Ok(id),
        _ => Err(format!("{:?} is no id with the prefix {prefix}", one_line(&id))),
    }
}

/// Reads the answer of `team_channel`: a topic, which goes back to the server as it is.
pub(crate) fn channel(body: &[u8]) -> Result<String, String> {
    let topic: String = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let is_topic = topic.starts_with("team:") && topic.len() <= 200 && !topic.contains(char::is_control);
    if is_topic { Ok(topic) } else { Err(format!("{:?} is no topic of a team", one_line(&topic))) }
}

/// One line of a team's log, as the server keeps it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub entry: u64,
    /// When.
    pub at: String,
    /// Who.
    pub user_id: Option<String>,
    /// By which name.
    pub user_name: Option<String>,
    /// In which session.
    pub session: Option<String>,
    /// With which program.
    pub client: Option<String>,
    /// What was asked for.
    pub action: String,
    /// What became of it.
    pub outcome: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Of which artifact, its kind.
    pub kind: Option<String>,
    /// And its id.
    pub id: Option<String>,
    /// The version before.
    pub from_version: Option<u64>,
    /// The version after.
    pub to_version: Option<u64>,
    /// The state before.
    pub state_before: Option<String>,
    /// The state after.
    pub state_after: Option<String>,
    /// How long the content was, in bytes.
    pub bytes_before: Option<u64>,
    /// How long it is.
    pub bytes_after: Option<u64>,
}

#[derive(Deserialize)]
struct Audit {
    entries: Vec<AuditEntry>,
    more: bool,
}

/// Reads the answer of `audit_entries`.
pub(crate) fn audit(body: &[u8]) -> Result<(Vec<AuditEntry>, bool), String> {
    let read: Audit = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let entries = read.entries.into_iter().map(|entry| {
        let line = |text: Option<String>| text.map(|text| one_line(&text));
        AuditEntry {
            at: one_line(&entry.at),
            user_name: line(entry.user_name),
            client: line(entry.client),
            action: one_line(&entry.action),
            outcome: one_line(&entry.outcome),
            reason: line(entry.reason),
            kind: line(entry.kind),
            id: line(entry.id),
            state_before: line(entry.state_before),
            state_after: line(entry.state_after),
            ..entry
        }
    });
    Ok((entries.collect(), read.more))
}

#[derive(Deserialize)]
struct Member {
    user_id: String,
    display_name: Option<String>,
}

/// Reads `team_members?select=user_id,display_name`.
pub(crate) fn members(body: &[u8]) -> Result<Vec<(Uuid, String)>, String> {
    let rows: Vec<Member> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let read = rows.into_iter().map(|row| {
        let id = Uuid::try_parse(&row.user_id).map_err(|error| error.to_string())?;
        Ok((id, one_line(&row.display_name.unwrap_or_default())))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_as_the_server_writes_it() {
        let body = r#"{"version": 3, "kinds": {"story": {"states": ["DRAFT", "APPROVED"], "approved": ["APPROVED"],
            "transitions": [{"from": null, "to": "DRAFT", "role": "editor"},
            {"from": "DRAFT", "to": "APPROVED", "role": "approver"}, {"from": "DRAFT", "to": "X", "role": "king"}]},
            "plan": {"states": [], "approved": [], "transitions": null}}}"#;
        let read = lifecycle(body).expect("a table");
        assert_eq!(read.version, 3);
        let story = read.of(&Kind::new("story").expect("a kind")).expect("a table");
        let follow = |role| story.may_follow(Some("DRAFT"), role).iter().map(|m| m.to).collect::<Vec<_>>();
        assert_eq!(follow(Role::Approver), ["APPROVED"]);
        assert_eq!(follow(Role::Editor), Vec::<&str>::new());
        assert!(read.of(&Kind::new("plan").expect("a kind")).is_none());
        assert!(lifecycle(r#"{"version": 1, "kinds": null}"#).is_ok());
        assert!(lifecycle("[]").is_err());
    }

    #[test]
    fn only_an_id_with_the_prefix_is_one() {
        assert_eq!(allocated(br#""INFRA-041""#, "INFRA").as_deref(), Ok("INFRA-041"));
        for bad in [&br#""WEB-041""#[..], br#""INFRA-041/../x""#, br#""INFRA""#, b"41", b"null"] {
            assert!(allocated(bad, "INFRA").is_err());
        }
    }

    #[test]
    fn a_log_entry_cannot_forge_a_line() {
        let body = r#"{"entries": [{"entry": 1, "at": "2026-01-31T10:00:00Z", "user_id": null, "user_name": "a\nb",
            "session": null, "client": "x", "action": "push", "outcome": "rejected", "reason": "state", "kind": "story",
            "id": "S-1", "from_version": 1, "to_version": null, "state_before": "OPEN", "state_after": "DONE",
            "bytes_before": 1, "bytes_after": 2}], "more": true}"#;
        let (entries, more) = audit(body.as_bytes()).expect("a page");
        assert_eq!((entries[0].user_name.as_deref(), more), (Some("ab"), true));
    }
}
