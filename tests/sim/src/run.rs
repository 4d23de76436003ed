//! One run: a seed's world, so many steps, the healing, and what it showed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Once;

use crate::coverage::Coverage;
use crate::words::{Fault, Planted, Promise};
use crate::world::World;

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Decides everything that happens.
    pub seed: u64,
    /// How many steps are taken.
    pub steps: usize,
    /// Which of them only; all when empty. What a step draws does not depend on the others.
    pub only: Vec<usize>,
    /// Which kinds of trouble do not happen.
    pub without: BTreeSet<Fault>,
    /// At most so many teammates.
    pub teammates: Option<usize>,
    /// The fault planted into the world, if any.
    pub planted: Option<Planted>,
    /// Whether to tell what happens.
    pub tells: bool,
}

impl Setup {
    /// A seed with nothing left out.
    pub fn new(seed: u64, steps: usize) -> Self {
        Self { seed, steps, ..Self::default() }
    }

    /// The steps that are taken.
    pub fn taken(&self) -> Vec<usize> {
        match self.only.is_empty() {
            true => (0..self.steps).collect(),
            false => self.only.clone(),
        }
    }
}

/// A promise that did not hold.
#[derive(Debug, Clone)]
pub struct Breach {
    /// Which.
    pub promise: Promise,
    /// What was found.
    pub detail: String,
}

/// What a run showed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it came by.
    pub coverage: Coverage,
    /// What did not hold, if anything.
    pub breach: Option<Breach>,
    /// What happened, when that was asked for.
    pub story: Vec<String>,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}
static HOOK: Once = Once::new();

/// Ends a run: a promise did not hold. It may be found deep inside of the engine's calls, which a
/// returned error could not leave.
pub(crate) fn breach(promise: Promise, detail: String) -> ! {
    panic_any(Breach { promise, detail })
}

/// Runs a seed.
pub fn run(setup: &Setup) -> Outcome {
    quietly(|| {
        let mut world = World::new(setup);
        let done = catch_unwind(AssertUnwindSafe(|| {
            for step in setup.taken() {
                world.begin_step(step);
                world.step();
            }
            world.heal(setup.seed);
            world.check_healed();
        }));
        world.coverage.seeds = 1;
        if setup.tells {
            world.tell_end();
        }
        let breach = done.err().map(|cause| match cause.downcast::<Breach>() {
            Ok(breach) => *breach,
            Err(cause) => {
                let text = cause.downcast_ref::<String>().cloned();
                let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Breach { promise: Promise::NoPanic, detail: text.unwrap_or_default() }
            }
        });
        Outcome { coverage: world.coverage, breach, story: world.log }
    })
}

/// Panics of a run are its result, nothing to print.
fn quietly<T>(act: impl FnOnce() -> T) -> T {
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                others(info);
            }
        }));
    });
    QUIET.set(true);
    let done = act();
    QUIET.set(false);
    done
}

impl World {
    /// Where it ended.
    fn tell_end(&mut self) {
        for (n, replica) in self.replicas.iter().enumerate() {
            for process in &replica.processes {
                for entry in process.entries() {
                    let short = |hash: Option<agent_core::id::ContentHash>| {
                        hash.map_or("-".to_owned(), |hash| hash.to_string()[..6].to_owned())
                    };
                    let next = process.engine.next_of(&entry);
                    let sides = [entry.base, entry.local, entry.remote_hash()].map(short).join("/");
                    let version = entry.remote_version().0;
                    let pending = entry.pending.is_some();
                    self.log.push(format!(
                        "{n} life {} {} {} {sides} v{version} pending {pending} {next:?}",
                        process.life, entry.key, entry.path
                    ));
                }
                let problems = process.engine.problems();
                if !problems.is_empty() {
                    self.log.push(format!("{n} life {}: {problems:?}", process.life));
                }
            }
        }
    }
}
