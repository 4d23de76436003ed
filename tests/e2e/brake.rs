//! Many deletions at once are nobody's wish until somebody says so, on either side.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, eventually};
use anyhow::{Result, ensure};
use serde_json::Value;

const MANY: usize = 12;

fn path(number: usize) -> String {
    format!(".agent/stories/B-{number:03}-brake.md")
}

fn text(number: usize) -> String {
    format!("# B-{number:03} Brake\n\nbody\n")
}

fn shared() -> Result<Pair> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    for number in 0..MANY {
        pair.ann.workspace.write(&path(number), text(number))?;
    }
    pair.agree(&path(MANY - 1), Some(&text(MANY - 1)))?;
    for number in 0..MANY {
        pair.agree(&path(number), Some(&text(number)))?;
    }
    Ok(pair)
}

#[test]
fn a_folder_that_vanishes_and_a_team_whose_artifacts_vanish_both_ask() -> Result<()> {
    let mut pair = shared()?;
    // Ann's files go. Nothing of it reaches the team.
    std::fs::rename(pair.ann.workspace.file(".agent/stories"), pair.ann.workspace.file("elsewhere"))?;
    pair.ann.editor.wait_message("the brake", |said| said.contains("--allow-deletions"))?;
    let pushed = pair.ann.workspace.agent(&["sync", "push"])?;
    ensure!(pushed.code == 1 && pushed.out.contains("mass_deletion"), "{pushed:?}");
    pair.bob.workspace.expect(&path(0), Some(&text(0)))?;
    pair.team.expect(&path(0), &text(0))?;
    // She means it. Nothing of it reaches Bob's files.
    pair.ann.workspace.agent_ok(&["sync", "push", "--allow-deletions"])?;
    let all_held = |status: &Value| status["conflicts"] == MANY;
    pair.bob.editor.wait_status("all deletions held", all_held)?;
    pair.bob.editor.wait_message("the brake", |said| said.contains("agent sync pull --allow-deletions"))?;
    let pulled = pair.bob.workspace.agent(&["sync", "pull"])?;
    ensure!(pulled.code == 1, "{pulled:?}");
    for number in 0..MANY {
        pair.bob.workspace.expect(&path(number), Some(&text(number)))?;
    }
    // One he gives back to the team, the others he lets go.
    pair.bob.workspace.agent_ok(&["sync", "resolve", "B-000", "--ours"])?;
    eventually("the one that was given back", || {
        pair.ann.workspace.expect(&path(0), Some(&text(0)))?;
        pair.team.expect(&path(0), &text(0))
    })?;
    pair.bob.workspace.agent_ok(&["sync", "pull", "--allow-deletions"])?;
    for number in 1..MANY {
        pair.bob.workspace.expect(&path(number), None)?;
    }
    eventually("both sides to be in sync", || {
        pair.ann.workspace.expect_clean()?;
        pair.bob.workspace.expect_clean()
    })
}
