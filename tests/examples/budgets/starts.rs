//! A language server on ten thousand artifacts: from its start to the first diagnostics of a document, with a
//! cache and without one, beside starting the program for nothing; the memory it has then, beside one with a
//! single artifact; and the processor's time it takes while nothing happens.

use std::time::{Duration, Instant};

use agent_tests::{Editor, Workspace};
use anyhow::{Context as _, Result};

use crate::spread::{Spread, timed};
use crate::{SIZES, alone, path};

const ROUNDS: usize = 15;
const COLD_ROUNDS: usize = 3;
const IDLE: Duration = Duration::from_secs(20);

pub(crate) fn measure() -> Result<()> {
    let [_, many] = SIZES;
    let (small, large) = (alone(1)?, alone(many)?);
    let bare = Spread::of(ROUNDS, |_| timed(|| small.agent_ok(&["--version"])))?;
    let warm = Spread::of(ROUNDS, |_| first_answer(&large))?;
    warm.beside(&format!("start to first answer, {many}, warm"), &bare, "agent --version");
    let one = Spread::of(ROUNDS, |_| first_answer(&small))?;
    warm.beside(&format!("start to first answer, {many}, warm"), &one, "the same with one artifact");
    let cold = Spread::of(COLD_ROUNDS, |_| {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(large.file(&format!(".agent/cache/agent.db{ending}")));
        }
        indexed(&large, many)
    })?;
    let read = Spread::of(COLD_ROUNDS, |_| timed(|| large.artifacts()))?;
    cold.beside(&format!("start to all of {many} known, cold"), &read, "reading the files");
    for (workspace, artifacts) in [(&small, 1), (&large, many)] {
        let mut editor = Editor::start(workspace)?;
        editor.wait_status("all artifacts", |status| status["artifacts"] == artifacts)?;
        editor.open(&path(0))?;
        editor.wait_diagnostics(&path(0), "any", |_| true)?;
        let used = spent(&editor)?;
        std::thread::sleep(IDLE);
        let (memory, idle) = (memory(&editor)?, spent(&editor)? - used);
        println!(
            "  a server with {artifacts:>5} artifacts: {memory} MB resident, {idle:?} of {IDLE:?} of a processor"
        );
        editor.shutdown()?;
    }
    Ok(())
}

/// From the start of the process to the diagnostics of the document that is opened at once.
fn first_answer(workspace: &Workspace) -> Result<Duration> {
    let start = Instant::now();
    let mut editor = Editor::start(workspace)?;
    editor.open(&path(0))?;
    editor.wait_diagnostics(&path(0), "any", |_| true)?;
    let taken = start.elapsed();
    editor.shutdown()?;
    Ok(taken)
}

fn indexed(workspace: &Workspace, artifacts: usize) -> Result<Duration> {
    let start = Instant::now();
    let mut editor = Editor::start(workspace)?;
    editor.wait_status("all artifacts", |status| status["artifacts"] == artifacts)?;
    let taken = start.elapsed();
    editor.shutdown()?;
    Ok(taken)
}

/// Where Linux tells it.
fn memory(editor: &Editor) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", editor.process()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024)
}

/// The time that all threads had a processor.
fn spent(editor: &Editor) -> Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{}/task", editor.process()))? {
        let told = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += told.split(' ').next().context("no time")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
