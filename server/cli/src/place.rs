//! Where a command runs: the folder, the workspace around it, the home of the sign-ins, the
//! environment, and the present moment.

use std::path::{Path, PathBuf};

use agent_core::id::Timestamp;
use agent_engine::workspace::Workspace;
use anyhow::Context as _;

/// How this program names itself to the remote.
pub(crate) const CLIENT: &str = concat!("agent/", env!("CARGO_PKG_VERSION"));

/// Goes to the folder of `--directory`.
pub(crate) fn go_to(directory: Option<&Path>) -> anyhow::Result<()> {
    let Some(directory) = directory else { return Ok(()) };
    std::env::set_current_dir(directory).with_context(|| format!("cannot go to {}", directory.display()))
}

/// The present folder.
pub(crate) fn here() -> anyhow::Result<PathBuf> {
    std::env::current_dir().context("the present folder cannot be found; go to one that exists")
}

/// The workspace around the present folder.
pub(crate) fn workspace() -> anyhow::Result<Workspace> {
    let here = here()?;
    Workspace::find(&here).with_context(|| {
        format!(
            "there is no .agent folder in {} or above; go to your project, or make it a workspace with: agent sync init",
            here.display()
        )
    })
}

/// The folder that sign-ins are kept in.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    if let Some(home) = std::env::var_os("AGENT_HOME").filter(|home| !home.is_empty()) {
        let home = PathBuf::from(home);
        return std::path::absolute(&home).with_context(|| format!("AGENT_HOME {}", home.display()));
    }
    directories::BaseDirs::new()
        .map(|folders| folders.config_dir().join("agent"))
        .context("there is no home folder to keep sign-ins in; set AGENT_HOME to a folder")
}

/// An environment variable's text.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The present moment.
pub(crate) fn now() -> Timestamp {
    agent_engine::now()
}
