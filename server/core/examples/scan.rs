//! What the scan for credentials and personal data finds in files, by rule, and how long it takes:
//! `cargo run --release -p agent-core --example scan -- FILE…`. It never prints what it found.
#![expect(clippy::print_stdout, reason = "counts are printed")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agent_core::secrets::{ScanPolicy, scan};
use agent_core::text::split_lines;

fn main() -> std::io::Result<()> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut files, mut bytes, mut taken, mut longest) = (0, 0, Duration::ZERO, Duration::ZERO);
    for path in std::env::args().skip(1) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // Once to compile the patterns that are needed, once to measure.
        scan(&text, ScanPolicy::default());
        let start = Instant::now();
        let found = scan(&text, ScanPolicy::default());
        let time = start.elapsed();
        (files, bytes, taken, longest) = (files + 1, bytes + text.len(), taken + time, longest.max(time));
        for finding in found {
            *counts.entry(finding.rule.id).or_default() += 1;
            let line = split_lines(&text[..finding.range.start]).len().max(1);
            println!("{path}:{line}: {} ({})", finding.rule.id, finding.shown);
        }
    }
    println!("{files} files, {bytes} bytes, {taken:.1?} in all, {longest:.1?} the longest: {counts:?}");
    Ok(())
}
