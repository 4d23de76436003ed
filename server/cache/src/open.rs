//! Opens the database: folder, permissions, settings, schema, a look at whether it is sound. What
//! happens to one that is not is [`crate::rebuild`]'s.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent_core::ports::StoreError;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use crate::error::{self, Fault, looking};
use crate::{migrate, rebuild};

/// How long a statement waits for another process before it gives up: long enough for ten writers on a machine
/// that has much else to do.
const BUSY_TIMEOUT: Duration = Duration::from_millis(20_000);

/// How long it sleeps between two attempts. SQLite's own waiting goes up to 100 ms at a time, which
/// a save that meets another process's would feel; a commit takes less than this.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// More than there are distinct statements, so that none is ever compiled twice.
const CACHED_STATEMENTS: usize = 64;

/// As many pages are copied at once: all, so that nobody writes in between.
const COPIED_PAGES: i32 = i32::MAX;

/// The write-ahead log shrinks back to this after a large transaction.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// The local cache: one connection to one database file.
#[derive(Debug)]
pub struct Cache {
    pub(crate) conn: Connection,
    pub(crate) file: Option<OpenFile>,
}

/// The file a connection was opened on.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    name: String,
    identity: Option<Identity>,
}

/// What tells a file from another one that later has the same name.
type Identity = (u64, u64);

impl Cache {
    /// Opens the database at `path`; creates it, and its folder, when there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] leaves the file as it is: see [`Cache::open_or_rebuild`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let path = absolute(path)?;
        let _lock = rebuild::lock(&path)?;
        Self::open_locked(&path)
    }

    /// Like [`Cache::open`], but a damaged database is moved aside, never deleted, and a new one
    /// takes its place; the caller then fills it again from the files and the remote.
    ///
    /// # Errors
    /// Whatever [`Cache::open`] fails with, but for damage that moving the file aside cures.
    pub fn open_or_rebuild(path: &Path) -> Result<(Self, Option<rebuild::Rebuilt>), StoreError> {
        let path = absolute(path)?;
        let _lock = rebuild::lock(&path)?;
        rebuild::open_or_rebuild_locked(&path)
    }

    /// A cache that lives as long as this value, for tests and simulations.
    ///
    /// # Errors
    /// Only when SQLite itself fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut conn = Connection::open_in_memory().map_err(|error| Fault::from(error).at(IN_MEMORY))?;
        settle(&mut conn).map_err(|error| Fault::from(error).at(IN_MEMORY))?;
        migrate::migrate(&mut conn, IN_MEMORY)?;
        Ok(Self { conn, file: None })
    }

    /// A copy of it as it is now, which lives as long as this value: what is done to it changes nothing.
    ///
    /// # Errors
    /// What reading it says.
    pub fn copy(&self) -> Result<Self, StoreError> {
        let mut copy = Self::in_memory()?;
        let all = |copy: &mut Connection| -> rusqlite::Result<()> {
            Backup::new(&self.conn, copy)?.run_to_completion(COPIED_PAGES, Duration::ZERO, None)
        };
        all(&mut copy.conn).map_err(|error| Fault::from(error).at(self.name()))?;
        Ok(copy)
    }

    /// Opens while the caller holds the lock beside the database.
    pub(crate) fn open_locked(path: &Path) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        rebuild::move_orphan_log(path)?;
        create_private(path).map_err(|error| error::system(&name, "create", &error))?;
        let identity = identity(path).map_err(|error| error::system(&name, "inspect", &error))?;
        let whole = rebuild::size_without_log(path);
        let mut conn = connect(path).map_err(|fault| fault.at(&name))?;
        migrate::migrate(&mut conn, &name)?;
        check_size(&conn, whole).map_err(|fault| fault.at(&name))?;
        inspect(&conn).map_err(|fault| fault.at(&name))?;
        Ok(Self { conn, file: Some(OpenFile { path: path.to_owned(), name, identity }) })
    }

    /// Binds the cache to a team of a project, named by `team`. The first time it is remembered, and
    /// may change while nothing of a team has arrived yet. Cursor, versions and merge bases of one
    /// team mean nothing in another: with them, somebody else's text could be overwritten unseen.
    ///
    /// # Errors
    /// [`StoreError::OtherTeam`] when it already holds revisions of another one.
    pub fn bind(&mut self, team: &str) -> Result<(), StoreError> {
        let name = self.name().to_owned();
        let bound = bind(&mut self.conn, team).map_err(|error| Fault::from(error).at(&name))?;
        match bound {
            None => Ok(()),
            Some(other) => Err(StoreError::OtherTeam { path: name, other, team: team.to_owned() }),
        }
    }

    /// The database as messages name it.
    pub(crate) fn name(&self) -> &str {
        self.file.as_ref().map_or(IN_MEMORY, |file| &file.name)
    }

    /// Fails when the file was deleted or replaced since it was opened: a commit would succeed and
    /// be lost with the file nobody can open any more.
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        match &self.file {
            Some(file) if !file.is_in_place() => {
                Err(error::corrupt(&file.name, "it was deleted or replaced while in use"))
            }
            _ => Ok(()),
        }
    }
}

