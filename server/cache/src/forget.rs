//! Forgetting some of the past: what there is to choose from, and dropping what was chosen. What may be
//! forgotten is decided in `agent-core`.

use agent_core::id::{ContentHash, Rev, Timestamp};
use agent_core::ports::{Holdings, OperationQuery, StoreError};
use agent_core::sync::retention::Expired;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::error::Fault;
use crate::{Cache, history, migrate, read, row};

/// Every content that an artifact or a change under way needs.
const IN_USE: &str = "SELECT base_hash FROM artifacts UNION SELECT local_hash FROM artifacts \
     UNION SELECT remote_hash FROM artifacts UNION SELECT parked_hash FROM artifacts \
     UNION SELECT older_base FROM artifacts UNION SELECT hash FROM changes WHERE outcome IS NULL";

impl Cache {
    /// All there is to choose from, as of one revision.
    ///
    /// # Errors
    /// As any read.
    pub fn holdings(&mut self) -> Result<(Rev, Holdings), StoreError> {
        self.check_in_place()?;
        let result = holdings(&mut self.conn);
        self.named(result)
    }

    /// Drops what was chosen at a revision, and notes when. Answers `false`, with nothing dropped, when
    /// anybody committed since: it may be needed by now.
    ///
    /// # Errors
    /// As any commit.
    pub fn discard(&mut self, chosen_at: Rev, expired: &Expired, now: Timestamp) -> Result<bool, StoreError> {
        self.check_in_place()?;
        let result = discard(&mut self.conn, chosen_at, expired, now);
        self.named(result)
    }

    /// When the past was last looked through, if ever.
    ///
    /// # Errors
    /// As any read.
    pub fn collected_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let read = || self.conn.query_row("SELECT gc_at FROM meta", [], |row| row.get::<_, Option<i64>>(0));
        Ok(self.named(read().map_err(Fault::from))?.map(Timestamp))
    }

    /// Whether anything happened up to a moment that is still remembered.
    ///
    /// # Errors
    /// As any read.
    pub fn remembers(&self, until: Timestamp) -> Result<bool, StoreError> {
        // Numbers rise with time, so the lowest is among the oldest.
        let oldest = "SELECT at FROM operations ORDER BY op LIMIT 1";
        let read = || self.conn.query_row(oldest, [], |row| row.get::<_, i64>(0)).optional();
        Ok(self.named(read().map_err(Fault::from))?.is_some_and(|at| at <= until.0))
    }
}

fn holdings(conn: &mut Connection) -> Result<(Rev, Holdings), Fault> {
    let tx = conn.transaction()?;
    let rev = read::counters(&tx)?.rev;
    let mut operations = history::recorded(&tx, &OperationQuery::default())?;
    operations.reverse();
    let in_use = tx
        .prepare_cached(IN_USE)?
        .query_map([], |row| row.get::<_, Option<Vec<u8>>>(0))?
        .filter_map(|hash| hash.map(|hash| hash.and_then(|hash| ContentHash::from_bytes(&hash))).transpose())
        .collect::<rusqlite::Result<_>>()?;
    let sizes = tx
        .prepare_cached("SELECT hash, octet_length(text) FROM blobs")?
        .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
        .filter_map(|item| {
            let named = |(hash, size): (Vec<u8>, u64)| Some((ContentHash::from_bytes(&hash)?, size));
            item.map(named).transpose()
        })
        .collect::<rusqlite::Result<_>>()?;
    let changes = history::changes(&tx, None)?;
    Ok((rev, Holdings { operations, changes, in_use, sizes }))
}

fn discard(conn: &mut Connection, chosen_at: Rev, expired: &Expired, now: Timestamp) -> Result<bool, Fault> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate::check(&tx)?;
    if read::counters(&tx)?.rev != chosen_at {
        return Ok(false);
    }
    {
        let mut blob = tx.prepare_cached("DELETE FROM blobs WHERE hash = ?1")?;
        for text in &expired.texts {
            blob.execute([text.hash.as_bytes().as_slice()])?;
        }
        let mut operation = tx.prepare_cached("DELETE FROM operations WHERE op = ?1")?;
        for recorded in &expired.operations {
            operation.execute([row::number(recorded.id.0)?])?;
        }
        let mut change =
            tx.prepare_cached("DELETE FROM changes WHERE change_id = ?1 AND outcome IS NOT NULL")?;
        for id in &expired.changes {
            change.execute([row::change_id(id)])?;
        }
    }
    tx.execute("UPDATE meta SET gc_at = ?1", params![now.0])?;
    tx.commit()?;
    Ok(true)
}
