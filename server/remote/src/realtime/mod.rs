//! placeholder of the live channel

use agent_core::ports::LiveEvent;

use crate::auth::Auth;
use crate::settings::Settings;

/// The running connection; dropping it ends it.
#[derive(Debug)]
pub struct Listener {}

impl Listener {
    /// Ends the connection.
    pub fn stop(self) {}

    /// Tries again at once instead of waiting: after signing in, or when the network is back.
    pub fn wake(&self) {}
}

/// Listens to the team's channel until the [`Listener`] is dropped. Must be called inside a tokio
/// runtime; `events` is called from its task and must not block.
pub fn listen(
    _settings: &Settings,
    _auth: &Auth,
    _events: impl Fn(LiveEvent) + Send + Sync + 'static,
) -> Listener {
    Listener {}
}
