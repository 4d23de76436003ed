//! What a run, or many, came by: steps, trouble by kind, and the statuses, next steps and merge cases
//! that occurred. A case that never occurs is not tested.

use std::collections::BTreeMap;

use agent_core::merge::{Merge, RegionKind};
use agent_core::ports::PushOutcome;
use agent_core::sync::next::{Next, Waits};
use agent_core::sync::resolve::Take;
use agent_core::sync::status::Status;

use crate::Fault;

/// How often each thing happened.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Seeds tried.
    pub seeds: u64,
    /// Steps taken before healing.
    pub steps: u64,
    /// Messages carried between clients and server.
    pub messages: u64,
    /// Revisions the server accepted.
    pub revisions: u64,
    /// Trouble, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Statuses seen.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Next steps seen.
    pub next: BTreeMap<&'static str, u64>,
    /// Kinds of regions in merges people looked at.
    pub regions: BTreeMap<&'static str, u64>,
    /// Choices taken.
    pub takes: BTreeMap<&'static str, u64>,
    /// The server's answers to changes.
    pub outcomes: BTreeMap<&'static str, u64>,
}

const NEXT: [&str; 15] = [
    "nothing",
    "settle",
    "push",
    "update",
    "move",
    "merge",
    "find-base",
    "wait-behind",
    "wait-mergeable",
    "wait-conflict",
    "wait-deleted-here",
    "wait-deleted-there",
    "wait-moved",
    "wait-refused",
    "wait-text-missing",
];
/// What must not occur, or is settled before anybody can look.
const NEVER: [&str; 3] = ["settle", "wait-text-missing", "stable"];
const REGIONS: [&str; 5] = ["stable", "local", "remote", "same", "conflict"];
const TAKES: [&str; 10] = [
    "hunk-local",
    "hunk-remote",
    "hunk-local-then-remote",
    "hunk-remote-then-local",
    "all-local",
    "all-remote",
    "all-both",
    "whole-local",
    "whole-remote",
    "incoming",
];
const OUTCOMES: [&str; 5] = ["applied", "duplicate", "conflict", "rejected", "deferred"];

impl Coverage {
    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault.as_str()).or_default() += 1;
    }

    pub(crate) fn status(&mut self, status: Status, next: &Next) {
        *self.statuses.entry(status.as_str()).or_default() += 1;
        let word = match next {
            Next::Nothing => "nothing",
            Next::Settle => "settle",
            Next::Push => "push",
            Next::Update => "update",
            Next::Move(_) => "move",
            Next::Merge(_) => "merge",
            Next::FindBase => "find-base",
            Next::Wait(Waits::Behind) => "wait-behind",
            Next::Wait(Waits::Mergeable) => "wait-mergeable",
            Next::Wait(Waits::Conflict) => "wait-conflict",
            Next::Wait(Waits::DeletedHere) => "wait-deleted-here",
            Next::Wait(Waits::DeletedThere) => "wait-deleted-there",
            Next::Wait(Waits::Moved) => "wait-moved",
            Next::Wait(Waits::Refused) => "wait-refused",
            Next::Wait(Waits::Id) => "wait-id",
            Next::Wait(Waits::TextMissing) => "wait-text-missing",
        };
        *self.next.entry(word).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, merge: &Merge) {
        for region in merge.regions() {
            let word = match region.kind {
                RegionKind::Stable => "stable",
                RegionKind::Local => "local",
                RegionKind::Remote => "remote",
                RegionKind::Same => "same",
                RegionKind::Conflict => "conflict",
            };
            *self.regions.entry(word).or_default() += 1;
        }
    }

    pub(crate) fn take(&mut self, take: Take) {
        use agent_core::merge::Choice::{Local, LocalThenRemote, Remote, RemoteThenLocal};
        let word = match take {
            Take::Hunk(_, Local) => "hunk-local",
            Take::Hunk(_, Remote) => "hunk-remote",
            Take::Hunk(_, LocalThenRemote) => "hunk-local-then-remote",
            Take::Hunk(_, RemoteThenLocal) => "hunk-remote-then-local",
            Take::All(Local) => "all-local",
            Take::All(Remote) => "all-remote",
            Take::All(LocalThenRemote | RemoteThenLocal) => "all-both",
            Take::WholeLocal => "whole-local",
            Take::WholeRemote => "whole-remote",
            Take::Incoming => "incoming",
        };
        *self.takes.entry(word).or_default() += 1;
    }

    pub(crate) fn outcome(&mut self, outcome: &PushOutcome) {
        let word = match outcome {
            PushOutcome::Applied(..) => "applied",
            PushOutcome::Duplicate(..) => "duplicate",
            PushOutcome::Conflict(_) => "conflict",
            PushOutcome::Rejected { .. } => "rejected",
            PushOutcome::Deferred => "deferred",
        };
        *self.outcomes.entry(word).or_default() += 1;
    }

    /// Adds what another run came by.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.messages += other.messages;
        self.revisions += other.revisions;
        for (mine, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.statuses, &other.statuses),
            (&mut self.next, &other.next),
            (&mut self.regions, &other.regions),
            (&mut self.takes, &other.takes),
            (&mut self.outcomes, &other.outcomes),
        ] {
            theirs.iter().for_each(|(word, count)| *mine.entry(word).or_default() += count);
        }
    }

    /// What should have occurred and never did.
    pub fn missing(&self) -> Vec<&'static str> {
        let faults: Vec<_> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
        let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        let all: [(&BTreeMap<_, _>, &[&'static str]); 6] = [
            (&self.faults, &faults),
            (&self.statuses, &statuses),
            (&self.next, &NEXT),
            (&self.regions, &REGIONS),
            (&self.takes, &TAKES),
            (&self.outcomes, &OUTCOMES),
        ];
        let missing = all.into_iter().flat_map(|(seen, words)| {
            words.iter().copied().filter(|word| !NEVER.contains(word) && !seen.contains_key(word))
        });
        missing.collect()
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seeds, steps, messages, revisions, .. } = self;
        writeln!(f, "{seeds} seeds, {steps} steps, {messages} messages, {revisions} revisions")?;
        for (title, counts) in [
            ("trouble", &self.faults),
            ("statuses", &self.statuses),
            ("next steps", &self.next),
            ("regions", &self.regions),
            ("choices", &self.takes),
            ("answers", &self.outcomes),
        ] {
            let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
            writeln!(f, "{title}: {}", counts.join(", "))?;
        }
        Ok(())
    }
}
