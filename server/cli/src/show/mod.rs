//! How artifacts look in a report: the row of the JSON output, the word for what comes next, and
//! the lines people read.

mod diff;
mod list;
mod paint;
mod porcelain;
mod row;

pub(crate) use diff::{Difference, stat};
pub(crate) use list::{List, count, moment};
pub(crate) use paint::Paint;
pub(crate) use porcelain::Lines;
pub(crate) use row::{NotTaken, Refused, Row, Turn, went_back};

use std::collections::BTreeMap;

use agent_core::ports::{FileProblem, RemoteError};

/// Files that were not taken, for a report.
pub(crate) fn not_taken(problems: &BTreeMap<String, FileProblem>) -> Vec<NotTaken> {
    let row = |(path, problem): (&String, &FileProblem)| NotTaken {
        path: path.clone(),
        reason: problem.to_string(),
    };
    problems.iter().map(row).collect()
}

/// The heading and lines of files that were not taken; nothing if there are none.
pub(crate) fn not_taken_list(rows: &[NotTaken]) -> List {
    let heading = format!("{} not taken, and left as they are:", count(rows.len(), "file"));
    List::new(heading, rows.iter().map(|row| format!("{}: {}", row.path, row.reason)).collect())
}

/// What the remote answered instead of doing it, and the way out.
pub(crate) fn trouble(error: &RemoteError) -> String {
    match error {
        RemoteError::Misconfigured(what) => {
            format!("{what}; check the remote section of .agent/etc/sync.yaml")
        }
        RemoteError::Forbidden(_) => format!("{error}; or check remote.team_id in .agent/etc/sync.yaml"),
        _ => error.to_string(),
    }
}
