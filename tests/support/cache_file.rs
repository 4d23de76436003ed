//! A workspace's cache as another program sees it, beside those that use it.

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};

use crate::workspace::Workspace;

/// The database of a workspace.
#[derive(Debug)]
pub struct CacheFile(std::path::PathBuf);

impl CacheFile {
    /// The one of this workspace.
    pub fn of(workspace: &Workspace) -> Self {
        Self(workspace.file(".agent/cache/agent.db"))
    }

    fn open(&self) -> Result<Connection> {
        // Not read only: reading a log that a killed process left needs its shared memory written.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn =
            Connection::open_with_flags(&self.0, flags).with_context(|| self.0.display().to_string())?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        Ok(conn)
    }

    /// What `PRAGMA integrity_check` says: `ok`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn integrity(&self) -> Result<String> {
        Ok(self.open()?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
    }

    /// Changes it behind everybody's back.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.open()?.execute_batch(sql)?)
    }

    /// How many changes wait for an answer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn queued(&self) -> Result<i64> {
        let count = "SELECT count(*) FROM changes WHERE outcome IS NULL";
        Ok(self.open()?.query_row(count, [], |row| row.get(0))?)
    }

    /// The texts of one column: `column FROM table …`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn column(&self, of: &str) -> Result<Vec<String>> {
        let conn = self.open()?;
        let mut statement = conn.prepare(&format!("SELECT {of}"))?;
        let texts = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
        Ok(texts.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Whether some process says that it has an artifact open.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_open(&self, kind: &str, id: &str) -> Result<bool> {
        let found = "SELECT EXISTS (SELECT 1 FROM open_documents WHERE kind = ?1 AND id = ?2)";
        Ok(self.open()?.query_row(found, [kind, id], |row| row.get(0))?)
    }

    /// Every content that the history of an artifact names and that is there to be found again.
    ///
    /// # Errors
    /// When it cannot be read, and when a content that was the file's is not there.
    pub fn contents(&self, kind: &str, id: &str) -> Result<Vec<String>> {
        let conn = self.open()?;
        let mut statement = conn.prepare(
            "SELECT DISTINCT text FROM operations o LEFT JOIN blobs b ON b.hash = o.after_local \
             WHERE kind = ?1 AND id = ?2 AND after_local IS NOT NULL",
        )?;
        let texts = statement.query_map([kind, id], |row| row.get::<_, Option<String>>(0))?;
        texts.map(|text| text?.context("the history names a text that is not there")).collect()
    }
}