/// Binds, and answers the other team that the cache belongs to, if so.
fn bind(conn: &mut Connection, team: &str) -> rusqlite::Result<Option<String>> {
    let bound = "SELECT team FROM meta";
    if conn.query_row(bound, [], |row| row.get::<_, Option<String>>(0))?.as_deref() == Some(team) {
        return Ok(None);
    }
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let other: Option<String> = tx.query_row(bound, [], |row| row.get(0))?;
    let is_used =
        "SELECT cursor > 0 OR EXISTS (SELECT 1 FROM artifacts WHERE remote_version IS NOT NULL) FROM meta";
    match other {
        Some(other) if other != team && tx.query_row(is_used, [], |row| row.get(0))? => {
            return Ok(Some(other));
        }
        _ => tx.execute("UPDATE meta SET team = ?1", [team])?,
    };
    tx.commit()?;
    Ok(None)
}

const IN_MEMORY: &str = "the cache in memory";

impl OpenFile {
    pub(crate) fn is_in_place(&self) -> bool {
        match identity(&self.path) {
            Ok(now) => now == self.identity,
            // A folder that cannot be inspected for a moment is no proof of anything.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}

/// The name must go on meaning the same file when the process changes its working folder.
fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path)
        .map_err(|error| error::system(&path.display().to_string(), "find its folder", &error))
}

fn connect(path: &Path) -> Result<Connection, Fault> {
    // No SQLITE_OPEN_URI: a folder may be called `file:`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    // Before the first page is read, this is the system's word on the file, not the file's own.
    if conn.is_readonly("main")? {
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(failure, None).into());
    }
    settle(&mut conn).map_err(looking)?;
    Ok(conn)
}

fn settle(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.busy_handler(Some(wait_for_others))?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // FULL, not NORMAL: the cache holds edits that exist nowhere else yet, and with NORMAL a power
    // loss takes back commits that were acknowledged.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.query_row(&format!("PRAGMA journal_size_limit = {LOG_BYTES}"), [], |_| Ok(()))
}

/// Called by SQLite before each further attempt at a lock; `false` gives up.
fn wait_for_others(attempts: i32) -> bool {
    thread_local! {
        static WAITING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    if attempts == 0 {
        WAITING_SINCE.set(Some(now));
    }
    let waited = WAITING_SINCE.get().map_or(Duration::ZERO, |since| now.duration_since(since));
    if waited >= BUSY_TIMEOUT {
        return false;
    }
    std::thread::sleep(BUSY_PAUSE);
    true
}

/// SQLite takes what is missing of the last page for zeros. `size` is the file's, if it was all there is.
fn check_size(conn: &Connection, size: Option<u64>) -> Result<(), Fault> {
    let page: u32 = conn.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(looking)?;
    match size {
        Some(size) if !size.is_multiple_of(page.into()) => {
            Err(Fault::Damaged(format!("cut off after {size} bytes")))
        }
        _ => Ok(()),
    }
}

/// Looks at every tree's first page and at the counters. A full check reads the whole file, which
/// start-up cannot afford; damage further in is met, and named, when it is read.
fn inspect(conn: &Connection) -> Result<(), Fault> {
    if conn.is_readonly("main")? {
        return Err(Fault::Damaged("its first page forbids writing to it".to_owned()));
    }
    conn.query_row("SELECT rev, cursor, team, gc_at FROM meta", [], |row| {
        row.get::<_, i64>(0)?;
        row.get::<_, i64>(1)?;
        row.get::<_, Option<String>>(2)?;
        row.get::<_, Option<i64>>(3)
    })
    .map_err(looking)?;
    for table in [
        "blobs",
        "artifacts",
        "changes",
        "operations",
        "open_documents",
        "link",
        "remembered",
        "seen_in",
        "people",
    ] {
        conn.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), [], |_| Ok(())).map_err(looking)?;
    }
    Ok(())
}

/// Creates an empty file that only its owner can read, or narrows an existing one to that. SQLite
/// gives its log the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    // An existing database is never opened here: closing it again would drop every lock this
    // process holds on it, which is how POSIX locks work.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            narrow(path);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn narrow(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o077 == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700)) {
        tracing::warn!(path = %path.display(), %error, "others can read the cache");
    }
}

#[cfg(not(unix))]
fn narrow(_path: &Path) {}

/// Where the system knows no identity, it does not let an open file be replaced either.
#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    fs::metadata(path).map(|_| None)
}
