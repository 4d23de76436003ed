//! Names and numbers that identify things: artifacts, contents, versions, changes, moments.
//! Each is its own type, so that none can be passed for another. Where an id comes from a file
//! name is decided in [`crate::artifact`]; nothing here generates a value.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// Why a string is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} {problem}")]
pub struct InvalidId {
    /// What was being read: `kind`, `artifact id`, `path`, `content hash`.
    pub what: &'static str,
    /// The offending text, as given.
    pub value: String,
    /// What is wrong with it, as the end of a sentence.
    pub problem: &'static str,
}

fn invalid(what: &'static str, value: &str, problem: &'static str) -> InvalidId {
    InvalidId { what, value: value.to_owned(), problem }
}

/// The kind of an artifact: `plan`, `story`, `runbook`, `adr`, `journey`, or a team's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Arc<str>);

impl Kind {
    /// Reads a kind: a lower-case letter, then at most 31 lower-case letters, digits, `_` or `-`.
    pub fn new(value: &str) -> Result<Self, InvalidId> {
        let mut chars = value.chars();
        let head = chars.next().is_some_and(|c| c.is_ascii_lowercase());
        let tail = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if !head || !tail || value.len() > 32 {
            return Err(invalid("kind", value, "must match [a-z][a-z0-9_-]{0,31}"));
        }
        Ok(Self(value.into()))
    }

    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of an artifact within its kind, such as `INFRA-040`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId(Arc<str>);

impl ArtifactId {
    /// Reads an id: 1 to 200 characters, no control characters and no `/` or `\`.
    pub fn new(value: &str) -> Result<Self, InvalidId> {
        let what = "artifact id";
        if value.is_empty() || value.chars().count() > 200 {
            return Err(invalid(what, value, "must have 1 to 200 characters"));
        }
        if value.chars().any(|c| c.is_control() || c == '/' || c == '\\') {
            return Err(invalid(what, value, "must not hold control characters or slashes"));
        }
        Ok(Self(value.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What identifies an artifact in a team: its kind and its id. Displays as `story/INFRA-040`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactKey {
    /// The kind.
    pub kind: Kind,
    /// The id within the kind.
    pub id: ArtifactId,
}

impl ArtifactKey {
    /// Reads a key from its two parts.
    pub fn new(kind: &str, id: &str) -> Result<Self, InvalidId> {
        Ok(Self { kind: Kind::new(kind)?, id: ArtifactId::new(id)? })
    }
}

impl fmt::Display for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id.as_str())
    }
}

impl FromStr for ArtifactKey {
    type Err = InvalidId;

    /// Reads `kind/id`.
    fn from_str(value: &str) -> Result<Self, InvalidId> {
        let (kind, id) =
            value.split_once('/').ok_or_else(|| invalid("artifact", value, "must be written kind/id"))?;
        Self::new(kind, id)
    }
}

/// Where an artifact's file is: relative to the project's root, with forward slashes, and never
/// outside of it. A path that comes from the remote passes through here before it meets a disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(Arc<str>);

impl ArtifactPath {
    /// Reads a path. Refused are absolute paths, drive letters, backslashes, control characters,
    /// empty, `.` and `..` components, components ending in a space or a dot (which Windows
    /// drops), and more than 1024 bytes.
    pub fn new(value: &str) -> Result<Self, InvalidId> {
        let what = "path";
        if value.is_empty() || value.len() > 1024 {
            return Err(invalid(what, value, "must have 1 to 1024 bytes"));
        }
        if value.chars().any(|c| c.is_control() || c == '\\') {
            return Err(invalid(what, value, "must not hold control characters or backslashes"));
        }
        for part in value.split('/') {
            match part {
                "" => return Err(invalid(what, value, "must be relative, without empty parts")),
                "." | ".." => return Err(invalid(what, value, "must not hold . or .. parts")),
                _ if part.ends_with([' ', '.']) => {
                    return Err(invalid(what, value, "must not have parts ending in a space or dot"));
                }
                _ if part.contains(':') => {
                    return Err(invalid(what, value, "must not hold a colon"));
                }
                _ => {}
            }
        }
        Ok(Self(value.into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a content's UTF-8 bytes; displays as 64 hexadecimal digits. The remote computes the
/// same, so a merge base can be found again by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The raw digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A hash from its raw digest; `None` unless there are exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidId;

    fn from_str(value: &str) -> Result<Self, InvalidId> {
        let problem = || invalid("content hash", value, "must be 64 hexadecimal digits");
        if value.len() != 64 || !value.is_ascii() {
            return Err(problem());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&value[2 * i..2 * i + 2], 16).map_err(|_| problem())?;
        }
        Ok(Self(bytes))
    }
}

/// A content together with its hash, computed once.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    hash: ContentHash,
    text: Arc<str>,
}

impl Text {
    /// Hashes a content.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self { hash: ContentHash::of(text.as_bytes()), text }
    }

    /// The content's hash.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The content.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The content, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes, {})", self.text.len(), self.hash)
    }
}

/// A revision's number, counted 1, 2, 3 … per artifact by the remote; 0 stands for "not there yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u64);

/// The team's change counter on the remote; the pull cursor. 0 is before the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// The cache's own counter of committed transactions, by which processes notice each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rev(pub u64);

/// The number of an operation in one cache: higher is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The client-made UUIDv7 of one pushed edit; pushing it twice applies it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(pub uuid::Uuid);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A moment as milliseconds since the Unix epoch. For display and backoff only: no decision about
/// content rests on a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment plus `millis` milliseconds.
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Who made a revision, as the remote names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Author {
    /// The remote's user id.
    pub id: String,
    /// A name to show; an address or the id when there is nothing better.
    pub name: String,
}

#[cfg(test)]
#[path = "id_tests.rs"]
mod tests;
