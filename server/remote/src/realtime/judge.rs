//! What the words of the Realtime service mean: which refusal calls for a new token, which for
//! patience and which for a person. The words are those of its source; an unknown one is taken for
//! a failure that may pass.

use agent_core::id::Seq;
use serde_json::Value;

/// What to do about what the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What the database announces now reaches us.
    FeedIsUp,
    /// Join again after a pause.
    Again(String),
    /// The token is over: join again with a new one.
    Expired(String),
    /// We may not read this topic: the channel is elsewhere by now, or we are no member any more.
    Denied(String),
    /// Trying again changes nothing.
    Never(String),
}

/// What the database announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Changes were accepted: the first and the last seq of them.
    Changed(Seq, Seq),
    /// Somebody is no member any more, and the channel is at another topic.
    ChannelMoved,
}

/// Refusals that only a person can end: another account, another key, another configuration.
const FINAL: [&str; 7] = [
    "MalformedJWT",
    "JwtSignatureError",
    "JwtSignerError",
    "PrivateOnly",
    "TopicNameRequired",
    "TenantNotFound",
    "RealtimeDisabledForTenant",
];

/// Whether a reply says ok.
pub(crate) fn is_ok(reply: &Value) -> bool {
    reply.get("status").and_then(Value::as_str) == Some("ok")
}

/// Judges the reply to a refused join.
pub(crate) fn join_error(reply: &Value) -> Verdict {
    let reason = reply.pointer("/response/reason").and_then(Value::as_str);
    judge(reason.unwrap_or("the join was refused without a reason"))
}

/// Judges a `system` message; `None` when it calls for nothing.
pub(crate) fn system(payload: &Value) -> Option<Verdict> {
    let text = payload.get("message").and_then(Value::as_str).unwrap_or_default();
    let is_error = payload.get("status").and_then(Value::as_str) == Some("error");
    if is_error {
        return Some(judge(text));
    }
    text.contains("Replication connection established").then_some(Verdict::FeedIsUp)
}

fn judge(reason: &str) -> Verdict {
    let said = one_line(reason);
    let is_final = FINAL.iter().any(|code| said.starts_with(code));
    let refused = || format!("the server refuses the team's live channel: {said}");
    if said.to_ascii_lowercase().contains("expired") {
        Verdict::Expired(said)
    } else if is_final {
        Verdict::Never(refused())
    } else if said.starts_with("Unauthorized") || said.contains("permission") {
        Verdict::Denied(refused())
    } else {
        Verdict::Again(said)
    }
}

/// What a broadcast announces; `None` for anything else or anything odd. It is only a hint, so one that
/// cannot be read costs nothing but time.
pub(crate) fn notice(payload: &Value) -> Option<Notice> {
    match payload.get("event")?.as_str()? {
        "artifacts_changed" => changed(payload.get("payload")?),
        "channel_moved" => Some(Notice::ChannelMoved),
        _ => None,
    }
}

fn changed(payload: &Value) -> Option<Notice> {
    let seq = |name: &str| payload.get(name)?.as_u64();
    let (from, to) = (seq("from_seq")?, seq("to_seq")?);
    let is_sound = from > 0 && from <= to && i64::try_from(to).is_ok();
    is_sound.then_some(Notice::Changed(Seq(from), Seq(to)))
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
