use agent_core::id::Seq;
use proptest::prelude::*;

use super::*;

const TOPIC: &str = "realtime:team:t";
const LONG: Millis = 3_600_000;

/// A channel and the moment, driven by one input at a time; outputs are told in words.
struct Bench {
    channel: Channel,
    now: Millis,
}

impl Bench {
    fn new() -> Self {
        Self { channel: Channel::new(7), now: 0 }
    }

    fn feed(&mut self, input: Input) -> Vec<String> {
        self.channel.step(self.now, input).iter().map(told).collect()
    }

    /// Waits until the machine wants to be asked again, and asks.
    fn wait(&mut self) -> Vec<String> {
        self.now = self.channel.deadline(self.now).unwrap().max(self.now);
        self.feed(Input::Tick)
    }

    /// Gives a token and, if it is asked for next, the topic.
    fn token(&mut self, token: &str) -> Vec<String> {
        let out = self.feed(Input::Token(token.into(), LONG));
        if out == ["fetch topic"] { self.feed(Input::Topic("team:t".to_owned())) } else { out }
    }

    fn frame(
        &mut self,
        join_ref: Option<&str>,
        reference: Option<&str>,
        event: &str,
        payload: Value,
    ) -> Vec<String> {
        self.feed(Input::Frame(Frame {
            join_ref: join_ref.map(str::to_owned),
            reference: reference.map(str::to_owned),
            topic: TOPIC.to_owned(),
            event: event.to_owned(),
            payload,
        }))
    }

    fn join_ref(&self) -> String {
        match &self.channel.phase {
            Phase::Joining { join_ref, .. }
            | Phase::Settling { join_ref, .. }
            | Phase::Ready { join_ref, .. } => join_ref.clone(),
            phase => panic!("not joined: {phase:?}"),
        }
    }

    /// To the point where the join is sent.
    fn joining(token: &str) -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.wait(), ["fetch token"]);
        assert_eq!(bench.token(token), ["connect"]);
        assert_eq!(bench.feed(Input::Opened), ["fetch token"]);
        assert_eq!(bench.token(token), [format!("send phx_join {token}")]);
        bench
    }

    fn reply(&mut self, payload: Value) -> Vec<String> {
        let join_ref = self.join_ref();
        self.frame(Some(&join_ref), Some(&join_ref), "phx_reply", payload)
    }

    fn refuse(&mut self, reason: &str) -> Vec<String> {
        self.reply(json!({ "status": "error", "response": { "reason": reason } }))
    }

    fn feed_is_up(&mut self) -> Vec<String> {
        let join_ref = self.join_ref();
        let payload =
            json!({ "status": "ok", "extension": "system", "message": "Replication connection established" });
        self.frame(Some(&join_ref), None, "system", payload)
    }

    fn ready() -> Self {
        let mut bench = Self::joining("a");
        assert_eq!(bench.reply(json!({ "status": "ok", "response": {} })), [""; 0]);
        assert_eq!(bench.feed_is_up(), ["ready"]);
        bench
    }
}

fn told(output: &Output) -> String {
    match output {
        Output::Connect => "connect".to_owned(),
        Output::Disconnect => "disconnect".to_owned(),
        Output::FetchToken { refused: false } => "fetch token".to_owned(),
        Output::FetchToken { refused: true } => "fetch another token".to_owned(),
        Output::FetchTopic => "fetch topic".to_owned(),
        Output::Send(frame) => {
            let token = frame.payload.get("access_token").and_then(Value::as_str);
            let token = token.map(|token| format!(" {token}")).unwrap_or_default();
            let presence = frame.payload.get("event").and_then(Value::as_str);
            let presence = presence.map(|event| format!(" {event}")).unwrap_or_default();
            format!("send {}{token}{presence}", frame.event)
        }
        Output::Meet(people) => format!("meet {}", people.len()),
        Output::Emit(LiveEvent::Ready) => "ready".to_owned(),
        Output::Emit(LiveEvent::Moved { from, to }) => format!("moved {}-{}", from.0, to.0),
        Output::Emit(LiveEvent::Lost(why)) => format!("lost: {why}"),
        Output::Emit(LiveEvent::Refused(why)) => format!("refused: {why}"),
    }
}

