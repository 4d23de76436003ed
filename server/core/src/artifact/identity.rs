//! Which files are artifacts, and which artifact a file is. Owns the rules for kinds, folders,
//! extensions and ids in file names; never looks at a disk.

use crate::id::{ArtifactId, ArtifactKey, ArtifactPath, InvalidId, Kind};

/// Where the files of one kind are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindRule {
    /// The kind.
    pub kind: Kind,
    /// Its folders, relative to the project's root, with forward slashes; everything below counts.
    pub folders: Vec<String>,
    /// The extensions of its files, without the dot, in lower case.
    pub extensions: Vec<String>,
}

/// Why a set of kinds cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKinds {
    /// A kind has two rules.
    #[error("kind {0} is defined twice")]
    DuplicateKind(String),
    /// A kind has no folder or no extension, so that no file could ever be one.
    #[error("kind {0} needs at least one folder and one extension")]
    Unreachable(String),
    /// A folder is not a relative path inside of the project.
    #[error("folder of kind {kind}: {source}")]
    Folder {
        /// The kind it was given for.
        kind: String,
        /// What is wrong with the folder.
        source: InvalidId,
    },
    /// A folder is the same as another one or lies inside of it.
    #[error("folder {inner:?} of kind {inner_kind} is inside folder {outer:?} of kind {outer_kind}")]
    Overlap {
        /// The inner, or second, folder.
        inner: String,
        /// Its kind.
        inner_kind: String,
        /// The outer, or first, folder.
        outer: String,
        /// Its kind.
        outer_kind: String,
    },
    /// An extension has something other than ASCII lower-case letters and digits.
    #[error("extension {extension:?} of kind {kind} must be lower-case letters and digits, without a dot")]
    Extension {
        /// The kind it was given for.
        kind: String,
        /// The extension.
        extension: String,
    },
}

/// The kinds of artifacts a team keeps, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds(Vec<KindRule>);

impl Kinds {
    /// Checks the rules: folders are relative and inside of the project, no folder is another or
    /// lies in another, no kind appears twice, and every kind has a folder and an extension.
    pub fn new(rules: Vec<KindRule>) -> Result<Self, InvalidKinds> {
        let mut folders: Vec<(&str, &str)> = Vec::new();
        for (n, rule) in rules.iter().enumerate() {
            let kind = rule.kind.as_str();
            if rules.iter().take(n).any(|other| other.kind == rule.kind) {
                return Err(InvalidKinds::DuplicateKind(kind.to_owned()));
            }
            if rule.folders.is_empty() || rule.extensions.is_empty() {
                return Err(InvalidKinds::Unreachable(kind.to_owned()));
            }
            check_extensions(rule)?;
            for folder in &rule.folders {
                check_folder(kind, folder, &folders)?;
                folders.push((kind, folder));
            }
        }
        Ok(Self(rules))
    }

    /// Plans, stories, runbooks, ADRs and journeys below `.agent/`. Of a kind's folders the first is
    /// where new files go.
    pub fn standard() -> Self {
        let rule = |kind: &str, folders: [&str; 2], extensions: &[&str]| {
            Kind::new(kind).ok().map(|kind| KindRule {
                kind,
                folders: folders.map(str::to_owned).into(),
                extensions: extensions.iter().map(|&e| e.to_owned()).collect(),
            })
        };
        let rules = [
            rule("plan", [".agent/cache/plans", ".agent/plans"], &["md"]),
            rule("story", [".agent/cache/stories", ".agent/stories"], &["md"]),
            rule("runbook", [".agent/cache/runbooks", ".agent/runbooks"], &["md"]),
            rule("adr", [".agent/adrs", ".agent/cache/adrs"], &["md"]),
            rule("journey", [".agent/cache/journeys", ".agent/journeys"], &["md", "yaml", "yml"]),
        ];
        Self(rules.into_iter().flatten().collect())
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[KindRule] {
        &self.0
    }

    /// Every folder that may hold artifacts.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|rule| rule.folders.iter().map(String::as_str))
    }

    /// The artifact that the file at `path` is. `None` when it is none: outside of every folder, of
    /// another extension, hidden, an editor's backup or lock, or a `README`.
    ///
    /// The id is what the file name begins with, if that is capital letters and digits, a hyphen
    /// and digits, and no letter or digit follows; else the file's name without its extension.
    pub fn key_of(&self, path: &ArtifactPath) -> Option<Result<ArtifactKey, InvalidId>> {
        let (rule, below) = self.0.iter().find_map(|rule| {
            let below = |folder: &String| path.as_str().strip_prefix(folder.as_str())?.strip_prefix('/');
            rule.folders.iter().find_map(below).map(|below| (rule, below))
        })?;
        if below.split('/').any(|part| part.starts_with('.')) {
            return None;
        }
        let (stem, extension) = path.file_name().rsplit_once('.')?;
        if !rule.extensions.iter().any(|known| known.eq_ignore_ascii_case(extension)) || is_not_ours(stem) {
            return None;
        }
        let id = leading_id(stem).unwrap_or(stem);
        Some(ArtifactId::new(id).map(|id| ArtifactKey { kind: rule.kind.clone(), id }))
    }
}

/// Files beside the artifacts that nobody means to sync: a folder's own description, and what
/// editors leave behind under an artifact's extension (`#x#` and `x~` do not keep it).
fn is_not_ours(stem: &str) -> bool {
    stem.eq_ignore_ascii_case("readme") || stem.starts_with(['#', '~']) || stem.ends_with('~')
}

fn check_extensions(rule: &KindRule) -> Result<(), InvalidKinds> {
    let fine = |e: &String| !e.is_empty() && e.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match rule.extensions.iter().find(|extension| !fine(extension)) {
        None => Ok(()),
        Some(extension) => {
            Err(InvalidKinds::Extension { kind: rule.kind.as_str().to_owned(), extension: extension.clone() })
        }
    }
}

fn check_folder(kind: &str, folder: &str, earlier: &[(&str, &str)]) -> Result<(), InvalidKinds> {
    ArtifactPath::new(folder).map_err(|source| InvalidKinds::Folder { kind: kind.to_owned(), source })?;
    let overlap = |outer: (&str, &str), inner: (&str, &str)| InvalidKinds::Overlap {
        inner: inner.1.to_owned(),
        inner_kind: inner.0.to_owned(),
        outer: outer.1.to_owned(),
        outer_kind: outer.0.to_owned(),
    };
    for &other in earlier {
        if is_within(folder, other.1) {
            return Err(overlap(other, (kind, folder)));
        }
        if is_within(other.1, folder) {
            return Err(overlap((kind, folder), other));
        }
    }
    Ok(())
}

/// Whether `inner` is `outer` or below it.
fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The `ABC-123` at the head of a text, if there is one that no letter or digit follows.
pub fn leading_id(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    let prefix = bytes.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    if bytes.get(prefix) != Some(&b'-') {
        return None;
    }
    let digits = bytes.iter().skip(prefix + 1).take_while(|b| b.is_ascii_digit()).count();
    let (id, rest) = text.split_at_checked(prefix + 1 + digits)?;
    let ends = !rest.chars().next().is_some_and(char::is_alphanumeric);
    (digits > 0 && ends).then_some(id)
}
