//! The model of the server is true: PostgreSQL and PGlite, with the real functions, answer what the
//! model answers, on random histories and when many sessions ask at the same time.
//!
//! `MODEL_SEEDS=1000..5000 cargo test -p agent-tests --test model -- --nocapture` tries more of them.
//! A seed that ever failed gets a test of its own name in `found.rs`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, and what they report")]

mod compare;
mod concurrent;
mod faults;
mod history;
mod play;
mod schemas;

use std::ops::Range;

use agent_tests::{Database, Sessions};
use anyhow::{Result, bail};

use history::{history, rarities};
use play::{Seen, played, shrunk};

/// Steps of one history, besides its opening and closing.
const STEPS: usize = 40;

/// What the histories have to come across, or they prove little.
const EVERY_ANSWER: [&str; 28] = [
    "accept_invitation",
    "allocate_id",
    "applied",
    "artifact_approvals",
    "artifact_versions",
    "artifact_versions: more",
    "audit_entries",
    "audit_entries: more",
    "conflict",
    "create_team",
    "deferred",
    "duplicate",
    "erase_author",
    "pull_artifacts",
    "pull_artifacts: more",
    "invite_member",
    "push_artifacts",
    "push_artifacts: 22023 changes must be an array",
    "rejected approved",
    "rejected forbidden",
    "rejected hash_mismatch",
    "rejected invalid",
    "rejected state",
    "rejected state_role",
    "rejected too_large",
    "remove_team_member",
    "set_lifecycle",
    "set_member_role",
];

fn seeds(default: Range<u64>) -> Range<u64> {
    let Ok(given) = std::env::var("MODEL_SEEDS") else { return default };
    let read = given.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    read.unwrap_or_else(|| panic!("MODEL_SEEDS is a range of numbers, such as 1..100, not {given:?}"))
}

/// Plays the histories of these seeds; the first one that disagrees is shrunk and told.
fn play_all(sessions: &mut Sessions, seeds: Range<u64>, seen: &mut Seen) -> Result<()> {
    for seed in seeds {
        let steps = history(seed, STEPS);
        if played(sessions, &steps, seen)?.is_some() {
            let (steps, difference) = shrunk(sessions, steps)?;
            let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
            bail!("MODEL_SEEDS={seed}..{}: {difference}\nafter\n{}", seed + 1, steps.join("\n"));
        }
    }
    Ok(())
}

fn conforms(database: Database, default: Range<u64>) {
    let mut sessions = match Sessions::open(database, 1).unwrap() {
        Ok(sessions) => sessions,
        Err(why) => return println!("{why}"),
    };
    let (seeds, mut seen) = (seeds(default), Seen::new());
    let rarely = played(&mut sessions, &rarities(), &mut seen).unwrap();
    assert_eq!(rarely, None, "{database:?}, in the history of rarities");
    play_all(&mut sessions, seeds.clone(), &mut seen)
        .unwrap_or_else(|problem| panic!("{database:?}: {problem:#}"));
    let missing: Vec<_> = EVERY_ANSWER.iter().filter(|answer| !seen.contains_key(**answer)).collect();
    let is_own_choice = std::env::var_os("MODEL_SEEDS").is_some();
    assert!(missing.is_empty() || is_own_choice, "{database:?}: never seen under these seeds: {missing:?}");
    println!("{database:?}: the model agrees on seeds {seeds:?}, {STEPS} steps each; answers:");
    for (what, count) in &seen {
        println!("{count:8} {what}");
    }
}

/// PGlite has a single session, so only PostgreSQL can do this.
#[test]
fn sessions_at_the_same_time_are_answered_as_in_some_order() {
    let mut sessions = match Sessions::open(Database::Postgres, 50).unwrap() {
        Ok(sessions) => sessions,
        Err(why) => return println!("{why}"),
    };
    concurrent::contended(&mut sessions, 50, 4).unwrap_or_else(|problem| panic!("{problem:#}"));
    concurrent::erased(&mut sessions).unwrap_or_else(|problem| panic!("{problem:#}"));
    let seeds = seeds(0..15);
    for seed in seeds.clone() {
        concurrent::mixed(&mut sessions, seed)
            .unwrap_or_else(|problem| panic!("MODEL_SEEDS={seed}..{}: {problem:#}", seed + 1));
    }
    println!(
        "PostgreSQL: 50 sessions on one artifact, 8 while somebody is erased, and 6 sessions on everything under seeds {seeds:?}"
    );
}

#[test]
fn postgres_answers_what_the_model_answers() {
    conforms(Database::Postgres, 0..30);
}

#[test]
fn pglite_answers_what_the_model_answers() {
    conforms(Database::Pglite, 0..15);
}
