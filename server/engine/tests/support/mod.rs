//! A world without disk, network and clock, for simulations of the engine: working files, a cache
//! shared by the processes of one workspace, and a model of the remote. Everything that happens is
//! drawn from one seed.

pub(crate) mod checks;
pub(crate) mod files;
pub(crate) mod network;
pub(crate) mod people;
pub(crate) mod remote;
pub(crate) mod replica;
pub(crate) mod store;
pub(crate) mod world;

use std::sync::{Arc, Mutex, MutexGuard};

/// Cuts a process off from everything it could still change, after so many more changes: what a
/// kill at that moment would have left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fuse(Arc<Mutex<Option<u32>>>);

impl Fuse {
    /// Burns through after `changes` more.
    pub(crate) fn light(&self, changes: u32) {
        *lock(&self.0) = Some(changes);
    }

    /// Never mind.
    pub(crate) fn mend(&self) {
        *lock(&self.0) = None;
    }

    /// Whether one more change happens; it counts as one.
    pub(crate) fn holds(&self) -> bool {
        match &mut *lock(&self.0) {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Whether the process is dead.
    pub(crate) fn is_burnt(&self) -> bool {
        *lock(&self.0) == Some(0)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panicked holding it")
}
