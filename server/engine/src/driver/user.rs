//! Who is signed in, while the session runs: somebody may sign in or out in this editor, in another one
//! or in a terminal. Everything that is said in somebody's name follows.

use agent_core::ports::RemoteError;
use agent_core::sync::Event;

use super::Driver;

impl Driver {
    /// Goes on as who is signed in now; answers whether that is somebody else than before.
    pub(super) fn know_user(&mut self) -> bool {
        let is_other = self.session.know_user();
        if is_other {
            // What one may do, and who is somebody else.
            self.rules.ask_again();
            self.read_rules();
            self.meet_again();
        }
        is_other
    }

    /// Somebody signed in or out here: what waited goes out at once, not at the next scheduled pull.
    pub(super) fn user_changed(&mut self) {
        self.know_user();
        self.run_event(Event::PullWanted);
        if self.session.engine.machine().pushes_unasked() {
            self.run_event(Event::PushWanted { retry_refused: true });
        }
    }

    /// Somebody may have signed in elsewhere while nobody was here.
    pub(super) fn notice_sign_in(&mut self) {
        if !matches!(&self.trouble, Some((_, RemoteError::SignedOut(_)))) {
            self.tried_session = false;
            return;
        }
        let is_other = self.know_user();
        let has_session = self.session.auth.as_ref().is_some_and(|auth| auth.user().is_some());
        // The same person may be back before anybody saw that they were gone.
        let is_back = has_session && !self.tried_session;
        self.tried_session = has_session;
        if !(is_other || is_back) || !self.session.engine.machine().leads() {
            return;
        }
        if let Some(listener) = &self.listener {
            listener.wake();
        }
        self.user_changed();
    }
}
