//! Teammates, each with a workspace of one or two processes, over one remote: random work, random
//! trouble, and afterwards everybody has the same and nothing is gone.

use agent_sim::failure;

const STEPS: usize = 60;

fn check(seeds: std::ops::Range<u64>) {
    let failures: Vec<_> = seeds.filter_map(|seed| failure(seed, STEPS)).collect();
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn everybody_ends_with_the_same_and_nothing_is_lost() {
    check(0..300);
}

#[test]
fn a_file_that_could_not_be_written_once_is_written_later() {
    check(392..393);
    check(489..490);
}

#[test]
fn what_another_process_committed_is_decided_on_before_anything_is_pushed() {
    for seed in [57, 118, 544, 738, 878, 1360, 1825, 1909] {
        check(seed..seed + 1);
    }
}
