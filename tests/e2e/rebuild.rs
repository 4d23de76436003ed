//! The cache is deleted, damaged, from the future, or cannot be written: the files stay as they are, what
//! was not sent is still there, the bases of what was are found again, and somebody is told what to do.

use std::fs;

use agent_tests::{Backend, CacheFile, Editor, Team, Workspace, eventually};
use anyhow::{Result, ensure};

const SENT: &str = ".agent/stories/Y-001-sent.md";
const UNSENT: &str = ".agent/stories/Y-002-unsent.md";
const OLD: &str = "# Y Rebuilt\n\nbody\n";
const NEW: &str = "# Y Rebuilt\n\nbody, changed and not sent\n";

/// A workspace with something in sync and something that only this machine has.
fn with_unsent(name: &str) -> Result<(Team, Workspace)> {
    let backend = Backend::shared()?;
    let user = backend.user(name)?;
    let team = Team::create(&backend, &user)?;
    let workspace = Workspace::configured(name, &team, "auto_push: false")?;
    workspace.login(&user)?;
    workspace.write(SENT, OLD)?;
    workspace.write(UNSENT, OLD)?;
    workspace.agent_ok(&["sync", "push"])?;
    workspace.write(UNSENT, NEW)?;
    workspace.agent_ok(&["sync", "status"])?;
    Ok((team, workspace))
}

/// After a pull nothing is lost: what was sent is in sync without a question; what was not is in its file,
/// and to be sent, or asked about where no history knows what it was made out of.
fn is_as_before(workspace: &Workspace) -> Result<()> {
    let pulled = workspace.agent(&["sync", "pull"])?;
    ensure!(pulled.code <= 1, "{pulled:?}");
    let status = workspace.agent_ok(&["sync", "status", "--json"])?.json()?;
    let left = status["artifacts"].as_array().map_or(0, Vec::len);
    let only = &status["artifacts"][0];
    let is_kept = only["next"] == "push" || only["next"] == "find-base";
    ensure!(left == 1 && only["id"] == "Y-002" && is_kept, "{status:#} {pulled:?}");
    workspace.expect(SENT, Some(OLD))?;
    workspace.expect(UNSENT, Some(NEW))
}

fn delete_cache(workspace: &Workspace) {
    for name in ["agent.db", "agent.db-wal", "agent.db-shm"] {
        let _ = workspace.remove(&format!(".agent/cache/{name}"));
    }
}

#[test]
fn a_deleted_cache_is_built_again_and_asks_only_about_what_was_never_sent() -> Result<()> {
    let (team, workspace) = with_unsent("deleted")?;
    delete_cache(&workspace);
    is_as_before(&workspace)?;
    workspace.agent_ok(&["sync", "resolve", "--all", "--ours"])?;
    workspace.agent_ok(&["sync", "push"])?;
    team.expect(UNSENT, NEW).map(drop)
}

#[cfg(unix)]
#[test]
fn a_cache_that_is_deleted_in_use_is_built_again_and_said() -> Result<()> {
    let (_team, workspace) = with_unsent("inuse")?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("live", |status| status["live"] == true && status["waiting"] == 1)?;
    delete_cache(&workspace);
    let said = editor.wait_message("the cache is gone", |said| said.contains("deleted or replaced"))?;
    ensure!(said.contains("agent.db") && said.contains("your files are untouched"), "{said}");
    editor.wait_status("all there again", |status| status["artifacts"] == 2 && status["conflicts"] == 1)?;
    eventually("a sound cache", || {
        ensure!(CacheFile::of(&workspace).integrity()? == "ok", "not sound");
        is_as_before(&workspace)
    })
}

/// Damage of many kinds, each from a seed: cut at any length, or some bytes changed.
fn damage(bytes: &mut Vec<u8>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    if seed.is_multiple_of(3) {
        bytes.truncate(random.usize(1..bytes.len()));
        return;
    }
    for _ in 0..random.usize(1..200) {
        let at = random.usize(0..bytes.len());
        bytes[at] ^= random.u8(1..);
    }
}

#[test]
fn a_damaged_cache_is_set_aside_or_refused_and_never_costs_a_file() -> Result<()> {
    let (_team, workspace) = with_unsent("damaged")?;
    let cache = workspace.file(".agent/cache/agent.db");
    let sound = fs::read(&cache)?;
    ensure!(!workspace.file(".agent/cache/agent.db-wal").exists(), "part of the cache is in its log");
    let (mut rebuilt, mut refused) = (0, 0);
    for seed in 0..18 {
        let mut bytes = sound.clone();
        damage(&mut bytes, seed);
        delete_cache(&workspace);
        fs::write(&cache, &bytes)?;
        let pulled = workspace.agent(&["sync", "pull", "--json"])?;
        workspace.expect(SENT, Some(OLD))?;
        workspace.expect(UNSENT, Some(NEW))?;
        if pulled.code == 128 {
            // Damage that reads like another program's or team's, or met in the middle: named, with a way out.
            let names = pulled.err.contains("agent.db");
            ensure!(
                names && ["delete", "move", "rebuilt"].iter().any(|way| pulled.err.contains(way)),
                "{pulled:?}"
            );
            refused += 1;
            delete_cache(&workspace);
        } else if pulled.out.contains("rebuilt") {
            ensure!(pulled.out.contains("history of this machine"), "{pulled:?}");
            rebuilt += 1;
        }
        is_as_before(&workspace).map_err(|error| error.context(format!("seed {seed}: {pulled:?}")))?;
    }
    ensure!(rebuilt > 5, "{rebuilt} rebuilt, {refused} refused: this damages nothing");
    Ok(())
}

#[test]
fn a_cache_from_the_future_is_refused_with_advice() -> Result<()> {
    let (_team, workspace) = with_unsent("future")?;
    let database = workspace.file(".agent/cache/agent.db");
    CacheFile::of(&workspace).execute("PRAGMA user_version = 1000")?;
    let before = fs::read(&database)?;
    for verb in ["status", "pull", "push"] {
        let ran = workspace.agent(&["sync", verb])?;
        let says = ["agent.db", "newer", "update agent", "delete the file"]
            .iter()
            .all(|word| ran.err.contains(word));
        ensure!(ran.code == 128 && says, "{ran:?}");
    }
    let mut editor = Editor::start(&workspace)?;
    editor.wait_message("the refusal", |said| said.contains("newer") && said.contains("update agent"))?;
    editor.shutdown()?;
    workspace.expect(UNSENT, Some(NEW))?;
    ensure!(fs::read(&database)? == before, "the refused database was written");
    delete_cache(&workspace);
    is_as_before(&workspace)
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_costs_nothing() -> Result<()> {
    let (team, workspace) = with_unsent("full")?;
    let large = format!("{NEW}{}", "more\n".repeat(40_000));
    workspace.write(UNSENT, &large)?;
    // As on a full disk: what is written beyond this fails, from SQLite's log to everything else.
    let agent = agent_tests::agent_binary()?.display().to_string();
    let mut command = workspace.command_of("sh")?;
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" sync status", &agent]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let says = ["agent.db", "cannot be written", "free space", "your files are untouched"];
    ensure!(output.status.code() == Some(128) && says.iter().all(|word| said.contains(word)), "{output:?}");
    workspace.expect(UNSENT, Some(&large))?;
    ensure!(CacheFile::of(&workspace).integrity()? == "ok", "the cache is damaged");
    workspace.agent_ok(&["sync", "push"])?;
    team.expect(UNSENT, &large).map(drop)
}
