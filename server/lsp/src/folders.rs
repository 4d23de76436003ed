//! The projects the client has open: which of them are workspaces, their sessions, and which
//! document is which artifact of which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath};
use agent_core::secrets::ScanPolicy;
use agent_engine::workspace::Workspace;
use agent_engine::{Auth, Handle, View};

use crate::types::Uri;

/// A workspace with its running session.
pub(crate) struct Folder {
    pub(crate) workspace: Workspace,
    pub(crate) kinds: Kinds,
    pub(crate) handle: Handle,
    pub(crate) apply_when_open: bool,
    /// The session with the team's project, where one is configured.
    pub(crate) auth: Option<Auth>,
    /// What is looked for in what is to be pushed.
    pub(crate) scan: ScanPolicy,
}

/// Where a document is: an artifact's file in a folder.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) folder: Arc<Folder>,
    pub(crate) path: ArtifactPath,
    pub(crate) key: ArtifactKey,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path)
    }
}

impl Place {
    /// The newest picture of the artifact.
    pub(crate) fn view(&self) -> Option<Arc<View>> {
        self.folder.handle.views().get(&self.path)
    }
}

impl Folder {
    /// The address of a file of this folder.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        Uri::from_file_path(self.workspace.root().join(path))
    }
}

/// All folders.
#[derive(Default)]
pub(crate) struct Folders {
    open: RwLock<Vec<Arc<Folder>>>,
    /// Why others could not be opened, by their roots.
    broken: RwLock<BTreeMap<PathBuf, String>>,
}

impl Folders {
    pub(crate) fn all(&self) -> Vec<Arc<Folder>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, folder: Arc<Folder>) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).push(folder);
    }

    pub(crate) fn has(&self, root: &Path) -> bool {
        self.all().iter().any(|folder| folder.workspace.root() == root)
    }

    pub(crate) fn remove(&self, root: &Path) -> Option<Arc<Folder>> {
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|folder| folder.workspace.root() == root)?;
        Some(all.remove(at))
    }

    /// Records why a folder cannot be opened, or that it can; answers whether it could not before.
    pub(crate) fn set_broken(&self, root: &Path, problem: Option<String>) -> bool {
        let mut broken = self.broken.write().unwrap_or_else(PoisonError::into_inner);
        let before = match problem {
            Some(problem) => broken.insert(root.to_owned(), problem),
            None => broken.remove(root),
        };
        before.is_some()
    }

    /// The folders that could not be opened, and why.
    pub(crate) fn broken(&self) -> BTreeMap<PathBuf, String> {
        self.broken.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which artifact a document is, in the innermost folder that has it.
    pub(crate) fn place(&self, uri: &Uri) -> Option<Place> {
        let file = file_of(uri)?;
        let mut folders = self.all();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.workspace.root().components().count()));
        folders.into_iter().find_map(|folder| {
            let inside = file.strip_prefix(folder.workspace.root()).ok()?.to_str()?.replace('\\', "/");
            let path = ArtifactPath::new(&inside).ok()?;
            let key = folder.kinds.key_of(&path)?.ok()?;
            Some(Place { folder, path, key })
        })
    }

    /// Ends all sessions.
    pub(crate) fn stop(&self, at_most: Duration) {
        for folder in self.all() {
            folder.handle.stop(at_most);
        }
    }
}

/// The file a document is, if it is one.
pub(crate) fn file_of(uri: &Uri) -> Option<PathBuf> {
    if !uri.scheme().as_str().eq_ignore_ascii_case("file") {
        return None;
    }
    uri.to_file_path().map(std::borrow::Cow::into_owned)
}
