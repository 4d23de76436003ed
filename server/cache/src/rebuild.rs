//! Replaces a damaged database without ever deleting one, and lets only one process at a time
//! open, migrate or move it. How the new one is filled again is the engine's.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use agent_core::ports::StoreError;

use crate::Cache;
use crate::error;

/// What became of a damaged database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where it is now; its log, if it had one, is beside it.
    pub moved_to: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

/// The files SQLite keeps beside the database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Excludes other openers, in this process and others, until the returned file is dropped. The
/// system gives it back when its holder dies, and nobody deletes the file: that would let two
/// processes hold two locks of one name.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let name = path.display().to_string();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| error::system(&name, "create its folder", &error))?;
    }
    let file =
        open_lock(&beside(path, ".lock")).map_err(|error| error::system(&name, "open its lock", &error))?;
    match file.lock() {
        Ok(()) => Ok(file),
        // Some network file systems have no locks; SQLite's own then decide alone.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(error) => Err(error::system(&name, "lock", &error)),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn open_or_rebuild_locked(path: &Path) -> Result<(Cache, Option<Rebuilt>), StoreError> {
    match Cache::open_locked(path) {
        Ok(cache) => Ok((cache, None)),
        Err(StoreError::Corrupt { detail, .. }) => replace(path, detail),
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, reason: String) -> Result<(Cache, Option<Rebuilt>), StoreError> {
    let moved_to = move_aside(path)?;
    tracing::warn!(path = %path.display(), moved_to = %moved_to.display(), reason, "damaged cache moved aside");
    let cache = Cache::open_locked(path)?;
    Ok((cache, Some(Rebuilt { moved_to, reason })))
}

impl Cache {
    /// Replaces the database after it reported [`StoreError::Corrupt`] in use. When another process
    /// replaced it already, its new one is opened and nothing is moved. Either way the caller loads
    /// again.
    ///
    /// # Errors
    /// As [`Cache::open_or_rebuild`].
    pub fn rebuild(self, reason: &str) -> Result<(Self, Option<Rebuilt>), StoreError> {
        let Some(file) = self.file else {
            return Ok((Self::in_memory()?, None));
        };
        let _lock = lock(&file.path)?;
        // Asked while the connection keeps the old file alive: only then can its identity not have
        // been given to a new one.
        let ours = file.is_in_place();
        drop(self.conn);
        if ours {
            return replace(&file.path, reason.to_owned());
        }
        open_or_rebuild_locked(&file.path)
    }
}

/// A log without its database (a move that was cut short, a database deleted by hand) would be
/// deleted by SQLite when it creates the new one.
pub(crate) fn move_orphan_log(path: &Path) -> Result<(), StoreError> {
    // One byte counts as nothing: SQLite writes it into empty files on some systems.
    let is_empty = fs::metadata(path).map_or(true, |metadata| metadata.is_file() && metadata.len() <= 1);
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0);
    if is_empty && has_log {
        let moved_to = move_aside(path)?;
        tracing::warn!(path = %path.display(), moved_to = %moved_to.display(), "log without a cache moved aside");
    }
    Ok(())
}

/// Renames the database and its companions to the first free `<name>.damaged-<n>`; the caller holds
/// the lock. The database goes first: a companion left behind is recognised by
/// [`move_orphan_log`], whereas a database without its log would look sound and be out of date.
fn move_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let target = free_name(path);
    for suffix in [""].iter().chain(&COMPANIONS) {
        match fs::rename(beside(path, suffix), beside(&target, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error::system(&path.display().to_string(), "move it aside", &error));
            }
        }
    }
    Ok(target)
}

fn free_name(path: &Path) -> PathBuf {
    let mut n = 1_u64;
    loop {
        let target = beside(path, &format!(".damaged-{n}"));
        let taken = [""].iter().chain(&COMPANIONS).any(|suffix| exists(&beside(&target, suffix)));
        if !taken {
            return target;
        }
        n += 1;
    }
}

/// Whether a name is in use, be it by a dangling link. What cannot be inspected counts as taken.
fn exists(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// The size of a database that has no log; `None` if a part of it may be in one.
pub(crate) fn size_without_log(path: &Path) -> Option<u64> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0);
    fs::metadata(path).ok().filter(|_| !has_log).map(|metadata| metadata.len())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
