//! Which states an artifact may be in and which may follow, as the team's server decides it: the
//! table as a value ([`Table`]), and the edit that moves a text to another state ([`set_state`]).
//!
//! The server enforces the table; here it only answers what can be offered. How a state is written
//! in a text is [`crate::artifact::parse`]'s; fetching the table and keeping it are others'.

mod edit;
mod table;

pub use edit::{Edit, set_state, state_at};
pub use table::{Lifecycle, Move, Role, Step, Table, Transition};
