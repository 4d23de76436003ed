//! Measures the merge of texts ten times as long as others, of shapes that are hard for a diff:
//! `cargo run --release -p agent-core --example measure`. Linear growth is 10, and up
//! to 20 where the larger texts leave the processor's caches; quadratic growth is 100. It fails above 30.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_core::merge::{Choice, Merge, Which};

const SMALL: usize = 5_000;
const LARGE: usize = 50_000;
const MOST: f64 = 30.0;

/// Line `n` of a side (0 base, 1 local, 2 remote) in a text of so many lines.
type Shape = fn(usize, usize, usize) -> String;

const SHAPES: [(&str, Shape); 6] = [
    ("one line each", |n, side, lines| match n == lines / 3 * side {
        true => format!("changed {side}"),
        false => format!("line {n}"),
    }),
    ("every third, every fourth", |n, side, _| match side > 0 && n % (side + 2) == 0 {
        true => format!("changed {side} {n}"),
        false => format!("line {n}"),
    }),
    ("lines that repeat", |n, side, _| match side > 0 && n % (side + 6) == 0 {
        true => format!("changed {side} {}", n % 9),
        false => format!("line {}", n % 50),
    }),
    ("nothing in common", |n, side, _| format!("line {n} of {side}")),
    ("turned around", |n, side, lines| format!("line {}", if side == 1 { lines - n } else { n })),
    ("two kinds of line", |n, side, _| format!("{}", (n * 7_919 + side * 31) % 101 % 2)),
];

fn texts(shape: Shape, lines: usize) -> [Arc<str>; 3] {
    [0, 1, 2].map(|side| (0..lines).map(|n| shape(n, side, lines) + "\n").collect::<String>().into())
}

/// The time this thread had a processor, where the system tells it: others' load does not count.
fn spent(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|line| line.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Per round: merging, and deciding every conflict and incoming change.
fn measured(texts: &[Arc<str>; 3], rounds: u32) -> (Duration, Duration) {
    let (mut merged, mut decided) = (Duration::ZERO, Duration::ZERO);
    let began = Instant::now();
    for _ in 0..rounds {
        let start = spent(began);
        let merge = Merge::of(&texts[0], &texts[1], &texts[2]);
        merged += spent(began) - start;
        let start = spent(began);
        merge.take_incoming();
        merge.resolve(Which::All, Choice::LocalThenRemote);
        if let Some((first, _)) = merge.conflicts().next() {
            merge.resolve(Which::Region(first), Choice::Remote);
        }
        decided += spent(began) - start;
    }
    (merged / rounds, decided / rounds)
}

fn main() -> ExitCode {
    let mut failed = false;
    println!("{:28} {:>10} {:>10} {:>7} {:>10} {:>7}", "", "5k", "50k", "growth", "decide 50k", "growth");
    for (name, shape) in SHAPES {
        let (small, large) = (measured(&texts(shape, SMALL), 100), measured(&texts(shape, LARGE), 10));
        let growth = |small: Duration, large: Duration| large.as_secs_f64() / small.as_secs_f64();
        let (merging, deciding) = (growth(small.0, large.0), growth(small.1, large.1));
        println!(
            "{name:28} {:>10.1?} {:>10.1?} {merging:>7.1} {:>10.1?} {deciding:>7.1}",
            small.0, large.0, large.1
        );
        failed |= merging > MOST || deciding > MOST;
    }
    ExitCode::from(u8::from(failed))
}
