//! `agent sync show`: an operation with what it changed, or an artifact's text.

use agent_core::id::{OperationId, Text, Version};
use agent_core::ports::History as _;
use agent_core::sync::Entry;
use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{revision, stored};
use crate::args::Show;
use crate::commands::log::{self, Line};
use crate::output::{Done, Form};
use crate::show::{Difference, Paint, moment};
use crate::work::Work;

#[derive(Serialize)]
struct Operation {
    operation: Line,
    diff: String,
}

#[derive(Serialize)]
struct Content {
    kind: String,
    id: String,
    path: String,
    /// Which version it is; `None` for the file.
    revision: Option<u64>,
    author: Option<String>,
    at: Option<String>,
    hash: String,
    content: String,
}

/// Shows it.
pub(crate) fn run(args: &Show) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    work.scan()?;
    match args.what.parse() {
        Ok(number) => operation(&work, OperationId(number)),
        Err(_) => content(&work, &args.what),
    }
}

fn operation(work: &Work, id: OperationId) -> anyhow::Result<Done> {
    let recorded = work.session.engine.store().operation(id)?;
    let recorded =
        recorded.with_context(|| format!("there is no operation {id}; agent sync log lists them"))?;
    let operation = &recorded.operation;
    // What changed is mostly the file; where it is not, it is what the remote has, or the base.
    let pairs = [
        (operation.before.local, operation.after.local),
        (operation.before.remote, operation.after.remote),
        (operation.before.base, operation.after.base),
    ];
    let (before, after) = pairs.into_iter().find(|(before, after)| before != after).unwrap_or_default();
    let text = |side| stored(work, side).map(|text| text.map(|text| text.to_string()));
    let path = work.entry(&operation.key).map_or_else(|| operation.key.to_string(), |e| e.path.to_string());
    let difference = Difference { path, before: text(before)?, after: text(after)? };
    let paint = Paint::stdout();
    let report = Operation { operation: log::line(&recorded), diff: difference.unified(Paint::none()) };
    let mut out = String::new();
    report.operation.block(&mut out, paint);
    out.push_str(&difference.unified(paint));
    Ok(Done::new(out, &report)?.with(work.notes.clone(), false).form(Form::Pages))
}

fn content(work: &Work, what: &str) -> anyhow::Result<Done> {
    let (name, side) = match what.rsplit_once('@') {
        Some((name, side)) if is_side(side) => (name, side),
        _ => (what, "local"),
    };
    let entry = work.find_past(name)?;
    let at_version = |version: Version| -> anyhow::Result<_> {
        let found = revision(work, &entry, version)?;
        let told = found.told.map(|told| (told.author.name, moment(told.at)));
        Ok((found.text, Some(version.0), told))
    };
    let of = |hash| stored(work, hash).map(|text| text.map(Text::new));
    let (text, version, told) = match side {
        "local" => (of(entry.local)?, None, None),
        "base" => (of(entry.base)?, Some(entry.base_version.0), None),
        "remote" => {
            let told = entry.remote.as_ref().map(|remote| (remote.author.name.clone(), moment(remote.at)));
            (of(entry.remote_hash())?, Some(entry.remote_version().0), told)
        }
        number => at_version(Version(number.parse()?))?,
    };
    let Some(text) = text else { bail!(absent(&entry, side)) };
    let (author, at) = told.unzip();
    let report = Content {
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: entry.path.to_string(),
        revision: version,
        author: author.filter(|name| !name.is_empty()),
        at,
        hash: text.hash().to_string(),
        content: text.as_str().to_owned(),
    };
    Ok(Done::new(report.content.clone(), &report)?.with(work.notes.clone(), false).form(Form::Pages))
}

fn is_side(side: &str) -> bool {
    matches!(side, "local" | "base" | "remote") || side.parse::<u64>().is_ok()
}

fn absent(entry: &Entry, side: &str) -> String {
    let key = &entry.key;
    match side {
        "local" => format!(
            "{key}: there is no file; agent sync log {key} lists what there was, {key}@VERSION shows it"
        ),
        "base" => format!("{key}: both sides agreed on nothing yet, or on deleting it"),
        "remote" => format!("{key}: the team does not have it, or deleted it"),
        version => format!("{key}: version {version} is a deletion"),
    }
}
