//! What the program costs, each beside a baseline that the same run measures, so that a slow or a busy machine
//! tells the same: keystrokes, saves, what a teammate sees, first pushes and pulls, starts, memory, idleness.
//! `cargo run --release -p agent-tests --example budgets [keystrokes | saves | batches | starts]`; with `AGENT_BINARY`
//! another build is measured. docs/performance.md has the figures.

#![expect(clippy::print_stdout, reason = "telling is what a measurement is for")]

mod batches;
mod keystrokes;
mod saves;
mod spread;
mod starts;

use agent_tests::Workspace;
use anyhow::{Result, ensure};

type Measurement = fn() -> Result<()>;

/// The sizes that are measured.
const SIZES: [usize; 2] = [1_000, 10_000];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |what: &str| wanted.is_empty() || wanted.iter().any(|name| name == what);
    let all: [(&str, Measurement); 4] = [
        ("keystrokes", keystrokes::measure),
        ("saves", saves::measure),
        ("batches", batches::measure),
        ("starts", starts::measure),
    ];
    ensure!(wanted.iter().all(|name| all.iter().any(|(known, _)| known == name)), "what is {wanted:?}?");
    all.into_iter().filter(|(name, _)| is_wanted(name)).try_for_each(|(name, measure)| {
        println!("{name}");
        measure()
    })
}

/// The path of an artifact.
fn path(number: usize) -> String {
    format!(".agent/stories/{:02}/MANY-{number:05}-one-of-many.md", number % 100)
}

/// A text of 4 KB, each another one.
fn text(number: usize) -> String {
    let body = "A line of text like those that people write.\n".repeat(88);
    format!("# MANY-{number:05}: One of many\n\n## State\n\nDRAFT\n\n{body}")
}

/// A workspace without a team that has so many artifacts, all known to its cache.
fn alone(artifacts: usize) -> Result<Workspace> {
    let workspace = Workspace::new("budgets")?;
    for number in 0..artifacts {
        workspace.write(&path(number), text(number))?;
    }
    workspace.agent_ok(&["sync", "init", "--quiet"])?;
    Ok(workspace)
}
