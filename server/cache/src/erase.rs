//! Taking an erased person out of what the cache remembers: their lines in the history get a pseudonym, and they
//! are no longer among those who are there. The rows of artifacts are the machine's.

use agent_core::ports::Erasure;
use rusqlite::{Transaction, params};

pub(crate) fn erase(tx: &Transaction<'_>, erasure: &Erasure) -> rusqlite::Result<()> {
    if let Some(person) =
        known(tx, erasure, "SELECT DISTINCT author_id FROM operations WHERE author_id IS NOT NULL")?
    {
        let mut statement =
            tx.prepare_cached("UPDATE operations SET author_id = ?2, author_name = ?3 WHERE author_id = ?1")?;
        statement.execute(params![person, erasure.pseudonym.id, erasure.pseudonym.name])?;
    }
    if let Some(person) = known(tx, erasure, "SELECT DISTINCT user FROM people")? {
        tx.prepare_cached("DELETE FROM people WHERE user = ?1")?.execute([person])?;
    }
    Ok(())
}

/// The erased person's id, if it is among these.
fn known(tx: &Transaction<'_>, erasure: &Erasure, ids: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = tx.prepare_cached(ids)?;
    let mut ids = statement.query_map([], |row| row.get::<_, String>(0))?;
    ids.find(|id| id.as_ref().map_or(true, |id| erasure.is_about(id))).transpose()
}
