//! `agent import-plan`, `import-story`, `import-runbook`, `import-adr`: Markdown from elsewhere becomes
//! artifacts of this workspace. Everything is read and checked before the first file is written; what
//! is read is in [`sources`].

mod sources;

use std::fmt::Write as _;

use agent_core::artifact::identity::{KindRule, leading_id};
use agent_core::id::{ArtifactId, ArtifactKey, ArtifactPath, ContentHash};
use agent_core::ports::{Files as _, Replaced};
use agent_engine::disk::Disk;
use anyhow::{Context as _, bail};
use serde::Serialize;

use self::sources::Source;
use crate::args::Import;
use crate::interrupt::Flag;
use crate::output::{Done, Progress};
use crate::show::{List, count};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    artifacts: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    kind: String,
    id: String,
    path: String,
    /// Where it came from.
    source: String,
    result: &'static str,
    reason: Option<String>,
}

/// One file that passed every check.
struct Planned {
    key: ArtifactKey,
    path: ArtifactPath,
    source: Source,
    /// What the file there holds now.
    before: Option<ContentHash>,
}

/// Imports files as artifacts of a kind. Nothing is written unless all of them can be.
pub(crate) fn run(kind: &str, args: &Import) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let config = &work.session.config;
    let rule = config.kinds.rules().iter().find(|rule| rule.kind.as_str() == kind).cloned();
    let rule = rule.with_context(|| {
        format!("this workspace has no kind {kind}; see sync.kinds in .agent/etc/sync.yaml")
    })?;
    let (sources, mut problems) = sources::read(&args.files, &rule.extensions, config.sync.max_file_size);
    if args.id.is_some() && sources.len() + problems.len() != 1 {
        bail!(
            "--id names one artifact, and {} files are given; nothing was changed",
            sources.len() + problems.len()
        );
    }
    let disk = work.session.engine.files().clone();
    let mut planned: Vec<Planned> = Vec::new();
    for source in sources {
        match plan(&work, &disk, &rule, source, args) {
            Err(problem) => problems.push(problem),
            Ok(one) => match planned.iter().find(|other| other.key == one.key || other.path == one.path) {
                Some(other) => problems.push(format!(
                    "{}: would be the same artifact as {}",
                    one.source.name, other.source.name
                )),
                None => planned.push(one),
            },
        }
    }
    if !problems.is_empty() {
        bail!("{}\nNothing was changed.", problems.join("\n"));
    }
    // Up to here nothing was changed, and Ctrl-C ends the command by itself.
    let told_to_end = Flag::listen()?;
    let progress = Progress::new(args.json.json, "importing", Some(planned.len()));
    let mut artifacts = Vec::new();
    for one in &planned {
        let row = if told_to_end.is_raised() { left_out(one) } else { write(&disk, one) };
        artifacts.push(row);
        progress.at(artifacts.len());
    }
    drop(progress);
    let report = Report { dry_run: args.dry_run.dry_run, artifacts };
    work.scan()?;
    let left = report.artifacts.iter().any(|row| row.reason.is_some());
    let done = Done::new(text(&report), &report)?.with(work.notes, left);
    Ok(match told_to_end.is_raised() && left {
        true => done.interrupted(
            "what is listed without a reason was imported, whole; run the command again for the rest",
        ),
        false => done,
    })
}

/// Where a file goes, or why it cannot.
fn plan(work: &Work, disk: &Disk, rule: &KindRule, source: Source, args: &Import) -> Result<Planned, String> {
    let fail = |problem: &str| format!("{}: {problem}", source.name);
    let key = ArtifactKey { kind: rule.kind.clone(), id: id_of(&source, args).map_err(|p| fail(&p))? };
    let path = match work.entry(&key) {
        Some(entry) if entry.local.is_some() => entry.path.clone(),
        _ => new_path(work, rule, &key, &source).map_err(|p| fail(&p))?,
    };
    let before = disk.read(&path).map_err(|problem| fail(&format!("{path} {problem}")))?;
    let before = before.map(|file| file.text.hash());
    if before.is_some_and(|before| before != source.text.hash()) && !args.force {
        return Err(fail(&format!(
            "{path} holds something else; --force replaces it, and its history keeps both"
        )));
    }
    Ok(Planned { key, path, source, before })
}

/// The id that was given, else the one at the head of the file's name, else of the title's.
fn id_of(source: &Source, args: &Import) -> Result<ArtifactId, String> {
    let from_name = || source.stem.as_deref().map(|stem| leading_id(stem).unwrap_or(stem));
    let from_title = || {
        let heading = source
            .text
            .as_str()
            .lines()
            .find_map(|line| line.trim_start_matches('\u{feff}').strip_prefix("# "));
        heading.and_then(|title| leading_id(title.trim()))
    };
    let id = args.id.as_deref().or_else(from_name).or_else(from_title);
    let id = id.ok_or("no id: the first heading does not begin with one; give it with --id")?;
    ArtifactId::new(id).map_err(|problem| problem.to_string())
}

/// In the first folder of the kind, under the file's own name where that begins with the id.
fn new_path(
    work: &Work,
    rule: &KindRule,
    key: &ArtifactKey,
    source: &Source,
) -> Result<ArtifactPath, String> {
    let folder = rule.folders.first().map_or("", String::as_str);
    let extension =
        source.extension.as_deref().or(rule.extensions.first().map(String::as_str)).unwrap_or("md");
    let stem =
        source.stem.as_deref().filter(|stem| stem.starts_with(key.id.as_str())).unwrap_or(key.id.as_str());
    let path =
        ArtifactPath::new(&format!("{folder}/{stem}.{extension}")).map_err(|problem| problem.to_string())?;
    match work.session.config.kinds.key_of(&path) {
        Some(Ok(found)) if found == *key => Ok(path),
        _ => Err(format!(
            "a file {path} would not be the {} {}; give another --id",
            key.kind.as_str(),
            key.id.as_str()
        )),
    }
}

/// What the command was told to end before.
fn left_out(one: &Planned) -> Row {
    Row { reason: Some("not imported".to_owned()), ..row(one, "left") }
}

fn row(one: &Planned, result: &'static str) -> Row {
    Row {
        kind: one.key.kind.as_str().to_owned(),
        id: one.key.id.as_str().to_owned(),
        path: one.path.to_string(),
        source: one.source.name.clone(),
        result,
        reason: None,
    }
}

fn write(disk: &Disk, one: &Planned) -> Row {
    let result = match one.before {
        Some(before) if before == one.source.text.hash() => "same",
        Some(_) => "updated",
        None => "created",
    };
    let mut row = row(one, result);
    if result == "same" {
        return row;
    }
    let failed = match disk.replace(&one.path, one.before, Some(one.source.text.as_str())) {
        Ok(Replaced::Done(_)) => return row,
        Ok(Replaced::Changed) => "it changed just now; run the command again".to_owned(),
        Err(problem) => problem.to_string(),
    };
    (row.result, row.reason) = ("failed", Some(failed));
    row
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    let lines = report.artifacts.iter().map(|row| match &row.reason {
        Some(reason) => format!("{:8} {}  {reason}", row.result, row.path),
        None => format!("{:8} {}", row.result, row.path),
    });
    let would = if report.dry_run { "Would import" } else { "Imported" };
    List::new(format!("{would} {}:", count(report.artifacts.len(), "artifact")), lines.collect())
        .print(&mut out);
    if !report.dry_run && report.artifacts.iter().any(|row| row.result != "same") {
        let _ = writeln!(out, "Send them to the team with: agent sync push");
    }
    out
}
