//! Who somebody is while nobody is signed in: who Git takes them for.

use std::path::Path;
use std::process::{Command, Stdio};

/// Git's `user.email` for a project, else its `user.name`.
pub(crate) fn of_git(root: &Path) -> Option<String> {
    let said = |key: &str| {
        let mut git = Command::new("git");
        git.arg("-C").arg(root).args(["config", "--get", key]).stdin(Stdio::null());
        let output = git.output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    said("user.email").or_else(|| said("user.name"))
}
