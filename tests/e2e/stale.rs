//! What was computed for an older text, or a newer remote, is refused; and an edit that the client
//! does not apply changes nothing.

use agent_tests::Backend;
use agent_tests::scenes::Pair;
use anyhow::{Result, ensure};
use serde_json::Value;

const TEXT: &str = "# S-001 Stale\n\nfirst\n\nsecond\n";
const CONTENT_MODIFIED: i64 = -32801;

fn conflict(pair: &mut Pair, path: &str) -> Result<Value> {
    pair.share_open(path, TEXT)?;
    pair.bob.editor.replace(path, "first", "first by Bob")?;
    pair.ann.edit(path, "first", "first by Ann")?;
    let mut shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    Ok(shown.remove(0))
}

#[test]
fn actions_for_another_text_or_another_revision_are_refused() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-001-stale.md";
    let shown = conflict(&mut pair, path)?;
    let action = pair.bob.editor.action(path, &shown, "Accept remote version")?;
    pair.bob.editor.replace(path, "second", "second by Bob")?;
    let text = pair.bob.editor.text(path)?;
    let refused = pair.bob.editor.try_run(&action)?.expect_err("the text has changed");
    ensure!(refused.code == CONTENT_MODIFIED, "{refused:?}");

    let action = pair.bob.editor.action(path, &shown, "Accept remote version")?;
    pair.ann.edit(path, "first by Ann", "first by Ann, again")?;
    pair.bob.editor.wait_diagnostics(path, "the newer revision", |list| {
        list.iter().any(|diagnostic| diagnostic["message"].to_string().contains("again"))
    })?;
    let refused = pair.bob.editor.try_run(&action)?.expect_err("there is a newer revision");
    ensure!(refused.code == CONTENT_MODIFIED, "{refused:?}");
    ensure!(pair.bob.editor.text(path)? == text, "a refused action changed the text");

    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.bob.editor.save(path)?;
    let expected = TEXT.replace("first", "first by Ann, again").replace("second", "second by Bob");
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&expected))
}

#[test]
fn an_edit_the_client_refuses_leaves_everything_as_it_was() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-002-refused.md";
    let shown = conflict(&mut pair, path)?;
    let before = pair.bob.editor.text(path)?;
    for title in ["Accept remote version", "Accept both (local first)"] {
        pair.bob.editor.refuse_edits(true);
        let action = pair.bob.editor.action(path, &shown, title)?;
        pair.bob.editor.run(&action)?;
        pair.bob.editor.wait_message("not applied", |said| said.contains("did not apply"))?;
        ensure!(pair.bob.editor.text(path)? == before, "the text changed");
        pair.bob.editor.refuse_edits(false);
        // Still in conflict, also as far as the server knows: the same is offered again.
        pair.bob.editor.wait_codes(path, &["conflict"])?;
    }
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("still a conflict", |status| status["conflicts"] == 1)?;
    let remote = pair.team.artifact(path)?;
    ensure!(remote.content.as_deref() == Some(&*TEXT.replace("first", "first by Ann")), "{remote:?}");
    pair.bob.editor.apply(path, &shown, "Accept both (remote first)")?;
    pair.bob.editor.save(path)?;
    let expected = TEXT.replace("first", "first by Ann\nfirst by Bob");
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&expected))
}

#[test]
fn typing_while_an_edit_is_under_way_wins() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-003-race.md";
    let shown = conflict(&mut pair, path)?;
    let action = pair.bob.editor.action(path, &shown, "Accept remote version")?;
    let id = pair.bob.editor.send_request("workspace/executeCommand", action["command"].clone())?;
    pair.bob.editor.replace(path, "second", "second by Bob")?;
    let typed = pair.bob.editor.text(path)?;
    // Either the action was refused as stale, or its edit was, by its version.
    if pair.bob.editor.answer(id)?.is_ok() {
        pair.bob.editor.wait_message("not applied", |said| said.contains("did not apply"))?;
    }
    pair.bob.editor.wait_codes(path, &["conflict"])?;
    ensure!(pair.bob.editor.text(path)? == typed, "what was typed is gone");
    Ok(())
}

#[test]
fn undoing_a_choice_in_the_editor_brings_the_conflict_back() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-004-undone.md";
    let shown = conflict(&mut pair, path)?;
    let before = pair.bob.editor.text(path)?;
    for title in ["Accept remote version", "Accept both (local first)"] {
        pair.bob.editor.apply(path, &shown, title)?;
        pair.bob.editor.wait_codes(path, &[])?;
        pair.bob.editor.set_text(path, &before)?;
        pair.bob.editor.wait_codes(path, &["conflict"])?;
    }
    Ok(())
}

#[test]
fn an_editor_that_saves_before_it_answers_loses_no_choice() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-005-saved.md";
    let shown = conflict(&mut pair, path)?;
    pair.bob.editor.save_edits(true);
    pair.bob.editor.apply(path, &shown, "Accept both (local first)")?;
    let expected = TEXT.replace("first", "first by Bob\nfirst by Ann");
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&expected))
}
