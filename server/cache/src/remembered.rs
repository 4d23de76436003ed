//! What the team's server said, kept for the time when it cannot be asked, by name. What the names and
//! values mean is the engine's.

use agent_core::ports::StoreError;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use crate::Cache;
use crate::error::Fault;

impl Cache {
    /// What is remembered under a name.
    ///
    /// # Errors
    /// As any read.
    pub fn remembered(&self, name: &str) -> Result<Option<String>, StoreError> {
        let read = || -> rusqlite::Result<Option<String>> {
            let mut statement = self.conn.prepare_cached("SELECT value FROM remembered WHERE name = ?1")?;
            statement.query_row([name], |row| row.get(0)).optional()
        };
        read().map_err(|error| Fault::from(error).at(self.name()))
    }

    /// Remembers a value under a name unless there is one, and answers which is there now: of several
    /// processes, the first decides.
    ///
    /// # Errors
    /// As any commit.
    pub fn remember_first(&mut self, name: &str, value: &str) -> Result<String, StoreError> {
        if self.remembered(name)?.is_none() {
            self.check_in_place()?;
            self.write_remembered(name, value, "DO NOTHING")?;
        }
        Ok(self.remembered(name)?.unwrap_or_else(|| value.to_owned()))
    }

    /// Remembers a value under a name, in the place of an earlier one. The other processes on the
    /// workspace notice it as they notice a commit.
    ///
    /// # Errors
    /// As any commit.
    pub fn remember(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        self.check_in_place()?;
        self.write_remembered(
            name,
            value,
            "DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        )
    }

    fn write_remembered(&mut self, name: &str, value: &str, otherwise: &str) -> Result<(), StoreError> {
        let mut write = || -> rusqlite::Result<()> {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let insert = format!(
                "INSERT INTO remembered (name, value) VALUES (?1, ?2) ON CONFLICT (name) {otherwise}"
            );
            if tx.execute(&insert, params![name, value])? > 0 {
                tx.execute("UPDATE meta SET rev = rev + 1", [])?;
            }
            tx.commit()
        };
        write().map_err(|error| Fault::from(error).at(self.name()))
    }
}
