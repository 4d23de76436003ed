//! Ten thousand artifacts of 4 KB: `agent sync status` with nothing changed against `git status` on the same
//! files, and against starting the program, in the same run; and what a push and a pull with nothing to do ask.
//!
//! `cargo run --release -p agent-tests --example large`; with `AGENT_BINARY` another build is measured.

#![expect(clippy::print_stdout, reason = "telling is what a measurement is for")]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_tests::{Backend, Team, Workspace};
use anyhow::{Result, ensure};

const ARTIFACTS: usize = 10_000;
const ROUNDS: usize = 15;

fn main() -> Result<()> {
    let backend = Arc::new(Backend::start()?);
    let user = backend.user("ann")?;
    let team = Team::create(&backend, &user)?;
    let place = Workspace::of_team("large", &team)?;
    place.login(&user)?;
    let body = "A line of text like those that people write.\n".repeat(90);
    for n in 0..ARTIFACTS {
        let path = format!(".agent/stories/{:02}/LARGE-{n:05}-one-of-many.md", n % 100);
        place.write(&path, format!("# LARGE-{n:05}: One of many\n\n## State\n\nDRAFT\n\n{body}"))?;
    }
    let git = |args: &[&str]| -> Result<Command> {
        let mut command = place.command_of("git")?;
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(args);
        Ok(command)
    };
    for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "all"]] {
        ensure!(git(args)?.status()?.success(), "git {args:?}");
    }
    println!("first look: {:?}", timed(place.command()?.args(["sync", "init"]))?);
    println!("first push: {:?}", timed(place.command()?.args(["sync", "push"]))?);
    // A file is known by its time once that is more than a second old, which the push took longer than.
    for _ in 0..2 {
        timed(place.command()?.args(["sync", "status", "--porcelain"]))?;
        timed(&mut git(&["status", "--porcelain"])?)?;
    }
    let (mut ours, mut gits, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(place.command()?.args(["sync", "status", "--porcelain"]))?);
        gits.push(timed(&mut git(&["status", "--porcelain"])?)?);
        starts.push(timed(place.command()?.arg("--version"))?);
    }
    let best = |all: &[Duration]| all.iter().min().copied().unwrap_or_default();
    let (best_ours, best_gits) = (best(&ours), best(&gits));
    let (ours, gits, start) = (middle(ours), middle(gits), middle(starts));
    for verb in ["push", "pull"] {
        backend.reset_stats()?;
        let taken = timed(place.command()?.args(["sync", verb, "--quiet"]))?;
        let asked = backend.stats()?.total();
        println!("a {verb} with nothing to do: {taken:?}, {asked} requests");
        ensure!(asked <= 1, "{:?}", backend.stats()?.table());
    }
    println!("{ARTIFACTS} artifacts, the middle of {ROUNDS} rounds:");
    println!("  agent sync status  {ours:?}, best {best_ours:?}");
    println!("  git status         {gits:?}, best {best_gits:?}");
    println!("  agent --version    {start:?}");
    println!("  ratio              {:.1}", ours.as_secs_f64() / gits.as_secs_f64());
    Ok(())
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?}");
    Ok(start.elapsed())
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}
