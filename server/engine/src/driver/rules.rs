//! When the team's rules are asked for: once the server answers after a start or a lost connection, after a
//! refusal that may rest on newer ones, and when a document is opened some time after the last answer: one's
//! role may be another by now, and nothing tells. Never because somebody types.

use agent_core::id::Timestamp;
use agent_core::ports::{LiveEvent, PushOutcome, RemoteError};
use agent_core::sync::Event;

use super::handle::Command;
use super::{Driver, Notice};
use crate::chance::now;
use crate::rules::{self, Fetched};

/// Whether the rules are to be asked for.
#[derive(Debug)]
pub(super) struct RulesDue {
    is_due: bool,
    is_asked: bool,
    /// Not before then, after a failure.
    pub(super) again_at: Timestamp,
    asked_at: Timestamp,
}

/// How long the rules are not asked for after a failure that may pass.
const AGAIN_MILLIS: i64 = 10_000;
/// How long after they were asked for nobody asks because a document is opened.
const FRESH_MILLIS: i64 = 10_000;

impl Default for RulesDue {
    fn default() -> Self {
        Self { is_due: true, is_asked: false, again_at: Timestamp(0), asked_at: Timestamp(0) }
    }
}

/// Refusals that rest on the rules.
const BY_RULE: [&str; 4] = ["state", "state_role", "approved", "forbidden"];

impl RulesDue {
    pub(super) fn note(&mut self, event: &Event) {
        let Event::Pushed(reply) = event else { return };
        let by_rule = |outcome: &PushOutcome| matches!(outcome, PushOutcome::Rejected { code, .. } if BY_RULE.contains(&code.as_str()));
        self.is_due |= reply.outcomes.iter().any(|(_, outcome)| by_rule(outcome));
    }

    pub(super) fn ask_again(&mut self) {
        self.is_due = true;
    }

    /// Somebody opened a document. A clock that was set back makes the last answer an old one.
    pub(super) fn opened(&mut self, at: Timestamp) {
        let fresh = self.asked_at.0..self.asked_at.plus(FRESH_MILLIS).0;
        self.is_due |= !fresh.contains(&at.0);
    }

    pub(super) fn heard(&mut self, event: &LiveEvent) {
        self.is_due |= matches!(event, LiveEvent::Ready);
    }
}

impl Driver {
    /// Asks for the rules, if they are due and the server answers.
    pub(super) fn ask_rules(&mut self) {
        let machine = self.session.engine.machine();
        let is_well = machine.leads() && machine.link().trouble.is_none();
        let can_ask = is_well && machine.link().is_heard() && self.session.settings.is_some();
        if !self.rules.is_due || self.rules.is_asked || self.rules.again_at > now() || !can_ask {
            return;
        }
        self.rules = RulesDue { is_due: false, is_asked: true, again_at: Timestamp(0), asked_at: now() };
        let (remote, commands) = (self.remote.clone(), self.commands.clone());
        self.runtime.spawn(async move {
            let answer = rules::fetch(&remote).await;
            let _ = commands.send(Command::Rules(answer));
        });
    }

    pub(super) fn rules_answered(&mut self, answer: Result<Fetched, RemoteError>) {
        self.rules.is_asked = false;
        match answer {
            Ok(fetched) => {
                let user = self.user();
                let kept = rules::keep(
                    &mut self.session.engine.store,
                    &fetched,
                    user.as_deref().unwrap_or_default(),
                );
                if let Err(error) = kept {
                    return self.cache_failed(&error);
                }
                self.read_rules();
            }
            Err(error) if error.is_retryable() => {
                tracing::debug!(%error, "the team's rules");
                self.rules.is_due = true;
                self.rules.again_at = now().plus(AGAIN_MILLIS);
            }
            Err(error) => tracing::info!(%error, "the team's rules are not known"),
        }
    }

    /// Shows the rules as they are kept.
    pub(super) fn read_rules(&mut self) {
        match rules::kept(&self.session.engine.store, self.user().as_deref()) {
            Ok(rules) => {
                if self.views.set_rules(rules) {
                    self.notify(Notice::Rules);
                }
            }
            Err(error) => self.cache_failed(&error),
        }
    }

    fn user(&self) -> Option<String> {
        self.session.auth.as_ref().and_then(agent_remote::Auth::user).map(|user| user.id)
    }
}
