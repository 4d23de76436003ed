//! The live channel of a team: a hint whenever somebody's change was accepted. It is never the truth
//! about anything, the pull cursor is; so messages may be lost, and after every [`LiveEvent::Ready`]
//! the caller pulls. Where the channel is, is asked before each join: it moves whenever somebody stops
//! being a member. It also carries [`presence`]. [`frames`] knows the wire, [`channel`] decides, [`judge`] knows the server's
//! words, [`socket`] does.

mod channel;
mod frames;
mod judge;
mod presence;
mod signals;
mod socket;

use std::sync::Arc;

use agent_core::ports::LiveEvent;
use agent_core::presence::{Person, Spot};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::socket::{Part, Target, Task};
use crate::auth::Auth;
use crate::rest::SupabaseRemote;
use crate::settings::Settings;

/// A running live channel. Dropping it ends it.
#[derive(Debug)]
pub struct Listener {
    task: JoinHandle<()>,
    woken: Arc<Notify>,
    spots: watch::Sender<Vec<Spot>>,
}

impl Listener {
    /// Ends the connection; no event follows.
    pub fn stop(self) {}

    /// Tries again at once instead of waiting: after somebody signed in elsewhere, or when the
    /// network is back. Does no harm at any other time.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Tells the others what is open here, as soon as the platform's limits allow; nothing, if that is
    /// what they know already.
    pub fn present(&self, spots: Vec<Spot>) {
        self.spots.send_if_modified(|known| {
            let is_new = *known != spots;
            *known = spots;
            is_new
        });
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
    start(settings, auth, events, None)
}

/// Does the same, and takes part in the team's presence: others are told what [`Listener::present`]
/// says, and `meet` hears who else is there whenever that changes.
pub fn listen_present(
    settings: &Settings,
    auth: &Auth,
    events: impl Fn(LiveEvent) + Send + Sync + 'static,
    meet: impl Fn(Vec<Person>) + Send + 'static,
) -> Listener {
    start(settings, auth, events, Some(Box::new(meet)))
}

type Meet = Box<dyn Fn(Vec<Person>) + Send>;

fn start(
    settings: &Settings,
    auth: &Auth,
    events: impl Fn(LiveEvent) + Send + Sync + 'static,
    meet: Option<Meet>,
) -> Listener {
    let woken = Arc::new(Notify::new());
    let spots = watch::Sender::new(Vec::new());
    let part = meet.map(|meet| Part { spots: spots.subscribe(), meet });
    let task = match Target::new(settings) {
        Ok(target) => {
            let remote = SupabaseRemote::new(settings, auth.clone());
            let task = Task::new(target, remote, auth, events, part);
            tokio::spawn(task.run(Arc::clone(&woken), auth.changes()))
        }
        Err(error) => tokio::spawn(async move { events(LiveEvent::Refused(error.to_string())) }),
    };
    Listener { task, woken, spots }
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
