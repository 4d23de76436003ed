//! Brings a database to the newest schema, one forward step and one transaction at a time. The
//! steps themselves are the files of `migrations/`; the version is SQLite's own `user_version`.

use agent_core::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Fault, looking};

/// The steps in order. A step that was ever released is never edited: its successor corrects it.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../../../migrations/0001_init.sql"),
    include_str!("../../../migrations/0002_link.sql"),
    include_str!("../../../migrations/0003_history.sql"),
    include_str!("../../../migrations/0004_remembered.sql"),
    include_str!("../../../migrations/0005_presence.sql"),
    include_str!("../../../migrations/0006_older_base.sql"),
];

/// Applies the steps the database does not have yet.
pub(crate) fn migrate(conn: &mut Connection, path: &str) -> Result<(), StoreError> {
    run(conn, path, STEPS)
}

pub(crate) fn run(conn: &mut Connection, path: &str, steps: &[&str]) -> Result<(), StoreError> {
    let found = refuse_newer(conn, steps).map_err(|fault| fault.at(path))?;
    if found == 0 && has_tables(conn).map_err(|error| looking(error).at(path))? {
        return Err(Fault::Damaged("it holds tables but no schema version".to_owned()).at(path));
    }
    for (number, step) in (1_u32..).zip(steps) {
        if number > found {
            apply(conn, number, step).map_err(|error| Fault::from(error).at(path))?;
        }
    }
    Ok(())
}

/// Fails when a newer program migrated the database since this one opened it: what it means by its
/// tables is no longer known here.
pub(crate) fn check(conn: &Connection) -> Result<(), Fault> {
    refuse_newer(conn, STEPS).map(|_| ())
}

fn refuse_newer(conn: &Connection, steps: &[&str]) -> Result<u32, Fault> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let found = version(conn)?;
    if found > known {
        return Err(Fault::TooNew { found, known });
    }
    Ok(found)
}

fn version(conn: &Connection) -> Result<u32, Fault> {
    let mut statement = conn.prepare_cached("PRAGMA user_version").map_err(looking)?;
    let stored: i32 = statement.query_row([], |row| row.get(0)).map_err(looking)?;
    u32::try_from(stored).map_err(|_| Fault::Damaged(format!("its schema version is {stored}")))
}

fn has_tables(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn apply(conn: &mut Connection, number: u32, step: &str) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(step)?;
    tx.pragma_update(None, "user_version", number)?;
    tx.commit()
}
