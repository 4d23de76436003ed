//! Working without the backend, for a while.

use agent_tests::Editor;
use agent_tests::scenes::{self, Pair, Silent};
use anyhow::{Result, ensure};

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
