//! The team's channel as a pure state machine: what happened goes in ([`Input`]) with the moment,
//! what to do comes out ([`Output`]). It owns joining, the barrier before [`LiveEvent::Ready`],
//! heartbeats, renewing the token and when to try again. Sockets, clocks and tokens are in
//! [`super::socket`]; moments are milliseconds since an arbitrary start.

use agent_core::ports::LiveEvent;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::frames::Frame;
use super::judge::{self, Notice, Verdict};
use super::presence::Presence;
use super::signals::{Input, Millis, Output};

/// How often the connection is probed; realtime-js uses the same.
pub(crate) const HEARTBEAT: Millis = 25_000;
/// How long the server may take for a join; it delays refusals by 5 s.
const JOIN_TIMEOUT: Millis = 10_000;
/// How long after the join the database's own feed may take to be ready. Joined is enough to go on:
/// what was missed in between comes with the pull that follows, or with that which the feed's late
/// start calls for.
const READY_TIMEOUT: Millis = 5_000;
/// Pauses before connecting or joining again, as realtime-js has them.
const PAUSES: [Millis; 4] = [1_000, 2_000, 5_000, 10_000];
/// A channel that lasted this long starts again with the shortest pause.
const STABLE: Millis = 30_000;
/// How long a refusal rests before it is tried again unasked.
const REFUSAL_REST: Millis = 60_000;
/// When a token that could not be renewed is looked at again.
const TOKEN_REST: Millis = 30_000;
/// Over how long a team's clients spread when their channel moves under all of them at once.
const MOVE_SPREAD: Millis = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// No socket; the next attempt begins at this moment.
    Resting(Millis),
    /// Looking whether there is a session at all, before anything is opened.
    Checking,
    Connecting,
    /// Fetching the token to join with, and then where the channel is, the socket being open.
    Preparing,
    Joining {
        join_ref: String,
        until: Millis,
    },
    /// Joined; the database's feed may not be up yet.
    Settling {
        join_ref: String,
        until: Millis,
    },
    Ready {
        join_ref: String,
        since: Millis,
        /// The database's feed was waited for in vain: what it announces may not have reached us yet.
        is_deaf: bool,
    },
    /// The socket is open, the channel closed; joined again at this moment.
    Rejoining(Millis),
}

/// What was said last, so that nothing is said twice.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Nothing,
    Ready,
    Lost,
    Refused(String),
}

const FETCH_TOKEN: Output = Output::FetchToken { refused: false };

/// The channel of one team.
#[derive(Debug)]
pub(crate) struct Channel {
    /// Where the channel was when it was last asked; empty before that.
    topic: String,
    phase: Phase,
    said: Said,
    n_failures: usize,
    next_ref: u64,
    next_beat: Millis,
    /// The ref of the heartbeat that was not answered yet.
    pending_beat: Option<String>,
    /// The token the server has, and when to look for a newer one.
    token: Option<SecretString>,
    renew_at: Millis,
    /// The server did not take the token we had.
    token_refused: bool,
    /// The topic was asked for anew because the last one was denied.
    topic_denied: bool,
    rng: fastrand::Rng,
    /// Who is there; `None` when it is neither told nor asked.
    presence: Option<Presence>,
}

