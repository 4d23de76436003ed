//! Working without the backend, for a while.

use agent_tests::Editor;
use agent_tests::scenes::{self, Pair, Silent};
use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::lasting_backend;

#[test]
fn the_offline_scene_of_the_demo() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let mut pair = scenes::gather(&backend, ["ann@example.com", "bob@example.com"], &mut Silent)?;
    scenes::offline(&mut pair, &mut Silent)
}

#[test]
fn what_is_saved_offline_survives_the_editor_and_arrives() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let mut pair = Pair::new(&backend)?;
    let text = |number: usize, body: &str| format!("# F-{number:03} Offline\n\n{body}\n\nend\n");
    let paths: Vec<String> =
        (0..5).map(|number| format!(".agent/stories/F-{number:03}-offline.md")).collect();
    for (number, path) in paths.iter().enumerate() {
        pair.share(path, &text(number, "body"))?;
    }
    backend.stop()?;
    for path in &paths[..3] {
        pair.bob.editor.open(path)?;
        pair.bob.edit(path, "body", "body by Bob")?;
    }
    // Ann changes one of the same files elsewhere, and one that only she changes.
    for path in &paths[2..4] {
        pair.ann.editor.open(path)?;
        pair.ann.edit(path, "end\n", "end by Ann\n")?;
        // Closed, it merges on disk; open, it would wait for her.
        pair.ann.editor.close(path)?;
    }
    pair.bob.workspace.remove(&paths[4])?;
    pair.bob.editor.wait_status("four wait", |status| status["waiting"] == 4)?;
    let listed = pair.bob.workspace.agent_ok(&["sync", "status", "--json"])?.json()?;
    ensure!(listed["artifacts"].as_array().is_some_and(|left| left.len() == 4), "{listed:#}");
    let push = pair.bob.workspace.agent(&["sync", "push"])?;
    let said = format!("{}{}", push.out, push.err);
    ensure!(push.code != 0 && said.contains("cannot be reached"), "{push:?}");

    // The editor ends and starts again while there is no backend.
    let new = Editor::start(&pair.bob.workspace)?;
    std::mem::replace(&mut pair.bob.editor, new).shutdown()?;
    pair.bob.editor.wait_status("four wait again", |status| status["waiting"] == 4)?;
    backend.restart()?;

    pair.agree(&paths[0], Some(&text(0, "body by Bob")))?;
    let merged = text(2, "body by Bob").replace("end\n", "end by Ann\n");
    pair.agree(&paths[1], Some(&text(1, "body by Bob")))?;
    pair.agree(&paths[2], Some(&merged))?;
    pair.agree(&paths[3], Some(&text(3, "body").replace("end\n", "end by Ann\n")))?;
    pair.agree(&paths[4], None)
}

#[test]
fn a_version_that_is_not_here_is_refused_with_the_reason_and_holds_up_nothing() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/stories/F-020-versions.md";
    pair.share(path, "# F-020 Versions\n\nfirst\n")?;
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "first", "second")?;
    pair.agree(path, Some("# F-020 Versions\n\nsecond\n"))?;
    // A machine that comes later has never seen the first version.
    let late = agent_tests::Workspace::of_team("late", &pair.team)?;
    late.login(&pair.bob.user)?;
    late.agent_ok(&["sync", "pull"])?;
    let mut editor = Editor::start(&late)?;
    editor.wait_live()?;
    let asked = |version: u64| json!({ "uri": late.uri(path), "version": version });
    let first = editor.request("agent/text", asked(1))?;
    ensure!(first["text"] == "# F-020 Versions\n\nfirst\n", "{first}");
    ensure!(first["version"] == 1 && first["author"] == pair.ann.user.email, "{first}");
    backend.stop()?;
    let waiting = editor.send_request("agent/text", asked(1))?;
    let at_once = editor.request("agent/text", asked(2))?;
    ensure!(at_once["text"] == "# F-020 Versions\n\nsecond\n", "{at_once}");
    let Err(refused) = editor.answer(waiting)? else { bail!("a version from nowhere") };
    ensure!(refused.code == -32803, "{refused:?}");
    ensure!(
        refused.message.contains("version 1 is not on this machine, and the remote cannot be"),
        "{refused:?}"
    );
    Ok(())
}