#[test]
fn the_join_is_private_carries_the_token_and_asks_for_the_barrier() {
    let payload = join_payload(&"jwt".into(), None);
    assert_eq!(payload["access_token"], "jwt");
    assert_eq!(payload["config"]["private"], true);
    let broadcast = json!({ "ack": false, "self": false, "replication_ready": true });
    assert_eq!(payload["config"]["broadcast"], broadcast);
    assert_eq!(payload["config"]["presence"]["enabled"], false);
}

#[test]
fn ready_is_said_once_when_the_databases_feed_is_up() {
    let mut bench = Bench::ready();
    assert_eq!(bench.feed_is_up(), [""; 0]);
}

#[test]
fn a_feed_that_says_nothing_is_waited_for_a_bounded_time() {
    let mut bench = Bench::joining("a");
    bench.reply(json!({ "status": "ok", "response": {} }));
    assert_eq!(bench.wait(), ["ready"]);
    assert_eq!(bench.now, READY_TIMEOUT);
}

#[test]
fn a_feed_that_comes_late_is_told_once_for_what_was_missed_until_then() {
    let mut bench = Bench::joining("a");
    bench.reply(json!({ "status": "ok", "response": {} }));
    assert_eq!(bench.wait(), ["ready"]);
    bench.now += 3_000;
    assert_eq!(bench.feed_is_up(), ["ready"]);
    assert_eq!(bench.feed_is_up(), [""; 0]);
    let since = |phase: &Phase| matches!(phase, Phase::Ready { since: READY_TIMEOUT, .. });
    assert!(since(&bench.channel.phase), "it has stood since it was joined");
}

#[test]
fn only_what_concerns_this_join_counts() {
    let mut bench = Bench::joining("a");
    let ok = json!({ "status": "ok", "response": {} });
    assert_eq!(bench.frame(Some("99"), Some("99"), "phx_reply", ok), [""; 0]);
    assert!(matches!(bench.channel.phase, Phase::Joining { .. }));
    let mut bench = Bench::ready();
    assert_eq!(bench.frame(Some("99"), Some("99"), "phx_close", json!({})), [""; 0]);
    assert!(matches!(bench.channel.phase, Phase::Ready { .. }));
}

#[test]
fn moved_tells_the_range_and_odd_messages_nothing() {
    let mut bench = Bench::ready();
    let mut broadcast = |payload: Value| bench.frame(None, None, "broadcast", payload);
    let changed =
        |range: Value| json!({ "type": "broadcast", "event": "artifacts_changed", "payload": range });
    assert_eq!(broadcast(changed(json!({ "from_seq": 4, "to_seq": 6, "changes": [] }))), ["moved 4-6"]);
    for odd in [
        changed(json!({ "from_seq": 6, "to_seq": 4 })),
        changed(json!({ "from_seq": 0, "to_seq": 4 })),
        changed(json!({ "from_seq": -1, "to_seq": 4 })),
        changed(json!({ "from_seq": 1, "to_seq": u64::MAX })),
        changed(json!({ "from_seq": "1", "to_seq": "2" })),
        changed(json!({})),
        changed(json!(null)),
        json!({ "event": "other", "payload": { "from_seq": 4, "to_seq": 6 } }),
        json!([]),
    ] {
        assert_eq!(broadcast(odd.clone()), [""; 0], "{odd}");
    }
}

#[test]
fn an_unanswered_heartbeat_means_a_new_connection() {
    let mut bench = Bench::ready();
    assert_eq!(bench.wait(), ["send heartbeat"]);
    assert_eq!(bench.wait(), ["disconnect", "lost: the server stopped answering"]);
    assert_eq!(bench.now, 2 * HEARTBEAT);
    assert_eq!(bench.wait(), ["fetch token"]);
}

#[test]
fn an_answered_heartbeat_goes_on_whatever_else_arrives() {
    let mut bench = Bench::ready();
    for _ in 0..5 {
        assert_eq!(bench.wait(), ["send heartbeat"]);
        let reference = bench.channel.pending_beat.clone();
        let answer = json!({ "status": "ok", "response": {} });
        let (topic, event) = ("phoenix".to_owned(), "phx_reply".to_owned());
        bench.feed(Input::Frame(Frame { join_ref: None, reference, topic, event, payload: answer }));
    }
}

