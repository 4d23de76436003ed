//! `.agent/etc/sync.yaml`: what it may say, how `${ENV}` is expanded, and what is refused. Reading
//! the file is [`crate::workspace`]'s; here its text and the environment come in as arguments.

use std::collections::BTreeMap;

use agent_core::artifact::identity::{KindRule, Kinds};
use agent_core::id::Kind;
use agent_core::secrets::{Response, Rule, RuleSet, ScanPolicy};
use agent_core::sync::next::ConflictStrategy;
use agent_core::sync::retention::Retention;
use agent_core::sync::{DELETION_LIMIT, Policy, REVERSION_LIMIT};
use secrecy::SecretString;
use serde::Deserialize;

/// The largest artifact taken when nothing else is configured, in bytes; also the remote's limit.
pub const MAX_FILE_SIZE: u64 = 2 * 1024 * 1024;

/// Why the configuration is not used. The message names the file, the place and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ConfigError {
    /// The file, as shown to people.
    pub file: String,
    /// What is wrong, where, and what to do.
    pub problem: String,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The project alone, which is all that signing in and making a team need; `Err` as below.
    pub project: Result<ProjectConfig, String>,
    /// Where the team's project is; `Err` says what is missing, which only matters once the remote
    /// is needed: a workspace works without one.
    pub remote: Result<RemoteConfig, String>,
    /// How to sync.
    pub sync: SyncConfig,
    /// Which folders hold which kind.
    pub kinds: Kinds,
}

/// The `remote` section without the team.
#[derive(Debug, Clone)]
pub struct ProjectConfig {
    /// The project's address.
    pub url: url::Url,
    /// The publishable key.
    pub anon_key: SecretString,
}

/// The `remote` section.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The project's address.
    pub url: url::Url,
    /// The publishable key.
    pub anon_key: SecretString,
    /// The team.
    pub team_id: uuid::Uuid,
    /// Another address for Realtime.
    pub realtime_url: Option<url::Url>,
}

