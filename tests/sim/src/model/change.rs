//! A change as it is submitted, well-formed or not, and what makes it malformed.

use agent_core::id::{ArtifactId, ArtifactKey, ArtifactPath, Kind, Text, Version};
use agent_core::ports::PushChange;
use serde_json::Value;
use uuid::Uuid;

use super::json::text_of;
use super::lifecycle::state_of;

/// The most bytes of a content.
pub(super) const MAX_CONTENT: usize = 2 * 1024 * 1024;
/// The most bytes of a title or a state.
pub(super) const MAX_NAME: usize = 8 * 1024;

/// A change as it came in. What it says of itself is echoed in its answer even when it is malformed.
#[derive(Debug, Clone)]
pub struct Submitted {
    pub(super) change_id: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) id: Option<String>,
    pub(super) well_formed: Result<WellFormed, &'static str>,
}

/// A change with every field of the right form; its sizes and its hash are not looked at yet.
#[derive(Debug, Clone)]
pub(super) struct WellFormed {
    pub(super) change_id: Uuid,
    pub(super) key: ArtifactKey,
    pub(super) base_version: Version,
    pub(super) path: ArtifactPath,
    pub(super) title: Option<String>,
    /// What the client says the state is; it counts for its size alone.
    pub(super) state: Option<String>,
    pub(super) content: Option<Text>,
    /// What the client says the content's hash is.
    pub(super) claimed_hash: Option<String>,
}

impl WellFormed {
    pub(super) fn is_too_large(&self) -> bool {
        let is_long = |name: &Option<String>| name.as_ref().is_some_and(|name| name.len() > MAX_NAME);
        let content = self.content.as_ref().map_or(0, |text| text.as_str().len());
        content > MAX_CONTENT || is_long(&self.title) || is_long(&self.state)
    }

    pub(super) fn state_in_text(&self) -> Option<String> {
        state_of(self.content.as_ref(), &self.path)
    }

    /// The state and the bytes of the content that the artifact gets by it.
    pub(super) fn gives(&self) -> (Option<String>, Option<u64>) {
        (self.state_in_text(), self.content.as_ref().map(|text| text.as_str().len() as u64))
    }

    pub(super) fn tells_its_hash(&self) -> bool {
        self.claimed_hash == self.content.as_ref().map(|text| text.hash().to_string())
    }
}

impl From<&PushChange> for Submitted {
    fn from(change: &PushChange) -> Self {
        Self {
            change_id: Some(change.change_id.to_string()),
            kind: Some(change.key.kind.as_str().to_owned()),
            id: Some(change.key.id.as_str().to_owned()),
            well_formed: Ok(WellFormed {
                change_id: change.change_id.0,
                key: change.key.clone(),
                base_version: change.base_version,
                path: change.path.clone(),
                title: change.title.clone(),
                state: change.state.clone(),
                claimed_hash: change.content.as_ref().map(|text| text.hash().to_string()),
                content: change.content.clone(),
            }),
        }
    }
}

impl From<&Value> for Submitted {
    /// Takes any JSON: what is not even an object lacks every field.
    fn from(change: &Value) -> Self {
        let text = |name: &str| change.get(name).and_then(text_of);
        Self { change_id: text("change_id"), kind: text("kind"), id: text("id"), well_formed: read(change) }
    }
}

/// Reads the fields in the order in which they are complained about.
fn read(change: &Value) -> Result<WellFormed, &'static str> {
    let text = |name: &str| change.get(name).and_then(text_of);
    let change_id = text("change_id").and_then(|id| hyphenated(&id)).ok_or("change_id must be a UUID")?;
    let kind = text("kind").and_then(|kind| Kind::new(&kind).ok());
    let kind = kind.ok_or("kind must match ^[a-z][a-z0-9_-]{0,31}$")?;
    let id = text("id").and_then(|id| ArtifactId::new(&id).ok());
    let id = id.ok_or("id must have 1 to 200 characters, without slashes and control characters")?;
    let base_version = change
        .get("base_version")
        .and_then(whole_number)
        .ok_or("base_version must be a whole number, 0 if the artifact does not exist there yet")?;
    let path = text("path").and_then(|path| ArtifactPath::new(&path).ok()).ok_or(
        "path must be relative, with forward slashes, at most 1024 bytes, without colons and control \
         characters, and with no part that is empty or ends in a space or a dot",
    )?;
    // A forgotten content must not read as a deletion.
    let content = match change.get("content") {
        Some(Value::String(content)) => Some(Text::new(content.as_str())),
        Some(Value::Null) => None,
        _ => return Err("content must be a string, or null to delete"),
    };
    let name = |name: &str| match change.get(name) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err("title and state must be strings or null"),
    };
    let (title, state) = (name("title")?, name("state")?);
    let key = ArtifactKey { kind, id };
    let claimed_hash = text("content_hash");
    Ok(WellFormed { change_id, key, base_version, path, title, state, content, claimed_hash })
}

/// Only the form with hyphens, as the other forms of a UUID would have to be told apart later.
fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

/// A JSON number of at most 18 digits and nothing else.
fn whole_number(value: &Value) -> Option<Version> {
    value.as_u64().filter(|&number| number < 10_u64.pow(18)).map(Version)
}
