//! References of a text to artifacts that are nowhere: links to files that would be artifacts, and ids
//! with a prefix that the team's artifacts have. Precise rather than complete: `UTF-8` is no artifact.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::artifact::identity::Kinds;
use crate::artifact::parse::{Format, parse};
use crate::create::naming::{self, Known};
use crate::id::{ArtifactKey, ArtifactPath};

/// A reference to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The bytes of the reference.
    pub range: Range<usize>,
    /// The artifact it names.
    pub key: ArtifactKey,
    /// Where its file would be; `None` when the text does not say.
    pub path: Option<ArtifactPath>,
}

/// What is missing, in the order of the text. An id may be of several kinds: each kind whose
/// artifacts have its prefix.
pub fn find(text: &str, path: &ArtifactPath, kinds: &Kinds, known: &[Known<'_>]) -> Vec<Missing> {
    let outline = parse(text, Format::of_file(path.file_name()));
    let is_id = |id: &str| known.iter().any(|(key, _)| key.id.as_str() == id);
    let mut missing = Vec::new();
    for link in &outline.links {
        let Some(target) = resolve(path, &link.target) else { continue };
        let Some(Ok(key)) = kinds.key_of(&target) else { continue };
        if known.iter().all(|(other, at)| **other != key && **at != target) {
            missing.push(Missing { range: link.range.clone(), key, path: Some(target) });
        }
    }
    // A link says itself where it leads.
    let in_link = |range: &Range<usize>| {
        outline.links.iter().any(|link| link.range.start <= range.start && range.end <= link.range.end)
    };
    for reference in outline.references.iter().filter(|reference| !in_link(&reference.range)) {
        let Some((prefix, _)) = naming::parts(&reference.text).filter(|_| !is_id(&reference.text)) else {
            continue;
        };
        let with_prefix =
            known.iter().filter(|(key, _)| naming::parts(key.id.as_str()).is_some_and(|(p, _)| p == prefix));
        for kind in with_prefix.map(|(key, _)| &key.kind).collect::<BTreeSet<_>>() {
            if let Ok(key) = ArtifactKey::new(kind.as_str(), &reference.text) {
                missing.push(Missing { range: reference.range.clone(), key, path: None });
            }
        }
    }
    missing.sort_by_key(|found| found.range.start);
    missing
}

/// The file that a link of the file at `from` leads to; `None` when it leads out of the project, to a
/// place within a page, or to another site.
fn resolve(from: &ArtifactPath, target: &str) -> Option<ArtifactPath> {
    let target = target.split(['#', '?']).next().unwrap_or_default();
    if target.is_empty() || target.starts_with('/') || target.contains(':') || target.contains('%') {
        return None;
    }
    let mut parts: Vec<&str> = from.as_str().split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    ArtifactPath::new(&parts.join("/")).ok()
}
