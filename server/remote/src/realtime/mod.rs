//! The live channel of a team: a hint whenever somebody's change was accepted. It is never the truth
//! about anything, the pull cursor is; so messages may be lost, and after every [`LiveEvent::Ready`]
//! the caller pulls. [`frames`] knows the wire, [`channel`] decides, [`judge`] knows the server's
//! words, [`socket`] does.

mod channel;
mod frames;
mod judge;
mod signals;
mod socket;

use std::sync::Arc;

use agent_core::ports::LiveEvent;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::socket::{Target, Task};
use crate::auth::Auth;
use crate::settings::Settings;

/// A running live channel. Dropping it ends it.
#[derive(Debug)]
pub struct Listener {
    task: JoinHandle<()>,
    woken: Arc<Notify>,
}

impl Listener {
    /// Ends the connection; no event follows.
    pub fn stop(self) {}

    /// Tries again at once instead of waiting: after somebody signed in elsewhere, or when the
    /// network is back. Does no harm at any other time.
    pub fn wake(&self) {
        self.woken.notify_one();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens to the team's channel until the [`Listener`] is dropped, connecting and joining again as
/// often as needed. `events` is called from the listener's task, once per change of state and once
/// per message; it must not block. Must be called inside a tokio runtime.
///
/// Where the system's certificates cannot be used, one [`LiveEvent::Refused`] is all there is.
pub fn listen(
    settings: &Settings,
    auth: &Auth,
    events: impl Fn(LiveEvent) + Send + Sync + 'static,
) -> Listener {
    let woken = Arc::new(Notify::new());
    let task = match Target::new(settings) {
        Ok(target) => {
            let task = Task::new(target, settings.team(), auth, events);
            tokio::spawn(task.run(Arc::clone(&woken), auth.changes()))
        }
        Err(error) => tokio::spawn(async move { events(LiveEvent::Refused(error.to_string())) }),
    };
    Listener { task, woken }
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
