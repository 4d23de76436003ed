//! Writes and takes back the two halves of the set-up: the attributes, which belong to the project
//! and are committed, and the programs they name, which belong to this clone's configuration.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_core::artifact::identity::Kinds;
use anyhow::{Context as _, bail, ensure};
use serde::Serialize;

use super::attributes;
use crate::output::Done;
use crate::place;

const ATTRIBUTES: &str = ".gitattributes";

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    /// Where the repository is.
    repository: String,
    /// What was written, or would be: a file, or a key of the repository's configuration.
    changed: Vec<String>,
    /// What was so already.
    kept: Vec<String>,
}

/// Sets Git up.
pub(super) fn install(dry_run: bool) -> anyhow::Result<Done> {
    let workspace = place::workspace()?;
    let kinds = workspace.config(&place::env)?.kinds;
    let root = workspace.root();
    let mut report = begin(root, dry_run)?;
    write_attributes(root, &mut report, |before| attributes::with_artifacts(before, &kinds))?;
    let program = program()?;
    for (key, value) in settings(&program) {
        if git(root, &["config", "--local", "--get", key])?.as_deref() == Some(&value) {
            report.kept.push(format!("git config {key}"));
            continue;
        }
        if !dry_run {
            git(root, &["config", "--local", key, &value])?
                .with_context(|| format!("git config {key} could not be written"))?;
        }
        report.changed.push(format!("git config {key}"));
    }
    finish(&report, "Commit .gitattributes, so that it holds for every clone; each runs this command once.")
}

/// What [`install`] would change: nothing where Git is set up.
pub(in crate::commands) fn missing(root: &Path, kinds: &Kinds) -> anyhow::Result<Vec<String>> {
    let mut report = begin(root, true)?;
    write_attributes(root, &mut report, |before| attributes::with_artifacts(before, kinds))?;
    for (key, value) in settings(&program()?) {
        if git(root, &["config", "--local", "--get", key])?.as_deref() != Some(&value) {
            report.changed.push(format!("git config {key}"));
        }
    }
    Ok(report.changed)
}

/// Takes the set-up back.
pub(super) fn uninstall(dry_run: bool) -> anyhow::Result<Done> {
    let workspace = place::workspace()?;
    let root = workspace.root();
    let mut report = begin(root, dry_run)?;
    write_attributes(root, &mut report, attributes::without_artifacts)?;
    for section in ["merge.agent", "diff.agent"] {
        let pattern = format!("^{}\\.", section.replace('.', "\\."));
        if git(root, &["config", "--local", "--get-regexp", &pattern])?.is_none() {
            continue;
        }
        if !dry_run {
            git(root, &["config", "--local", "--remove-section", section])?
                .with_context(|| format!("git config --remove-section {section} failed"))?;
        }
        report.changed.push(format!("git config {section}"));
    }
    finish(&report, "Git merges and shows the artifacts as any other text.")
}

/// What Git shall run; each key with its value.
fn settings(program: &str) -> [(&'static str, String); 5] {
    [
        ("merge.agent.name", "agent: a three-way merge of Markdown artifacts".to_owned()),
        (
            "merge.agent.driver",
            format!("{program} merge-file --marker-size %L -L ours -L base -L theirs %A %O %B"),
        ),
        ("diff.agent.textconv", format!("{program} git textconv")),
        // What stands behind @@ is the section, as with Git's own markdown driver.
        ("diff.agent.xfuncname", "^ {0,3}#{1,6}[[:space:]].*".to_owned()),
        ("diff.agent.cachetextconv", "false".to_owned()),
    ]
}

/// How a shell calls this program: by name where that finds it, else by its place.
fn program() -> anyhow::Result<String> {
    let this = std::env::current_exe().context("this program's own file cannot be found")?;
    let named = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("agent")).find(|file| file.is_file())
    });
    let same = |file: PathBuf| fs::canonicalize(file).ok() == fs::canonicalize(&this).ok();
    if named.is_some_and(same) {
        return Ok("agent".to_owned());
    }
    let shown = this.to_str().with_context(|| format!("{} is no UTF-8", this.display()))?;
    Ok(format!("'{}'", shown.replace('\\', "/").replace('\'', "'\\''")))
}

fn begin(root: &Path, dry_run: bool) -> anyhow::Result<Report> {
    let repository = git(root, &["rev-parse", "--show-toplevel"])?;
    let repository = repository
        .with_context(|| format!("{} is in no Git repository; nothing was changed", root.display()))?;
    Ok(Report { dry_run, repository, changed: Vec::new(), kept: Vec::new() })
}

/// Replaces the attributes beside the `.agent` folder, keeping what else is in the file.
fn write_attributes(
    root: &Path,
    report: &mut Report,
    change: impl FnOnce(&str) -> String,
) -> anyhow::Result<()> {
    let file = root.join(ATTRIBUTES);
    let before = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => bail!("{} cannot be read, nothing was changed: {error}", file.display()),
    };
    let after = change(&before);
    if after == before {
        report.kept.push(ATTRIBUTES.to_owned());
        return Ok(());
    }
    if !report.dry_run {
        let written = if after.is_empty() { fs::remove_file(&file) } else { fs::write(&file, after) };
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    report.changed.push(ATTRIBUTES.to_owned());
    Ok(())
}

/// What Git prints, without the last line feed; `None` when it says no, by exit code 1 or 128.
pub(in crate::commands) fn git(root: &Path, args: &[&str]) -> anyhow::Result<Option<String>> {
    let output = Command::new("git").arg("-C").arg(root).args(args.iter().map(OsStr::new)).output();
    let output = output.context("git cannot be run; install it, or put it on the PATH")?;
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()));
    }
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(
        matches!(output.status.code(), Some(1 | 5 | 128)),
        "git {} failed: {}",
        args.join(" "),
        problem.trim_end()
    );
    Ok(None)
}

fn finish(report: &Report, after: &str) -> anyhow::Result<Done> {
    let mut text = format!("Repository {}\n", report.repository);
    let verb = if report.dry_run { "would change" } else { "changed" };
    for what in &report.changed {
        let _ = writeln!(text, "  {verb}  {what}");
    }
    for what in &report.kept {
        let _ = writeln!(text, "  kept  {what}");
    }
    if !report.dry_run {
        let _ = writeln!(text, "{after}");
    }
    Done::new(text, report)
}
