//! The log of what synchronising did: `.agent/logs/sync.log`, one JSON object per line and operation.
//! It names artifacts, versions and outcomes; never a text, a title, or what the remote said in words,
//! which could quote one. A log that cannot be written stops nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use agent_core::id::{ArtifactKey, ChangeId, Rev, Timestamp};
use agent_core::ports::{Cause, ChangeOutcome, Operation, Write};
use agent_core::sync::Machine;
use serde::Serialize;

/// A log larger than this, in bytes, becomes `sync.log.1`, in the place of the one before.
const LARGEST: u64 = 1024 * 1024;

#[derive(Debug, Serialize)]
struct Line {
    at: String,
    /// The cache's revision that the operation made, and its number within it.
    operation: String,
    artifact: String,
    cause: &'static str,
    /// `done`, `conflict` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    /// The remote's newest version after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Why it was refused, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// Writes the log of one workspace; several processes may.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    largest: u64,
    has_failed: bool,
}

impl Journal {
    /// A log in this file. Nothing is created before there is something to write.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, largest: LARGEST, has_failed: false }
    }

    /// Notes a committed step. `machine` is as it was before the step.
    pub(crate) fn note(&mut self, writes: &[Write], machine: &Machine, rev: Rev, now: Timestamp) {
        let lines = lines(writes, machine, rev, now);
        if lines.is_empty() {
            return;
        }
        let mut text = String::new();
        for line in &lines {
            let Ok(json) = serde_json::to_string(line) else { continue };
            text.push_str(&json);
            text.push('\n');
        }
        let written = self.append(&text);
        if let Err(error) = &written
            && !self.has_failed
        {
            tracing::warn!(path = %self.path.display(), %error, "the log of operations is not written");
        }
        self.has_failed = written.is_err();
    }

    fn append(&self, text: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = open(&self.path)?;
        if file.metadata()?.len() >= self.largest {
            file = self.rotate(file)?;
        }
        file.write_all(text.as_bytes())
    }

    /// Starts a new file, unless another process just did.
    fn rotate(&self, full: File) -> io::Result<File> {
        match full.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        let is_full = fs::metadata(&self.path).is_ok_and(|meta| meta.len() >= self.largest);
        if is_full {
            fs::rename(&self.path, old(&self.path))?;
        }
        open(&self.path)
    }
}

fn old(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lines(writes: &[Write], machine: &Machine, rev: Rev, now: Timestamp) -> Vec<Line> {
    let closes = writes.iter().any(|write| matches!(write, Write::Close(..)));
    let owners = if closes { owners(machine) } else { BTreeMap::new() };
    let mut answered = BTreeSet::new();
    let mut lines = Vec::new();
    for write in writes {
        let n = lines.len();
        let line = match write {
            Write::Close(change, outcome) => owners.get(change).map(|key| {
                answered.insert((*key).clone());
                of_push(key, *change, outcome, now)
            }),
            // The answer to a push says it already.
            Write::Operation(operation)
                if is_answer(operation.cause) && answered.contains(&operation.key) =>
            {
                None
            }
            Write::Operation(operation) => Some(of_operation(operation)),
            _ => None,
        };
        lines.extend(line.map(|line| Line { operation: format!("{}.{n}", rev.0), ..line }));
    }
    lines
}

/// Whose change each open change is.
fn owners(machine: &Machine) -> BTreeMap<ChangeId, &ArtifactKey> {
    let open = |entry: &agent_core::sync::Entry| entry.pending.as_ref().map(|pending| pending.change_id);
    machine.entries().filter_map(|entry| Some((open(entry)?, &entry.key))).collect()
}

fn is_answer(cause: Cause) -> bool {
    matches!(cause, Cause::Pushed | Cause::Refused)
}

fn of_push(key: &ArtifactKey, change: ChangeId, outcome: &ChangeOutcome, now: Timestamp) -> Line {
    let (outcome, version, seq, code) = match outcome {
        ChangeOutcome::Applied(version, seq) => ("done", Some(version.0), Some(seq.0), None),
        ChangeOutcome::Conflict(version) => ("conflict", Some(version.0), None, None),
        ChangeOutcome::Rejected(code) => ("refused", None, None, Some(code.clone())),
    };
    let cause = if outcome == "refused" { Cause::Refused } else { Cause::Pushed };
    Line {
        at: moment(now),
        operation: String::new(),
        artifact: key.to_string(),
        cause: cause.as_str(),
        outcome,
        change: Some(change.to_string()),
        version,
        seq,
        code,
    }
}

fn of_operation(operation: &Operation) -> Line {
    Line {
        at: moment(operation.at),
        operation: String::new(),
        artifact: operation.key.to_string(),
        cause: operation.cause.as_str(),
        outcome: if operation.cause == Cause::Refused { "refused" } else { "done" },
        change: None,
        version: Some(operation.remote_version.0).filter(|version| *version > 0),
        seq: None,
        code: None,
    }
}

fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
