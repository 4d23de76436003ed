//! A file that somebody moves: its content, its history and what is decided in it move along.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Capabilities, eventually};
use anyhow::{Result, ensure};

const TEXT: &str = "# M-001 Moved\n\nbody\n";
const OLD: &str = ".agent/stories/M-001-moved.md";
const NEW: &str = ".agent/stories/done/M-001-moved.md";

/// Ann moves a file that Bob has open.
fn moved_there(bobs: Capabilities) -> Result<Pair> {
    let mut pair = Pair::with(&Backend::shared()?, Capabilities::default(), bobs)?;
    pair.share(OLD, TEXT)?;
    pair.bob.editor.open(OLD)?;
    pair.bob.editor.hover(OLD, 0)?;
    let text = pair.ann.workspace.read(OLD)?;
    pair.ann.workspace.write(NEW, text)?;
    pair.ann.workspace.remove(OLD)?;
    Ok(pair)
}

#[test]
fn a_move_of_what_is_open_is_shown_and_taken_by_its_editor() -> Result<()> {
    let mut pair = moved_there(Capabilities::default())?;
    let shown = pair.bob.editor.wait_codes(OLD, &["moved-there"])?;
    ensure!(shown[0]["message"].as_str().is_some_and(|said| said.contains(NEW)), "{shown:?}");
    pair.bob.workspace.expect(OLD, Some(TEXT))?;
    let action = pair.bob.editor.action(OLD, &shown[0], "Move the file")?;
    pair.bob.editor.run(&action)?;
    pair.bob.editor.wait("the move", |editor| editor.text(NEW).is_ok())?;
    pair.bob.workspace.expect(OLD, None)?;
    pair.agree(NEW, Some(TEXT))?;
    // What it offered before does not fit any more.
    let stale = pair.bob.editor.try_run(&action)?;
    ensure!(stale.is_err(), "{stale:?}");
    pair.bob.edit(NEW, "body", "body by Bob")?;
    let changed = TEXT.replace("body", "body by Bob");
    pair.agree(NEW, Some(&changed))
}

#[test]
fn a_move_of_what_is_open_waits_until_it_is_closed_for_an_editor_that_moves_no_files() -> Result<()> {
    let mut pair = moved_there(Capabilities { moves_files: false, ..Capabilities::default() })?;
    let shown = pair.bob.editor.wait_codes(OLD, &["moved-there"])?;
    let offered = pair.bob.editor.code_actions(OLD, &shown[0])?;
    let titles: Vec<_> = offered.iter().filter_map(|action| action["title"].as_str()).collect();
    ensure!(titles == ["Keep the file here (moves it back for the team)"], "{titles:?}");
    // The command line leaves it to the editor, and says so.
    let refused = pair.bob.workspace.agent(&["sync", "resolve", "M-001", "--theirs"])?;
    ensure!(refused.code == 1 && refused.out.contains("open in an editor"), "{refused:?}");
    pair.bob.editor.close(OLD)?;
    pair.agree(NEW, Some(TEXT))?;
    pair.bob.workspace.expect(OLD, None)
}

#[test]
fn a_move_may_be_taken_back_for_everybody() -> Result<()> {
    let mut pair = moved_there(Capabilities::default())?;
    let shown = pair.bob.editor.wait_codes(OLD, &["moved-there"])?;
    let action = pair.bob.editor.action(OLD, &shown[0], "Keep the file here")?;
    pair.bob.editor.run(&action)?;
    pair.agree(OLD, Some(TEXT))?;
    pair.ann.workspace.expect(NEW, None)?;
    pair.bob.editor.wait_codes(OLD, &[]).map(drop)
}

#[test]
fn the_command_line_keeps_a_file_where_it_is_or_moves_it() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "closed_files: ask")?;
    pair.ann.workspace.write(OLD, TEXT)?;
    eventually("the artifact at the remote", || pair.team.expect(OLD, TEXT).map(drop))?;
    pair.bob.workspace.agent_ok(&["sync", "pull"])?;
    for (take, at) in [("--ours", OLD), ("--theirs", NEW)] {
        pair.ann.workspace.write(NEW, TEXT)?;
        pair.ann.workspace.remove(OLD)?;
        pair.bob.editor.wait_codes(OLD, &["moved-there"])?;
        let done = pair.bob.workspace.agent_ok(&["sync", "resolve", "M-001", take])?;
        ensure!(done.out.contains("Resolved"), "{done:?}");
        pair.agree(at, Some(TEXT))?;
    }
    pair.bob.workspace.expect(OLD, None)
}