#[test]
fn pauses_grow_to_ten_seconds_and_lost_is_said_once() {
    let mut bench = Bench::new();
    let mut said = Vec::new();
    for base in [1_000, 2_000, 5_000, 10_000, 10_000] {
        assert_eq!(bench.wait(), ["fetch token"]);
        assert_eq!(bench.token("a"), ["connect"]);
        let before = bench.now;
        said.extend(bench.feed(Input::Lost("connection refused".to_owned())));
        let pause = bench.channel.deadline(bench.now).unwrap() - before;
        assert!((base * 3 / 4..=base * 5 / 4).contains(&pause), "{base}: {pause}");
    }
    said.retain(|word| word != "disconnect");
    assert_eq!(said, ["lost: connection refused"]);
}

#[test]
fn a_channel_that_lasted_starts_again_with_the_shortest_pause() {
    for (lasted, longest) in [(STABLE, 1_250), (STABLE - 1, 2_500)] {
        let mut bench = Bench::new();
        bench.wait();
        bench.feed(Input::Unprepared("offline".to_owned()));
        bench.wait();
        bench.token("a");
        bench.feed(Input::Opened);
        bench.token("a");
        bench.reply(json!({ "status": "ok" }));
        bench.feed_is_up();
        bench.now += lasted;
        bench.feed(Input::Lost("closed (1012)".to_owned()));
        let pause = bench.channel.deadline(bench.now).unwrap() - bench.now;
        assert!(pause <= longest && pause >= longest * 3 / 5, "{lasted}: {pause}");
    }
}

#[test]
fn an_expired_token_is_replaced_at_once_but_only_once() {
    let expired = "InvalidJWTToken: Token has expired 12 seconds ago";
    let mut bench = Bench::joining("old");
    assert_eq!(bench.refuse(expired), ["fetch another token"]);
    assert_eq!(bench.token("new"), ["send phx_join new"]);
    assert_eq!(bench.refuse(expired), [format!("lost: {expired}")]);
    assert_eq!(bench.wait(), ["fetch token"]);
    assert_eq!(bench.token("newer"), ["send phx_join newer"]);
    assert_eq!(bench.reply(json!({ "status": "ok" })), [""; 0]);
}

#[test]
fn every_refusal_of_a_join_has_its_consequence() {
    let rows = [
        ("Unauthorized: You do not have permissions to read from this Channel topic: team:t", "topic"),
        ("MalformedJWT: The token provided is not a valid JWT", "never"),
        ("JwtSignatureError: Failed to validate JWT signature", "never"),
        ("PrivateOnly: This project only allows private channels", "never"),
        ("TenantNotFound: no", "never"),
        ("RealtimeDisabledForTenant: no", "never"),
        ("InvalidJWTToken: Token has expired 3 seconds ago", "token"),
        ("InvalidJWTExpiration: expired", "token"),
        ("ClientJoinRateLimitReached: Too many joins per second", "later"),
        ("InitializingProjectConnection: Realtime is initializing", "later"),
        ("RealtimeRestarting: Realtime is restarting", "later"),
        ("Unknown Error on Channel", "later"),
        ("something new", "later"),
    ];
    for (reason, consequence) in rows {
        let mut bench = Bench::joining("a");
        let out = bench.refuse(reason);
        let expected = match consequence {
            "never" => {
                vec![
                    "disconnect".to_owned(),
                    format!("refused: the server refuses the team's live channel: {reason}"),
                ]
            }
            "token" => vec!["fetch another token".to_owned()],
            "topic" => vec!["fetch token".to_owned()],
            _ => vec![format!("lost: {reason}")],
        };
        assert_eq!(out, expected, "{reason}");
    }
    let mut bench = Bench::joining("a");
    assert_eq!(bench.reply(json!(7)), ["lost: the join was refused without a reason"]);
}

