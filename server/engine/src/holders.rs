//! Which of the processes that said they have artifacts open are still there. Each holds an operating
//! system lock on a file of its own beside the database, so that what a killed editor had open is
//! over at once, not when it would have run out: its closed files follow the team again.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use agent_cache::Cache;
use agent_core::id::Timestamp;
use agent_core::ports::{Holder, Store as _, StoreError};

/// How long what is open is said to be so, in milliseconds, where nothing shows that the process is there.
pub(crate) const OPEN_MILLIS: i64 = 60_000;

/// The sign that a process is there; it ends with the process.
#[derive(Debug)]
pub(crate) struct Sign {
    path: PathBuf,
    _held: File,
}

impl Sign {
    /// Shows that `holder` is there; `None` where the system does not do that, and what it has open
    /// only runs out.
    pub(crate) fn show(database: &Path, holder: &Holder) -> Option<Self> {
        let path = path_of(database, holder);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Self { path, _held: file })
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Forgets what processes had open that are gone. What those said that could show no sign runs out by itself, soon;
/// whose words last longer than that without a sign took it away, and could not take the words back.
pub(crate) fn forget_gone(cache: &mut Cache, database: &Path, now: Timestamp) -> Result<(), StoreError> {
    let lasting = cache.holders(now.plus(OPEN_MILLIS))?;
    for holder in cache.holders(now)? {
        let path = path_of(database, &holder);
        let is_gone = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file.try_lock().is_ok(),
            Err(error) => error.kind() == ErrorKind::NotFound && lasting.contains(&holder),
        };
        if is_gone {
            cache.release(&holder)?;
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn path_of(database: &Path, holder: &Holder) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".open-{}", holder.0));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::id::ArtifactKey;

    #[test]
    fn what_a_process_had_open_ends_with_it_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("agent.db");
        let mut cache = Cache::open(&database).unwrap();
        let [here, gone, unknown, me] = ["here", "gone", "unknown", "me"].map(|name| Holder(name.to_owned()));
        let key = |holder: &Holder| ArtifactKey::new("story", &format!("A-{}", holder.0.len())).unwrap();
        for holder in [&here, &gone, &unknown] {
            cache.set_open(holder, &[key(holder)], Timestamp(60_000)).unwrap();
        }
        let _here = Sign::show(&database, &here).unwrap();
        let sign = Sign::show(&database, &gone).unwrap();
        assert!(Sign::show(&database, &gone).is_none(), "another process has that name");
        forget_gone(&mut cache, &database, Timestamp(0)).unwrap();
        assert_eq!(cache.holders(Timestamp(0)).unwrap().len(), 3);
        // As the system does it with a killed process: the lock goes, the file stays.
        let path = path_of(&database, &gone);
        drop(sign);
        File::create(&path).unwrap();
        forget_gone(&mut cache, &database, Timestamp(0)).unwrap();
        assert_eq!(cache.holders(Timestamp(0)).unwrap(), [here.clone(), unknown.clone()]);
        assert!(!path.exists());
        let open = cache.open_elsewhere(&me, Timestamp(0)).unwrap();
        assert_eq!(open.into_iter().collect::<Vec<_>>(), [key(&here), key(&unknown)]);
        // One that ended while the cache could not be written.
        cache.set_open(&gone, &[key(&gone)], Timestamp(7 * 24 * 3_600_000)).unwrap();
        forget_gone(&mut cache, &database, Timestamp(0)).unwrap();
        assert_eq!(cache.holders(Timestamp(0)).unwrap(), [here, unknown]);
    }
}
