//! The pure core of `agent`: what an artifact is, how three texts merge, and what must happen
//! next. Nothing in this crate reads a clock, a file, a socket or an environment variable, makes
//! randomness or starts a thread: time, ids and text come in as arguments, decisions go out as
//! values. The crates around it turn those values into effects.

pub mod artifact;
pub mod create;
pub mod id;
pub mod lifecycle;
pub mod merge;
pub mod ports;
pub mod presence;
pub mod secrets;
pub mod sync;
pub mod text;
