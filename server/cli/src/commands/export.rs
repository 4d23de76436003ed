//! `agent export`: artifacts as plain Markdown files, byte for byte, where they belong in the
//! workspace or below another folder. No network. A file that holds something else is never
//! replaced unasked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use agent_core::id::{ArtifactPath, ContentHash};
use agent_core::ports::{Files as _, Replaced};
use agent_core::sync::Entry;
use agent_engine::disk::Disk;
use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::args::Export;
use crate::output::Done;
use crate::show::{List, count};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    folder: String,
    artifacts: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    kind: String,
    id: String,
    path: String,
    result: &'static str,
    reason: Option<String>,
}

/// What became of one artifact: the word of the report, and why it was left out.
type Outcome = (&'static str, Option<String>);

/// Writes the files. Exit code 1 when one was left out.
pub(crate) fn run(args: &Export) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let folder = match &args.output {
        Some(folder) => std::path::absolute(folder).with_context(|| folder.display().to_string())?,
        None => work.session.workspace.root().to_owned(),
    };
    if folder.exists() && !folder.is_dir() {
        bail!("{} is no folder; nothing was written", folder.display());
    }
    let disk = match args.dry_run.dry_run {
        true => Disk::new(&folder, u64::MAX).rehearsed(),
        false => Disk::new(&folder, u64::MAX),
    };
    let mut report =
        Report { dry_run: args.dry_run.dry_run, folder: folder.display().to_string(), artifacts: Vec::new() };
    for entry in wanted(&work, args)? {
        let (result, reason) = write(&work, &disk, &entry, args);
        report.artifacts.push(Row {
            kind: entry.key.kind.as_str().to_owned(),
            id: entry.key.id.as_str().to_owned(),
            path: path_of(&entry, args).to_string(),
            result,
            reason,
        });
    }
    if args.output.is_none() && !args.dry_run.dry_run {
        // What was written in the workspace is known to the cache at once.
        work.scan()?;
    }
    let left = report.artifacts.iter().any(|row| row.reason.is_some());
    Ok(Done::new(text(&report), &report)?.with(work.notes, left))
}

fn wanted(work: &Work, args: &Export) -> anyhow::Result<Vec<Entry>> {
    if !args.artifacts.is_empty() {
        return args.artifacts.iter().map(|name| work.find(name)).collect();
    }
    let fits = |entry: &Entry| args.kind.as_deref().is_none_or(|kind| entry.key.kind.as_str() == kind);
    let there = |entry: &Entry| entry.local.is_some() || entry.remote_hash().is_some();
    Ok(work.entries().into_iter().filter(|entry| fits(entry) && there(entry)).collect())
}

/// The text to export: the local one, or the team's where that is asked for or all there is.
fn source(entry: &Entry, args: &Export) -> Option<ContentHash> {
    match args.remote {
        true => entry.remote_hash(),
        false => entry.local.or(entry.remote_hash()),
    }
}

fn path_of<'a>(entry: &'a Entry, args: &Export) -> &'a ArtifactPath {
    let theirs = entry.remote.as_ref().map(|remote| &remote.path);
    let from_remote = args.remote || entry.local.is_none();
    theirs.filter(|_| from_remote && args.output.is_some()).unwrap_or(&entry.path)
}

fn write(work: &Work, disk: &Disk, entry: &Entry, args: &Export) -> Outcome {
    let Some(hash) = source(entry, args) else {
        return ("left", Some("the team does not have it".to_owned()));
    };
    let Some(text) = work.text(hash) else {
        return ("left", Some("its text is not on this machine; run agent sync pull".to_owned()));
    };
    let path = path_of(entry, args);
    let found = match disk.read(path) {
        Ok(found) => found.map(|found| found.text.hash()),
        // What is no text is something else, whatever it is.
        Err(problem) => return ("left", Some(problem.to_string())),
    };
    let result = match found {
        Some(found) if found == hash => return ("same", None),
        Some(_) if args.force || is_replaceable(entry, found, args) => "updated",
        Some(_) => return ("left", Some(other(args).to_owned())),
        None => "created",
    };
    match disk.replace(path, found, Some(&text)) {
        Ok(Replaced::Done(_)) => (result, None),
        Ok(Replaced::Changed) => ("left", Some("it changed just now; run the command again".to_owned())),
        Err(problem) => ("left", Some(problem.to_string())),
    }
}

/// In the workspace a file may give way to the team's version only while it holds nothing of its own.
fn is_replaceable(entry: &Entry, found: Option<ContentHash>, args: &Export) -> bool {
    args.output.is_none() && found.is_some() && found == entry.local && entry.local == entry.base
}

fn other(args: &Export) -> &'static str {
    match args.output {
        Some(_) => "a file with another content is there; --force replaces it",
        None => "the file holds edits of its own; agent sync resolve chooses a side",
    }
}

fn text(report: &Report) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    report.artifacts.iter().for_each(|row| *counts.entry(row.result).or_default() += 1);
    let counts: Vec<String> = counts.iter().map(|(result, n)| format!("{n} {result}")).collect();
    let would = if report.dry_run { "Would export" } else { "Exported" };
    let mut out = format!("{would} {} to {}", count(report.artifacts.len(), "artifact"), report.folder);
    let _ = writeln!(
        out,
        "{}",
        if counts.is_empty() { ".".to_owned() } else { format!(": {}.", counts.join(", ")) }
    );
    let left =
        report.artifacts.iter().filter_map(|row| Some(format!("{}  {}", row.path, row.reason.as_ref()?)));
    List::new("Left as they are:", left.collect()).print(&mut out);
    out
}
