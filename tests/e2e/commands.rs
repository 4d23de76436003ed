//! Whole commands, as a person at a terminal or a script runs them, against the real backend.

mod doctor;
mod git_moves;
mod interrupts;
mod resolving;
mod setting_up;
mod watch;
