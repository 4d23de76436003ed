//! `agent sync push`: sends everything that is ahead of the team, what was refused before included.
//! No file is written and nothing is fetched; what a conflicting answer brings along is kept in
//! the cache for the next pull.

use std::collections::BTreeSet;

use agent_core::id::{ArtifactKey, ChangeId};
use agent_core::ports::{PushOutcome, PushReply, RemoteError, StoreError};
use agent_core::sync::status::Status;
use agent_core::sync::{Entry, Event, PendingChange, Request, Traffic};
use agent_engine::AnyRemote;
use serde::Serialize;

use crate::args::Push;
use crate::commands::block_on;
use crate::interrupt;
use crate::output::{Done, Progress};
use crate::place::now;
use crate::show::{List, NotTaken, Refused, Row, Turn, count, not_taken, not_taken_list, trouble};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    artifacts: Vec<Pushed>,
    not_taken: Vec<NotTaken>,
    /// Why the remote did not answer.
    remote_problem: Option<String>,
    requests: u64,
}

#[derive(Serialize)]
struct Pushed {
    kind: String,
    id: String,
    path: String,
    result: Fate,
    /// The remote's newest version known now.
    version: u64,
    deleted: bool,
    refused: Option<Refused>,
    /// What somebody must do first.
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    /// The team has the same already; only the cache did not know.
    Same,
    /// A dry run: it would be sent.
    WouldPush,
    Pushed,
    /// The remote has moved on, or both sides conflict already: pull, resolve, push again.
    Conflict,
    Refused,
    /// It stays in the cache and is sent at the next chance.
    Waiting,
}

type Keys = BTreeSet<ArtifactKey>;

/// Pushes.
pub(crate) fn run(args: &Push) -> anyhow::Result<Done> {
    let (is_dry, json) = (args.common.dry_run.dry_run, args.common.json.json);
    let mut work = Work::open()?.rehearsing(&args.common.dry_run)?;
    work.set_policy(|policy| {
        policy.may_write = false;
        policy.auto_push = false;
    })?;
    // Whoever pushes did not ask for the others' changes.
    work.session.engine.machine_mut().set_traffic(Traffic::PushOnly);
    work.scan()?;
    if args.allow_deletions {
        work.session.engine.handle(Event::DeletionsAllowed, now())?;
    }
    if args.allow_reversions {
        work.session.engine.handle(Event::ReversionsAllowed, now())?;
    }
    let has_remote = matches!(work.session.remote, AnyRemote::Supabase(_));
    if has_remote && !is_dry && work.user().is_some() {
        let left = block_on(work.session.give_ids())??;
        work.notes.extend(left);
    }
    let keys: Keys = work.entries().iter().filter(|e| is_ours(&work, e)).map(|e| e.key.clone()).collect();
    let sends = keys.iter().any(|key| matches!(turn(&work, key), Some(Turn::Push | Turn::Refused)));
    let mut applied = BTreeSet::new();
    let mut is_whole = true;
    if sends {
        work.check_remote("nothing was sent; your changes are kept in the cache")?;
        let progress = Progress::new(json, "pushing", Some(keys.len()));
        let sent = block_on(interrupt::unless_interrupted(send(&mut work, &mut applied, &progress)))??;
        is_whole = sent.transpose()?.is_some();
    }
    let done = report(&work, &keys, &applied, is_dry)?;
    Ok(match is_whole {
        true => done,
        false => done.interrupted("what waits is kept and sent by the next push, nothing twice"),
    })
}

/// Whether an artifact has something local that the remote does not have.
fn is_ours(work: &Work, entry: &Entry) -> bool {
    let next = Turn::from(&work.next_of(entry));
    entry.pending.is_some()
        || matches!(entry.status(), Status::Ahead | Status::Diverged)
        || matches!(next, Turn::Push | Turn::Refused | Turn::NeedsId)
}

fn turn(work: &Work, key: &ArtifactKey) -> Option<Turn> {
    work.entry(key).map(|entry| Turn::from(&work.next_of(entry)))
}

/// Feeds the machine its answers until it has nothing left to ask. Notes the artifacts that the remote
/// took as it goes.
async fn send(work: &mut Work, applied: &mut Keys, progress: &Progress) -> Result<(), StoreError> {
    let mut events = vec![Event::PushWanted { retry_refused: true }, Event::Leads(true)];
    while let Some(event) = events.pop() {
        let outcome = work.session.engine.handle(event, now())?;
        for request in outcome.requests {
            let batch = match &request {
                Request::Push(batch) => batch.clone(),
                Request::Pull(_) | Request::FindBase(..) => Vec::new(),
            };
            progress.at(applied.len());
            let event = work.session.ask(request).await;
            if let Event::Pushed(reply) = &event {
                applied.extend(taken(&batch, reply));
            }
            events.push(event);
        }
    }
    work.session.record_link()
}

