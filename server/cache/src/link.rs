//! What whichever process asked the remote last found out. It is kept here, because the others on the
//! workspace ask nothing themselves, and because it must outlive that process. No revision is made of
//! it: it says nothing about any artifact.

use agent_core::id::Timestamp;
use agent_core::ports::{RemoteError, StoreError};
use rusqlite::{OptionalExtension, params};

use crate::Cache;
use crate::error::Fault;

impl Cache {
    /// Since when the remote has not answered, and what it said last; `None` when it answered
    /// whoever asked it last, or nobody asked yet.
    ///
    /// # Errors
    /// As any read.
    pub fn trouble(&self) -> Result<Option<(Timestamp, RemoteError)>, StoreError> {
        self.read_trouble().map_err(|error| Fault::from(error).at(self.name()))
    }

    fn read_trouble(&self) -> rusqlite::Result<Option<(Timestamp, RemoteError)>> {
        let mut statement = self.conn.prepare_cached("SELECT since, code, detail FROM link")?;
        let trouble = statement.query_row([], |row| {
            let code: String = row.get(1)?;
            Ok((Timestamp(row.get(0)?), RemoteError::from_parts(&code, row.get(2)?)))
        });
        trouble.optional()
    }

    /// Replaces what is known of the remote's answering.
    ///
    /// # Errors
    /// As any commit.
    pub fn set_trouble(&mut self, trouble: Option<&(Timestamp, RemoteError)>) -> Result<(), StoreError> {
        self.check_in_place()?;
        self.write_trouble(trouble).map_err(|error| Fault::from(error).at(self.name()))
    }

    fn write_trouble(&self, trouble: Option<&(Timestamp, RemoteError)>) -> rusqlite::Result<()> {
        let Some((since, error)) = trouble else {
            return self.conn.prepare_cached("DELETE FROM link")?.execute([]).map(drop);
        };
        let (code, detail) = error.parts();
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO link (one, since, code, detail) VALUES (1, ?1, ?2, ?3)",
        )?;
        statement.execute(params![since.0, code, detail]).map(drop)
    }
}
