//! The merge, from its truth table to what Git makes of the same texts.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod documents;
mod git;
mod markdown;
mod properties;
mod structure;
mod texts;
mod truth_table;
