//! What the port promises, on one handle and on several; what the file survives. What survives a
//! kill is in the crate's `tests/`, because it takes a process of its own.

mod contract;
mod damage;
mod forget;
mod make;
mod migrations;
mod model;

mod shared;
mod unwritable;
