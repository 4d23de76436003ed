//! Cutting a process off from everything it could still change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cuts a process off after so many more changes: what a kill at that moment would have left.
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

/// A breached promise ends a run in the middle of things; its story is told all the same.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
