//! The texts `init` writes: a configuration with its explanations, and what Git shall ignore.

use anyhow::{Context as _, ensure};
use uuid::Uuid;

/// What Git shall not see below `.agent/`: the cache's files, not the artifacts beside them.
const IGNORED: [&str; 6] =
    ["/cache/agent.db*", "/cache/agent.lock", "/cache/views/", "/logs/", "*.damaged-*", ".agent-*.tmp"];

/// A new configuration.
pub(super) fn config(url: Option<&str>, team: Option<Uuid>, key: &str) -> anyhow::Result<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ensure!(
        !key.is_empty() && key.chars().all(is_name),
        "--anon-key-env takes the name of an environment variable, not a key; {key:?} is none"
    );
    let url = match url {
        Some(url) => {
            let url: url::Url = url.parse().with_context(|| format!("--url {url:?} is no address"))?;
            format!("url: {url}")
        }
        None => "# url: https://YOUR-PROJECT.supabase.co".to_owned(),
    };
    let team = team.map_or_else(
        || "# team_id: 00000000-0000-0000-0000-000000000000".to_owned(),
        |team| format!("team_id: {team}"),
    );
    Ok(format!(
        "# How agent syncs this workspace; docs/configuration.md explains every key. Safe to commit: it holds no secret.

remote:
  # The team's Supabase project.
  {url}
  # Its publishable (anon) key, taken from the environment; a key written here is refused.
  anon_key: ${{{key}}}
  # The team; `agent login` and `agent whoami` show the ids of yours.
  {team}

sync:
  # Push every save at once; false waits for `agent sync push`.
  auto_push: true
  # Pull at least every so many seconds, even when nothing is announced; 0 never.
  auto_pull_interval: 60
  # What to do when both sides changed the same lines: manual, local_wins or remote_wins.
  conflict_strategy: manual
"
    ))
}

/// The text of a `.gitignore` with the lines it lacks.
pub(super) fn ignored(before: &str) -> String {
    let has = |line: &&str| before.lines().any(|known| known.trim() == *line);
    let missing: Vec<&str> = IGNORED.into_iter().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return before.to_owned();
    }
    let break_ = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{break_}# agent's local cache\n{}\n", missing.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_lines_are_added_and_none_twice() {
        let once = ignored("*.bak\n/cache/views/");
        assert!(once.starts_with("*.bak\n/cache/views/\n# agent"));
        assert_eq!(once.matches("/cache/views/").count(), 1);
        assert_eq!(ignored(&once), once);
    }

    #[test]
    fn a_key_in_place_of_a_variable_is_refused() {
        assert!(config(None, None, "sb_publishable-x").is_err());
        assert!(config(Some("nowhere"), None, "KEY").is_err());
    }
}
