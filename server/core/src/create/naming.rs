//! What a new artifact is called and where its file goes, as the artifacts that are there have it.

use std::collections::BTreeMap;

use crate::artifact::identity::{KindRule, Kinds, leading_id};
use crate::id::{ArtifactKey, ArtifactPath, Kind};

/// The longest title in a file name, in characters.
const LONGEST_SLUG: usize = 60;

/// An artifact that is there: what it is and where.
pub type Known<'a> = (&'a ArtifactKey, &'a ArtifactPath);

/// The parts of an id such as `INFRA-040`; `None` when it is no such id.
pub fn parts(id: &str) -> Option<(&str, u64)> {
    let (prefix, number) = leading_id(id).filter(|found| *found == id)?.rsplit_once('-')?;
    Some((prefix, number.parse().ok()?))
}

/// Whether ids may begin with this: a capital letter, then capital letters and digits.
pub fn is_prefix(prefix: &str) -> bool {
    parts(&format!("{prefix}-1")).is_some()
}

/// The prefix most artifacts of the kind have; its own name in capitals where none has one.
pub fn usual_prefix<'a>(kind: &Kind, known: impl Iterator<Item = Known<'a>>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, _) in known.filter(|(key, _)| key.kind == *kind) {
        if let Some((prefix, _)) = parts(key.id.as_str()) {
            *counts.entry(prefix).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(prefix, _)| prefix.to_owned());
    most.unwrap_or_else(|| kind.as_str().to_uppercase().replace(['_', '-'], ""))
}

/// The longest number that counts, as the team's server has it; a date in an id is no counting.
const LARGEST: u64 = 999_999_999;

/// The highest number that an id with this prefix has, of whatever kind; 0 when there is none.
pub fn highest_number<'a>(prefix: &str, known: impl Iterator<Item = Known<'a>>) -> u64 {
    let numbers = known.filter_map(|(key, _)| parts(key.id.as_str()));
    numbers
        .filter(|(other, number)| *other == prefix && *number <= LARGEST)
        .map(|(_, number)| number)
        .max()
        .unwrap_or(0)
}

/// The folder of a new file: where the newest artifact with this prefix is; else, where the kind's
/// folder has one folder per prefix, that one; else the kind's folder that is in use, or its first.
pub fn folder<'a>(rule: &KindRule, prefix: &str, known: impl Iterator<Item = Known<'a>>) -> String {
    let ours: Vec<Known<'a>> = known.filter(|(key, _)| key.kind == rule.kind).collect();
    let number = |key: &ArtifactKey| {
        parts(key.id.as_str()).filter(|(other, _)| *other == prefix).map(|(_, number)| number)
    };
    let newest = ours.iter().filter(|(key, _)| number(key).is_some()).max_by_key(|(key, _)| number(key));
    if let Some((folder, _)) = newest.and_then(|(_, path)| path.as_str().rsplit_once('/')) {
        return folder.to_owned();
    }
    let below = |folder: &str, path: &ArtifactPath| {
        path.as_str().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let in_use = |folder: &&String| ours.iter().any(|(_, path)| below(folder, path));
    let top = rule.folders.iter().find(in_use).or(rule.folders.first()).cloned().unwrap_or_default();
    let by_prefix = |(key, path): &&Known<'_>| {
        parts(key.id.as_str()).is_some_and(|(other, _)| path.as_str().starts_with(&format!("{top}/{other}/")))
    };
    let has_folders = !ours.is_empty() && ours.iter().filter(by_prefix).count() * 2 > ours.len();
    if has_folders { format!("{top}/{prefix}") } else { top }
}

/// A title as it goes into file names: letters and digits in lower case, hyphens between.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match c.is_alphanumeric() {
            true => slug.push(c),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    let cut: String = slug.chars().take(LONGEST_SLUG).collect();
    cut.trim_end_matches('-').to_owned()
}

/// A file's name without its extension, from its id and title. What follows the id never makes it
/// read as another one.
pub fn stem(id: &str, title: &str) -> String {
    match slug(title) {
        slug if slug.is_empty() => id.to_owned(),
        slug => format!("{id}-{slug}"),
    }
}

/// The title without the artifact's own id at its head: `Fix it` of `INFRA-040: Fix it`.
pub fn bare_title<'t>(title: &'t str, id: &str) -> &'t str {
    let rest = title.trim().strip_prefix(id).filter(|rest| !rest.starts_with(char::is_alphanumeric));
    rest.map_or(title.trim(), |rest| rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

/// The path of a new file of a kind; `None` when the kind has no rule, or id and title make no path.
pub fn path<'a>(
    kinds: &Kinds,
    key: &ArtifactKey,
    title: &str,
    known: impl Iterator<Item = Known<'a>>,
) -> Option<ArtifactPath> {
    let rule = kinds.rules().iter().find(|rule| rule.kind == key.kind)?;
    let id = key.id.as_str();
    let prefix = parts(id).map(|(prefix, _)| prefix).or_else(|| super::provisional::prefix(id));
    let folder = folder(rule, prefix.unwrap_or_default(), known);
    let folder = folder.trim_end_matches('/');
    let stem = if super::provisional::prefix(id).is_some() { id.to_owned() } else { stem(id, title) };
    let path = ArtifactPath::new(&format!("{folder}/{stem}.{}", rule.extensions.first()?)).ok()?;
    kinds.key_of(&path).is_some_and(|found| found.as_ref() == Ok(key)).then_some(path)
}
