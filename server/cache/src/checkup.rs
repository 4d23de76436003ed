//! Looks at a database without changing it, for whoever asks whether it is sound. It is neither
//! created, migrated, narrowed nor set aside here.

use std::path::Path;

use agent_core::ports::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Fault, looking};
use crate::migrate::STEPS;

/// As many complaints of SQLite's are kept.
const MOST: usize = 10;

/// What a database looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// The version of its schema.
    pub schema: u32,
    /// The newest version that this program knows.
    pub known: u32,
    /// Which team it is bound to.
    pub team: Option<String>,
    /// What SQLite's own checks of pages, indexes and references complain about.
    pub damage: Vec<String>,
}

/// Looks at the database at `path`; `None` when there is none. Reads all of it.
///
/// # Errors
/// A file that cannot be opened, or is no database at all ([`StoreError::Corrupt`]).
pub fn checkup(path: &Path) -> Result<Option<Checkup>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    look(path).map(Some).map_err(|fault| fault.at(&path.display().to_string()))
}

fn look(path: &Path) -> Result<Checkup, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    let schema = conn.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).map_err(looking)?;
    Ok(Checkup {
        schema: u32::try_from(schema).unwrap_or_default(),
        known: u32::try_from(STEPS.len()).unwrap_or(u32::MAX),
        // Another schema may not have the table.
        team: conn.query_row("SELECT team FROM meta", [], |row| row.get(0)).ok().flatten(),
        damage: damage(&conn).map_err(looking)?,
    })
}

fn damage(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found: Vec<String> = conn
        .prepare(&format!("PRAGMA integrity_check({MOST})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    let missing = conn
        .prepare("PRAGMA foreign_key_check")?
        .query_map([], |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(format!("a row of {table} refers to none of {parent}"))
        })?
        .take(MOST)
        .collect::<rusqlite::Result<Vec<_>>>()?;
    found.extend(missing);
    Ok(found)
}
