//! `cargo sim`: runs seeds on every core, reports what they came by, and makes a failure small.
#![allow(clippy::print_stdout, reason = "it is a program that reports")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agent_sim::{Breach, Coverage, Fault, Planted, Setup, replay, run, shrink};
use clap::Parser;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(30);

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
    /// Which of the steps only.
    #[arg(long, value_delimiter = ',')]
    only: Vec<usize>,
    /// Kinds of trouble that do not happen.
    #[arg(long, value_delimiter = ',')]
    without: Vec<Fault>,
    /// At most so many teammates.
    #[arg(long)]
    teammates: Option<usize>,
    /// A fault to plant, to see it found.
    #[arg(long)]
    plant: Option<Planted>,
    /// On how many threads; every core by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Tell everything that happens, whatever comes of it.
    #[arg(long)]
    tell: bool,
    /// Do not make a failing run smaller.
    #[arg(long)]
    keep: bool,
    /// Fail when a kind of trouble, a status or a merge case never occurred.
    #[arg(long)]
    cover: bool,
}

#[derive(Default)]
struct Found {
    coverage: Coverage,
    failures: Vec<(Setup, Breach)>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let setup = |seed| Setup {
        seed,
        steps: args.steps,
        only: args.only.clone(),
        without: args.without.iter().copied().collect(),
        teammates: args.teammates,
        planted: args.plant,
        tells: args.tell,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, found, began) = (AtomicU64::new(0), Mutex::new(Found::default()), Instant::now());
    let told = Mutex::new(began);
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= args.seeds {
                return;
            }
            let setup = setup(args.seed + n);
            let outcome = run(&setup);
            outcome.story.iter().for_each(|line| println!("{line}"));
            let mut found = found.lock().expect("no thread panics holding it");
            found.coverage.add(&outcome.coverage);
            if let Some(breach) = outcome.breach {
                println!("seed {}: {}: {}", setup.seed, breach.promise.as_str(), short(&breach.detail));
                found.failures.push((setup, breach));
            }
            let mut told = told.lock().expect("no thread panics holding it");
            if told.elapsed() > TELL_EVERY {
                *told = Instant::now();
                println!("{n} seeds after {} s, {} failed", began.elapsed().as_secs(), found.failures.len());
            }
        }
    };
    std::thread::scope(|scope| {
        (0..args.threads.unwrap_or(cores)).for_each(|_| drop(scope.spawn(work)));
    });
    let found = found.into_inner().expect("no thread panicked");
    println!("{}{:.1} s", found.coverage, began.elapsed().as_secs_f64());
    report(&args, &found)
}

fn report(args: &Args, found: &Found) -> ExitCode {
    let missing = if args.cover { found.coverage.missing() } else { Vec::new() };
    if !missing.is_empty() {
        println!("never occurred: {}", missing.join(", "));
    }
    let Some((setup, breach)) = found.failures.iter().min_by_key(|(setup, _)| setup.seed) else {
        return if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    println!("{} of {} seeds failed", found.failures.len(), args.seeds);
    let small = if args.keep { setup.clone() } else { shrink(setup, breach.promise) };
    let outcome = run(&Setup { tells: true, ..small.clone() });
    outcome.story.iter().for_each(|line| println!("{line}"));
    if let Some(breach) = outcome.breach {
        println!("{}: {}", breach.promise.as_str(), breach.detail);
    }
    println!("again: {}", replay(&small));
    ExitCode::FAILURE
}

fn short(detail: &str) -> &str {
    let end = detail.char_indices().nth(200).map_or(detail.len(), |(at, _)| at);
    &detail[..end]
}
