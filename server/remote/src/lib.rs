//! The Supabase client: the [`Remote`](agent_core::ports::Remote) port over REST ([`rest`]), the
//! session of the signed-in person ([`auth`]) and the live channel ([`realtime`]). What is pushed,
//! when it is pulled and what an answer means for a file is decided elsewhere; this crate only
//! carries it, and says of every failure what can be done about it.
//!
//! One TLS configuration serves both HTTP and WebSocket, and no process-wide default is needed.

pub mod auth;
mod fault;
mod http;
mod jwt;
mod page_size;
pub mod probe;
pub mod realtime;
pub mod rest;
pub mod schema;
mod settings;
pub mod teams;
#[cfg(test)]
mod testing;
mod tls;
mod wire;

pub use auth::{Auth, BrowserSignIn, SignedOut, User};
pub use realtime::{Listener, listen, listen_present};
pub use rest::{AuditPage, AuditQuery, Counts, SupabaseRemote, Team};
pub use settings::Settings;
pub use teams::{Invitation, Joined, Member, SentInvitation};
pub use wire::team::{AuditEntry, lifecycle};
