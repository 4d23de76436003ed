//! What is on this machine: the configuration, who may read and write what, the cache.

use std::path::{Path, PathBuf};

use agent_core::ports::StoreError;
use agent_engine::config::Config;
use agent_engine::workspace::Workspace;
use agent_remote::Settings;

use super::finding::Finding;
use crate::place;

/// Looks at the configuration; answers what can be used of it.
pub(super) fn configuration(workspace: Option<&Workspace>, findings: &mut Vec<Finding>) -> Option<Config> {
    const NAME: &str = "configuration";
    let Some(workspace) = workspace else {
        let cause = "there is no .agent folder here or above";
        let fix = "go to your project, or make it a workspace with: agent sync init";
        findings.push(Finding::failure(NAME, cause, fix));
        return None;
    };
    let file = workspace.config_file();
    let config = match workspace.config(&place::env) {
        Ok(config) => config,
        Err(error) => {
            findings.push(Finding::failure(
                NAME,
                error.to_string(),
                "correct the file; docs/cli.md has every key",
            ));
            return None;
        }
    };
    findings.push(match (&config.remote, file.exists()) {
        (Ok(remote), _) => {
            // Not the whole address: somebody may have written a password into it.
            let host = remote.url.host_str().unwrap_or("?");
            Finding::ok(NAME, format!("{}: team {} on {host}", file.display(), remote.team_id))
        }
        (Err(_), false) => {
            Finding::failure(NAME, format!("{} is not there", file.display()), "write it with: agent sync init")
        }
        (Err(problem), true) => Finding::failure(
            NAME,
            format!("{}: {problem}", file.display()),
            "complete the remote section; keys come from the environment, agent login and agent whoami show your teams",
        ),
    });
    Some(config)
}

/// Looks at who may read and write what.
pub(super) fn permissions(
    workspace: &Workspace,
    config: Option<&Config>,
    session: Option<&Path>,
    findings: &mut Vec<Finding>,
) {
    const NAME: &str = "permissions";
    let root = workspace.root();
    let kinds: Option<Vec<PathBuf>> =
        config.map(|config| config.kinds.folders().map(|folder| root.join(folder)).collect());
    let mut folders = vec![root.join(".agent"), root.join(".agent/cache"), root.join(".agent/logs")];
    folders.extend(kinds.unwrap_or_default());
    let before = findings.len();
    for folder in folders.iter().filter(|folder| folder.symlink_metadata().is_ok()) {
        if let Err(error) = tempfile::Builder::new().prefix(".agent-").suffix(".tmp").tempfile_in(folder) {
            let fix = "make it a folder that you may write to";
            findings.push(Finding::failure(NAME, format!("{}: {error}", folder.display()), fix));
        }
    }
    let private = [Some(workspace.database()), session.map(Path::to_owned)];
    findings.extend(private.into_iter().flatten().filter_map(read_by_others));
    if findings.len() == before {
        findings
            .push(Finding::ok(NAME, "the artifacts' folders can be written, what is private is yours alone"));
    }
}

/// What holds unpublished text or a session is for its owner's eyes.
#[cfg(unix)]
fn read_by_others(file: PathBuf) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().ok()?.permissions().mode() & 0o777;
    let cause = format!("{} can be read by others (mode {mode:03o})", file.display());
    (mode & 0o077 != 0)
        .then(|| Finding::warning("permissions", cause, format!("chmod 600 '{}'", file.display())))
}

#[cfg(not(unix))]
fn read_by_others(_: PathBuf) -> Option<Finding> {
    None
}

/// Looks at the cache, without opening it as a command does: that would migrate or replace it.
pub(super) fn database(workspace: &Workspace, settings: Option<&Settings>, findings: &mut Vec<Finding>) {
    const NAME: &str = "database";
    let file = workspace.database();
    let found = match agent_cache::checkup(&file) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let cause = format!("{} is not there yet", file.display());
            findings.push(Finding::warning(NAME, cause, "any command makes it: agent sync status"));
            return;
        }
        Err(error @ StoreError::Corrupt { .. }) => {
            findings.push(Finding::failure(NAME, error.to_string(), REBUILD));
            return;
        }
        Err(error) => {
            findings.push(Finding::failure(NAME, error.to_string(), "see what the system says of the file"));
            return;
        }
    };
    if found.schema > found.known {
        let cause = format!(
            "{} has schema {}, this program knows up to {}",
            file.display(),
            found.schema,
            found.known
        );
        findings.push(Finding::failure(NAME, cause, "install the newest agent"));
        return;
    }
    if !found.damage.is_empty() {
        let cause = format!("{} is damaged: {}", file.display(), found.damage.join("; "));
        findings.push(Finding::failure(NAME, cause, REBUILD));
        return;
    }
    let wanted = settings.map(agent_engine::team_name);
    findings.push(match (found.team, wanted) {
        (Some(team), Some(wanted)) if team != wanted => Finding::failure(
            NAME,
            format!("{} belongs to {team}, the configuration names {wanted}", file.display()),
            "put the configuration back; or push what you have, then delete the cache: it is filled again from \
             your files and the other team",
        ),
        _ => Finding::ok(NAME, format!("{}: sound, schema {} of {}", file.display(), found.schema, found.known)),
    });
}

const REBUILD: &str = "run agent sync pull: what is damaged is set aside, never deleted, and filled again from your files and the team";
