//! The Phoenix v2 wire format, as Supabase Realtime speaks it: JSON arrays both ways, and the binary
//! broadcasts (kind 0x04) in which the server sends whatever comes from the database. Bytes from
//! the network are checked at every step; a frame that cannot be read is an error, never a panic.
//! What a frame means is decided in [`super::channel`].

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

/// The binary frame of a server's broadcast: kind, four lengths or codes, then the parts.
const KIND_BROADCAST: u8 = 0x04;
const HEADER: usize = 5;
const ENCODING_JSON: u8 = 1;

/// One message in either direction.
#[derive(Clone, PartialEq)]
pub(crate) struct Frame {
    /// The ref of the join this belongs to; `None` on what goes to every channel of the topic.
    pub(crate) join_ref: Option<String>,
    /// Names a request, so that its reply can be told.
    pub(crate) reference: Option<String>,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

/// Payloads hold tokens on the way out and people's names on the way in.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { join_ref, reference, topic, event, .. } = self;
        write!(f, "Frame({join_ref:?}, {reference:?}, {topic:?}, {event:?})")
    }
}

/// Why bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFrame {
    #[error("not a JSON array of join_ref, ref, topic, event and payload")]
    Text,
    #[error("a binary frame of kind {0:#04x}")]
    Kind(u8),
    #[error("a binary frame that ends too early")]
    Short,
    #[error("a binary frame whose topic or event is not UTF-8")]
    NotUtf8,
    #[error("a broadcast that is not JSON")]
    NotJson,
}

#[derive(Deserialize)]
struct Wire(Option<String>, Option<String>, String, String, Value);

impl Frame {
    /// A frame to send.
    pub(crate) fn new(
        join_ref: Option<&str>,
        reference: String,
        topic: &str,
        event: &str,
        payload: Value,
    ) -> Self {
        Self {
            join_ref: join_ref.map(str::to_owned),
            reference: Some(reference),
            topic: topic.to_owned(),
            event: event.to_owned(),
            payload,
        }
    }

    /// The frame as the text of a WebSocket message.
    pub(crate) fn encode(&self) -> String {
        json!([self.join_ref, self.reference, self.topic, self.event, self.payload]).to_string()
    }

    /// Reads a text message.
    pub(crate) fn decode_text(text: &str) -> Result<Self, BadFrame> {
        let Wire(join_ref, reference, topic, event, payload) =
            serde_json::from_str(text).map_err(|_| BadFrame::Text)?;
        Ok(Self { join_ref, reference, topic, event, payload })
    }

    /// Reads a binary message, giving it the form it would have had as text: the event `broadcast`
    /// with `{"event", "payload"}`.
    pub(crate) fn decode_binary(bytes: &[u8]) -> Result<Self, BadFrame> {
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(BadFrame::Short)?;
        let &[kind, topic_len, event_len, meta_len, encoding] = header else { return Err(BadFrame::Short) };
        if kind != KIND_BROADCAST {
            return Err(BadFrame::Kind(kind));
        }
        let (topic, rest) = rest.split_at_checked(topic_len.into()).ok_or(BadFrame::Short)?;
        let (event, rest) = rest.split_at_checked(event_len.into()).ok_or(BadFrame::Short)?;
        let (_meta, payload) = rest.split_at_checked(meta_len.into()).ok_or(BadFrame::Short)?;
        if encoding != ENCODING_JSON {
            return Err(BadFrame::NotJson);
        }
        let payload: Value = serde_json::from_slice(payload).map_err(|_| BadFrame::NotJson)?;
        Ok(Self {
            join_ref: None,
            reference: None,
            topic: utf8(topic)?,
            event: "broadcast".to_owned(),
            payload: json!({ "type": "broadcast", "event": utf8(event)?, "payload": payload }),
        })
    }
}

fn utf8(bytes: &[u8]) -> Result<String, BadFrame> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| BadFrame::NotUtf8)
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
