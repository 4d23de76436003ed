//! Whether the remote answers, what is under way, and when to try again. Pure: the moment and the
//! jitter come in.

use std::collections::BTreeMap;

use crate::id::{ArtifactKey, ChangeId, Seq, Timestamp, Version};
use crate::ports::RemoteError;

/// The most changes sent at once, and the most bytes of content.
pub const PUSH_ROWS: usize = 500;
/// The most bytes of content sent at once; the signed-in role has 8 s for a statement.
pub const PUSH_BYTES: u64 = 3_000_000;

const FIRST_DELAY: i64 = 1_000;
const LONGEST_DELAY: i64 = 60_000;
/// Looking for a new session reads a local file only, so it may be looked for often.
const SIGNED_OUT_DELAY: i64 = 5_000;

/// The state of the connection to the remote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link {
    pub(super) pulling: bool,
    pub(super) pull_wanted: bool,
    /// Since when somebody waits for a push. What came about later was not asked for.
    pub(super) push_wanted: Option<Timestamp>,
    /// When this process compared all files with what is known, since somebody asked for a push.
    pub(super) looked_at: Option<Timestamp>,
    /// Somebody confirmed that what vanished is to be deleted for everybody.
    pub(super) deletions_allowed: bool,
    /// Somebody confirmed that what went back is to be pushed for everybody.
    pub(super) reversions_allowed: bool,
    /// Somebody confirmed that what the team deleted is to go here.
    pub(super) incoming_allowed: bool,
    pub(super) in_flight: Vec<ChangeId>,
    /// The highest seq heard of.
    pub(super) hinted: Seq,
    /// The highest seq heard of while a pull is under way, which may have been answered before it.
    hinted_meanwhile: Seq,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Timestamp>,
    /// When the last failure was. A moment before it means that the clock was set back, and that
    /// `retry_at` may be any time away.
    failed_at: Timestamp,
    /// Whether the remote was asked by this process, and answered or failed to.
    heard: bool,
    pub(super) batch: Option<usize>,
    /// Since when the remote has not answered, and what it said last.
    pub trouble: Option<(Timestamp, RemoteError)>,
    /// The remote forgot revisions this cache knows, and all of it is pulled anew: what it has now
    /// counts, be its version lower than the known one.
    pub(super) rewinding: bool,
    /// Of what the remote was known to have when it was asked for all of it, what did not come yet.
    pub(super) expected: BTreeMap<ArtifactKey, Version>,
    /// Whether the live connection announces changes.
    pub live: bool,
}

impl Link {
    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        self.pulling || !self.in_flight.is_empty()
    }

    /// Whether this process knows by itself how the remote is; what other processes found out counts
    /// until then.
    pub fn is_heard(&self) -> bool {
        self.heard
    }

    /// Whether the wait after a failure is not over.
    pub(super) fn must_wait(&self, now: Timestamp) -> bool {
        self.retry_at.is_some_and(|at| self.failed_at <= now && now < at)
    }

    pub(super) fn hint(&mut self, to: Seq) {
        let heard = if self.pulling { &mut self.hinted_meanwhile } else { &mut self.hinted };
        *heard = to.max(*heard);
    }

    /// A pull ended; `newest` is the newest seq there is, if its answer told. A hint is only a hint:
    /// one that promised more than there is must not be believed for ever.
    pub(super) fn pull_ended(&mut self, newest: Option<Seq>) {
        self.pulling = false;
        let believed = newest.map_or(self.hinted, |newest| self.hinted.min(newest));
        self.hinted = believed.max(std::mem::take(&mut self.hinted_meanwhile));
    }

    pub(super) fn wants_pull(&self, cursor: Seq) -> bool {
        self.pull_wanted || self.hinted > cursor
    }

    pub(super) fn batch_rows(&self) -> usize {
        self.batch.unwrap_or(PUSH_ROWS)
    }

    pub(super) fn answered(&mut self) {
        self.heard = true;
        self.failures = 0;
        self.retry_at = None;
        self.trouble = None;
    }

    /// A failure: `jitter` in 0..1 spreads the retries of many clients.
    pub(super) fn failed(&mut self, error: RemoteError, now: Timestamp, jitter: f64) {
        let delay = match &error {
            RemoteError::SignedOut(_) => SIGNED_OUT_DELAY,
            RemoteError::Forbidden(_) | RemoteError::Misconfigured(_) | RemoteError::Incompatible(_) => {
                LONGEST_DELAY
            }
            RemoteError::Busy { retry_after: Some(millis), .. } => {
                i64::try_from(*millis).unwrap_or(LONGEST_DELAY).max(FIRST_DELAY)
            }
            _ => (FIRST_DELAY << self.failures.min(6)).min(LONGEST_DELAY),
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most half of a minute in milliseconds")]
        let spread = (delay as f64 * 0.5 * jitter.clamp(0.0, 1.0)) as i64;
        self.failures = self.failures.saturating_add(1);
        self.heard = true;
        self.failed_at = now;
        self.retry_at = Some(now.plus(delay / 2 + delay / 4 + spread));
        let since = self.trouble.as_ref().map_or(now, |(since, _)| *since);
        self.trouble = Some((since, error));
    }

    /// Tries again at once, as when the connection is back or somebody asked for it.
    pub(super) fn retry_now(&mut self) {
        self.retry_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> RemoteError {
        RemoteError::Unreachable("connection refused".into())
    }

    #[test]
    fn waits_grow_to_a_minute_and_end_with_an_answer() {
        let mut link = Link::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            link.failed(gone(), Timestamp(0), 0.5);
            waits.push(link.retry_at.map_or(0, |at| at.0));
        }
        assert_eq!(waits, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
        assert!(link.must_wait(Timestamp(59_999)) && !link.must_wait(Timestamp(60_000)));
        link.answered();
        assert!(!link.must_wait(Timestamp(0)) && link.trouble.is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_wait() {
        let (then, year) = (Timestamp(1_800_000_000_000), 365 * 24 * 3_600_000);
        let mut link = Link::default();
        link.failed(gone(), then, 0.5);
        assert!(link.must_wait(then) && link.must_wait(then.plus(999)));
        assert!(!link.must_wait(then.plus(-1)) && !link.must_wait(then.plus(-year)));
        link.failed(gone(), then.plus(-year), 0.5);
        assert!(link.must_wait(then.plus(-year + 1_999)) && !link.must_wait(then.plus(-year + 2_000)));
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for (jitter, expected) in [(0.0, 750), (1.0, 1250), (9.0, 1250), (-1.0, 750)] {
            let mut link = Link::default();
            link.failed(gone(), Timestamp(0), jitter);
            assert_eq!(link.retry_at, Some(Timestamp(expected)));
        }
    }

    #[test]
    fn trouble_remembers_when_it_began() {
        let mut link = Link::default();
        link.failed(gone(), Timestamp(5), 0.0);
        link.failed(RemoteError::SignedOut("expired".into()), Timestamp(900), 0.0);
        assert_eq!(link.trouble, Some((Timestamp(5), RemoteError::SignedOut("expired".into()))));
    }
}