impl Channel {
    /// A channel that starts with the first [`Input::Tick`]. `seed` spreads the reconnections of
    /// many clients.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            topic: String::new(),
            phase: Phase::Resting(0),
            said: Said::Nothing,
            n_failures: 0,
            next_ref: 0,
            next_beat: 0,
            pending_beat: None,
            token: None,
            renew_at: 0,
            token_refused: false,
            topic_denied: false,
            rng: fastrand::Rng::with_seed(seed),
            presence: None,
        }
    }

    /// Takes part in the channel's presence, under this key.
    pub(crate) fn with_presence(mut self, key: String) -> Self {
        self.presence = Some(Presence::new(key));
        self
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self, now: Millis) -> Option<Millis> {
        let own = match &self.phase {
            Phase::Resting(at) => return Some(*at),
            Phase::Checking | Phase::Connecting => return None,
            Phase::Preparing => Millis::MAX,
            Phase::Joining { until, .. } | Phase::Settling { until, .. } => *until,
            Phase::Ready { .. } => self.renew_at,
            Phase::Rejoining(at) => *at,
        };
        let presence = if self.is_joined() {
            self.presence.as_ref().and_then(|presence| presence.due(now))
        } else {
            None
        };
        Some(own.min(self.next_beat).min(presence.unwrap_or(Millis::MAX)))
    }

    /// Takes what happened at `now` and returns what to do, in order.
    pub(crate) fn step(&mut self, now: Millis, input: Input) -> Vec<Output> {
        let mut out = self.happened(now, input);
        out.extend(self.tell(now));
        out
    }

    fn happened(&mut self, now: Millis, input: Input) -> Vec<Output> {
        match input {
            Input::Tick => self.tick(now),
            Input::Opened => self.opened(now),
            Input::Lost(why) => self.lost(now, why),
            Input::Refused(why) => self.refused(now, why),
            Input::Frame(frame) => self.frame(now, frame),
            Input::Token(token, fresh_for) => self.token(now, token, fresh_for),
            Input::Topic(topic) => self.join(now, &topic),
            Input::Unprepared(why) => self.unprepared(now, why),
            Input::SignedOut(why) => self.refused(now, why),
            Input::Woken => self.woken(now),
            Input::Here(here) => {
                if let Some(presence) = &mut self.presence {
                    presence.want(here);
                }
                Vec::new()
            }
        }
    }

    fn tick(&mut self, now: Millis) -> Vec<Output> {
        if let Phase::Resting(at) = self.phase {
            if now < at {
                return Vec::new();
            }
            self.phase = Phase::Checking;
            return vec![FETCH_TOKEN];
        }
        if matches!(self.phase, Phase::Checking | Phase::Connecting) {
            return Vec::new();
        }
        let mut out = Vec::new();
        if now >= self.next_beat {
            if self.pending_beat.is_some() {
                return self.lost(now, "the server stopped answering".to_owned());
            }
            out.push(self.beat(now));
        }
        out.extend(self.phase_tick(now));
        out
    }

    fn phase_tick(&mut self, now: Millis) -> Vec<Output> {
        match self.phase.clone() {
            Phase::Joining { join_ref, until } if now >= until => {
                let leave = self.request(Some(&join_ref), "phx_leave", json!({}));
                let mut out = vec![Output::Send(leave)];
                out.extend(self.rejoin_later(now, "the server does not answer the join".to_owned()));
                out
            }
            Phase::Settling { join_ref, until } if now >= until => self.ready(now, join_ref, true),
            Phase::Ready { .. } if now >= self.renew_at => {
                self.renew_at = now + TOKEN_REST;
                vec![FETCH_TOKEN]
            }
            Phase::Rejoining(at) if now >= at => {
                self.phase = Phase::Preparing;
                vec![FETCH_TOKEN]
            }
            _ => Vec::new(),
        }
    }

    fn opened(&mut self, now: Millis) -> Vec<Output> {
        if self.phase != Phase::Connecting {
            return Vec::new();
        }
        self.phase = Phase::Preparing;
        self.pending_beat = None;
        self.next_beat = now + HEARTBEAT;
        vec![FETCH_TOKEN]
    }

    fn token(&mut self, now: Millis, token: SecretString, fresh_for: Millis) -> Vec<Output> {
        let is_new = self.token.as_ref().is_none_or(|known| known.expose_secret() != token.expose_secret());
        // A token that is due already could not be renewed just now.
        let rest = if fresh_for == 0 { TOKEN_REST } else { fresh_for };
        let renew_at = now.saturating_add(rest);
        match self.phase.clone() {
            Phase::Checking => {
                self.phase = Phase::Connecting;
                vec![Output::Connect]
            }
            Phase::Preparing => {
                self.renew_at = renew_at;
                self.token = Some(token);
                vec![Output::FetchTopic]
            }
            Phase::Settling { join_ref, .. } | Phase::Ready { join_ref, .. } => {
                self.renew_at = renew_at;
                if !is_new {
                    return Vec::new();
                }
                let payload = json!({ "access_token": token.expose_secret() });
                self.token = Some(token);
                vec![Output::Send(self.request(Some(&join_ref), "access_token", payload))]
            }
            _ => Vec::new(),
        }
    }

    fn join(&mut self, now: Millis, topic: &str) -> Vec<Output> {
        let (Phase::Preparing, Some(token)) = (&self.phase, &self.token) else { return Vec::new() };
        let payload = join_payload(token, self.presence.as_ref().map(Presence::config));
        self.topic = format!("realtime:{topic}");
        let join_ref = self.new_ref();
        let frame = Frame::new(Some(&join_ref), join_ref.clone(), &self.topic, "phx_join", payload);
        self.phase = Phase::Joining { join_ref, until: now + JOIN_TIMEOUT };
        vec![Output::Send(frame)]
    }

    /// A channel that stands keeps standing: its own token is good for a while yet.
    fn unprepared(&mut self, now: Millis, why: String) -> Vec<Output> {
        match self.phase {
            Phase::Checking | Phase::Preparing => self.lost(now, why),
            _ => Vec::new(),
        }
    }

    fn woken(&mut self, now: Millis) -> Vec<Output> {
        self.n_failures = 0;
        match self.phase {
            Phase::Resting(_) => {
                self.phase = Phase::Resting(now);
                self.tick(now)
            }
            Phase::Rejoining(_) => {
                self.phase = Phase::Rejoining(now);
                self.phase_tick(now)
            }
            // Whoever is signed in now, the server should know.
            Phase::Settling { .. } | Phase::Ready { .. } => vec![FETCH_TOKEN],
            _ => Vec::new(),
        }
    }

    fn frame(&mut self, now: Millis, frame: Frame) -> Vec<Output> {
        if frame.topic == "phoenix" {
            if frame.reference.is_some() && frame.reference == self.pending_beat {
                self.pending_beat = None;
            }
            return Vec::new();
        }
        if frame.topic != self.topic || !self.is_current(&frame) {
            return Vec::new();
        }
        match frame.event.as_str() {
            "phx_reply" => self.reply(now, &frame),
            "system" => self.system(now, &frame.payload),
            "phx_close" => self.rejoin_later(now, "the server closed the channel".to_owned()),
            "phx_error" => self.rejoin_later(now, "the channel failed on the server".to_owned()),
            "broadcast" => self.broadcast(now, &frame.payload),
            "presence_state" => self.meet(|presence| presence.state(&frame.payload)),
            "presence_diff" => self.meet(|presence| presence.diff(&frame.payload)),
            _ => Vec::new(),
        }
    }

    fn is_joined(&self) -> bool {
        matches!(self.phase, Phase::Settling { .. } | Phase::Ready { .. })
    }

    fn meet(
        &mut self,
        news: impl FnOnce(&mut Presence) -> Option<Vec<agent_core::presence::Person>>,
    ) -> Vec<Output> {
        self.presence.as_mut().and_then(news).map(Output::Meet).into_iter().collect()
    }

    /// Tells what is open here, once that is due; forgets who was there while the channel is not joined.
    fn tell(&mut self, now: Millis) -> Vec<Output> {
        let (Phase::Settling { join_ref, .. } | Phase::Ready { join_ref, .. }) = self.phase.clone() else {
            return self.meet(Presence::gone);
        };
        let Some(payload) = self.presence.as_mut().and_then(|presence| presence.say(now)) else {
            return Vec::new();
        };
        vec![Output::Send(self.request(Some(&join_ref), "presence", payload))]
    }

    /// What belongs to an earlier join says nothing about this one.
    fn is_current(&self, frame: &Frame) -> bool {
        match &self.phase {
            Phase::Joining { join_ref, .. }
            | Phase::Settling { join_ref, .. }
            | Phase::Ready { join_ref, .. } => frame.join_ref.as_ref().is_none_or(|of| of == join_ref),
            _ => false,
        }
    }

    fn reply(&mut self, now: Millis, frame: &Frame) -> Vec<Output> {
        let Phase::Joining { join_ref, .. } = &self.phase else { return Vec::new() };
        if frame.reference.as_ref() != Some(join_ref) {
            return Vec::new();
        }
        if judge::is_ok(&frame.payload) {
            (self.token_refused, self.topic_denied) = (false, false);
            self.phase = Phase::Settling { join_ref: join_ref.clone(), until: now + READY_TIMEOUT };
            return Vec::new();
        }
        self.follow(now, judge::join_error(&frame.payload))
    }

    fn system(&mut self, now: Millis, payload: &Value) -> Vec<Output> {
        match judge::system(payload) {
            Some(verdict) => self.follow(now, verdict),
            None => Vec::new(),
        }
    }

    fn follow(&mut self, now: Millis, verdict: Verdict) -> Vec<Output> {
        match verdict {
            Verdict::FeedIsUp => match self.phase.clone() {
                Phase::Settling { join_ref, .. } => self.ready(now, join_ref, false),
                Phase::Ready { join_ref, since, is_deaf: true } => self.ready(since, join_ref, false),
                _ => Vec::new(),
            },
            Verdict::Again(why) => self.rejoin_later(now, why),
            Verdict::Never(why) => self.refused(now, why),
            Verdict::Denied(why) if self.topic_denied => self.refused(now, why),
            Verdict::Denied(_) => {
                // The channel may have moved without our hearing it; who is no member is told when asking.
                self.topic_denied = true;
                self.phase = Phase::Preparing;
                vec![FETCH_TOKEN]
            }
            Verdict::Expired(why) if self.token_refused => self.rejoin_later(now, why),
            Verdict::Expired(_) => {
                // Once at once with a new token; a second time in a row it waits like any failure.
                self.token_refused = true;
                self.phase = Phase::Preparing;
                vec![Output::FetchToken { refused: true }]
            }
        }
    }

    fn broadcast(&mut self, now: Millis, payload: &Value) -> Vec<Output> {
        match judge::notice(payload) {
            Some(Notice::Changed(from, to)) => vec![Output::Emit(LiveEvent::Moved { from, to })],
            Some(Notice::ChannelMoved) => self.follow_the_channel(now),
            None => Vec::new(),
        }
    }

    /// Nothing is lost: the pull that follows the next join has what was announced in between.
    fn follow_the_channel(&mut self, now: Millis) -> Vec<Output> {
        let (Phase::Settling { join_ref, .. } | Phase::Ready { join_ref, .. }) = self.phase.clone() else {
            return Vec::new();
        };
        let leave = self.request(Some(&join_ref), "phx_leave", json!({}));
        self.phase = Phase::Rejoining(now + self.rng.u64(0..=MOVE_SPREAD));
        vec![Output::Send(leave)]
    }

    fn ready(&mut self, since: Millis, join_ref: String, is_deaf: bool) -> Vec<Output> {
        self.phase = Phase::Ready { join_ref, since, is_deaf };
        self.said = Said::Ready;
        vec![Output::Emit(LiveEvent::Ready)]
    }

    fn lost(&mut self, now: Millis, why: String) -> Vec<Output> {
        let pause = self.pause(now);
        self.phase = Phase::Resting(now + pause);
        let mut out = vec![Output::Disconnect];
        out.extend(self.say_lost(why));
        out
    }

    fn rejoin_later(&mut self, now: Millis, why: String) -> Vec<Output> {
        let pause = self.pause(now);
        self.phase = Phase::Rejoining(now + pause);
        self.say_lost(why).into_iter().collect()
    }

    fn refused(&mut self, now: Millis, why: String) -> Vec<Output> {
        self.phase = Phase::Resting(now + REFUSAL_REST);
        self.token = None;
        let mut out = vec![Output::Disconnect];
        if self.said != Said::Refused(why.clone()) {
            self.said = Said::Refused(why.clone());
            out.push(Output::Emit(LiveEvent::Refused(why)));
        }
        out
    }

    fn say_lost(&mut self, why: String) -> Option<Output> {
        if self.said == Said::Lost {
            return None;
        }
        self.said = Said::Lost;
        Some(Output::Emit(LiveEvent::Lost(why)))
    }

    /// The pause before the next attempt, spread by a quarter so that a server that comes back is
    /// not met by everybody at once.
    fn pause(&mut self, now: Millis) -> Millis {
        if matches!(self.phase, Phase::Ready { since, .. } if now.saturating_sub(since) >= STABLE) {
            self.n_failures = 0;
        }
        let base = PAUSES[self.n_failures.min(PAUSES.len() - 1)];
        self.n_failures = self.n_failures.saturating_add(1);
        base - base / 4 + self.rng.u64(0..=base / 2)
    }

    fn beat(&mut self, now: Millis) -> Output {
        let reference = self.new_ref();
        self.pending_beat = Some(reference.clone());
        self.next_beat = now + HEARTBEAT;
        Output::Send(Frame::new(None, reference, "phoenix", "heartbeat", json!({})))
    }

    fn request(&mut self, join_ref: Option<&str>, event: &str, payload: Value) -> Frame {
        let reference = self.new_ref();
        Frame::new(join_ref, reference, &self.topic, event, payload)
    }

    fn new_ref(&mut self) -> String {
        self.next_ref += 1;
        self.next_ref.to_string()
    }
}

/// Private, and asking to be told when the database's feed is up.
fn join_payload(token: &SecretString, presence: Option<Value>) -> Value {
    json!({
        "config": {
            "private": true,
            "broadcast": { "ack": false, "self": false, "replication_ready": true },
            "presence": presence.unwrap_or_else(|| json!({ "enabled": false })),
            "postgres_changes": [],
        },
        "access_token": token.expose_secret(),
    })
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
