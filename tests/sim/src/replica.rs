//! One teammate: a workspace with its files and its cache, and the processes that work on it.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath, ChangeId, ContentHash, Text, Timestamp};
use agent_core::sync::Chance;
use uuid::Uuid;

use crate::files::MemoryFiles;
use crate::plan::Plan;
use crate::process::{Lease, Process};
use crate::store::SharedCache;
use crate::text::tokens;
use crate::words::Planted;

/// Randomness from the world's seed.
pub(crate) struct SeededChance(fastrand::Rng);

impl SeededChance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }
}

impl Chance for SeededChance {
    fn change_id(&mut self) -> ChangeId {
        ChangeId(Uuid::from_u128(self.0.u128(..)))
    }

    fn jitter(&mut self) -> f64 {
        self.0.f64()
    }
}

/// What is known, from outside, of one artifact at one teammate's.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Apart {
    /// They changed it since it was last in sync.
    pub(crate) here: bool,
    /// Somebody else did.
    pub(crate) there: bool,
}

pub(crate) struct Replica {
    pub(crate) files: MemoryFiles,
    pub(crate) cache: SharedCache,
    /// Caches that were lost; what they knew is not lost by the program.
    pub(crate) lost: Vec<SharedCache>,
    pub(crate) processes: Vec<Process>,
    pub(crate) lease: Lease,
    /// Every token that somebody here had before them, in a file they changed, a document they opened
    /// or a choice they made: to go on without those is a decision.
    pub(crate) seen: BTreeSet<String>,
    pub(crate) apart: BTreeMap<ArtifactKey, Apart>,
    /// What vanished in one go and waits for a person.
    pub(crate) braked: BTreeSet<ArtifactKey>,
    /// How far the clock is off.
    pub(crate) skew: i64,
    pub(crate) offline_until: Timestamp,
    pub(crate) signed_out: bool,
    /// Contents the program said it has taken in.
    pub(crate) saved: BTreeMap<ContentHash, Text>,
    /// Files' older contents, as a version control system has them.
    pub(crate) older: Vec<(ArtifactPath, Text)>,
}

impl Replica {
    pub(crate) fn new(plan: &Plan, n: usize, planted: Option<Planted>) -> Self {
        Self {
            files: MemoryFiles::new(plan.clocks_jump, planted),
            cache: SharedCache::new(plan.rolls_back, planted),
            lost: Vec::new(),
            processes: Vec::new(),
            lease: Lease::default(),
            seen: BTreeSet::new(),
            apart: BTreeMap::new(),
            braked: BTreeSet::new(),
            skew: plan.skew.get(n).copied().unwrap_or_default(),
            offline_until: Timestamp::default(),
            signed_out: false,
            saved: BTreeMap::new(),
            older: Vec::new(),
        }
    }

    /// Whether the workspace ever kept this text.
    pub(crate) fn has(&self, hash: ContentHash) -> bool {
        self.cache.has(hash) || self.lost.iter().any(|cache| cache.has(hash))
    }

    /// Somebody has this text before them.
    pub(crate) fn see(&mut self, text: &str) {
        self.seen.extend(tokens(text).map(str::to_owned));
    }

    pub(crate) fn apart(&mut self, key: &ArtifactKey) -> &mut Apart {
        self.apart.entry(key.clone()).or_default()
    }

    /// Nothing the cache knew of agreements is known any more.
    pub(crate) fn forget_agreements(&mut self, keys: &[ArtifactKey]) {
        for key in keys {
            *self.apart(key) = Apart { here: true, there: true };
        }
    }

    /// The files that claim to be this artifact.
    pub(crate) fn files_of(&self, kinds: &Kinds, key: &ArtifactKey) -> Vec<(ArtifactPath, Text)> {
        let is = |path: &ArtifactPath| matches!(kinds.key_of(path), Some(Ok(found)) if found == *key);
        self.files.all().into_iter().filter(|(path, _)| is(path)).collect()
    }

    pub(crate) fn is_open(&self, key: &ArtifactKey) -> bool {
        self.processes.iter().any(|process| process.editors.contains_key(key))
    }

    /// Whether an editor has it open that is not this process's.
    pub(crate) fn is_open_beside(&self, key: &ArtifactKey, process: Option<usize>) -> bool {
        let mut others = self.processes.iter().enumerate().filter(|(p, _)| Some(*p) != process);
        others.any(|(_, process)| process.editors.contains_key(key))
    }

    /// The process that pushes and listens.
    pub(crate) fn leader(&self) -> Option<usize> {
        let life = self.lease.holder()?;
        self.processes.iter().position(|process| process.life == life)
    }
}
