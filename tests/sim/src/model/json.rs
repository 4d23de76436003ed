//! The answers as the JSON that clients get, and JSON values as the text that SQL takes from them.

use agent_core::id::{Seq, Version};
use serde_json::{Map, Value, json};

use super::{Answer, Erased, Notice, Outcome, Page, Pushed, Reason, Revision, Versions};

/// The contract that this is a model of.
const SCHEMA_VERSION: u32 = 4;

/// What `->>` gives for a value of `jsonb`; `None` for null.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(jsonb_text(other)),
    }
}

/// How PostgreSQL writes `jsonb`: a space after each comma and colon, keys by length and then by bytes.
fn jsonb_text(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", joined(items.iter().map(jsonb_text).collect())),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
            let field = |(name, value): (&String, &Value)| format!("{}: {}", json!(name), jsonb_text(value));
            format!("{{{}}}", joined(fields.into_iter().map(field).collect()))
        }
        plain => plain.to_string(),
    }
}

/// An artifact's newest row, from a pull and in a conflict.
fn row((revision, author_name): &(Revision, Option<String>)) -> Value {
    let mut row = revision_fields(revision, author_name.as_deref());
    row.insert("kind".to_owned(), json!(revision.key.kind.as_str()));
    row.insert("id".to_owned(), json!(revision.key.id.as_str()));
    row.insert("content".to_owned(), content(revision));
    Value::Object(row)
}

fn content(revision: &Revision) -> Value {
    json!(revision.content.as_ref().map(agent_core::id::Text::as_str))
}

/// What rows of the newest and of older revisions have in common. The time is in milliseconds here.
fn revision_fields(revision: &Revision, author_name: Option<&str>) -> Map<String, Value> {
    let fields = json!({
        "version": revision.version.0, "seq": revision.seq.0, "path": revision.path.as_str(),
        "title": revision.title, "state": revision.state, "content_hash": revision.shown_hash(),
        "author": revision.author.to_string(), "author_name": author_name,
        "change_id": revision.change_id.to_string(), "updated_at": revision.at.0,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Page {
    /// As `pull_artifacts` answers.
    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let erasures = self.erasures.iter().map(|Erased { seq, erasure }| {
            let (pseudonym, name) = (&erasure.pseudonym.id, &erasure.pseudonym.name);
            json!({ "seq": seq.0, "pseudonym": pseudonym, "name": name, "mark": erasure.mark.to_string() })
        });
        let erasures: Vec<_> = erasures.collect();
        json!({
            "rows": rows, "erasures": erasures, "newest_seq": self.newest_seq.0, "more": self.more,
            "schema": { "version": SCHEMA_VERSION, "oldest_client": SCHEMA_VERSION },
        })
    }
}

impl Versions {
    /// As `artifact_versions` answers.
    pub fn to_json(&self) -> Value {
        let version = |(revision, author_name): &(Revision, Option<String>)| {
            let mut version = revision_fields(revision, author_name.as_deref());
            version.insert("deleted".to_owned(), json!(revision.content.is_none()));
            if revision.erased.is_some() {
                version.insert("is_erased".to_owned(), json!(true));
            }
            if self.with_content {
                version.insert("content".to_owned(), content(revision));
            }
            Value::Object(version)
        };
        let versions: Vec<_> = self.versions.iter().map(version).collect();
        json!({ "versions": versions, "more": self.more })
    }
}

impl Pushed {
    /// As `push_artifacts` answers.
    pub fn to_json(&self) -> Value {
        let results: Vec<_> = self.answers.iter().map(Answer::to_json).collect();
        json!({ "results": results, "from_seq": self.from_seq.0, "newest_seq": self.newest_seq.0 })
    }
}

impl Answer {
    fn to_json(&self) -> Value {
        let (result, place) = self.outcome.summary();
        let (version, seq) = place.map(|(version, seq)| (version.0, seq.0)).unzip();
        let reason = match &self.outcome {
            Outcome::Rejected(reason) => json!({ "code": reason.code, "message": reason.message }),
            _ => Value::Null,
        };
        let current = match &self.outcome {
            Outcome::Conflict(Some(current)) => row(current),
            _ => Value::Null,
        };
        let mut answer = json!({
            "change_id": self.change_id, "kind": self.kind, "id": self.id, "result": result,
            "version": version, "seq": seq, "reason": reason, "current": current,
        });
        if let Outcome::Rejected(Reason { detail: Some(detail), .. }) = &self.outcome {
            answer["detail"] = json!({
                "from": detail.from, "to": detail.to, "role": detail.role.as_str(),
                "may_follow": detail.may_follow,
            });
        }
        answer
    }
}

impl Outcome {
    /// The word for it, and the version and seq it names.
    pub fn summary(&self) -> (&'static str, Option<(Version, Seq)>) {
        match self {
            Self::Applied(version, seq) => ("applied", Some((*version, *seq))),
            Self::Duplicate(version, seq) => ("duplicate", Some((*version, *seq))),
            Self::Conflict(current) => {
                ("conflict", current.as_ref().map(|current| (current.0.version, current.0.seq)))
            }
            Self::Deferred => ("deferred", None),
            Self::Rejected(_) => ("rejected", None),
        }
    }
}

impl Notice {
    /// The payload of the broadcast, without the id that `realtime.send` adds.
    pub fn to_json(&self) -> Value {
        let change = |(revision, author_name): &(Revision, Option<String>)| {
            json!({
                "kind": revision.key.kind.as_str(), "id": revision.key.id.as_str(),
                "version": revision.version.0, "author": revision.author.to_string(),
                "author_name": author_name, "state": revision.state,
            })
        };
        let changes: Vec<_> = self.changes.iter().map(change).collect();
        json!({ "from_seq": self.from.0, "to_seq": self.to.0, "changes": changes })
    }
}
