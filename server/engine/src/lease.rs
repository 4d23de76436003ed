//! Which of the processes on a workspace pushes, listens and writes closed files: the one that
//! holds an operating system lock on a file. A lock dies with its process, however that ends, so a
//! killed holder is replaced at the next try, without clocks and without a write.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

/// A try for, or the holding of, the lease.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    held: Option<File>,
}

impl Lease {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, held: None }
    }

    /// Takes the lease if nobody has it; answers whether this process has it now.
    pub(crate) fn try_take(&mut self) -> bool {
        if self.held.is_some() {
            return true;
        }
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path);
        let Ok(file) = opened else { return false };
        match file.try_lock() {
            Ok(()) => {
                self.held = Some(file);
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                // A file system without locks: compare-and-swap and guarded writes keep two leaders
                // safe, they only do the same work twice.
                tracing::warn!(%error, path = %self.path.display(), "no file locks here; going without the lease");
                self.held = Some(file);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_the_next_as_soon_as_it_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("agent.lock");
        let (mut first, mut second) = (Lease::new(path.clone()), Lease::new(path));
        assert!(first.try_take() && first.try_take());
        assert!(!second.try_take());
        drop(first);
        assert!(second.try_take());
    }
}
