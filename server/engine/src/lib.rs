//! Runs the sync machine of `agent-core` over its ports: the cache, the working files, the remote.
//! This is the one place where decisions become effects. The language server and the command line
//! both sit on it; it knows neither the protocol of the one nor the arguments of the other.

mod author;
pub mod browser;
mod chance;
pub mod config;
pub mod create;
pub mod disk;
mod driver;
mod engine;
pub mod history;
mod holders;
mod journal;
mod lease;
mod opened;
mod rehearsal;
mod remote;
pub mod renumber;
pub mod resolve;
mod retention;
pub mod rules;
mod scan;
mod session;
mod view;
mod watch;
pub mod workspace;

pub use agent_remote::{Auth, BrowserSignIn, User};
pub use chance::{SystemChance, now};
pub use driver::{
    Handle, Listed, Notice, Renumber, Revision, RevisionError, Sides, Stand, Told, WAITS_LONG_MILLIS, start,
};
pub use engine::{Engine, Failed, Outcome, Problems};
pub use opened::{Older, SavedBase};
pub use remote::AnyRemote;
pub use session::{Session, SessionError, team_name};
pub use view::{LinkState, Past, Undoable, View, Views};