/// The `sync` section.
#[derive(Debug, Clone, Copy)]
pub struct SyncConfig {
    /// What the machine may do unasked.
    pub policy: Policy,
    /// Pull this often even when nothing is announced, in milliseconds; 0 never.
    pub auto_pull_interval: i64,
    /// An open, unchanged document takes a newer revision at once.
    pub apply_when_open: bool,
    /// Tell the team what is open here, and show what others have open.
    pub presence: bool,
    /// The largest file taken, in bytes.
    pub max_file_size: u64,
    /// How many percent of the artifacts may vanish at once without being asked about.
    pub deletion_limit: u8,
    /// How many percent of the artifacts may go back to earlier versions at once without being asked about.
    pub reversion_limit: u8,
    /// What is done about credentials and personal data in what is to be pushed.
    pub scan: ScanPolicy,
    /// How long the past is kept.
    pub retention: Retention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    remote: RemoteSection,
    sync: SyncSection,
    history: HistorySection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HistorySection {
    keep: Option<String>,
    keep_unpushed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RemoteSection {
    url: Option<String>,
    anon_key: Option<String>,
    team_id: Option<String>,
    realtime_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SyncSection {
    auto_push: bool,
    auto_pull_interval: u32,
    conflict_strategy: Strategy,
    closed_files: ClosedFiles,
    open_files: OpenFiles,
    presence: bool,
    max_file_size: u64,
    deletion_limit: u8,
    reversion_limit: u8,
    kinds: Option<BTreeMap<String, Vec<String>>>,
    scan: ScanSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScanSection {
    secrets: Option<SecretsFound>,
    personal_data: Option<PersonalDataFound>,
    allow: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecretsFound {
    Block,
    Warn,
    Off,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PersonalDataFound {
    Block,
    Redact,
    Warn,
    Off,
}

impl Default for SyncSection {
    fn default() -> Self {
        Self {
            auto_push: true,
            auto_pull_interval: 60,
            conflict_strategy: Strategy::Manual,
            closed_files: ClosedFiles::Update,
            open_files: OpenFiles::Show,
            presence: true,
            max_file_size: MAX_FILE_SIZE,
            deletion_limit: DELETION_LIMIT,
            reversion_limit: REVERSION_LIMIT,
            kinds: None,
            scan: ScanSection::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Strategy {
    Manual,
    LocalWins,
    RemoteWins,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClosedFiles {
    Update,
    Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OpenFiles {
    Show,
    Apply,
}

/// Every key there is, for suggestions.
const KEYS: [&str; 23] = [
    "remote",
    "sync",
    "history",
    "keep",
    "keep_unpushed",
    "url",
    "anon_key",
    "team_id",
    "realtime_url",
    "auto_push",
    "auto_pull_interval",
    "conflict_strategy",
    "closed_files",
    "open_files",
    "presence",
    "max_file_size",
    "deletion_limit",
    "reversion_limit",
    "kinds",
    "scan",
    "secrets",
    "personal_data",
    "allow",
];

/// Reads a configuration. `env` answers what an environment variable holds.
///
/// # Errors
/// Broken YAML, an unknown key (with the nearest known one), a value of the wrong type, a key
/// written out in the file instead of taken from the environment.
pub fn parse(file: &str, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let error = |problem: String| ConfigError { file: file.to_owned(), problem };
    let parsed: File = match text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
        true => File::default(),
        false => serde_saphyr::from_str(text).map_err(|cause| error(readable(&cause.to_string())))?,
    };
    if let Some(key) = parsed.remote.anon_key.as_deref()
        && !key.is_empty()
        && variable_of(key).is_none()
    {
        return Err(error(
            "remote.anon_key: a key must not be written into the file; \
             write anon_key: ${SUPABASE_ANON_KEY} and set that environment variable"
                .to_owned(),
        ));
    }
    let limits =
        [("deletion_limit", parsed.sync.deletion_limit), ("reversion_limit", parsed.sync.reversion_limit)];
    if let Some((key, found)) = limits.into_iter().find(|(_, percent)| *percent > 100) {
        return Err(error(format!(
            "sync.{key}: {found} is no share in percent; 0 asks about any ten at once, 100 never asks"
        )));
    }
    let scan = scan(&parsed.sync.scan).map_err(|problem| error(format!("sync.scan.allow: {problem}")))?;
    let retention = retention(&parsed.history).map_err(error)?;
    let settings = sync(&parsed.sync, scan, retention);
    let kinds = kinds(parsed.sync.kinds).map_err(|problem| error(format!("sync.kinds: {problem}")))?;
    let project = project(&parsed.remote, env);
    let remote = project.clone().and_then(|project| remote(parsed.remote, project, env));
    Ok(Config { project, remote, sync: settings, kinds })
}

fn sync(section: &SyncSection, scan: ScanPolicy, retention: Retention) -> SyncConfig {
    let strategy = match section.conflict_strategy {
        Strategy::Manual => ConflictStrategy::Manual,
        Strategy::LocalWins => ConflictStrategy::LocalWins,
        Strategy::RemoteWins => ConflictStrategy::RemoteWins,
    };
    SyncConfig {
        policy: Policy {
            auto_push: section.auto_push,
            may_write: section.closed_files == ClosedFiles::Update,
            strategy,
        },
        auto_pull_interval: i64::from(section.auto_pull_interval) * 1000,
        apply_when_open: section.open_files == OpenFiles::Apply,
        presence: section.presence,
        max_file_size: section.max_file_size,
        deletion_limit: section.deletion_limit,
        reversion_limit: section.reversion_limit,
        scan,
        retention,
    }
}

fn retention(section: &HistorySection) -> Result<Retention, String> {
    let usual = Retention::default();
    let span = |key: &str, value: Option<&str>, usual: Option<i64>| match value {
        None => Ok(usual),
        Some(value) => kept_for(value).map_err(|problem| format!("history.{key}: {problem}")),
    };
    Ok(Retention {
        keep: span("keep", section.keep.as_deref(), usual.keep)?,
        keep_unpushed: span("keep_unpushed", section.keep_unpushed.as_deref(), usual.keep_unpushed)?,
    })
}

/// A time span in milliseconds; `None`: for ever. Months and years are as long as those from 2026 on.
fn kept_for(value: &str) -> Result<Option<i64>, String> {
    if ["forever", "never"].contains(&value.trim()) {
        return Ok(None);
    }
    let problem = || format!("{value:?} is no time span (90d, 12 weeks, 1y) and not forever");
    let span: jiff::Span = value.trim().parse().map_err(|_| problem())?;
    let start = jiff::SpanRelativeTo::from(jiff::civil::date(2026, 1, 1));
    let millis = span.total((jiff::Unit::Millisecond, start)).map_err(|_| problem())?;
    if millis < 0.0 {
        return Err(problem());
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds of a time span")]
    let millis = millis as i64;
    Ok(Some(millis))
}

fn scan(section: &ScanSection) -> Result<ScanPolicy, String> {
    let unset = ScanPolicy::default();
    let secrets = section.secrets.map_or(unset.secrets, |found| match found {
        SecretsFound::Block => Response::Block,
        SecretsFound::Warn => Response::Warn,
        SecretsFound::Off => Response::Off,
    });
    let personal = section.personal_data.map_or(unset.personal, |found| match found {
        PersonalDataFound::Block => Response::Block,
        PersonalDataFound::Redact => Response::Redact,
        PersonalDataFound::Warn => Response::Warn,
        PersonalDataFound::Off => Response::Off,
    });
    let mut allowed = RuleSet::default();
    for id in &section.allow {
        let Some(rule) = Rule::by_id(id) else {
            let known = agent_core::secrets::RULES.iter().map(|rule| rule.id);
            let nearest =
                known.min_by_key(|known| strsim::damerau_levenshtein(id, known)).unwrap_or_default();
            return Err(format!(
                "there is no rule {id:?}; did you mean {nearest:?}? (rules: docs/secrets.md)"
            ));
        };
        allowed = allowed.with(rule);
    }
    Ok(ScanPolicy { secrets, personal, allowed })
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

fn project(section: &RemoteSection, env: Env<'_>) -> Result<ProjectConfig, String> {
    let url = as_url("url", &need("url", section.url.as_deref(), env)?)?;
    let anon_key = SecretString::from(need("anon_key", section.anon_key.as_deref(), env)?);
    Ok(ProjectConfig { url, anon_key })
}

fn remote(section: RemoteSection, project: ProjectConfig, env: Env<'_>) -> Result<RemoteConfig, String> {
    let team = need("team_id", section.team_id.as_deref(), env)?;
    let team_id = team.trim().parse().map_err(|_| {
        format!("remote.team_id: {team:?} is no UUID; agent login shows the teams you are in")
    })?;
    let realtime_url = match section.realtime_url.as_deref() {
        Some(value) if !value.trim().is_empty() => {
            Some(as_url("realtime_url", &need("realtime_url", Some(value), env)?)?)
        }
        _ => None,
    };
    Ok(RemoteConfig { url: project.url, anon_key: project.anon_key, team_id, realtime_url })
}

fn need(key: &str, value: Option<&str>, env: Env<'_>) -> Result<String, String> {
    match value {
        Some(value) if !value.trim().is_empty() => {
            expand(value, env).map_err(|e| format!("remote.{key}: {e}"))
        }
        _ => Err(format!("remote.{key} is not set")),
    }
}

fn as_url(key: &str, value: &str) -> Result<url::Url, String> {
    url::Url::parse(value.trim()).map_err(|cause| format!("remote.{key}: {value:?} is no address: {cause}"))
}

fn kinds(configured: Option<BTreeMap<String, Vec<String>>>) -> Result<Kinds, String> {
    let Some(configured) = configured else { return Ok(Kinds::standard()) };
    let mut rules = Vec::new();
    for (kind, folders) in configured {
        let kind = Kind::new(&kind).map_err(|problem| problem.to_string())?;
        let extensions = ["md", "yaml", "yml"].map(str::to_owned).to_vec();
        rules.push(KindRule { kind, folders, extensions });
    }
    Kinds::new(rules).map_err(|problem| problem.to_string())
}

/// The name of the variable, when the whole value is one `${NAME}`.
fn variable_of(value: &str) -> Option<&str> {
    let name = value.trim().strip_prefix("${")?.strip_suffix('}')?;
    (!name.is_empty() && !name.contains(['$', '{', '}'])).then_some(name)
}

/// Replaces every `${NAME}`. A variable that is not set is an error that names it.
fn expand(value: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            return Err(format!("{value:?} has a ${{ without its }}"));
        };
        let name = &rest[start + 2..start + length];
        if !may_be_read(name) {
            return Err(format!(
                "{name} is not read from here: this file may come with somebody else's repository, so only \
                 variables are whose name holds SUPABASE, ANON_KEY, PUBLISHABLE_KEY or TEAM_ID, or begins with AGENT_"
            ));
        }
        let found = env(name).filter(|found| !found.is_empty());
        out.push_str(&rest[..start]);
        out.push_str(&found.ok_or_else(|| format!("the environment variable {name} is not set"))?);
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// A configuration that comes with a repository must not be able to send any secret of the
/// environment to an address it also names.
fn may_be_read(name: &str) -> bool {
    let known = ["SUPABASE", "ANON_KEY", "PUBLISHABLE_KEY", "TEAM_ID"];
    known.iter().any(|part| name.contains(part)) || name.starts_with("AGENT_")
}

/// The parser's message for people: where and what, and "did you mean" for an unknown key. Its
/// picture of the lines around is left out, because a key could stand there.
fn readable(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let unknown = first.split("unknown field `").nth(1).and_then(|rest| rest.split('`').next());
    let nearest = unknown.and_then(|unknown| {
        KEYS.iter()
            .map(|key| (strsim::damerau_levenshtein(unknown, key), *key))
            .min()
            .filter(|(distance, _)| *distance <= 3)
    });
    match nearest {
        Some((_, key)) => format!("{first}; did you mean `{key}`?"),
        None => first.to_owned(),
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
