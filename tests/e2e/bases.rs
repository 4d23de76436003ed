//! Nothing of a teammate's is overwritten by going back: not by undoing or reverting what was
//! decided, and not by saving a buffer under which the file has changed.

use agent_tests::Backend;
use agent_tests::scenes::Pair;
use anyhow::{Result, ensure};
use serde_json::Value;

const TEXT: &str = "# B-001 Bases\n\nfirst\n\nLines\nthat\nnobody\nchanges.\n\nsecond\n";

/// Both have changed both lines; Bob has not saved.
fn two_conflicts(pair: &mut Pair, path: &str) -> Result<(String, Vec<Value>)> {
    pair.share_open(path, TEXT)?;
    pair.bob.editor.replace(path, "first", "first by Bob")?;
    pair.bob.editor.replace(path, "second", "second by Bob")?;
    pair.ann.editor.replace(path, "first", "first by Ann")?;
    pair.ann.edit(path, "second", "second by Ann")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict", "conflict"])?;
    Ok((pair.bob.editor.text(path)?, shown))
}

fn by_ann() -> String {
    TEXT.replace("first", "first by Ann").replace("second", "second by Ann")
}

#[test]
fn undoing_goes_back_over_a_decision_that_changed_no_text() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/B-001-chain.md";
    let (before, shown) = two_conflicts(&mut pair, path)?;
    pair.bob.editor.apply(path, &shown[0], "Accept both (local first)")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.settle(path, &shown[0], "Keep local version")?;
    pair.bob.editor.set_text(path, &before)?;
    pair.bob.editor.wait_codes(path, &["conflict", "conflict"])?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("a conflict", |status| status["conflicts"] == 1)?;
    pair.team.expect(path, &by_ann()).map(drop)
}

#[test]
fn reverting_the_file_reverts_every_decision() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/B-001-reverted.md";
    let (_, shown) = two_conflicts(&mut pair, path)?;
    pair.bob.editor.apply(path, &shown[0], "Accept both (local first)")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept both (remote first)")?;
    pair.bob.editor.wait_codes(path, &[])?;
    pair.bob.editor.set_text(path, TEXT)?;
    let shown = pair.bob.editor.wait_codes(path, &["behind", "behind"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version of the whole file")?;
    pair.bob.editor.save(path)?;
    pair.agree(path, Some(&by_ann()))
}

#[test]
fn undoing_a_saved_decision_brings_the_conflict_back() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/B-001-saved.md";
    let (before, shown) = two_conflicts(&mut pair, path)?;
    pair.bob.editor.apply(path, &shown[0], "Accept both (local first)")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept both (local first)")?;
    pair.bob.editor.wait_codes(path, &[])?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("to be pushed", |status| status["waiting"] == 1)?;
    pair.bob.editor.set_text(path, &before)?;
    pair.bob.editor.wait_codes(path, &["conflict", "conflict"])?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("a conflict", |status| status["conflicts"] == 1)?;
    let pushed = pair.bob.workspace.agent(&["sync", "push"])?;
    ensure!(pair.team.expect(path, &by_ann()).is_ok(), "{pushed:?}");
    Ok(())
}

#[test]
fn a_file_that_changes_under_a_buffer_is_new_to_the_buffer() -> Result<()> {
    for bom in ["", "\u{feff}"] {
        let mut pair = Pair::new(&Backend::shared()?)?;
        let path = ".agent/stories/B-001-pulled.md";
        let text = format!("{bom}{TEXT}");
        pair.share_open(path, &text)?;
        pair.bob.editor.replace(path, "second", "second by Bob")?;
        pair.ann.edit(path, "first", "first by Ann")?;
        pair.bob.editor.wait_codes(path, &["merges-cleanly"])?;
        // As `git pull` in a terminal.
        let theirs = text.replace("first", "first by Ann");
        pair.bob.workspace.write(path, &theirs)?;
        pair.bob.editor.wait_status("the file is up to date", |status| {
            status["state"] == "in-sync" && status["behind"] == 0
        })?;
        pair.bob.editor.replace(path, "second by Bob", "second by Bob, on and on")?;
        let shown = pair.bob.editor.wait_codes(path, &["merges-cleanly"])?;
        pair.bob.editor.save(path)?;
        pair.bob.editor.wait_status("to be merged", |status| status["behind"] == 1)?;
        pair.team.expect(path, &theirs)?;
        pair.bob.editor.apply(path, &shown[0], "Merge remote changes")?;
        pair.bob.editor.save(path)?;
        let expected = theirs.replace("second", "second by Bob, on and on");
        let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
        pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
        pair.ann.editor.save(path)?;
        pair.agree(path, Some(&expected))?;
    }
    Ok(())
}

#[test]
fn what_is_kept_against_a_file_that_changed_is_pushed() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/B-001-kept.md";
    pair.share_open(path, TEXT)?;
    pair.bob.editor.replace(path, "first", "first by Bob")?;
    pair.ann.edit(path, "first", "first by Ann")?;
    pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.workspace.write(path, TEXT.replace("first", "first by Ann"))?;
    pair.bob.editor.wait_status("the file is up to date", |status| {
        status["state"] == "in-sync" && status["behind"] == 0
    })?;
    pair.bob.editor.replace(path, "first by Bob", "first by Bob, still")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.settle(path, &shown[0], "Keep local version")?;
    pair.bob.editor.save(path)?;
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&TEXT.replace("first", "first by Bob, still")))
}
