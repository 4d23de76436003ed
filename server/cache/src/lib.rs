//! The local cache: [`agent_core::ports::Store`] over one SQLite file that several processes share.
//! It owns the schema (`migrations/`), what is durable when, and what happens to a damaged file.
//! What to store and when is decided by `agent-core` and the engine; times are theirs too, none
//! that is kept is read from a clock here.

mod checkup;
mod commit;
mod erase;
mod error;
mod forget;
mod history;
mod link;
mod migrate;
mod open;
mod people;
mod presence;
mod read;
mod rebuild;
mod remembered;
mod row;
mod store;

pub use checkup::{Checkup, checkup};
pub use open::Cache;
pub use people::Seen;
pub use rebuild::Rebuilt;

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
