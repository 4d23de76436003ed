//! Makes a failing run smaller: fewer steps, fewer kinds of trouble, fewer teammates, as long as the
//! same promise is broken.

use crate::run::{Outcome, Setup, run};
use crate::words::{Fault, Promise};

/// More attempts than this are not made.
const MOST_ATTEMPTS: usize = 2_000;

/// The smallest run found that breaks the promise as well.
pub fn shrink(setup: &Setup, promise: Promise) -> Setup {
    let mut search = Search { best: setup.clone(), promise, attempts: 0 };
    search.best.only = setup.taken();
    search.fewer_teammates();
    search.fewer_steps();
    search.fewer_kinds();
    search.fewer_steps();
    search.best
}

/// The command that runs it again.
pub fn replay(setup: &Setup) -> String {
    let mut line = format!("cargo sim --seed {} --seeds 1 --steps {}", setup.seed, setup.steps);
    if !setup.only.is_empty() {
        let steps: Vec<_> = setup.only.iter().map(usize::to_string).collect();
        line.push_str(&format!(" --only {}", steps.join(",")));
    }
    if !setup.without.is_empty() {
        let words: Vec<_> = setup.without.iter().map(|fault| fault.as_str()).collect();
        line.push_str(&format!(" --without {}", words.join(",")));
    }
    if let Some(teammates) = setup.teammates {
        line.push_str(&format!(" --teammates {teammates}"));
    }
    if let Some(planted) = setup.planted {
        line.push_str(&format!(" --plant {}", planted.as_str()));
    }
    line
}

struct Search {
    best: Setup,
    promise: Promise,
    attempts: usize,
}

impl Search {
    fn is_broken(&mut self, setup: &Setup) -> bool {
        self.attempts += 1;
        let is_same = |outcome: Outcome| outcome.breach.is_some_and(|breach| breach.promise == self.promise);
        self.attempts <= MOST_ATTEMPTS && is_same(run(setup))
    }

    fn attempt(&mut self, setup: Setup) -> bool {
        let is_broken = self.is_broken(&setup);
        if is_broken {
            self.best = setup;
        }
        is_broken
    }

    fn fewer_teammates(&mut self) {
        for teammates in 1..6 {
            if self.attempt(Setup { teammates: Some(teammates), ..self.best.clone() }) {
                return;
            }
        }
    }

    /// Leaves out ever smaller runs of steps.
    fn fewer_steps(&mut self) {
        let mut size = self.best.only.len() / 2;
        while size > 0 && self.attempts < MOST_ATTEMPTS {
            let mut from = 0;
            while from < self.best.only.len() {
                let mut only = self.best.only.clone();
                only.drain(from..(from + size).min(only.len()));
                let is_smaller = !only.is_empty() && self.attempt(Setup { only, ..self.best.clone() });
                if !is_smaller {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn fewer_kinds(&mut self) {
        for fault in Fault::ALL {
            let mut without = self.best.without.clone();
            if without.insert(*fault) {
                self.attempt(Setup { without, ..self.best.clone() });
            }
        }
    }
}
