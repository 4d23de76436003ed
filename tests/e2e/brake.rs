//! Many deletions at once, or many artifacts that go back, are nobody's wish until somebody says so, on either
//! side.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Workspace, eventually};
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

/// What Git says to it, in a workspace.
fn git(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let mut command = workspace.command_of("git")?;
    let author = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"];
    let output = command.args(author).args(args).output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn commit(workspace: &Workspace, message: &str) -> Result<()> {
    git(workspace, &["add", ".agent/stories"])?;
    git(workspace, &["commit", "-qm", message])
}

fn newer(number: usize) -> String {
    text(number).replace("body", "body, as Ann has it now")
}

/// Both have two versions of everything, and Bob has both in Git.
fn two_versions() -> Result<Pair> {
    let mut pair = shared()?;
    git(&pair.bob.workspace, &["init", "-q", "-b", "main"])?;
    commit(&pair.bob.workspace, "the first version")?;
    for number in 0..MANY {
        pair.ann.workspace.write(&path(number), newer(number))?;
    }
    for number in 0..MANY {
        pair.agree(&path(number), Some(&newer(number)))?;
    }
    commit(&pair.bob.workspace, "the second version")?;
    Ok(pair)
}

#[test]
fn a_branch_on_which_everything_is_older_takes_nothing_back_unasked() -> Result<()> {
    let mut pair = two_versions()?;
    pair.bob.editor.open(&path(0))?;
    git(&pair.bob.workspace, &["checkout", "-q", "main~1"])?;
    pair.bob.editor.wait_message("the brake", |said| said.contains("--allow-reversions"))?;
    pair.bob.editor.wait_status("all held", |status| status["refused"] == MANY)?;
    let pushed = pair.bob.workspace.agent(&["sync", "push"])?;
    ensure!(pushed.code == 1 && pushed.out.contains("mass_reversion"), "{pushed:?}");
    // What the team does meanwhile is not mixed into it.
    let meanwhile = newer(1).replace("# B-001 Brake", "# B-001 Brake, renamed");
    pair.ann.workspace.write(&path(1), &meanwhile)?;
    eventually("Ann's change to reach the team", || pair.team.expect(&path(1), &meanwhile))?;
    pair.bob.workspace.agent(&["sync", "pull"])?;
    for number in 0..MANY {
        pair.bob.workspace.expect(&path(number), Some(&text(number)))?;
        let expected = if number == 1 { meanwhile.clone() } else { newer(number) };
        pair.team.expect(&path(number), &expected)?;
    }
    // Back on the branch nothing waits any more.
    git(&pair.bob.workspace, &["checkout", "-q", "main"])?;
    pair.bob.editor.reload(&path(0))?;
    pair.agree(&path(1), Some(&meanwhile))?;
    pair.bob.editor.wait_status("nothing held", |status| status["refused"] == 0)?;
    // This time it is meant.
    git(&pair.bob.workspace, &["stash", "-q"])?;
    git(&pair.bob.workspace, &["checkout", "-q", "main~1"])?;
    pair.bob.editor.reload(&path(0))?;
    let held = pair.bob.editor.wait_codes(&path(0), &["held-back"])?;
    let action = pair.bob.editor.action(&path(0), &held[0], "Push all these earlier versions")?;
    pair.bob.editor.run(&action)?;
    for number in (0..MANY).filter(|number| *number != 1) {
        pair.agree(&path(number), Some(&text(number)))?;
    }
    Ok(())
}

#[test]
fn many_new_texts_that_git_brings_are_pushed_at_once() -> Result<()> {
    let mut pair = two_versions()?;
    let elsewhere = Workspace::new("elsewhere")?;
    let root = pair.bob.workspace.root().display().to_string();
    let clone = elsewhere.root().join("clone").display().to_string();
    git(&elsewhere, &["clone", "-q", &root, &clone])?;
    let fresh = |number: usize| newer(number).replace("now", "now, and more of it");
    for number in 0..MANY {
        std::fs::write(elsewhere.root().join("clone").join(path(number)), fresh(number))?;
    }
    git(&elsewhere, &["-C", &clone, "commit", "-qam", "more of it"])?;
    git(&pair.bob.workspace, &["pull", "-q", &clone, "main"])?;
    for number in 0..MANY {
        pair.agree(&path(number), Some(&fresh(number)))?;
    }
    let asked = pair.bob.editor.messages().iter().any(|said| said.contains("--allow-reversions"));
    ensure!(!asked, "{:?}", pair.bob.editor.messages());
    Ok(())
}
