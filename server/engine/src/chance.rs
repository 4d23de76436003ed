//! The system's randomness and clock, behind the core's traits.

use std::time::{SystemTime, UNIX_EPOCH};

use agent_core::id::{ChangeId, Timestamp};
use agent_core::sync::Chance;
use uuid::Uuid;

/// Randomness of this machine.
#[derive(Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn change_id(&mut self) -> ChangeId {
        ChangeId(Uuid::now_v7())
    }

    fn jitter(&mut self) -> f64 {
        fastrand::f64()
    }
}

/// The present moment, by this machine's clock. In a debug build, which tests run, `AGENT_TEST_NOW` may
/// stand for it: milliseconds since 1970.
pub fn now() -> Timestamp {
    let given = || std::env::var("AGENT_TEST_NOW").ok()?.parse().ok().map(Timestamp);
    if let Some(given) = cfg!(debug_assertions).then(given).flatten() {
        return given;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
