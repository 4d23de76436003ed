//! The harness of the end-to-end tests and of the demo: a backend, workspaces, and an editor that
//! speaks to the real `agent lsp`. Everything here drives programs from the outside, as a user's
//! machine does; nothing links the server.

mod backend;
mod binary;
pub mod browser;
mod cache_file;
mod editor;
mod http;
mod npm;
pub mod scenes;
mod sessions;
mod team;
mod terminal;
mod tls;
mod wait;
mod watching;
mod workspace;

pub use backend::{Backend, Mail, Options, Stats, lasting_backend};
pub use binary::{agent_binary, project};
pub use cache_file::CacheFile;
pub use editor::{Capabilities, Editor, Encoding, RpcError};
pub use npm::test_backend;
pub use sessions::{Call, Database, Refused, Sessions};
pub use team::{RemoteArtifact, Team, User};
pub use terminal::Terminal;
pub use tls::TlsFront;
pub use wait::{PATIENCE, eventually};
pub use watching::Watching;
pub use workspace::{Conversation, Ran, Workspace};
