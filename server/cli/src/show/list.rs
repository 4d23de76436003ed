//! Lists, counts and moments as people read them.

use std::fmt::Write as _;

use agent_core::id::Timestamp;

use crate::manner;

/// As many lines of one list are shown; the JSON report has them all, and so has `--verbose`.
const MOST: usize = 20;

/// A heading and its lines.
#[derive(Debug)]
pub(crate) struct List {
    heading: String,
    lines: Vec<String>,
}

impl List {
    /// A list; empty ones print nothing.
    pub(crate) fn new(heading: impl Into<String>, lines: Vec<String>) -> Self {
        Self { heading: heading.into(), lines }
    }

    /// Appends the list, only the first lines of a long one.
    pub(crate) fn print(&self, out: &mut String) {
        self.print_most(out, if manner::get().verbose > 0 { usize::MAX } else { MOST });
    }

    /// Appends the whole list.
    pub(crate) fn print_all(&self, out: &mut String) {
        self.print_most(out, usize::MAX);
    }

    fn print_most(&self, out: &mut String, most: usize) {
        if self.lines.is_empty() {
            return;
        }
        let _ = writeln!(out, "{}", self.heading);
        for line in self.lines.iter().take(most) {
            let _ = writeln!(out, "  {line}");
        }
        if let Some(more) = self.lines.len().checked_sub(most).filter(|more| *more > 0) {
            let _ = writeln!(out, "  … and {more} more (-v lists all)");
        }
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let plural = match noun {
        "story" => "stories",
        _ if n == 1 => return format!("{n} {noun}"),
        _ => return format!("{n} {noun}s"),
    };
    format!("{n} {}", if n == 1 { noun } else { plural })
}

/// A moment, to the second, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
