//! A world without disk, network and clock: working files, a cache shared by the processes of one
//! workspace, and a model of the remote. Everything that happens is drawn from one seed.

mod checks;
mod files;
pub mod model;
mod network;
mod people;
mod remote;
mod replica;
mod store;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use world::World;

/// What went wrong under a seed, with what happened in the world before it; `None` when everything
/// held.
pub fn failure(seed: u64, steps: usize) -> Option<String> {
    let mut world = World::new(seed);
    let done = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..steps {
            world.step();
            world.check_no_false_conflict();
        }
        world.heal();
        world.check_healed();
    }));
    let cause = done.err()?;
    let text = cause.downcast_ref::<String>().cloned();
    let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Some(format!("seed {seed}: {}\n{}", text.unwrap_or_default(), world.story()))
}

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

#[cfg(test)]
mod tests;
