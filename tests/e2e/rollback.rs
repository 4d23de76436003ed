//! A server that is restored from a backup: nobody's file goes back with it, and what it lost is given back.

use std::path::Path;

use agent_tests::scenes::Pair;
use agent_tests::{Backend, eventually, lasting_backend};
use anyhow::{Result, ensure};

const KEPT: &str = ".agent/stories/R-001-older-there.md";
const LATER: &str = ".agent/stories/R-002-gone-there.md";
const FIRST: &str = "# R-001 Older there\n\nthe first version\n";
const SECOND: &str = "# R-001 Older there\n\nthe second version\n";
const NEW: &str = "# R-002 Gone there\n\nmade after the backup\n";

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(target)?,
            false => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

/// Both have what the server had after its backup was made; then the backup is restored.
fn restored() -> Result<(Pair, std::sync::Arc<Backend>, tempfile::TempDir)> {
    let (backend, folder) = lasting_backend()?;
    let (data, backup) = (folder.path().join("pg"), folder.path().join("backup"));
    let mut pair = Pair::new(&backend)?;
    pair.share(KEPT, FIRST)?;
    backend.stop()?;
    copy(&data, &backup)?;
    backend.restart()?;
    pair.ann.workspace.write(KEPT, SECOND)?;
    pair.ann.workspace.write(LATER, NEW)?;
    pair.agree(KEPT, Some(SECOND))?;
    pair.agree(LATER, Some(NEW))?;
    backend.stop()?;
    std::fs::remove_dir_all(&data)?;
    copy(&backup, &data)?;
    backend.restart()?;
    pair.team.expect(KEPT, FIRST)?;
    Ok((pair, backend, folder))
}

fn files_are_as_they_were(pair: &Pair) -> Result<()> {
    for workspace in [&pair.ann.workspace, &pair.bob.workspace] {
        workspace.expect(KEPT, Some(SECOND))?;
        workspace.expect(LATER, Some(NEW))?;
    }
    Ok(())
}

#[test]
fn what_a_restored_server_lost_stays_here_and_is_given_back() -> Result<()> {
    let (mut pair, _backend, _folder) = restored()?;
    for side in [&mut pair.ann, &mut pair.bob] {
        let pulled = side.workspace.agent(&["sync", "pull"])?;
        ensure!(pulled.code == 1 && pulled.out.contains("went back"), "{pulled:?}");
        side.editor
            .wait_message("what happened", |said| said.contains("agent sync pull --allow-rollback"))?;
    }
    let pushed = pair.bob.workspace.agent(&["sync", "push"])?;
    pair.team.expect(KEPT, FIRST).map_err(|error| error.context(format!("{pushed:?}")))?;
    files_are_as_they_were(&pair)?;
    pair.bob.workspace.agent_ok(&["sync", "resolve", "--all", "--ours", "--whole"])?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    pair.agree(KEPT, Some(SECOND))?;
    pair.agree(LATER, Some(NEW))
}

#[test]
fn files_follow_a_restored_server_when_somebody_says_so() -> Result<()> {
    let (pair, _backend, _folder) = restored()?;
    pair.bob.workspace.agent(&["sync", "pull"])?;
    files_are_as_they_were(&pair)?;
    pair.bob.workspace.agent_ok(&["sync", "pull", "--allow-rollback"])?;
    pair.bob.workspace.expect(KEPT, Some(FIRST))?;
    pair.bob.workspace.expect(LATER, None)?;
    eventually("Bob to be in sync", || pair.bob.workspace.expect_clean())?;
    // What went is in the history.
    pair.bob.workspace.agent_ok(&["sync", "undo", "R-002"])?;
    pair.bob.workspace.expect(LATER, Some(NEW))?;
    pair.ann.workspace.expect(KEPT, Some(SECOND))
}
