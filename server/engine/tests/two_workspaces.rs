//! Teammates, each with a workspace of one or two processes, over one remote: random work, random
//! trouble, and afterwards everybody has the same and nothing is gone.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use agent_cache::Cache;
use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactPath, Timestamp};
use agent_engine::Engine;
use support::files::MemoryFiles;
use support::people::key;
use support::replica::SeededChance;
use support::world::{Plan, World};

const STEPS: usize = 60;

/// What went wrong under a seed, with what happened in the world before it.
fn failure(seed: u64, steps: usize) -> Option<String> {
    let mut world = World::new(seed);
    let done = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..steps {
            world.step();
            world.check_no_false_conflict();
        }
        world.heal();
        world.check_healed();
    }));
    let cause = done.err()?;
    let text = cause.downcast_ref::<String>().cloned();
    let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Some(format!("seed {seed}: {}\n{}", text.unwrap_or_default(), world.story()))
}

fn check(seeds: std::ops::Range<u64>) {
    let failures: Vec<_> = seeds.filter_map(|seed| failure(seed, STEPS)).collect();
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n\n"));
}

/// `SEEDS=10000 cargo test --test two_workspaces` tries more; `SEED=42` that one alone.
#[test]
fn everybody_ends_with_the_same_and_nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => check(seed..seed + 1),
        None => check(0..number("SEEDS").unwrap_or(300)),
    }
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

#[test]
fn two_processes_on_one_cache_file_miss_nothing_of_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = MemoryFiles::default();
    let now = Timestamp(1_700_000_000_000);
    let open = |seed| {
        let cache = Cache::open(&folder.path().join("agent.db")).expect("a new cache");
        let (files, chance) =
            (files.for_process(support::Fuse::default()), Box::new(SeededChance::new(seed)));
        Engine::open(cache, files, Kinds::standard(), Plan::of(0).policy, chance, now).expect("opens")
    };
    let (mut one, mut other) = (open(1), open(2));
    let path = |id: &str| ArtifactPath::new(&format!(".agent/stories/{id}.md")).expect("a valid path");
    ["INFRA-001", "INFRA-002", "INFRA-003"].iter().for_each(|id| files.put(&path(id), Some(id)));
    one.file_saved(&path("INFRA-001"), None, now).expect("saved");
    other.file_saved(&path("INFRA-002"), None, now).expect("saved");
    one.file_saved(&path("INFRA-003"), None, now).expect("saved");
    other.file_saved(&path("INFRA-003"), None, now).expect("saved, although the other one was first");
    for engine in [&mut one, &mut other] {
        engine.refresh(now).expect("reads");
        for id in ["INFRA-001", "INFRA-002", "INFRA-003"] {
            assert!(engine.machine().entry(&key(id)).is_some(), "{id} was missed");
        }
        assert!(engine.refresh(now).expect("reads").touched.is_empty(), "everything was read");
    }
}
