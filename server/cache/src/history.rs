//! Reading the past: operations and changes.

use agent_core::id::{ArtifactKey, ContentHash, OperationId};
use agent_core::ports::{History, OperationQuery, Recorded, RecordedChange, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Cache;
use crate::error::Fault;
use crate::row;

impl History for Cache {
    fn recorded(&self, query: &OperationQuery) -> Result<Vec<Recorded>, StoreError> {
        self.named(recorded(&self.conn, query))
    }

    fn operation(&self, id: OperationId) -> Result<Option<Recorded>, StoreError> {
        self.named(operation(&self.conn, id))
    }

    fn changes(&self, key: Option<&ArtifactKey>) -> Result<Vec<RecordedChange>, StoreError> {
        self.named(changes(&self.conn, key))
    }
}

fn select_operations(filter: &str) -> String {
    format!("SELECT op, {} FROM operations {filter}", row::OPERATION_COLUMNS)
}

/// The newest operations first, in the order they were committed, whatever their clocks said.
pub(crate) fn recorded(conn: &Connection, query: &OperationQuery) -> Result<Vec<Recorded>, Fault> {
    let limit = query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let from = query.from.map_or(Ok(0), |from| row::number(from.0))?;
    let operations = match &query.key {
        None => conn
            .prepare_cached(&select_operations("WHERE op >= ?2 ORDER BY op DESC LIMIT ?1"))?
            .query_map([limit, from], row::recorded)?
            .collect::<rusqlite::Result<_>>()?,
        Some(key) => conn
            .prepare_cached(&select_operations(
                "WHERE kind = ?3 AND id = ?4 AND op >= ?2 ORDER BY op DESC LIMIT ?1",
            ))?
            .query_map(params![limit, from, key.kind.as_str(), key.id.as_str()], row::recorded)?
            .collect::<rusqlite::Result<_>>()?,
    };
    Ok(operations)
}

/// Whether the remote had a content of an artifact and has another one, or none, since.
pub(crate) fn was_replaced(
    conn: &Connection,
    key: &ArtifactKey,
    content: ContentHash,
) -> Result<bool, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM operations WHERE kind = ?1 AND id = ?2 AND before_remote = ?3 \
         AND after_remote IS NOT before_remote)",
    )?;
    let hash = content.as_bytes().as_slice();
    Ok(statement.query_row(params![key.kind.as_str(), key.id.as_str(), hash], |row| row.get(0))?)
}

fn operation(conn: &Connection, id: OperationId) -> Result<Option<Recorded>, Fault> {
    // No table gives out a number that large.
    let Ok(number) = row::number(id.0) else { return Ok(None) };
    let mut statement = conn.prepare_cached(&select_operations("WHERE op = ?1"))?;
    Ok(statement.query_row([number], row::recorded).optional()?)
}

pub(crate) fn changes(conn: &Connection, key: Option<&ArtifactKey>) -> Result<Vec<RecordedChange>, Fault> {
    let columns = row::CHANGE_COLUMNS;
    let changes = match key {
        // Change ids begin with the moment they were made.
        None => conn
            .prepare_cached(&format!("SELECT {columns} FROM changes ORDER BY change_id DESC"))?
            .query_map([], row::change)?
            .collect::<rusqlite::Result<_>>()?,
        Some(key) => conn
            .prepare_cached(&format!(
                "SELECT {columns} FROM changes WHERE kind = ?1 AND id = ?2 ORDER BY change_id DESC"
            ))?
            .query_map([key.kind.as_str(), key.id.as_str()], row::change)?
            .collect::<rusqlite::Result<_>>()?,
    };
    Ok(changes)
}
