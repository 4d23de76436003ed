//! A team's project that always answers the same, so that what commands print of it can be compared
//! letter by letter. It keeps nothing: what it answers follows from what it is asked.

use std::net::SocketAddr;

use agent_core::id::ContentHash;
use serde_json::{Value, json};

use crate::http;

pub(super) const TEAM: &str = "6f9619ff-8b86-4011-b42d-00cf4fc964ff";
const ANN: &str = "00000000-0000-4000-8000-000000000001";
const BOB: &str = "00000000-0000-4000-8000-000000000002";
const INVITATION: &str = "00000000-0000-4000-8000-0000000000aa";
const MADE: &str = "00000000-0000-4000-8000-0000000000bb";
/// What Bob made of the story, and when.
pub(super) const BOBS: &str =
    "# APP-7: Sign in\n\n## State\n\nDRAFT\n\nWith a link by mail.\n\nBob's note.\n";
const AT: &str = "2026-01-30T12:00:00Z";

/// Starts it; it ends with the process.
pub(super) fn start() -> SocketAddr {
    http::serve(|path, asked| (200, answer(path, asked).to_string()))
}

fn answer(path: &str, asked: &Value) -> Value {
    match path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default() {
        "token" => json!({
            "access_token": "the-access-token", "refresh_token": "the-refresh-token", "expires_in": 3600,
            "user": { "id": ANN, "email": "ann@example.com" },
        }),
        "team_members" if path.contains("teams(") => {
            json!([{ "role": "admin", "teams": { "id": TEAM, "name": "The team" } }])
        }
        "team_members" => json!([
            { "user_id": ANN, "display_name": "ann@example.com", "role": "admin" },
            { "user_id": BOB, "display_name": "bob@example.com", "role": "editor" },
        ]),
        "create_team" => json!(MADE),
        "invite_member" => json!({ "invitation": INVITATION }),
        "my_invitations" => {
            json!([{ "invitation": INVITATION, "team": MADE, "team_name": "Others", "role": "editor" }])
        }
        "accept_invitation" => json!({ "team": MADE, "name": "Others", "role": "editor" }),
        "team_invitations" => {
            json!([{ "id": INVITATION, "email": "carol@example.com", "role": "viewer" }])
        }
        "decline_invitation" | "revoke_invitation" | "remove_team_member" | "leave_team" => json!(true),
        "allocate_id" => json!(format!("{}-100", asked["prefix"].as_str().unwrap_or_default())),
        "team_lifecycle" => lifecycle(),
        "audit_entries" => json!({ "entries": [audit()], "more": false }),
        "push_artifacts" => pushed(asked),
        "pull_artifacts" => pulled(asked["after_seq"].as_u64().unwrap_or(0)),
        "artifact_versions" => json!({ "versions": [], "more": false }),
        _ => Value::Null,
    }
}

fn lifecycle() -> Value {
    let table = json!({
        "states": ["DRAFT", "OPEN", "APPROVED"], "approved": ["APPROVED"],
        "transitions": [
            { "from": null, "to": "DRAFT", "role": "editor" },
            { "from": "DRAFT", "to": "OPEN", "role": "editor" },
            { "from": "OPEN", "to": "APPROVED", "role": "approver" },
        ],
    });
    json!({ "version": 1, "kinds": { "story": table } })
}

fn audit() -> Value {
    json!({
        "entry": 7, "at": AT, "user_id": BOB, "user_name": "bob@example.com", "session": null,
        "client": "agent/0.1.0", "action": "push", "outcome": "applied", "reason": null, "kind": "story",
        "id": "APP-7", "from_version": 1, "to_version": 2, "state_before": "DRAFT", "state_after": "DRAFT",
        "bytes_before": 61, "bytes_after": 74,
    })
}

/// Each change is taken, but for a runbook, which only Bob may write.
fn pushed(asked: &Value) -> Value {
    let changes = asked["changes"].as_array().map_or(&[][..], Vec::as_slice);
    // The first push of all is what every scene begins with.
    let is_first = changes.len() > 1 && changes.iter().all(|change| change["base_version"] == 0);
    let before = if is_first { 0 } else { 10 };
    let results = (1..).zip(changes).map(|(n, change): (u64, &Value)| match change["kind"] == "runbook" {
        true => json!({
            "change_id": change["change_id"], "result": "rejected",
            "reason": { "code": "forbidden", "message": "runbooks are Bob's" },
        }),
        false => json!({
            "change_id": change["change_id"], "result": "applied", "seq": before + n,
            "version": change["base_version"].as_u64().unwrap_or(0) + 1,
        }),
    });
    json!({ "results": results.collect::<Vec<_>>(), "newest_seq": before + changes.len() as u64 })
}

fn pulled(after: u64) -> Value {
    let row = |seq: u64, kind: &str, id: &str, version: u64, path: &str, content: &str| {
        json!({
            "kind": kind, "id": id, "version": version, "seq": seq, "path": path, "title": null, "state": null,
            "content": content, "content_hash": ContentHash::of(content.as_bytes()).to_string(), "author": BOB,
            "author_name": "bob@example.com", "change_id": null, "updated_at": AT,
        })
    };
    let rows = [
        row(4, "story", "APP-7", 2, ".agent/stories/APP-7-sign-in.md", BOBS),
        row(5, "adr", "ADR-2", 1, ".agent/adrs/ADR-2.md", "# ADR-2: By Bob\n"),
    ];
    let newer: Vec<Value> = rows.into_iter().filter(|row| row["seq"].as_u64() > Some(after)).collect();
    let schema = json!({ "version": 1000, "oldest_client": 1 });
    json!({ "rows": newer, "newest_seq": 5.max(after), "more": false, "schema": schema })
}
