//! `agent git`: Git's configuration for the artifacts of a workspace, so that a merge, a rebase and a
//! diff treat them as this program does. What is written where is in [`attributes`]; the merge is
//! `agent merge-file`.

mod attributes;
pub(in crate::commands) mod install;

use std::path::Path;

use anyhow::Context as _;

use crate::args::{Git, GitCommand};
use crate::output::{self, Done};

pub(in crate::commands) use install::git as run_git;

/// Runs one of the `git` commands.
pub(crate) fn run(git: &Git) -> anyhow::Result<Done> {
    match &git.command {
        GitCommand::Install { dry_run, .. } => install::install(dry_run.dry_run),
        GitCommand::Uninstall { dry_run, .. } => install::uninstall(dry_run.dry_run),
        GitCommand::Textconv { file } => textconv(file),
    }
}

/// Prints a file without what no reader sees: the byte order mark and the kind of line endings. A
/// file that only changed in these shows no difference then; Git says that the files differ.
fn textconv(file: &Path) -> anyhow::Result<Done> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut shown = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            shown.push(byte);
        }
    }
    output::bytes(&shown);
    Ok(Done::default())
}
