//! `agent sync gc`: drops the history that may go, and says what that is. A dry run says the same.

use std::collections::BTreeMap;

use agent_core::id::ArtifactKey;
use agent_core::ports::Recorded;
use agent_core::sync::retention::Expired;
use anyhow::bail;
use serde::Serialize;

use crate::args::Gc;
use crate::output::Done;
use crate::place::now;
use crate::show::{List, count, moment};
use crate::work::Work;

/// How often it is tried when other processes commit in between.
const TRIES: usize = 20;

#[derive(Serialize)]
struct Report {
    dry_run: bool,
    artifacts: Vec<Dropped>,
    /// Changes that were answered.
    changes: Vec<String>,
    texts: Vec<DroppedText>,
    /// The size of these texts together.
    bytes: u64,
}

#[derive(Serialize)]
struct Dropped {
    kind: String,
    id: String,
    /// The numbers of its operations, oldest first.
    operations: Vec<u64>,
    /// When the last of them was.
    until: Option<String>,
}

#[derive(Serialize)]
struct DroppedText {
    hash: String,
    bytes: u64,
    /// The team's server is not known to have it.
    only_here: bool,
}

/// Drops.
pub(crate) fn run(args: &Gc) -> anyhow::Result<Done> {
    let mut work = Work::open()?.rehearsing(&args.dry_run)?;
    work.scan()?;
    let is_dry = args.dry_run.dry_run;
    let gone = forget(&mut work)?;
    let report = Report {
        dry_run: is_dry,
        artifacts: dropped(&gone.operations),
        changes: gone.changes.iter().map(ToString::to_string).collect(),
        bytes: gone.texts.iter().map(|text| text.bytes).sum(),
        texts: gone
            .texts
            .iter()
            .map(|text| DroppedText {
                hash: text.hash.to_string(),
                bytes: text.bytes,
                only_here: text.only_here,
            })
            .collect(),
    };
    Ok(Done::new(text(&report, &gone), &report)?.with(work.notes, false))
}

fn forget(work: &mut Work) -> anyhow::Result<Expired> {
    let retention = work.session.config.sync.retention;
    for _ in 0..TRIES {
        if let Some(gone) = work.session.engine.forget(retention, now())? {
            return Ok(gone);
        }
        work.session.engine.refresh(now())?;
    }
    bail!("other processes kept changing the cache; nothing was dropped, try again")
}

fn dropped(operations: &[Recorded]) -> Vec<Dropped> {
    let mut all: BTreeMap<&ArtifactKey, Vec<&Recorded>> = BTreeMap::new();
    for recorded in operations {
        all.entry(&recorded.operation.key).or_default().push(recorded);
    }
    let of = |(key, operations): (&ArtifactKey, Vec<&Recorded>)| Dropped {
        kind: key.kind.as_str().to_owned(),
        id: key.id.as_str().to_owned(),
        operations: operations.iter().map(|recorded| recorded.id.0).collect(),
        until: operations.last().map(|recorded| moment(recorded.operation.at)),
    };
    all.into_iter().map(of).collect()
}

fn text(report: &Report, gone: &Expired) -> String {
    if gone.is_empty() {
        return "Nothing is old enough to be dropped.\n".to_owned();
    }
    let verb = if report.dry_run { "Would drop" } else { "Dropped" };
    let heading = format!(
        "{verb} {}, {} and {} ({} bytes):",
        count(gone.operations.len(), "operation"),
        count(gone.changes.len(), "change"),
        count(gone.texts.len(), "text"),
        report.bytes
    );
    let line = |artifact: &Dropped| {
        let until = artifact.until.as_deref().unwrap_or_default();
        format!(
            "{}/{}  {}, until {until}",
            artifact.kind,
            artifact.id,
            count(artifact.operations.len(), "operation")
        )
    };
    let mut out = String::new();
    let lines: Vec<String> = report.artifacts.iter().map(line).collect();
    match lines.is_empty() {
        true => out.push_str(&format!("{heading}\n")),
        false => List::new(heading, lines).print(&mut out),
    }
    let alone = gone.texts.iter().filter(|text| text.only_here).count();
    match (gone.texts.len(), alone) {
        (0, _) => {}
        (_, 0) => out.push_str(
            "The team's server has these texts: agent sync log ARTIFACT lists them, agent sync show gets them.\n",
        ),
        _ => out.push_str(&format!("Of the texts, {alone} are nowhere else (history.keep_unpushed).\n")),
    }
    out
}
