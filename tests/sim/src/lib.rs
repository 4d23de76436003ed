//! A simulated team: people with editors and files, the real engine on the real cache, a network, and
//! a model of the server, all driven by one seed. Everything that can go wrong does, and what is
//! promised (docs/reliability.md) is checked throughout and after all is healed.
//!
//! Owns the world and what must hold in it. What an artifact's next step is, the engine decides here
//! as everywhere. `cargo sim` runs any number of seeds; [`run`] runs one.

mod checks;
mod coverage;
mod editor;
mod files;
mod fuse;
mod heal;
pub mod model;
mod network;
mod people;
mod plan;
mod process;
mod replica;
mod run;
mod server;
mod shrink;
mod store;
mod text;
mod trouble;
mod words;
mod world;

pub use coverage::Coverage;
pub use run::{Breach, Outcome, Setup, run};
pub use shrink::{replay, shrink};
pub use words::{Fault, Planted, Promise};

#[cfg(test)]
mod tests;
