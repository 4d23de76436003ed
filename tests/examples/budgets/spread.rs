//! Many times of one thing, and what is told of them.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Times in ascending order.
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    /// Does something so often, and times what it says it took.
    pub(crate) fn of(rounds: usize, mut once: impl FnMut(usize) -> Result<Duration>) -> Result<Self> {
        let mut times = (0..rounds).map(&mut once).collect::<Result<Vec<_>>>()?;
        times.sort_unstable();
        Ok(Self(times))
    }

    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// Prints it beside its baseline.
    pub(crate) fn beside(&self, what: &str, baseline: &Self, of: &str) {
        let ratio = |percent| self.at(percent).as_secs_f64() / baseline.at(percent).as_secs_f64();
        println!(
            "  {what:<46} p50 {:>9.2?}  p99 {:>9.2?}  best {:>9.2?}",
            self.at(50),
            self.at(99),
            self.at(0)
        );
        println!(
            "    {of:<44} p50 {:>9.2?}  p99 {:>9.2?}  best {:>9.2?}  ratios {:.1} {:.1} {:.1}",
            baseline.at(50),
            baseline.at(99),
            baseline.at(0),
            ratio(50),
            ratio(99),
            ratio(0)
        );
    }
}

/// How long something takes that has to succeed.
pub(crate) fn timed<T>(what: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let start = Instant::now();
    what()?;
    Ok(start.elapsed())
}
