//! Things go away, are killed, or were never right: nothing that was saved is lost, and somebody is
//! told. Tests that stop a backend have one of their own.

mod crashes;
mod errors;
mod kills;
mod leaders;
mod offline;
mod provisional;
mod rebuild;
mod rollback;
mod sections;
mod writers;

use agent_tests::lasting_backend;