#[test]
fn a_refusal_rests_a_minute_unless_asked_and_is_said_once() {
    let mut bench = Bench::joining("a");
    bench.refuse("MalformedJWT: no");
    let refused_at = bench.now;
    assert_eq!(bench.feed(Input::Woken), ["fetch token"]);
    let again = bench.feed(Input::SignedOut("not signed in: no session".to_owned()));
    assert_eq!(again, ["disconnect", "refused: not signed in: no session"]);
    assert_eq!(bench.wait(), ["fetch token"]);
    assert_eq!(bench.now, refused_at + REFUSAL_REST);
    assert_eq!(bench.feed(Input::SignedOut("not signed in: no session".to_owned())), ["disconnect"]);
}

#[test]
fn a_channel_the_server_ends_is_joined_again_on_the_same_socket() {
    for (event, payload, why) in [
        ("phx_close", json!({}), "the server closed the channel"),
        ("phx_error", json!({ "reason": "channel_crash" }), "the channel failed on the server"),
        (
            "system",
            json!({ "status": "error", "message": "Too many messages per second" }),
            "Too many messages per second",
        ),
        (
            "system",
            json!({ "status": "error", "message": "Replication connection was not established in time" }),
            "Replication connection was not established in time",
        ),
    ] {
        let mut bench = Bench::ready();
        let join_ref = bench.join_ref();
        let out = bench.frame(Some(&join_ref), Some(&join_ref), event, payload);
        assert_eq!(out, [format!("lost: {why}")]);
        assert_eq!(bench.frame(Some(&join_ref), Some(&join_ref), "phx_close", json!({})), [""; 0]);
        assert_eq!(bench.wait(), ["fetch token"]);
        assert_eq!(bench.token("b"), ["send phx_join b"]);
        assert_ne!(bench.join_ref(), join_ref);
        bench.reply(json!({ "status": "ok" }));
        assert_eq!(bench.feed_is_up(), ["ready"]);
    }
}

#[test]
fn a_channel_that_moves_is_followed_without_a_word() {
    let mut bench = Bench::ready();
    let (join_ref, moved_at) = (bench.join_ref(), bench.now);
    let moved = json!({ "event": "channel_moved", "payload": {} });
    assert_eq!(bench.frame(None, None, "broadcast", moved.clone()), ["send phx_leave"]);
    assert_eq!(bench.frame(None, None, "broadcast", moved), [""; 0], "once is enough");
    assert_eq!(bench.frame(Some(&join_ref), Some(&join_ref), "phx_close", json!({})), [""; 0]);
    assert_eq!(bench.wait(), ["fetch token"]);
    assert!(bench.now <= moved_at + MOVE_SPREAD);
    assert_eq!(bench.feed(Input::Token("a".into(), LONG)), ["fetch topic"]);
    assert_eq!(bench.feed(Input::Topic("team:t:new".to_owned())), ["send phx_join a"]);
    let hint = json!({ "event": "artifacts_changed", "payload": { "from_seq": 1, "to_seq": 2 } });
    assert_eq!(bench.frame(None, None, "broadcast", hint.clone()), [""; 0], "of the old topic");
    let join_ref = bench.join_ref();
    let on_new = |event: &str, payload| Frame {
        join_ref: Some(join_ref.clone()),
        reference: Some(join_ref.clone()),
        topic: "realtime:team:t:new".to_owned(),
        event: event.to_owned(),
        payload,
    };
    let up = json!({ "status": "ok", "message": "Replication connection established" });
    bench.feed(Input::Frame(on_new("phx_reply", json!({ "status": "ok" }))));
    assert_eq!(bench.feed(Input::Frame(on_new("system", up))), ["ready"]);
    let frame = Frame { join_ref: None, reference: None, ..on_new("broadcast", hint) };
    assert_eq!(bench.feed(Input::Frame(frame)), ["moved 1-2"]);
}

#[test]
fn a_denied_topic_is_asked_for_once_more_and_then_given_up() {
    let denied = "Unauthorized: You do not have permissions to read from this Channel topic: team:t";
    let mut bench = Bench::joining("a");
    assert_eq!(bench.refuse(denied), ["fetch token"]);
    assert_eq!(bench.token("a"), ["send phx_join a"]);
    let refused = bench.refuse(denied);
    assert_eq!(refused[0], "disconnect");
    assert!(refused[1].starts_with("refused: ") && refused[1].contains(denied), "{refused:?}");
}

