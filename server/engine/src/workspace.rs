//! Where things are in a project: its root, the configuration file, the cache and its neighbours.

use std::path::{Path, PathBuf};

use agent_core::id::Kind;

use crate::config::{self, Config, ConfigError};

/// A project folder with artifacts below `.agent/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The project at exactly this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The nearest folder, from `start` upwards, that has an `.agent` folder.
    pub fn find(start: &Path) -> Option<Self> {
        start.ancestors().find(|folder| folder.join(".agent").is_dir()).map(Self::at)
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `.agent/etc/sync.yaml`.
    pub fn config_file(&self) -> PathBuf {
        self.root.join(".agent/etc/sync.yaml")
    }

    /// The cache's database.
    pub fn database(&self) -> PathBuf {
        self.root.join(".agent/cache/agent.db")
    }

    /// The file whose lock the one process holds that pushes and listens.
    pub fn lease_file(&self) -> PathBuf {
        self.root.join(".agent/cache/agent.lock")
    }

    /// What synchronising did, one line per operation.
    pub fn sync_log(&self) -> PathBuf {
        self.root.join(".agent/logs/sync.log")
    }

    /// A team's own template for new artifacts of a kind.
    pub fn template(&self, kind: &Kind) -> PathBuf {
        self.root.join(".agent/templates").join(format!("{}.md", kind.as_str()))
    }

    /// Read-only files shown to the user, such as the other side of a conflict.
    pub fn views(&self) -> PathBuf {
        self.root.join(".agent/cache/views")
    }

    /// Reads the configuration; the defaults when there is no file.
    ///
    /// # Errors
    /// What [`config::parse`] refuses, and a file that cannot be read.
    pub fn config(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let path = self.config_file();
        let file = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ConfigError { file, problem: format!("cannot be read: {error}") }),
        };
        config::parse(&file, &text, env)
    }
}
