//! `cargo sim`: tries seeds, as many as asked for.
#![allow(clippy::print_stdout, reason = "it is a program that reports")]

use std::process::ExitCode;

use agent_sim::failure;
use clap::Parser;

/// Simulates a team under seeded trouble and checks that no text is lost and everybody agrees.
#[derive(Parser)]
struct Args {
    /// How many seeds to try.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many things happen under each.
    #[arg(long, default_value_t = 200)]
    steps: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let failures: Vec<_> =
        (args.seed..args.seed + args.seeds).filter_map(|seed| failure(seed, args.steps)).collect();
    failures.iter().for_each(|failure| println!("{failure}\n"));
    println!("{} seeds of {} steps, {} failed", args.seeds, args.steps, failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