#[test]
fn losing_the_permission_while_joined_asks_where_the_channel_is() {
    let message = "You no longer have permission to read from this Channel topic: team:t";
    let lose = |bench: &mut Bench| {
        let join_ref = bench.join_ref();
        let payload = json!({ "status": "error", "message": message });
        bench.frame(Some(&join_ref), None, "system", payload)
    };
    let mut bench = Bench::ready();
    assert_eq!(lose(&mut bench), ["fetch token"]);
    assert_eq!(bench.feed(Input::Token("a".into(), LONG)), ["fetch topic"]);
    let not_ours = "you are not a member of this team, or it does not exist".to_owned();
    let out = bench.feed(Input::Refused(not_ours.clone()));
    assert_eq!(out, ["disconnect".to_owned(), format!("refused: {not_ours}")]);

    // The notice was lost, and the membership is not.
    let mut bench = Bench::ready();
    lose(&mut bench);
    assert_eq!(bench.token("a"), ["send phx_join a"]);
    assert_eq!(bench.reply(json!({ "status": "ok" })), [""; 0]);
    assert_eq!(bench.feed_is_up(), ["ready"]);
    assert_eq!(lose(&mut bench), ["fetch token"], "which may happen again");
}

#[test]
fn a_join_nobody_answers_is_left_and_tried_again() {
    let mut bench = Bench::joining("a");
    assert_eq!(bench.wait(), ["send phx_leave", "lost: the server does not answer the join"]);
    assert_eq!(bench.now, JOIN_TIMEOUT);
}

#[test]
fn a_renewed_token_is_handed_over_and_an_unchanged_one_is_not() {
    let mut bench = Bench::joining("a");
    bench.reply(json!({ "status": "ok" }));
    bench.feed_is_up();
    bench.channel.renew_at = 20_000;
    assert_eq!(bench.wait(), ["fetch token"]);
    assert_eq!(bench.token("a"), [""; 0]);
    assert_eq!(bench.feed(Input::Woken), ["fetch token"]);
    assert_eq!(bench.token("b"), ["send access_token b"]);
    assert_eq!(bench.feed(Input::Woken), ["fetch token"]);
    assert_eq!(bench.feed(Input::Unprepared("offline".to_owned())), [""; 0], "the channel still stands");
    assert_eq!(bench.feed(Input::Woken), ["fetch token"]);
    let out = bench.feed(Input::SignedOut("not signed in".to_owned()));
    assert_eq!(out, ["disconnect", "refused: not signed in"]);
}

fn any_input() -> impl Strategy<Value = u8> {
    0_u8..12
}

proptest! {
    /// Whatever happens in whatever order: no panic, a next moment to act unless something is under
    /// way, no state said twice, and nothing sent while no socket is open.
    #[test]
    fn any_history_keeps_the_rules(inputs in proptest::collection::vec((any_input(), 0_u64..30_000), 0..80)) {
        let mut bench = Bench::new();
        let (mut open, mut last) = (false, String::new());
        for (input, pause) in inputs {
            bench.now += pause;
            let join_ref = match &bench.channel.phase {
                Phase::Joining { join_ref, .. } | Phase::Settling { join_ref, .. } | Phase::Ready { join_ref, .. } => Some(join_ref.clone()),
                _ => None,
            };
            let j = join_ref.as_deref();
            let out = match input {
                0 => bench.feed(Input::Opened),
                1 => bench.feed(Input::Lost("gone".to_owned())),
                2 => bench.token("a"),
                3 => bench.feed(Input::Unprepared("offline".to_owned())),
                4 => bench.feed(Input::SignedOut("out".to_owned())),
                5 => bench.feed(Input::Woken),
                6 => bench.frame(j, j, "phx_reply", json!({ "status": "ok" })),
                7 => bench.frame(j, j, "phx_reply", json!({ "status": "error", "response": { "reason": "Token has expired" } })),
                8 => bench.frame(j, j, "phx_close", json!({})),
                9 => bench.frame(j, None, "system", json!({ "status": "ok", "message": "Replication connection established" })),
                _ => bench.feed(Input::Tick),
            };
            open = open || input == 0;
            for word in out {
                if word == "disconnect" { open = false; }
                prop_assert!(open || !word.starts_with("send"), "{word}");
                let state = word.starts_with("lost") || word.starts_with("refused") || word == "ready";
                if state {
                    prop_assert!(!(word.starts_with("lost") && last.starts_with("lost")), "{last} then {word}");
                    prop_assert!(word == "ready" || word != last);
                    last = word;
                }
            }
            let waits = matches!(bench.channel.phase, Phase::Checking | Phase::Connecting);
            prop_assert!(waits || bench.channel.deadline(bench.now).is_some_and(|at| at < Millis::MAX));
        }
    }
}

