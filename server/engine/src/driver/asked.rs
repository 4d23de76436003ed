//! Questions of the editor's side that no picture answers: every artifact, the sides of a closed one, what
//! happened to one, and contents it had. The loop answers out of the cache; for a version that is not there
//! the remote is asked, by a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use agent_core::id::{ArtifactKey, ArtifactPath, Author, ContentHash, Timestamp, Version};
use agent_core::ports::{
    History as _, OperationQuery, Recorded, Remote as _, RemoteError, Store as _, VersionQuery,
};
use agent_core::sync::Entry;
use agent_core::sync::history::content_of;

use super::Driver;
use super::publish::Stand;

/// How far back a history goes that is asked for, in operations.
const LOOKED_AT: usize = 500;

/// An artifact in the list of all.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Which.
    pub key: ArtifactKey,
    /// Where its file is or belongs.
    pub path: ArtifactPath,
    /// Whether there is a file.
    pub is_here: bool,
    /// Its title.
    pub title: Option<String>,
    /// Its lifecycle state.
    pub state: Option<String>,
    /// Where it stands.
    pub stand: Stand,
    /// The newest version known of the remote; 0: none.
    pub version: Version,
    /// Who made that, and when.
    pub made: Option<(Author, Timestamp)>,
}

/// The sides of an artifact as the cache has them.
#[derive(Debug, Clone)]
pub struct Sides {
    /// The artifact.
    pub entry: Entry,
    /// The base's text.
    pub base: Option<Arc<str>>,
    /// The file's text.
    pub local: Option<Arc<str>>,
    /// The remote's text.
    pub remote: Option<Arc<str>>,
}

/// What happened to an artifact here, newest first, and which of its contents the cache still has.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What happened.
    pub operations: Vec<Recorded>,
    /// The texts of the contents that the file had before or after one of them.
    pub texts: HashMap<ContentHash, Arc<str>>,
}

/// One version of an artifact.
#[derive(Debug, Clone)]
pub struct Revision {
    /// Its text; `None`: it is a deletion.
    pub text: Option<Arc<str>>,
    /// Who made it, and when, where that is known.
    pub made: Option<(Author, Timestamp)>,
}

/// Why a version cannot be shown. Nothing changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RevisionError {
    /// The team has none of that number.
    #[error("there is no version {}", .0.0)]
    Unknown(Version),
    /// Only the remote has it.
    #[error("version {} is not on this machine, and {problem}", .version.0)]
    Remote {
        /// Which.
        version: Version,
        /// Why it does not come from there.
        problem: RemoteError,
    },
}

pub(super) type Answer<T> = Box<dyn FnOnce(T) + Send>;

impl Driver {
    pub(super) fn list(&self, answer: Answer<Vec<Listed>>) {
        let entries = self.session.engine.machine().entries().filter(|entry| !entry.is_absent());
        let mut all: Vec<_> = entries.map(|entry| self.listed(entry)).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        answer(all);
    }

    fn listed(&self, entry: &Entry) -> Listed {
        Listed {
            key: entry.key.clone(),
            path: entry.path.clone(),
            is_here: entry.local.is_some(),
            title: entry.title.clone(),
            state: entry.state.clone(),
            stand: self.stands.of(&entry.key),
            version: entry.remote_version(),
            made: entry.remote.as_ref().map(|remote| (remote.author.clone(), remote.at)),
        }
    }

    pub(super) fn sides(&self, key: &ArtifactKey, answer: Answer<Option<Sides>>) {
        let entry = self.session.engine.machine().entry(key).cloned();
        answer(entry.map(|entry| Sides {
            base: self.text(entry.base),
            local: self.text(entry.local),
            remote: self.text(entry.remote_hash()),
            entry,
        }));
    }

    fn text(&self, hash: Option<ContentHash>) -> Option<Arc<str>> {
        hash.and_then(|hash| self.session.engine.store().text(hash).ok().flatten())
    }

    fn recorded(&self, key: &ArtifactKey) -> Vec<Recorded> {
        let query = OperationQuery { key: Some(key.clone()), from: None, limit: Some(LOOKED_AT) };
        self.session.engine.store().recorded(&query).unwrap_or_default()
    }

    pub(super) fn tell_history(&self, key: &ArtifactKey, answer: Answer<Told>) {
        let operations = self.recorded(key);
        let mut texts = HashMap::new();
        let sides = |one: &Recorded| [one.operation.before.local, one.operation.after.local];
        for hash in operations.iter().flat_map(sides).flatten() {
            if let (false, Some(text)) = (texts.contains_key(&hash), self.text(Some(hash))) {
                texts.insert(hash, text);
            }
        }
        answer(Told { operations, texts });
    }

    pub(super) fn revision(
        &self,
        key: ArtifactKey,
        version: Version,
        answer: Answer<Result<Revision, RevisionError>>,
    ) {
        if let Some(known) = self.known_revision(&key, version) {
            return answer(Ok(known));
        }
        let remote = Arc::clone(&self.remote);
        self.runtime.spawn(async move {
            let before = Some(Version(version.0.saturating_add(1)));
            let query = VersionQuery { key, hash: None, before, limit: 1, with_content: true };
            answer(match remote.versions(query).await {
                Ok(found) => match found.into_iter().find(|found| found.version == version) {
                    Some(found) => Ok(Revision {
                        text: found.content.map(|text| text.shared()),
                        made: Some((found.author, found.at)),
                    }),
                    None => Err(RevisionError::Unknown(version)),
                },
                Err(problem) => Err(RevisionError::Remote { version, problem }),
            });
        });
    }

    /// A version as this machine saw it, if its text is still here.
    fn known_revision(&self, key: &ArtifactKey, version: Version) -> Option<Revision> {
        let newest = self.session.engine.machine().entry(key).and_then(|entry| entry.remote.as_ref());
        if let Some(newest) = newest.filter(|newest| newest.version == version) {
            let made = Some((newest.author.clone(), newest.at));
            let Some(hash) = newest.hash else { return Some(Revision { text: None, made }) };
            return self.text(Some(hash)).map(|text| Revision { text: Some(text), made });
        }
        let operations = self.recorded(key);
        let hash = content_of(&operations, version)?;
        // Later operations on the same version are other people's, and of another time.
        let told = operations.iter().rfind(|one| one.operation.remote_version == version);
        let made = told.and_then(|one| Some((one.operation.author.clone()?, one.operation.at)));
        let Some(hash) = hash else { return Some(Revision { text: None, made }) };
        self.text(Some(hash)).map(|text| Revision { text: Some(text), made })
    }
}
