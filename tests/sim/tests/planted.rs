//! The simulation finds what is wrong: each planted fault is caught by the promise it breaks, within
//! this many seeds.

use std::collections::BTreeSet;

use agent_sim::{Planted, Promise, Setup, run};

const STEPS: usize = 200;
/// In so many seeds every planted fault is found.
const WITHIN: u64 = 150;

fn is_found(planted: Planted, seed: u64) -> bool {
    let outcome = run(&Setup { planted: Some(planted), ..Setup::new(seed, STEPS) });
    outcome.breach.is_some_and(|breach| planted.breaks().contains(&breach.promise))
}

#[test]
fn every_planted_fault_is_found() {
    let all: Vec<Planted> = Planted::ALL.to_vec();
    let (first, second) = all.split_at(all.len() / 2);
    let missed = |planted: &&Planted| !(0..WITHIN).any(|seed| is_found(**planted, seed));
    let missed = std::thread::scope(|scope| {
        let one = scope.spawn(|| first.iter().filter(missed).collect::<Vec<_>>());
        let mut both = second.iter().filter(missed).collect::<Vec<_>>();
        both.extend(one.join().expect("no thread panicked"));
        both
    });
    assert!(missed.is_empty(), "not found within {WITHIN} seeds: {missed:?}");
}

#[test]
fn every_promise_has_a_fault_that_breaks_it() {
    let broken: BTreeSet<_> = Planted::ALL.iter().flat_map(|planted| planted.breaks()).collect();
    let unwatched: Vec<_> = Promise::ALL.iter().filter(|promise| !broken.contains(promise)).collect();
    assert!(unwatched.is_empty(), "no fault breaks {unwatched:?}");
}
