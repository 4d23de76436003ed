//! The project's promises, kept by the real program against the real backend. Tests here share one
//! backend; each makes its own team.

#![expect(clippy::print_stdout, reason = "counts and skips are to be read with --nocapture")]

mod archive;
mod audit;
mod bases;
mod brake;
mod clients;
mod counts;
mod deletion;
mod editing;
mod going_back;
mod history;
mod ids;
mod isolation;
mod lifecycle;
mod main_job;
mod moves;
mod ordering;
mod plans;
mod presence;
mod protocol;
mod requests;
mod retention;
mod secrets;
mod sign_in;
mod signed_in;
mod stale;
mod states;
mod team;
mod told;
mod troubles;
