//! Reading: all entries, those that changed, texts. Each answer is a picture of one
//! moment.

use std::sync::Arc;

use agent_core::id::{ContentHash, Rev, Seq};
use agent_core::ports::Snapshot;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::error::Fault;
use crate::row;

/// The cache's two counters.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) rev: Rev,
    cursor: Seq,
}

pub(crate) fn counters(conn: &Connection) -> rusqlite::Result<Counters> {
    conn.prepare_cached("SELECT rev, cursor FROM meta")?.query_row([], |row| {
        // Both are kept from going below zero by the table itself.
        Ok(Counters { rev: Rev(unsigned(row, 0)?), cursor: Seq(unsigned(row, 1)?) })
    })
}

/// Reads the first column as a revision.
pub(crate) fn rev(row: &Row<'_>) -> rusqlite::Result<Rev> {
    unsigned(row, 0).map(Rev)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// Everything.
pub(crate) fn load(conn: &mut Connection) -> Result<Snapshot, Fault> {
    let tx = conn.transaction()?;
    let snapshot = snapshot(&tx, counters(&tx)?, ALL, [])?;
    // A row out of its place is read but never found again, so that every commit of it would be
    // called stale, for ever.
    if !snapshot.entries.is_sorted_by(|a, b| a.key < b.key) {
        return Err(Fault::Damaged("artifacts are out of order".to_owned()));
    }
    Ok(snapshot)
}

/// What changed after `rev`; `None` when no commit was made since.
pub(crate) fn changed_since(conn: &mut Connection, rev: Rev) -> Result<Option<Snapshot>, Fault> {
    // Outside of a transaction and on one page: this is asked all the time and mostly in vain.
    let now = counters(conn)?.rev;
    if now == rev {
        return Ok(None);
    }
    if now < rev {
        // The revision is another database's: whoever asks knows nothing of this one.
        return load(conn).map(Some);
    }
    let tx = conn.transaction()?;
    let changed = snapshot(&tx, counters(&tx)?, CHANGED, [row::number(rev.0)?])?;
    Ok(Some(changed))
}

/// In the order in which the table is stored, so that this sorts nothing.
pub(crate) const ALL: &str = "ORDER BY a.kind, a.id";

/// The revision comes as the parameter.
pub(crate) const CHANGED: &str = "WHERE a.rev > ?1";

pub(crate) fn select_entries(filter: &str) -> String {
    format!(
        "SELECT {} FROM artifacts a LEFT JOIN changes c \
         ON c.kind = a.kind AND c.id = a.id AND c.outcome IS NULL {filter}",
        row::ENTRY_COLUMNS
    )
}

fn snapshot(
    conn: &Connection,
    counters: Counters,
    filter: &str,
    params: impl Params,
) -> rusqlite::Result<Snapshot> {
    let mut statement = conn.prepare_cached(&select_entries(filter))?;
    let entries = statement.query_map(params, row::entry)?.collect::<rusqlite::Result<_>>()?;
    Ok(Snapshot { entries, cursor: counters.cursor, rev: counters.rev })
}

/// A content by its hash. What is stored is hashed again: a damaged page must not reach a file.
pub(crate) fn text(conn: &Connection, hash: ContentHash) -> Result<Option<Arc<str>>, Fault> {
    let mut statement = conn.prepare_cached("SELECT text FROM blobs WHERE hash = ?1")?;
    let text = statement
        .query_row([hash.as_bytes().as_slice()], |row| Ok(Arc::<str>::from(row.get_ref(0)?.as_str()?)))
        .optional()?;
    match text {
        Some(text) if ContentHash::of(text.as_bytes()) != hash => {
            Err(Fault::Damaged(format!("the content stored as {hash} is another one")))
        }
        text => Ok(text),
    }
}
