//! `agent sync log`: what happened to the artifacts on this machine, newest first, and of one artifact
//! also the team's revisions that this machine never saw.

use std::fmt::Write as _;

use agent_core::id::{ContentHash, Timestamp};
use agent_core::ports::{Recorded, RemoteVersion, Triple};
use agent_core::sync::history::{Item, join};
use serde::Serialize;

use crate::args::Log;
use crate::commands::history::{brief, operations, revisions};
use crate::output::{Done, Form};
use crate::show::{Paint, moment, trouble};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    operations: Vec<Line>,
    /// Why the team's revisions are not among them.
    remote_problem: Option<String>,
}

/// An operation, or a revision that this machine never saw.
#[derive(Serialize)]
pub(crate) struct Line {
    /// The operation's number; `None` for a revision.
    pub(crate) operation: Option<u64>,
    pub(crate) at: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) cause: &'static str,
    pub(crate) by_hand: bool,
    /// Which versions base and remote had before.
    from: Option<Versions>,
    to: Option<Versions>,
    pub(crate) remote_version: u64,
    pub(crate) author: Option<String>,
    before: Sides,
    after: Sides,
    /// Where the file was moved from.
    moved_from: Option<String>,
    /// The operation that it took back.
    undoes: Option<u64>,
    #[serde(skip)]
    when: Timestamp,
}

#[derive(Clone, Copy, Serialize)]
struct Versions {
    base: u64,
    remote: u64,
}

/// The hashes of the three contents.
#[derive(Default, Serialize)]
struct Sides {
    base: Option<String>,
    local: Option<String>,
    remote: Option<String>,
}

/// Shows the history.
pub(crate) fn run(args: &Log) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    let entry = args.artifact.as_deref().map(|name| work.find_past(name)).transpose()?;
    let known = operations(&work, entry.as_ref().map(|entry| &entry.key))?;
    let mut problem = None;
    let items = match &entry {
        Some(entry) if !args.offline => match revisions(&work, &entry.key, args.max_count)? {
            Ok(revisions) => join(known, revisions),
            Err(error) => {
                problem = Some(trouble(&error));
                join(known, Vec::new())
            }
        },
        _ => join(known, Vec::new()),
    };
    let key = entry.as_ref().map(|entry| entry.key.clone());
    let lines = items.iter().map(|item| match item {
        Item::Operation(recorded) => line(recorded),
        Item::Revision(revision) => of_revision(revision, key.as_ref()),
    });
    let is_wanted = |line: &Line| args.since.is_none_or(|since| line.when >= since);
    let operations = lines.filter(is_wanted).take(args.max_count).collect();
    if let Some(problem) = &problem {
        work.notes.push(format!("only what this machine knows: {problem}"));
    }
    let report = Report { operations, remote_problem: problem };
    let paint = Paint::stdout();
    let mut out = String::new();
    for line in &report.operations {
        match args.oneline {
            true => line.oneline(&mut out, paint),
            false => line.block(&mut out, paint),
        }
    }
    if report.operations.is_empty() {
        out.push_str("Nothing happened yet.\n");
    }
    Ok(Done::new(out, &report)?.with(work.notes, false).form(Form::Pages))
}

/// An operation as a line of a report.
pub(crate) fn line(recorded: &Recorded) -> Line {
    let operation = &recorded.operation;
    let text = |hash: Option<ContentHash>| hash.map(|hash| hash.to_string());
    let sides = |triple: &Triple| Sides {
        base: text(triple.base),
        local: text(triple.local),
        remote: text(triple.remote),
    };
    let versions = |of: agent_core::ports::Versions| Versions { base: of.base.0, remote: of.remote.0 };
    let (from, to) = operation.versions.unzip();
    Line {
        operation: Some(recorded.id.0),
        at: moment(operation.at),
        kind: operation.key.kind.as_str().to_owned(),
        id: operation.key.id.as_str().to_owned(),
        cause: operation.cause.as_str(),
        by_hand: operation.cause.is_by_hand(),
        from: from.map(versions),
        to: to.map(versions),
        remote_version: operation.remote_version.0,
        author: operation.author.as_ref().map(|author| author.name.clone()).filter(|name| !name.is_empty()),
        before: sides(&operation.before),
        after: sides(&operation.after),
        moved_from: operation.paths.as_ref().map(|paths| paths.from.as_str().to_owned()),
        undoes: operation.undoes.map(|id| id.0),
        when: operation.at,
    }
}

