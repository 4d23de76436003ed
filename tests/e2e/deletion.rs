//! Deleting on either side: nothing that somebody changed goes without their word.

use agent_tests::Backend;
use agent_tests::scenes::Pair;
use anyhow::{Result, ensure};

const TEXT: &str = "# D-001 To be deleted\n\nbody\n";

#[test]
fn a_deletion_arrives_at_a_closed_file() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/D-001-closed.md";
    pair.share(path, TEXT)?;
    pair.ann.workspace.remove(path)?;
    pair.agree(path, None)
}

#[test]
fn a_deletion_of_what_is_edited_here_asks() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let kept = ".agent/stories/D-002-kept.md";
    pair.share_open(kept, TEXT)?;
    pair.bob.editor.replace(kept, "body", "body by Bob")?;
    pair.ann.editor.close(kept)?;
    pair.ann.workspace.remove(kept)?;
    let shown = pair.bob.editor.wait_codes(kept, &["deleted-there"])?;
    ensure!(shown[0]["severity"] == 2, "it should be a warning: {shown:?}");
    pair.bob.editor.settle(kept, &shown[0], "Keep local version")?;
    pair.bob.editor.save(kept)?;
    pair.agree(kept, Some(&TEXT.replace("body", "body by Bob")))?;

    let gone = ".agent/stories/D-003-gone.md";
    pair.share_open(gone, TEXT)?;
    pair.bob.editor.replace(gone, "body", "body by Bob")?;
    pair.ann.editor.close(gone)?;
    pair.ann.workspace.remove(gone)?;
    let shown = pair.bob.editor.wait_codes(gone, &["deleted-there"])?;
    // With unsaved changes nothing is deleted.
    let action = pair.bob.editor.action(gone, &shown[0], "Accept remote version")?;
    let refused = pair.bob.editor.try_run(&action)?.expect_err("unsaved changes must not go");
    ensure!(refused.message.contains("unsaved"), "{refused:?}");
    pair.bob.editor.save(gone)?;
    let both = |status: &serde_json::Value| status["conflicts"] == 1;
    pair.bob.editor.wait_status("the saved text conflicts with the deletion", both)?;
    let action = pair.bob.editor.action(gone, &shown[0], "Accept remote version")?;
    pair.bob.editor.run(&action)?;
    pair.agree(gone, None)?;
    pair.bob.editor.close(gone)?;
    Ok(())
}

#[test]
fn a_deletion_of_what_is_open_and_unchanged_is_shown_first() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/D-004-open.md";
    pair.share_open(path, TEXT)?;
    pair.ann.editor.close(path)?;
    pair.ann.workspace.remove(path)?;
    let shown = pair.bob.editor.wait_codes(path, &["deleted-there"])?;
    ensure!(shown[0]["severity"] == 3, "it should be information: {shown:?}");
    pair.bob.workspace.expect(path, Some(TEXT))?;
    let action = pair.bob.editor.action(path, &shown[0], "Accept remote version")?;
    pair.bob.editor.run(&action)?;
    pair.bob.editor.wait_diagnostics(path, "nothing more to say", |list| list.is_empty())?;
    pair.bob.editor.close(path)?;
    pair.agree(path, None)
}

/// Bob deletes, and before anything is pushed, Ann changes the file.
fn deleted_here(pair: &mut Pair, path: &str) -> Result<String> {
    pair.share(path, TEXT)?;
    pair.bob.workspace.remove(path)?;
    pair.bob.editor.wait_status("the deletion waits", |status| status["waiting"] == 1)?;
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "body", "body by Ann")?;
    Ok(TEXT.replace("body", "body by Ann"))
}

#[test]
fn a_change_of_what_was_deleted_here_asks_and_restores() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/D-005-restored.md";
    pair.bob.editor.choose("Restore it");
    let text = deleted_here(&mut pair, path)?;
    pair.bob.editor.wait("the question", |editor| !editor.questions().is_empty())?;
    pair.agree(path, Some(&text))
}

#[test]
fn a_change_of_what_was_deleted_here_can_be_deleted_there_too() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/D-006-deleted.md";
    pair.bob.editor.choose("Delete it there too");
    deleted_here(&mut pair, path)?;
    pair.bob.editor.wait("the question", |editor| !editor.questions().is_empty())?;
    pair.bob.editor.wait_status("decided", |status| status["conflicts"] == 0 && status["waiting"] == 1)?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    let shown = pair.ann.editor.wait_codes(path, &["deleted-there"])?;
    let action = pair.ann.editor.action(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.run(&action)?;
    pair.agree(path, None)?;
    pair.ann.editor.close(path)
}

#[test]
fn without_buttons_the_command_line_decides() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/D-007-cli.md";
    let text = deleted_here(&mut pair, path)?;
    let shown = pair.bob.editor.wait_codes(path, &["deleted-here"])?;
    ensure!(shown[0].to_string().contains("agent sync resolve story/D-007 --theirs"), "{shown:?}");
    pair.bob.workspace.agent_ok(&["sync", "resolve", "story/D-007", "--theirs"])?;
    pair.agree(path, Some(&text))?;
    pair.bob.editor.wait_codes(path, &[]).map(drop)
}
