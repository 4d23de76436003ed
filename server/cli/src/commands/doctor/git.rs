//! Git's part: which Git there is, whether it merges artifacts with this program, and whether it leaves
//! the cache alone.

use std::path::Path;
use std::process::Command;

use agent_engine::config::Config;
use agent_engine::workspace::Workspace;

use super::finding::Finding;
use crate::commands::git::{install, run_git};

/// The oldest Git that is tried: the one of the oldest systems that are still kept up.
const OLDEST: (u32, u32) = (2, 25);

/// Looks at Git, the repository and its set-up.
pub(super) fn look(workspace: Option<&Workspace>, config: Option<&Config>, findings: &mut Vec<Finding>) {
    if !version(findings) {
        return;
    }
    let (Some(workspace), Some(config)) = (workspace, config) else { return };
    let root = workspace.root();
    if !matches!(run_git(root, &["rev-parse", "--show-toplevel"]), Ok(Some(_))) {
        let cause = format!("{} is in no Git repository, so nothing archives the artifacts", root.display());
        findings.push(Finding::warning("git-merge", cause, "git init, then agent git install"));
        return;
    }
    findings.push(match install::missing(root, &config.kinds) {
        Ok(missing) if missing.is_empty() => {
            Finding::ok("git-merge", "Git merges and shows artifacts with agent")
        }
        Ok(missing) => Finding::warning(
            "git-merge",
            format!(
                "Git treats artifacts as any other text, or asks another program: {}",
                missing.join(", ")
            ),
            "agent git install",
        ),
        Err(error) => Finding::warning("git-merge", format!("{error:#}"), "agent git install"),
    });
    findings.push(ignored(root));
}

fn version(findings: &mut Vec<Finding>) -> bool {
    let said = Command::new("git").arg("--version").output();
    let said = said.ok().filter(|output| output.status.success());
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let Some(said) = said else {
        let cause = "git cannot be run; agent works without it, but nothing archives the artifacts";
        findings.push(Finding::warning("git", cause, "install Git, or put it on the PATH"));
        return false;
    };
    let is_old = number(&said).is_some_and(|version| version < OLDEST);
    findings.push(match is_old {
        true => Finding::warning(
            "git",
            format!("{said} is older than {}.{}, which is the oldest that is tried", OLDEST.0, OLDEST.1),
            "install a newer Git",
        ),
        false => Finding::ok("git", said),
    });
    true
}

/// The first two numbers of `git version 2.47.3`.
fn number(said: &str) -> Option<(u32, u32)> {
    let mut parts = said.split_whitespace().nth(2)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The cache is this machine's own: committed, it would be every clone's.
fn ignored(root: &Path) -> Finding {
    const OWN: [&str; 2] = [".agent/cache/agent.db", ".agent/logs/sync.log"];
    let tracked = OWN
        .iter()
        .find(|path| matches!(run_git(root, &["ls-files", "--error-unmatch", "--", path]), Ok(Some(_))));
    if let Some(path) = tracked {
        let fix = format!("git rm --cached {path}, then agent sync init, which completes .agent/.gitignore");
        return Finding::failure(
            "git-ignore",
            format!("{path} is committed, and it is this machine's own"),
            fix,
        );
    }
    let shown: Vec<&str> = (OWN.into_iter())
        .filter(|path| !matches!(run_git(root, &["check-ignore", "-q", "--", path]), Ok(Some(_))))
        .collect();
    match shown.is_empty() {
        true => Finding::ok("git-ignore", "Git leaves the cache and the logs alone"),
        false => Finding::warning(
            "git-ignore",
            format!("Git would commit {}", shown.join(" and ")),
            "agent sync init, which completes .agent/.gitignore",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_version_is_read_whatever_follows_it() {
        assert_eq!(number("git version 2.47.3"), Some((2, 47)));
        assert_eq!(number("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(number("git version 2.9.0.windows.1"), Some((2, 9)));
        assert_eq!(number("something else"), None);
    }
}
