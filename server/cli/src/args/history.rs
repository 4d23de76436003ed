//! The arguments of what looks back, and of what brings something back.

use agent_core::id::Timestamp;
use clap::{ArgGroup, Args as ClapArgs};
use jiff::{SpanRelativeTo, Unit};

use super::{DryRun, Json};

#[derive(Debug, ClapArgs)]
pub(crate) struct Log {
    /// Only this artifact, with the team's revisions of it that this machine never saw: kind/id, an
    /// id alone where only one kind has it, or a file.
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifact: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long = "max-count", value_name = "N", default_value_t = 50)]
    pub(crate) max_count: usize,
    /// One line each.
    #[arg(long, conflicts_with = "json")]
    pub(crate) oneline: bool,
    /// Only what happened since: a date, a moment, or how long ago (2026-11-20, 2026-11-20T09:30Z, 3d).
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<Timestamp>,
    /// Ask the remote nothing.
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// The number of an operation, or an artifact: ARTIFACT is its file, ARTIFACT@3 its version 3,
    /// ARTIFACT@base and ARTIFACT@remote what both agreed on last and what the team has.
    #[arg(value_name = "OPERATION|ARTIFACT[@VERSION]")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("against").args(["base", "remote", "number"]))]
pub(crate) struct Diff {
    /// Which artifacts; all that differ when none is named.
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifacts: Vec<String>,
    /// Against what both sides agreed on last: what was changed here (the default).
    #[arg(long)]
    pub(crate) base: bool,
    /// Against what the team has, as far as this machine knows.
    #[arg(long)]
    pub(crate) remote: bool,
    /// Against this version of the artifact.
    #[arg(id = "number", long = "version", value_name = "N", requires = "artifacts")]
    pub(crate) version: Option<u64>,
    /// Only how much changed in each.
    #[arg(long, conflicts_with = "name_only")]
    pub(crate) stat: bool,
    /// Only the paths.
    #[arg(long)]
    pub(crate) name_only: bool,
    /// With --name-only: end paths with NUL instead of a line feed, and quote none.
    #[arg(short = 'z', requires = "name_only", conflicts_with = "json")]
    pub(crate) nul: bool,
    /// Exit with 1 when something differs; --quiet does so too, and prints nothing.
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("source").args(["number", "change", "operation"]).required(true))]
pub(crate) struct Restore {
    /// Which artifact, also a deleted one: kind/id, an id alone where only one kind has it, or a file.
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifact: String,
    /// Its text of this version.
    #[arg(id = "number", long = "version", value_name = "N")]
    pub(crate) version: Option<u64>,
    /// The text that this change made, from here or by somebody else.
    #[arg(long, value_name = "ID")]
    pub(crate) change: Option<uuid::Uuid>,
    /// The text it had here after this operation.
    #[arg(long, value_name = "OPERATION")]
    pub(crate) operation: Option<u64>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Undo {
    /// The number of an operation, or an artifact, whose newest is meant; the newest of all when
    /// nothing is named. Plain saves are undone only by their number.
    #[arg(value_name = "OPERATION|ARTIFACT")]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Gc {
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Reads a moment, or how long ago it was.
fn since(text: &str) -> Result<Timestamp, String> {
    let at = |at: jiff::Timestamp| Timestamp(at.as_millisecond());
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(at(moment));
    }
    if let Ok(date) = text.parse::<jiff::civil::DateTime>() {
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
        return Ok(at(zoned.timestamp()));
    }
    let ago = text.trim_end_matches("ago").replace('.', " ");
    let span: jiff::Span = ago
        .trim()
        .parse()
        .map_err(|_| "neither a date (2026-11-20) nor a time span (3d, 2 weeks)".to_owned())?;
    // Months and years differ in length; a time span is meant roughly here.
    let start = jiff::civil::date(2026, 1, 1);
    let relative = SpanRelativeTo::from(start);
    let seconds = span.abs().total((Unit::Second, relative)).map_err(|error| error.to_string())?;
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds of a time span")]
    let millis = (seconds * 1000.0) as i64;
    Ok(Timestamp(agent_engine::now().0.saturating_sub(millis)))
}
