//! `agent sync pull`: takes what the team changed. Closed files follow, clean merges are written,
//! conflicts wait for a choice, open files are left to their editor. Pushes nothing new.

use std::collections::BTreeMap;

use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Version};
use agent_core::ports::RemoteError;
use agent_core::sync::{Entry, Event};
use serde::Serialize;

use crate::args::Pull;
use crate::commands::block_on;
use crate::interrupt;
use crate::output::{Done, Progress};
use crate::place;
use crate::show::{List, NotTaken, Row, Turn, count, not_taken, not_taken_list, trouble};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    artifacts: Vec<Pulled>,
    not_taken: Vec<NotTaken>,
    /// Rows of the remote that cannot be taken.
    unreadable: Vec<NotTaken>,
    cursor: u64,
    remote_problem: Option<String>,
    requests: u64,
}

#[derive(Serialize)]
struct Pulled {
    kind: String,
    id: String,
    path: String,
    result: Fate,
    version: u64,
    author: Option<String>,
    conflicts: usize,
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    Created,
    Updated,
    Merged,
    Moved,
    Deleted,
    WouldCreate,
    WouldUpdate,
    WouldMerge,
    WouldMove,
    WouldDelete,
    /// An editor has it open.
    Open,
    /// It was undone here, and is not taken again unasked.
    Undone,
    Conflict,
    /// The file could not be written.
    Failed,
}

impl Fate {
    /// What a dry run calls it.
    fn dry(self) -> Self {
        match self {
            Self::Created => Self::WouldCreate,
            Self::Updated => Self::WouldUpdate,
            Self::Merged => Self::WouldMerge,
            Self::Moved => Self::WouldMove,
            Self::Deleted => Self::WouldDelete,
            other => other,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Created => "Created {}:",
            Self::Updated => "Updated {}:",
            Self::Merged => "Merged {}, both sides' changes kept; send the result with agent sync push:",
            Self::Moved => "Moved {}:",
            Self::Deleted => "Deleted {}; the text stays in the cache's history:",
            Self::WouldCreate => "Would create {}:",
            Self::WouldUpdate => "Would update {}:",
            Self::WouldMerge => "Would merge {}:",
            Self::WouldMove => "Would move {}:",
            Self::WouldDelete => "Would delete {}:",
            Self::Open => "Left to the editor that has them open:",
            Self::Undone => "Left as they are here, until you decide:",
            Self::Conflict => {
                "In conflict, your files are as they were; see agent sync resolve --all --list:"
            }
            Self::Failed => "Not written:",
        }
    }
}

/// Where an artifact was before.
type Before = BTreeMap<ArtifactKey, (Option<ContentHash>, ArtifactPath, Version)>;

/// Pulls.
pub(crate) fn run(args: &Pull) -> anyhow::Result<Done> {
    let dry_run = args.common.dry_run.dry_run;
    let mut work = Work::open()?.rehearsing(&args.common.dry_run)?;
    work.set_policy(|policy| {
        policy.may_write = true;
        policy.auto_push = false;
    })?;
    work.scan()?;
    work.check_remote("nothing was fetched, and no file was changed")?;
    let state = |entry: Entry| {
        let version = entry.remote_version();
        (entry.key, (entry.local, entry.path, version))
    };
    let before: Before = work.entries().into_iter().map(state).collect();
    let progress = Progress::new(args.common.json.json, "pulling", None);
    let pulls = work.session.run(Event::Leads(true), |engine| {
        progress.at(engine.machine().len().saturating_sub(before.len()));
    });
    let pulled = block_on(interrupt::unless_interrupted(pulls))??;
    drop(progress);
    let is_whole = pulled.transpose()?.is_some();
    if args.allow_deletions && is_whole {
        work.session.engine.handle(Event::IncomingDeletionsAllowed, place::now())?;
    }
    if args.allow_rollback && is_whole {
        work.session.engine.handle(Event::RollbackAllowed, place::now())?;
    }
    let done = report(&work, &before, dry_run)?;
    Ok(match is_whole {
        true => done,
        false => done.interrupted("what is listed was taken, whole; run the command again for the rest"),
    })
}

