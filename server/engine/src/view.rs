//! What the editor's side sees of the session's state: immutable pictures of the artifacts that are
//! open or not in sync, replaced as the loop goes on. Reading one never waits for the loop, the disk
//! or the network.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use agent_core::id::{ArtifactKey, ArtifactPath, Author, Timestamp, Version};
use agent_core::ports::{FileProblem, RemoteError};
use agent_core::presence::Person;
use agent_core::sync::Entry;
use agent_core::sync::history::Earlier;
use agent_core::sync::next::Next;
use agent_core::sync::undo::Unit;

use crate::opened::Older;
use crate::rules::Rules;

/// A picture of one artifact.
#[derive(Debug, Clone)]
pub struct View {
    /// The artifact.
    pub entry: Entry,
    /// What happens next with it, as far as the file on disk goes.
    pub next: Next,
    /// The base's text; `None` when absent, missing, or when nothing depends on it: the artifact is
    /// closed, not refused, and the remote has nothing new.
    pub base: Option<Arc<str>>,
    /// The local text on disk; `None` as above.
    pub local: Option<Arc<str>>,
    /// The remote's text; `None` as above.
    pub remote: Option<Arc<str>>,
    /// Why its file could not be written.
    pub write_problem: Option<FileProblem>,
    /// What an editor of this process opened, where that was older than the file.
    pub older: Option<Older>,
}

/// What there is to go back to of an open artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The contents it had, the newest first, with the present one.
    pub earlier: Vec<Earlier>,
    /// What can be taken back.
    pub undo: Option<Undoable>,
}

/// The newest thing that happened to an artifact and is no plain save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// What happened.
    pub unit: Unit,
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// Who caused it, where that is known.
    pub author: Option<Author>,
    /// The remote's version then.
    pub version: Version,
}

/// A picture of the connection, and of the queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkState {
    /// Whether changes are announced live.
    pub live: bool,
    /// Whether this process pushes and listens, or another one on the same workspace.
    pub leads: bool,
    /// Since when the remote has not answered, and what it said.
    pub trouble: Option<(Timestamp, RemoteError)>,
    /// Artifacts whose local content waits to be pushed.
    pub waiting: usize,
    /// Artifacts with a newer remote revision that is not taken yet.
    pub behind: usize,
    /// Artifacts in conflict.
    pub conflicts: usize,
    /// Artifacts the remote refused.
    pub refused: usize,
    /// Artifacts known.
    pub artifacts: usize,
    /// Why the cache could not be written, if so.
    pub cache_problem: Option<String>,
}

/// The pictures, shared between the loop and the editor's side.
#[derive(Debug, Default)]
pub struct Views {
    artifacts: RwLock<HashMap<ArtifactPath, Arc<View>>>,
    link: RwLock<Arc<LinkState>>,
    problems: RwLock<Arc<BTreeMap<String, FileProblem>>>,
    rules: RwLock<Arc<Rules>>,
    index: RwLock<BTreeMap<ArtifactKey, ArtifactPath>>,
    people: RwLock<Arc<Vec<Person>>>,
    past: RwLock<HashMap<ArtifactPath, Arc<Past>>>,
}

impl Views {
    /// The artifact whose file is at `path`; `None` when it is closed and in sync, or no artifact.
    pub fn get(&self, path: &ArtifactPath) -> Option<Arc<View>> {
        self.artifacts.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// All pictures.
    pub fn all(&self) -> Vec<Arc<View>> {
        self.artifacts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The connection.
    pub fn link(&self) -> Arc<LinkState> {
        Arc::clone(&self.link.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Files that are not taken, and why.
    pub fn problems(&self) -> Arc<BTreeMap<String, FileProblem>> {
        Arc::clone(&self.problems.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the team's server lets one do.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules; answers whether they changed.
    pub(crate) fn set_rules(&self, rules: Rules) -> bool {
        let mut current = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **current != rules;
        *current = Arc::new(rules);
        changed
    }

    /// Every artifact that there is, and where its file is or belongs.
    pub fn index(&self) -> Vec<(ArtifactKey, ArtifactPath)> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.iter().map(|(key, path)| (key.clone(), path.clone())).collect()
    }

    pub(crate) fn set_index(&self, key: &ArtifactKey, path: Option<&ArtifactPath>) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        match path {
            Some(path) => index.insert(key.clone(), path.clone()),
            None => index.remove(key),
        };
    }

    /// Who else has which artifact open, in the order they came to be known.
    pub fn people(&self) -> Arc<Vec<Person>> {
        Arc::clone(&self.people.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces who else is there; answers whether that changed.
    pub(crate) fn set_people(&self, people: Vec<Person>) -> bool {
        let mut current = self.people.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **current != people;
        *current = Arc::new(people);
        changed
    }

    /// What there is to go back to of the artifact at `path`; nothing while it is closed.
    pub fn past(&self, path: &ArtifactPath) -> Arc<Past> {
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner);
        past.get(path).cloned().unwrap_or_default()
    }

    pub(crate) fn set_past(&self, path: &ArtifactPath, past: Option<Past>) {
        let mut all = self.past.write().unwrap_or_else(PoisonError::into_inner);
        match past {
            Some(past) => all.insert(path.clone(), Arc::new(past)),
            None => all.remove(path),
        };
    }

    pub(crate) fn set(&self, path: ArtifactPath, view: Option<View>) {
        let mut artifacts = self.artifacts.write().unwrap_or_else(PoisonError::into_inner);
        match view {
            Some(view) => artifacts.insert(path, Arc::new(view)),
            None => artifacts.remove(&path),
        };
    }

    /// Replaces the picture of the connection; answers whether it changed.
    pub(crate) fn set_link(&self, link: LinkState) -> bool {
        let mut current = self.link.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **current != link;
        *current = Arc::new(link);
        changed
    }

    pub(crate) fn set_problems(&self, problems: BTreeMap<String, FileProblem>) -> Vec<String> {
        let mut current = self.problems.write().unwrap_or_else(PoisonError::into_inner);
        let moved = |(path, problem): &(&String, &FileProblem), other: &BTreeMap<String, FileProblem>| {
            other.get(*path) != Some(*problem)
        };
        let mut changed: Vec<String> =
            current.iter().filter(|item| moved(item, &problems)).map(|(path, _)| path.clone()).collect();
        changed.extend(problems.iter().filter(|item| moved(item, &current)).map(|(path, _)| path.clone()));
        *current = Arc::new(problems);
        changed
    }
}
