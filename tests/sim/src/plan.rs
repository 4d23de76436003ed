//! What a seed's world is like: how many teammates, how they are configured, which kinds of trouble
//! it can have at all. Drawn once, so that some worlds are calm and others have one misery only.

use agent_core::sync::Policy;
use agent_core::sync::next::ConflictStrategy;

/// The artifacts of a small world.
const FEW: usize = 3;
/// The artifacts of a world in which many can vanish at once.
const MANY: usize = 12;

/// A world's constitution.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) teammates: usize,
    /// Programs on each workspace.
    pub(crate) processes: usize,
    pub(crate) artifacts: usize,
    pub(crate) policy: Policy,
    /// How far each machine's clock is off, in milliseconds.
    pub(crate) skew: Vec<i64>,
    /// Whether clocks jump. File times are then as fine as most file systems have them.
    pub(crate) clocks_jump: bool,
    pub(crate) loses_caches: bool,
    pub(crate) rolls_back: bool,
    /// What is refused stays refused to the end.
    pub(crate) refusals_stay: bool,
    /// How often the network fails: in one of so many messages.
    pub(crate) network: u8,
}

impl Plan {
    /// Each seed has its own mixture; `teammates` at most, when given.
    pub(crate) fn of(seed: u64, teammates: Option<usize>) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed_5eed);
        let strategy = match rng.u8(0..6) {
            0 => ConflictStrategy::LocalWins,
            1 => ConflictStrategy::RemoteWins,
            _ => ConflictStrategy::Manual,
        };
        let (auto_push, may_write) = (rng.u8(0..4) > 0, rng.u8(0..4) > 0);
        let drawn = [2, 2, 2, 3, 3, 3, 4, 4, 5, 6][rng.usize(0..10)];
        let skew = |rng: &mut fastrand::Rng| match rng.u8(0..4) {
            0 => rng.i64(-4_000_000..4_000_000),
            1 => rng.i64(-900..900),
            _ => 0,
        };
        Self {
            teammates: teammates.map_or(drawn, |most| drawn.min(most)),
            processes: rng.usize(1..=2),
            artifacts: if rng.u8(0..6) == 0 { MANY } else { FEW },
            policy: Policy { auto_push, may_write, strategy },
            skew: (0..6).map(|_| skew(&mut rng)).collect(),
            clocks_jump: rng.u8(0..4) == 0,
            loses_caches: rng.u8(0..6) == 0,
            rolls_back: rng.u8(0..6) == 0,
            refusals_stay: rng.bool(),
            network: [8, 20, 20, 60, u8::MAX][rng.usize(0..5)],
        }
    }

    /// Whether many artifacts can vanish at once.
    pub(crate) fn is_large(&self) -> bool {
        self.artifacts == MANY
    }
}

/// The generator of one step: what another step draws changes nothing about it, so that steps can be
/// left out of a run that is to be made smaller.
pub(crate) fn rng_of(seed: u64, step: usize) -> fastrand::Rng {
    let step = (step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    fastrand::Rng::with_seed(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ step)
}
