//! Texts for merge tests: small, Markdown-like, and full of repeated lines, which is what makes
//! merges hard. Every text follows from its seed.

/// A small generator of numbers (xorshift64*), so that a seed is all a failure needs to name.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        value as usize % bound
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Base, local and remote.
pub(crate) struct Triple {
    pub(crate) base: String,
    pub(crate) local: String,
    pub(crate) remote: String,
}

/// Lines that recur in every document.
const COMMON: [&str; 9] = ["", "", "", "---", "- [ ] todo", "- [x] done", "## Notes", "```", "text text"];

fn line(rng: &mut Seeded) -> String {
    if rng.chance(40) {
        return COMMON[rng.below(COMMON.len())].to_owned();
    }
    let word = ["alpha", "beta", "gamma", "delta", "epsilon"][rng.below(5)];
    match rng.below(5) {
        0 => format!("## {word}"),
        1 => format!("- {word} {}", rng.below(4)),
        2 => format!("| {word} | {} |", rng.below(3)),
        _ => format!("{word} says {} things.", rng.below(30)),
    }
}

fn edited(lines: &[String], rng: &mut Seeded) -> Vec<String> {
    let mut out = lines.to_vec();
    for _ in 0..rng.below(4) {
        let at = rng.below(out.len() + 1);
        let to = (at + rng.below(4)).min(out.len());
        match rng.below(5) {
            0 => drop(out.drain(at..to)),
            1 => {
                let moved: Vec<_> = out.drain(at..to).collect();
                let target = rng.below(out.len() + 1);
                out.splice(target..target, moved);
            }
            2 => {
                let copied: Vec<_> = out[at..to].to_vec();
                out.splice(to..to, copied);
            }
            3 => out.insert(at, line(rng)),
            _ => drop(out.splice(at..to, (0..=rng.below(3)).map(|_| line(rng)).collect::<Vec<_>>())),
        }
    }
    out
}

fn joined(lines: &[String], ending: &str, closed: bool) -> String {
    let mut text = lines.join(ending);
    if closed && !lines.is_empty() {
        text.push_str(ending);
    }
    text
}

/// The triple of a seed.
pub(crate) fn triple(seed: u64) -> Triple {
    let rng = &mut Seeded::new(seed);
    let length = rng.below(30);
    let base: Vec<String> = if rng.chance(5) { Vec::new() } else { (0..length).map(|_| line(rng)).collect() };
    let mut local = edited(&base, rng);
    let mut remote = edited(&base, rng);
    if rng.chance(30) {
        // The same change on both sides, perhaps with something beside it.
        let at = rng.below(local.len().min(remote.len()) + 1);
        for shared in [line(rng), line(rng)] {
            local.insert(at, shared.clone());
            remote.insert(at, shared);
        }
    }
    let ending = if rng.chance(20) { "\r\n" } else { "\n" };
    let closed = [rng.chance(90), rng.chance(90), rng.chance(90)];
    Triple {
        base: joined(&base, ending, closed[0]),
        local: joined(&local, ending, closed[1]),
        remote: joined(&remote, if rng.chance(3) { "\r\n" } else { ending }, closed[2]),
    }
}
