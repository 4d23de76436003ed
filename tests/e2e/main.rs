//! The project's promises, kept by the real program against the real backend. Tests here share one
//! backend; each makes its own team.

#![expect(clippy::print_stdout, reason = "counts and skips are to be read with --nocapture")]

mod bases;
mod brake;
mod counts;
mod deletion;
mod editing;
mod history;
mod isolation;
mod lifecycle;
mod main_job;
mod moves;
mod ordering;
mod presence;
mod protocol;
mod secrets;
mod sign_in;
mod stale;
mod states;
