//! What an artifact is: which files are artifacts, and what they say of themselves.
//!
//! Owns the identity of a file ([`identity`]) and the outline of its text ([`parse`]). Leaves to
//! others: reading files, and what a state permits.

pub mod identity;
pub mod parse;
mod references;
mod state;
mod yaml;