fn of_revision(revision: &RemoteVersion, key: Option<&agent_core::id::ArtifactKey>) -> Line {
    let hash = revision.hash.map(|hash| hash.to_string());
    Line {
        operation: None,
        at: moment(revision.at),
        kind: key.map_or_else(String::new, |key| key.kind.as_str().to_owned()),
        id: key.map_or_else(String::new, |key| key.id.as_str().to_owned()),
        cause: "revision",
        by_hand: true,
        from: None,
        to: None,
        remote_version: revision.version.0,
        author: Some(revision.author.name.clone()).filter(|name| !name.is_empty()),
        before: Sides::default(),
        after: Sides { remote: hash, ..Sides::default() },
        moved_from: None,
        undoes: None,
        when: revision.at,
    }
}

impl Line {
    fn number(&self) -> String {
        self.operation.map_or_else(|| format!("v{}", self.remote_version), |number| number.to_string())
    }

    /// From which version to which, as far as one moved.
    fn versions(&self) -> Option<String> {
        let (from, to) = (self.from?, self.to?);
        match (from.remote == to.remote, from.base == to.base) {
            (false, _) => Some(format!("version {} → {}", from.remote, to.remote)),
            (true, false) => Some(format!("version {} → {}", from.base, to.base)),
            (true, true) => Some(format!("version {}", to.remote)).filter(|_| to.remote > 0),
        }
    }

    fn change(&self) -> Option<String> {
        let (before, after) = (&self.before.local, &self.after.local);
        (before != after).then(|| format!("{} → {}", brief(before.as_deref()), brief(after.as_deref())))
    }

    fn details(&self) -> Vec<String> {
        let version = match self.operation {
            Some(_) => self.versions(),
            None if self.after.remote.is_none() => Some("deleted on the remote".to_owned()),
            None => Some("made on the remote, never seen here".to_owned()),
        };
        let moved = self.moved_from.as_ref().map(|from| format!("from {from}"));
        let undoes = self.undoes.map(|number| format!("takes operation {number} back"));
        [version, self.change(), moved, undoes].into_iter().flatten().collect()
    }

    fn oneline(&self, out: &mut String, paint: Paint) {
        let author = self.author.as_ref().map_or_else(String::new, |author| format!("  {author}"));
        let details = self.details().join(", ");
        let _ = writeln!(
            out,
            "{} {} {} {}/{}  {details}{author}",
            paint.yellow(&self.number()),
            self.at,
            self.cause,
            self.kind,
            self.id
        );
    }

    /// As `git log` shows a commit.
    pub(crate) fn block(&self, out: &mut String, paint: Paint) {
        let what = if self.operation.is_some() { "operation" } else { "revision" };
        let how = if self.by_hand { "by hand" } else { "automatic" };
        let _ = writeln!(out, "{}", paint.yellow(&format!("{what} {}", self.number())));
        let _ = writeln!(out, "Artifact: {}/{}", self.kind, self.id);
        if let Some(author) = &self.author {
            let _ = writeln!(out, "Author:   {author}");
        }
        let _ = writeln!(out, "Date:     {}", self.at);
        let _ = writeln!(out, "\n    {}, {how}", self.cause);
        for detail in self.details() {
            let _ = writeln!(out, "    {detail}");
        }
        out.push('\n');
    }
}