fn report(work: &Work, before: &Before, dry_run: bool) -> anyhow::Result<Done> {
    let machine = work.session.engine.machine();
    let problem = machine.link().trouble.as_ref().map(|(_, error)| error);
    let artifacts = machine.snapshot().entries;
    let unreadable = machine.unreadable().iter();
    let report = Report {
        dry_run,
        artifacts: artifacts.iter().filter_map(|entry| pulled(work, before, entry, dry_run)).collect(),
        not_taken: not_taken(&work.session.engine.problems()),
        unreadable: unreadable
            .map(|row| NotTaken { path: row.name.clone(), reason: row.problem.clone() })
            .collect(),
        cursor: machine.cursor().0,
        remote_problem: problem.map(trouble),
        requests: work.requests(),
    };
    let waits = |artifact: &Pulled| matches!(artifact.result, Fate::Conflict | Fate::Failed);
    let left = problem.is_some() || !report.unreadable.is_empty() || report.artifacts.iter().any(waits);
    Ok(Done::new(text(&report, problem), &report)?.with(work.notes.clone(), left))
}

/// What became of an artifact; `None` when nothing did.
fn pulled(work: &Work, before: &Before, entry: &Entry, dry_run: bool) -> Option<Pulled> {
    let row = Row::of(work, entry);
    let failed = work.session.engine.write_problem(&entry.key).map(ToString::to_string);
    let (result, reason) = match (failed, row.next) {
        (Some(problem), _) => (Fate::Failed, Some(problem)),
        (None, turn) if turn.is_conflict() => (Fate::Conflict, Some(row.why())),
        (None, Turn::TextMissing) => (Fate::Failed, Some(row.why())),
        (None, Turn::Editor) => (Fate::Open, Some(row.why())),
        (None, Turn::Undone) => (Fate::Undone, Some(row.why())),
        (None, Turn::Update | Turn::Merge | Turn::Move) => {
            (Fate::Failed, Some("the file changed meanwhile; pull again".to_owned()))
        }
        (None, _) => (happened(before, entry)?, None),
    };
    let result = if dry_run { result.dry() } else { result };
    Some(Pulled {
        kind: row.kind,
        id: row.id,
        path: row.path,
        result,
        version: row.remote_version,
        author: row.author,
        conflicts: row.conflicts,
        reason,
    })
}

fn happened(before: &Before, entry: &Entry) -> Option<Fate> {
    let known = before.get(&entry.key);
    let local = known.and_then(|(local, ..)| *local);
    match (local, entry.local) {
        (None, Some(_)) => Some(Fate::Created),
        (Some(_), None) => Some(Fate::Deleted),
        (Some(old), Some(new)) if old != new && entry.local == entry.remote_hash() => Some(Fate::Updated),
        (Some(old), Some(new)) if old != new => Some(Fate::Merged),
        (Some(_), Some(_)) if known.is_some_and(|(_, path, _)| *path != entry.path) => Some(Fate::Moved),
        _ => None,
    }
}

fn text(report: &Report, problem: Option<&RemoteError>) -> String {
    const ORDER: [Fate; 14] = [
        Fate::WouldCreate,
        Fate::WouldUpdate,
        Fate::WouldMerge,
        Fate::WouldMove,
        Fate::WouldDelete,
        Fate::Created,
        Fate::Updated,
        Fate::Merged,
        Fate::Moved,
        Fate::Deleted,
        Fate::Open,
        Fate::Undone,
        Fate::Conflict,
        Fate::Failed,
    ];
    let mut out = String::new();
    for result in ORDER {
        let lines: Vec<String> = report.artifacts.iter().filter(|a| a.result == result).map(line).collect();
        let heading = result.heading().replace("{}", &count(lines.len(), "artifact"));
        List::new(heading, lines).print(&mut out);
    }
    not_taken_list(&report.not_taken).print(&mut out);
    let unreadable = report.unreadable.iter().map(|row| format!("{}: {}", row.path, row.reason)).collect();
    List::new("Left with the remote, since they cannot be taken here:", unreadable).print(&mut out);
    if let Some(problem) = problem {
        out.push_str(&format!("{}\n", trouble(problem)));
    } else if report.artifacts.is_empty() && report.unreadable.is_empty() {
        out.push_str("Already up to date.\n");
    }
    out
}

fn line(artifact: &Pulled) -> String {
    let by = artifact.author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
    let detail = artifact.reason.clone().unwrap_or_else(|| format!("version {}{by}", artifact.version));
    format!("{}/{}  {}  {detail}", artifact.kind, artifact.id, artifact.path)
}