/// The artifacts of a batch that the remote took.
fn taken<'a>(
    batch: &'a [(ArtifactKey, PendingChange)],
    reply: &'a PushReply,
) -> impl Iterator<Item = ArtifactKey> + 'a {
    let is_taken =
        |outcome: &PushOutcome| matches!(outcome, PushOutcome::Applied(..) | PushOutcome::Duplicate(..));
    let ids: BTreeSet<ChangeId> =
        reply.outcomes.iter().filter(|(_, o)| is_taken(o)).map(|(id, _)| *id).collect();
    batch.iter().filter(move |(_, pending)| ids.contains(&pending.change_id)).map(|(key, _)| key.clone())
}

fn report(work: &Work, keys: &Keys, applied: &Keys, dry_run: bool) -> anyhow::Result<Done> {
    let problem = work.session.engine.machine().link().trouble.as_ref().map(|(_, error)| error);
    let artifacts: Vec<Pushed> = keys.iter().filter_map(|key| pushed(work, key, applied, dry_run)).collect();
    let report = Report {
        dry_run,
        artifacts,
        not_taken: not_taken(&work.session.engine.problems()),
        remote_problem: problem.map(trouble),
        requests: work.requests(),
    };
    let is_done = |artifact: &Pushed| matches!(artifact.result, Fate::Pushed | Fate::Same | Fate::WouldPush);
    let left = problem.is_some() || !report.artifacts.iter().all(is_done);
    Ok(Done::new(text(&report, problem), &report)?.with(work.notes.clone(), left))
}

fn pushed(work: &Work, key: &ArtifactKey, applied: &Keys, dry_run: bool) -> Option<Pushed> {
    let entry = work.entry(key)?;
    let row = Row::of(work, entry);
    let result = match row.next {
        // The id that a real run is given is not known.
        Turn::NeedsId if dry_run => Fate::WouldPush,
        Turn::Nothing | Turn::Settle if applied.contains(key) && dry_run => Fate::WouldPush,
        Turn::Nothing | Turn::Settle if applied.contains(key) => Fate::Pushed,
        Turn::Nothing | Turn::Settle => Fate::Same,
        Turn::Refused => Fate::Refused,
        Turn::Push | Turn::NeedsId => Fate::Waiting,
        _ => Fate::Conflict,
    };
    let reason = (result == Fate::Conflict).then(|| match row.next.is_conflict() {
        true => row.why(),
        false => format!("merges with version {}, which the team has by now", row.remote_version),
    });
    Some(Pushed {
        kind: row.kind,
        id: row.id,
        path: row.path,
        result,
        version: row.remote_version,
        deleted: !row.here,
        refused: row.refused,
        reason,
    })
}

fn text(report: &Report, problem: Option<&RemoteError>) -> String {
    let mut out = String::new();
    let of = |wanted: Fate| report.artifacts.iter().filter(move |artifact| artifact.result == wanted);
    let list = |wanted: Fate, heading: &str, line: &dyn Fn(&Pushed) -> String| {
        let lines: Vec<String> = of(wanted).map(line).collect();
        List::new(heading.replace("{}", &count(lines.len(), "artifact")), lines)
    };
    let name = |artifact: &Pushed| format!("{}/{}  {}", artifact.kind, artifact.id, artifact.path);
    let change = |artifact: &Pushed| if artifact.deleted { "  (deleted)" } else { "" };
    let lists = [
        list(Fate::WouldPush, "Would push {}:", &|a| match a.version {
            0 => format!("{}{}", name(a), change(a)),
            version => format!("{}  version {version}{}", name(a), change(a)),
        }),
        list(Fate::Pushed, "Pushed {}:", &|a| format!("{}  version {}{}", name(a), a.version, change(a))),
        list(Fate::Refused, "Refused and kept here; each says why:", &|a| {
            let why = a.refused.as_ref().map_or_else(String::new, |r| format!("  {}: {}", r.code, r.message));
            format!("{}{why}", name(a))
        }),
        list(
            Fate::Conflict,
            "Not pushed, the team changed them too; take their changes with: agent sync pull",
            &|a| format!("{}  {}", name(a), a.reason.as_deref().unwrap_or_default()),
        ),
        list(Fate::Waiting, "Waiting, {}; kept in the cache, pushed at the next chance:", &|a| {
            format!("{}{}", name(a), change(a))
        }),
    ];
    lists.iter().for_each(|list| list.print(&mut out));
    match of(Fate::Same).count() {
        0 => {}
        same => out.push_str(&format!("The team has the same already: {}.\n", count(same, "artifact"))),
    }
    not_taken_list(&report.not_taken).print(&mut out);
    if let Some(problem) = problem {
        out.push_str(&format!("{}\n", trouble(problem)));
    }
    if report.artifacts.is_empty() && problem.is_none() {
        out.push_str("Nothing to push.\n");
    }
    out
}
