//! Going back in an open document: undoing a merge, bringing an earlier version back, as an edit of the
//! editor, whose own undo and redo then go both ways.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Capabilities, Editor, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::history::{TEXT, merged, merged_of, next};

/// What the editor is offered for the document as a whole, once it is.
fn offered(editor: &mut Editor, path: &str, title: &str) -> Result<Value> {
    editor.wait_for(&format!("{title:?} to be offered"), |editor| editor.source_action(path, title))
}

#[test]
fn a_merge_is_undone_in_the_buffer_and_the_editors_undo_and_redo_go_both_ways() -> Result<()> {
    for bom in ["", "\u{feff}"] {
        let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
        let path = ".agent/stories/H-006-buffer.md";
        let (on_disk, _) = merged_of(&mut pair, path, &format!("{bom}{TEXT}"))?;
        let by_ann = pair.team.artifact(path)?.content.context("a text")?;
        let bob = &mut pair.bob;
        bob.editor.open(path)?;
        let undo = offered(&mut bob.editor, path, "Undo this merge (version 2 by ")?;
        let both = bob.editor.text(path)?;
        let bobs = both.replace("first by Ann", "first");
        bob.editor.run_edit(path, &undo)?;
        ensure!(bob.editor.text(path)? == bobs, "{}", bob.editor.text(path)?);
        // Ann's change is new again; the editor's own undo takes that back, and its redo brings it.
        bob.editor.wait_codes(path, &["merges-cleanly"])?;
        for _ in 0..2 {
            bob.editor.set_text(path, &both)?;
            bob.editor.wait_codes(path, &[])?;
            bob.editor.set_text(path, &bobs)?;
            bob.editor.wait_codes(path, &["merges-cleanly"])?;
        }
        // What was offered for another version of the document is refused.
        let refused = bob.editor.try_run(&undo)?;
        ensure!(refused.as_ref().is_err_and(|error| error.code == -32801), "{refused:?}");
        bob.editor.save(path)?;
        bob.editor.wait_status("Ann's change waits", |status| status["behind"] == 1)?;
        let pushed = bob.workspace.agent(&["sync", "push"])?;
        pair.team.expect(path, &by_ann).with_context(|| format!("{pushed:?}"))?;
        // It stays so when the editor lets go of the file, until somebody redoes it.
        bob.editor.close(path)?;
        eventually("the undone merge to wait for a word", || {
            bob.editor.look()?;
            ensure!(next(&bob.workspace, "H-006")? == "undone", "{}", next(&bob.workspace, "H-006")?);
            bob.workspace.expect(path, Some(&on_disk))
        })?;
        bob.editor.open(path)?;
        bob.editor.wait_codes(path, &["merges-cleanly"])?;
        let redo = offered(&mut bob.editor, path, "Redo what was undone")?;
        bob.editor.run_edit(path, &redo)?;
        ensure!(bob.editor.text(path)? == both, "{}", bob.editor.text(path)?);
        bob.editor.save(path)?;
        bob.editor.wait_status("to be pushed", |status| status["waiting"] == 1 && status["behind"] == 0)?;
        bob.workspace.agent_ok(&["sync", "push"])?;
        pair.team.expect(path, &format!("{bom}{both}"))?;
    }
    Ok(())
}

#[test]
fn a_merge_that_was_pushed_is_undone_in_the_buffer_by_an_edit() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/H-007-pushed.md";
    let (bobs, both) = merged(&mut pair, path)?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    pair.bob.editor.open(path)?;
    let undo = offered(&mut pair.bob.editor, path, "Undo this merge")?;
    pair.bob.editor.run_edit(path, &undo)?;
    ensure!(pair.bob.editor.text(path)? == bobs, "{}", pair.bob.editor.text(path)?);
    pair.bob.editor.wait_codes(path, &[])?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("to be pushed", |status| status["waiting"] == 1)?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    pair.team.expect(path, &bobs)?;
    ensure!(pair.team.history("story", "H-007")?.contains(&both), "the team's history was rewritten");
    Ok(())
}

#[test]
fn an_earlier_version_is_brought_into_the_buffer_and_asked_for_where_buttons_are() -> Result<()> {
    let backend = Backend::shared()?;
    for buttons in [true, false] {
        let can = Capabilities { buttons, ..Capabilities::default() };
        let mut pair = Pair::with(&backend, Capabilities::default(), can)?;
        let path = ".agent/stories/H-008-restored.md";
        pair.share(path, TEXT)?;
        let second = TEXT.replace("first", "first, second version");
        pair.ann.workspace.write(path, &second)?;
        pair.agree(path, Some(&second))?;
        let bob = &mut pair.bob;
        bob.editor.open(path)?;
        bob.editor.replace(path, "end", "end, unsaved")?;
        let title = if buttons { "Restore previous version …" } else { "Restore version 1 by ann" };
        let stale = offered(&mut bob.editor, path, title)?;
        bob.editor.replace(path, "end", "end still")?;
        let refused = bob.editor.try_run(&stale)?;
        ensure!(refused.as_ref().is_err_and(|error| error.code == -32801), "{refused:?}");
        bob.editor.choose("version 1 by ann");
        let restore = offered(&mut bob.editor, path, title)?;
        bob.editor.run_edit(path, &restore)?;
        ensure!(bob.editor.text(path)? == TEXT, "{}", bob.editor.text(path)?);
        ensure!(bob.editor.questions().is_empty() != buttons, "{:?}", bob.editor.questions());
        bob.workspace.expect(path, Some(&second))?;
        bob.editor.save(path)?;
        pair.ann.editor.wait_for("the restored text", |_| pair.ann.workspace.expect(path, Some(TEXT)))?;
        pair.agree(path, Some(TEXT))?;
    }
    Ok(())
}
