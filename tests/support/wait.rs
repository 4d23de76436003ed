//! Waiting for what has no message of its own: a file, another process. Bounded, and never a
//! stand-in for an event that can be heard.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take before it counts as never. Far above what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks until there is something, or patience ends.
///
/// # Errors
/// When it never came; the message says what was waited for and what `look` said last.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() >= until => bail!("waited in vain for {what}: {error:#}"),
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
        }
    }
}
