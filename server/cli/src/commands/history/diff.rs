//! `agent sync diff`: what was changed here, against the base, the remote, or a version.

use agent_core::id::Version;
use agent_core::sync::Entry;
use serde::Serialize;

use super::{revision, stored};
use crate::args::Diff;
use crate::manner;
use crate::output::{Done, Form};
use crate::show::{Difference, Lines, Paint, stat};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    against: &'static str,
    artifacts: Vec<Differs>,
}

#[derive(Serialize)]
struct Differs {
    kind: String,
    id: String,
    path: String,
    insertions: usize,
    deletions: usize,
    diff: String,
}

/// Compares.
pub(crate) fn run(args: &Diff) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    work.scan()?;
    let entries: Vec<Entry> = match args.artifacts.is_empty() {
        true => work.entries(),
        false => args.artifacts.iter().map(|name| work.find_past(name)).collect::<anyhow::Result<_>>()?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let difference = difference(&work, &entry, args)?;
        if difference.before != difference.after {
            all.push((entry, difference));
        }
    }
    let against = match args {
        Diff { version: Some(_), .. } => "version",
        Diff { remote: true, .. } => "remote",
        _ => "base",
    };
    let artifacts = all.iter().map(|(entry, difference)| differs(entry, difference)).collect();
    let report = Report { against, artifacts };
    let paint = Paint::stdout();
    let differences: Vec<Difference> = all.into_iter().map(|(_, difference)| difference).collect();
    let is_quiet = manner::get().quiet;
    let text = match args {
        _ if differences.is_empty() || is_quiet => String::new(),
        Diff { stat: true, .. } => stat(&differences, paint),
        Diff { name_only: true, nul, .. } => names(&differences, Lines::nul(*nul)),
        _ => differences.iter().map(|difference| difference.unified(paint)).collect(),
    };
    let differs = (args.exit_code || is_quiet) && !differences.is_empty();
    Ok(Done::new(text, &report)?.with(work.notes, differs).form(Form::Pages))
}

fn names(differences: &[Difference], lines: Lines) -> String {
    let mut out = String::new();
    differences.iter().for_each(|difference| lines.push(&mut out, "", &difference.path));
    out
}

fn difference(work: &Work, entry: &Entry, args: &Diff) -> anyhow::Result<Difference> {
    let text = |hash| stored(work, hash).map(|text| text.map(|text| text.to_string()));
    let before = match args.version {
        Some(version) => revision(work, entry, Version(version))?.text.map(|text| text.as_str().to_owned()),
        None if args.remote => match entry.remote_hash() == entry.local {
            true => text(entry.local)?,
            false => text(entry.remote_hash())?,
        },
        None => text(entry.base)?,
    };
    Ok(Difference { path: entry.path.to_string(), before, after: text(entry.local)? })
}

fn differs(entry: &Entry, difference: &Difference) -> Differs {
    let (insertions, deletions) = difference.counts();
    Differs {
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: difference.path.clone(),
        insertions,
        deletions,
        diff: difference.unified(Paint::none()),
    }
}
