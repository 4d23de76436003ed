//! What goes into and comes out of [`super::channel`]: the whole vocabulary between the machine that
//! decides and the task that acts.

use agent_core::ports::LiveEvent;
use agent_core::presence::Person;
use secrecy::SecretString;

use super::frames::Frame;
use super::presence::Here;

/// Milliseconds since the machine was started.
pub(crate) type Millis = u64;

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A deadline passed, or nothing at all.
    Tick,
    /// The socket is open.
    Opened,
    /// The socket cannot be opened, broke or was closed; for people.
    Lost(String),
    /// The server will not open a socket for us; for people.
    Refused(String),
    Frame(Frame),
    /// The token asked for, and for how long it need not be replaced.
    Token(SecretString, Millis),
    /// Where the channel is, without the prefix that the wire has before it.
    Topic(String),
    /// There is no token or no topic now, but there may be one later.
    Unprepared(String),
    /// There is no session.
    SignedOut(String),
    /// The session was changed by this process, or somebody wants it tried now.
    Woken,
    /// What is open here changed.
    Here(Here),
}

/// What to do about it.
#[derive(Debug)]
pub(crate) enum Output {
    /// Open the socket.
    Connect,
    /// Close the socket, if there is one, and forget about an attempt under way.
    Disconnect,
    /// Get the access token; `refused` when the server did not take the last one.
    FetchToken {
        refused: bool,
    },
    /// Ask the database where the channel is.
    FetchTopic,
    Send(Frame),
    Emit(LiveEvent),
    /// Who else is there now.
    Meet(Vec<Person>),
}
