//! `agent sync init`: the workspace's configuration, what Git shall ignore of it, its cache, and a
//! first look at the artifacts; where somebody is signed in, also the first pull. At a terminal it asks
//! for what it needs ([`ask`]). It keeps what is there, and may be run again.

mod ask;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use agent_cache::Cache;
use agent_core::ports::{FileProblem, Files, Store};
use agent_engine::disk::Disk;
use agent_engine::workspace::Workspace;
use agent_engine::{Engine, SystemChance};
use anyhow::{Context as _, bail};
use serde::Serialize;

use self::ask::Given;
use crate::args::{DryRun, Init, Json, Pull, Push, PushPull};
use crate::commands::{pull, push, template};
use crate::interrupt::INTERRUPTED;
use crate::output::{self, Done};
use crate::place;
use crate::show::{NotTaken, Turn, count, not_taken, not_taken_list};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    workspace: String,
    /// What was made, or would be.
    created: Vec<String>,
    /// What was there already.
    kept: Vec<String>,
    /// How many artifacts of each kind there are.
    kinds: BTreeMap<String, usize>,
    not_taken: Vec<NotTaken>,
    /// What is missing before the first push.
    next: Vec<String>,
}

const CONFIG: &str = ".agent/etc/sync.yaml";
const IGNORE: &str = ".agent/.gitignore";
const DATABASE: &str = ".agent/cache/agent.db";

/// Prepares the workspace.
pub(crate) fn run(args: &Init) -> anyhow::Result<Done> {
    let dry_run = args.dry_run.dry_run;
    let workspace = around(&place::here()?);
    let root = workspace.root().to_owned();
    let mut report = Report {
        dry_run,
        workspace: root.display().to_string(),
        created: Vec::new(),
        kept: Vec::new(),
        kinds: BTreeMap::new(),
        not_taken: Vec::new(),
        next: Vec::new(),
    };
    let given = match is_asked(args, &workspace) {
        true => Some(ask::ask(args, &root)?),
        false => None,
    };
    let notes = configure(&workspace, args, given.as_ref(), &mut report)?;
    ignore(&root, dry_run, &mut report)?;
    let known = workspace.database().exists();
    if known { &mut report.kept } else { &mut report.created }.push(DATABASE.to_owned());
    let (notes, pulls) = match dry_run {
        true => (look(&workspace, &mut report).map(|()| notes)?, false),
        false => open(workspace, args, &mut report, notes)?,
    };
    let done = Done::new(text(&report), &report)?.with(notes, false);
    if pulls { meet(done, given.is_some(), args.json.json) } else { Ok(done) }
}

/// Whether there is somebody to ask, and something to ask for.
fn is_asked(args: &Init, workspace: &Workspace) -> bool {
    let is_terminal = || std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let is_told = args.json.json || args.dry_run.dry_run || args.offline;
    let has_all = args.url.is_some() && args.team_id.is_some();
    !is_told && !has_all && !workspace.config_file().exists() && is_terminal()
}

/// Takes what the team has; what only this machine has is sent if somebody says so.
fn meet(mut done: Done, is_asked: bool, json: bool) -> anyhow::Result<Done> {
    let common = || PushPull { dry_run: DryRun { dry_run: false }, json: Json { json } };
    match pull::run(&Pull { allow_deletions: false, allow_rollback: false, common: common() }) {
        Ok(pulled) => append(&mut done, "pull", pulled),
        // What was set up is set up; agent sync pull does the rest.
        Err(error) => {
            done.notes.push(format!("{error:#}"));
            done.code = done.code.max(1);
            return Ok(done);
        }
    }
    if done.code == INTERRUPTED {
        return Ok(done);
    }
    let mut work = Work::open()?;
    work.scan()?;
    let ahead = work.entries().iter().filter(|entry| Turn::of(&work, entry) == Turn::Push).count();
    drop(work);
    if ahead == 0 {
        return Ok(done);
    }
    let only_here = match ahead {
        1 => "1 artifact is only here as it is".to_owned(),
        _ => format!("{} are only here as they are", count(ahead, "artifact")),
    };
    if is_asked {
        // What was found so far is what the question is about.
        output::out(&std::mem::take(&mut done.text));
        if ask::agrees(&format!("{only_here}. Send to the team?")) {
            append(
                &mut done,
                "push",
                push::run(&Push { allow_deletions: false, allow_reversions: false, common: common() })?,
            );
            return Ok(done);
        }
    }
    let _ = writeln!(done.text, "{only_here}; send to the team with: agent sync push");
    Ok(done)
}

/// Adds the report of a command that was part of this one.
fn append(done: &mut Done, name: &str, part: Done) {
    done.text.push_str(&part.text);
    done.json.insert(name.to_owned(), part.json.into());
    done.notes.extend(part.notes);
    done.code = done.code.max(part.code);
}