#[test]
fn seqs_are_told_as_they_came() {
    let payload = json!({ "event": "artifacts_changed", "payload": { "from_seq": 1, "to_seq": 1 } });
    assert_eq!(judge::notice(&payload), Some(Notice::Changed(Seq(1), Seq(1))));
}

fn here(titles: &[&str]) -> Input {
    use agent_core::presence::{SectionName, Spot};
    let key = agent_core::id::ArtifactKey::new("plan", "A-1").unwrap();
    let spot = |title: &&str| Spot { key: key.clone(), section: Some(SectionName::told(title, 0)) };
    let spots = titles.iter().map(spot).collect();
    Input::Here(super::super::presence::Here { user: "u".into(), name: "ann".into(), spots })
}

/// Joined and ready, taking part in presence.
fn present() -> Bench {
    let mut bench = Bench { channel: Channel::new(7).with_presence("own".into()), now: 0 };
    bench.wait();
    bench.token("t1");
    bench.feed(Input::Opened);
    bench.token("t1");
    assert_eq!(bench.feed(here(&["One"])), [""; 0], "not before the join");
    let ok = json!({ "status": "ok", "response": { "postgres_changes": [] } });
    assert_eq!(bench.reply(ok), ["send presence track"]);
    bench
}

fn bob(reference: &str) -> Value {
    json!({ "k": { "metas": [{ "phx_ref": reference, "user": "b", "name": "bob", "open": [] }] } })
}

#[test]
fn presence_is_told_with_the_join_and_follows_what_others_do() {
    let mut bench = present();
    assert_eq!(bench.frame(None, None, "presence_state", bob("r1")), ["meet 1"]);
    assert_eq!(bench.feed(here(&["Two"])), ["send presence track"]);
    assert_eq!(bench.feed(here(&["Two"])), [""; 0]);
    let left = json!({ "joins": {}, "leaves": bob("r1") });
    assert_eq!(bench.frame(None, None, "presence_diff", left), ["meet 0"]);
    assert_eq!(bench.feed(here(&["Three"])), [""; 0], "nobody is there to see it");
    let came = json!({ "joins": bob("r2"), "leaves": {} });
    assert_eq!(bench.frame(None, None, "presence_diff", came), ["meet 1", "send presence track"]);
    assert_eq!(bench.feed(here(&[])), ["send presence untrack"]);
}

#[test]
fn what_the_limit_holds_back_is_told_when_it_may_be() {
    let mut bench = present();
    bench.frame(None, None, "presence_state", bob("r1"));
    for title in ["1", "2", "3"] {
        bench.feed(here(&[title]));
    }
    assert_eq!(bench.feed(here(&["4"])), [""; 0]);
    assert_eq!(bench.feed(here(&["5"])), [""; 0]);
    let mut told = Vec::new();
    while bench.now < 30_000 {
        told.extend(bench.wait().into_iter().filter(|output| output.starts_with("send presence")));
    }
    assert_eq!((told.len(), bench.now), (1, 30_000), "{told:?}");
}

#[test]
fn a_lost_channel_knows_nobody_and_a_new_one_is_told_again() {
    let mut bench = present();
    bench.frame(None, None, "presence_state", bob("r1"));
    let out = bench.feed(Input::Lost("cable".into()));
    assert_eq!(out.last().map(String::as_str), Some("meet 0"), "{out:?}");
    bench.wait();
    bench.token("t1");
    bench.feed(Input::Opened);
    bench.token("t1");
    let ok = json!({ "status": "ok", "response": { "postgres_changes": [] } });
    assert_eq!(bench.reply(ok), ["send presence track"]);
}
