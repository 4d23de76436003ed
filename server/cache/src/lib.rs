//! The local cache: [`agent_core::ports::Store`] over one SQLite file that several processes share.
//! It owns the schema (`migrations/`), what is durable when, and what happens to a damaged file.
//! What to store and when is decided by `agent-core` and the engine; times are theirs too, none
//! that is kept is read from a clock here.

mod commit;
mod error;
mod history;
mod link;
mod migrate;
mod open;
mod presence;
mod read;
mod rebuild;
mod remembered;
mod row;
mod store;

pub use open::Cache;
pub use rebuild::Rebuilt;

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
