//! What several processes on one workspace tell each other: who has which artifact open. That runs
//! out by itself, because a killed process says no goodbye. Whether to act on it is the engine's.

use std::collections::BTreeSet;

use agent_core::id::{ArtifactKey, Timestamp};
use agent_core::ports::{Holder, StoreError};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::Cache;
use crate::error::Fault;
use crate::row;

/// How much earlier than what is said now the open documents of a holder that never came back must have run
/// out to be forgotten: far longer than anything is said for, or what a process said that was late with
/// saying it again, or said for less long than others, would go while it counts.
const FORGET_AFTER: i64 = 60 * 24 * 60 * 60 * 1000;

pub(crate) fn release(conn: &mut Connection, holder: &Holder) -> Result<(), Fault> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.prepare_cached("DELETE FROM open_documents WHERE holder = ?1")?.execute([&holder.0])?;
    tx.prepare_cached("DELETE FROM seen_in WHERE holder = ?1")?.execute([&holder.0])?;
    tx.commit()?;
    Ok(())
}

pub(crate) fn set_open(
    conn: &mut Connection,
    holder: &Holder,
    keys: &[ArtifactKey],
    until: Timestamp,
) -> Result<(), Fault> {
    if keys.is_empty() && !has_open(conn, holder)? {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.prepare_cached("DELETE FROM open_documents WHERE holder = ?1 OR until < ?2")?
        .execute(params![holder.0, until.0.saturating_sub(FORGET_AFTER)])?;
    for key in keys {
        // The same artifact may be open twice in one editor.
        tx.prepare_cached(
            "INSERT OR IGNORE INTO open_documents (holder, kind, id, until) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![holder.0, key.kind.as_str(), key.id.as_str(), until.0])?;
    }
    tx.commit()?;
    Ok(())
}

fn has_open(conn: &Connection, holder: &Holder) -> rusqlite::Result<bool> {
    let found = conn
        .prepare_cached("SELECT 1 FROM open_documents WHERE holder = ?1 LIMIT 1")?
        .query_row([&holder.0], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

impl Cache {
    /// Every process that says it has something open at `now`.
    ///
    /// # Errors
    /// As any read.
    pub fn holders(&self, now: Timestamp) -> Result<Vec<Holder>, StoreError> {
        holders(&self.conn, now).map_err(|error| Fault::from(error).at(self.name()))
    }
}

fn holders(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Holder>> {
    let mut statement =
        conn.prepare_cached("SELECT DISTINCT holder FROM open_documents WHERE until > ?1 ORDER BY holder")?;
    statement.query_map([now.0], |row| row.get(0).map(Holder))?.collect()
}

pub(crate) fn open_elsewhere(
    conn: &Connection,
    holder: &Holder,
    now: Timestamp,
) -> Result<BTreeSet<ArtifactKey>, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT kind, id FROM open_documents WHERE holder <> ?1 AND until > ?2")?;
    let keys = statement.query_map(params![holder.0, now.0], row::key)?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}