/// The workspace around a folder, without leaving the Git repository the folder is in; else the
/// folder itself.
fn around(here: &Path) -> Workspace {
    for folder in here.ancestors() {
        if folder.join(".agent").is_dir() {
            return Workspace::at(folder);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    Workspace::at(here)
}

fn configure(
    workspace: &Workspace,
    args: &Init,
    given: Option<&Given>,
    report: &mut Report,
) -> anyhow::Result<Vec<String>> {
    let file = workspace.config_file();
    if file.exists() {
        report.kept.push(CONFIG.to_owned());
        workspace.config(&place::env)?;
        let given = args.url.is_some() || args.team_id.is_some();
        let kept =
            "sync.yaml was there already and is kept as it is; write --url and --team-id into it yourself";
        return Ok(given.then(|| kept.to_owned()).into_iter().collect());
    }
    let text = match given {
        Some(Given { url, key_env, team }) => template::config(Some(url), Some(*team), key_env)?,
        None => template::config(args.url.as_deref(), args.team_id, &args.anon_key_env)?,
    };
    report.created.push(CONFIG.to_owned());
    if !args.dry_run.dry_run {
        write_new(&file, &text)?;
    }
    Ok(Vec::new())
}

fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let problem = || format!("{} cannot be written; your artifacts are as they were", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(problem)?;
    }
    fs::write(file, text).with_context(problem)
}

/// Adds the lines that `.agent/.gitignore` lacks.
fn ignore(root: &Path, dry_run: bool, report: &mut Report) -> anyhow::Result<()> {
    let file = root.join(IGNORE);
    let before = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => bail!("{} cannot be read: {error}", file.display()),
    };
    let after = template::ignored(&before);
    if after == before {
        report.kept.push(IGNORE.to_owned());
        return Ok(());
    }
    report.created.push(IGNORE.to_owned());
    if dry_run { Ok(()) } else { write_new(&file, &after) }
}

/// Looks at the files without a cache on disk.
fn look(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let config = workspace.config(&place::env)?;
    let disk = Disk::new(workspace.root(), config.sync.max_file_size);
    let (policy, chance) = (config.sync.policy, Box::new(SystemChance));
    let mut engine = Engine::open(Cache::in_memory()?, disk, config.kinds, policy, chance, place::now())?;
    engine.scan(place::now())?;
    summarise(&engine, report);
    Ok(())
}

/// Opens the cache, creating it, and looks at the files; answers whether the team can be asked.
fn open(
    workspace: Workspace,
    args: &Init,
    report: &mut Report,
    mut notes: Vec<String>,
) -> anyhow::Result<(Vec<String>, bool)> {
    let mut work = Work::open_at(workspace)?;
    work.scan()?;
    summarise(&work.session.engine, report);
    let pulls = !args.offline && work.session.config.remote.is_ok() && work.user().is_some();
    if !pulls {
        report.next = next(&work);
    }
    notes.append(&mut work.notes);
    Ok((notes, pulls))
}

fn summarise<S: Store, F: Files>(engine: &Engine<S, F>, report: &mut Report) {
    for entry in engine.machine().entries().filter(|entry| entry.local.is_some()) {
        *report.kinds.entry(entry.key.kind.as_str().to_owned()).or_default() += 1;
    }
    let problems: BTreeMap<String, FileProblem> = engine.problems();
    report.not_taken = not_taken(&problems);
}

fn next(work: &Work) -> Vec<String> {
    let mut next = Vec::new();
    if let Err(problem) = &work.session.config.remote {
        next.push(format!("complete {CONFIG}: {problem}"));
    }
    if work.user().is_none() {
        next.push("sign in: agent login --email YOU@EXAMPLE.COM --password-stdin".to_owned());
    }
    next.push(match work.entries().is_empty() {
        true => "take the team's artifacts: agent sync pull".to_owned(),
        false => "take the team's artifacts and send yours: agent sync pull, agent sync push".to_owned(),
    });
    next
}

fn text(report: &Report) -> String {
    let mut out = format!("Workspace {}\n", report.workspace);
    let made = if report.dry_run { "would make" } else { "made" };
    for file in &report.created {
        let _ = writeln!(out, "  {made}  {file}");
    }
    for file in &report.kept {
        let _ = writeln!(out, "  kept  {file}");
    }
    let kinds: Vec<String> = report.kinds.iter().map(|(kind, n)| count(*n, kind)).collect();
    match kinds.is_empty() {
        true => out.push_str("No artifacts yet.\n"),
        false => {
            let all = count(report.kinds.values().sum(), "artifact");
            let _ = writeln!(out, "Found {all}: {}.", kinds.join(", "));
        }
    }
    not_taken_list(&report.not_taken).print_all(&mut out);
    for (n, step) in report.next.iter().enumerate() {
        let _ = writeln!(out, "{} {step}", if n == 0 { "Next:" } else { "     " });
    }
    out
}
