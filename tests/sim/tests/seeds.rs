//! A fixed set of seeds: everybody ends with the same, nothing is gone, and every kind of trouble,
//! every status and every merge case occurred. `cargo sim` tries as many as one likes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use agent_sim::{Coverage, Setup, replay, run};

const SEEDS: u64 = 150;
const STEPS: usize = 200;

#[test]
fn nothing_is_lost_and_everybody_agrees_whatever_goes_wrong() {
    let (next, found) = (AtomicU64::new(0), Mutex::new((Coverage::default(), Vec::new())));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return;
            }
            let setup = Setup::new(seed, STEPS);
            let outcome = run(&setup);
            let mut found = found.lock().expect("no thread panicked");
            found.0.add(&outcome.coverage);
            if let Some(breach) = outcome.breach {
                found.1.push(format!("{}: {}\n{}", breach.promise.as_str(), breach.detail, replay(&setup)));
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let (coverage, failures) = found.into_inner().expect("no thread panicked");
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n\n"));
    assert!(coverage.missing().is_empty(), "never occurred: {:?}\n{coverage}", coverage.missing());
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    let setup = Setup { tells: true, ..Setup::new(7, STEPS) };
    let (first, second) = (run(&setup), run(&setup));
    assert!(first.story.len() > STEPS);
    assert_eq!(first.story, second.story);
}
