//! Somebody of another team gets nothing and changes nothing, and is told so.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Editor, Team, Workspace, eventually};
use anyhow::{Result, ensure};

#[test]
fn another_teams_user_gets_nothing_and_changes_nothing() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/plans/I-001-ours.md";
    pair.share(path, "# I-001 Ours\n\nsecret\n")?;
    let before = pair.team.artifacts()?;

    let outsider = backend.user("outsider")?;
    Team::create(&backend, &outsider)?;
    let workspace = Workspace::of_team("outsider", &pair.team)?;
    workspace.login(&outsider)?;
    let pulled = workspace.agent(&["sync", "pull"])?;
    ensure!(pulled.code != 0, "{pulled:?}");
    let said = format!("{}{}", pulled.out, pulled.err);
    ensure!(said.contains("team") || said.contains("member"), "not clear: {said}");
    ensure!(workspace.artifacts()?.is_empty(), "{:?}", workspace.artifacts()?);

    workspace.write(path, "# I-001 Theirs\n")?;
    workspace.write(".agent/plans/I-002-new.md", "# I-002 New\n")?;
    let pushed = workspace.agent(&["sync", "push"])?;
    ensure!(pushed.code != 0, "{pushed:?}");
    workspace.expect(path, Some("# I-001 Theirs\n"))?;

    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("refused", |status| status["state"] == "broken")?;
    ensure!(editor.status()["live"] == false, "{}", editor.status());
    editor.open(path)?;
    editor.replace(path, "Theirs", "Still theirs")?;
    editor.save(path)?;
    editor.hover(path, 0)?;
    editor.shutdown()?;
    ensure!(pair.team.artifacts()? == before, "the team's artifacts changed");
    pair.agree(path, Some("# I-001 Ours\n\nsecret\n"))
}

#[test]
fn a_viewer_reads_and_is_refused_with_a_reason() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/plans/I-010-read.md";
    pair.share(path, "# I-010 Read\n\nbody\n")?;
    let viewer = backend.user("viewer")?;
    pair.team.add(&viewer, "viewer")?;
    let workspace = Workspace::of_team("viewer", &pair.team)?;
    workspace.login(&viewer)?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_live()?;
    eventually("the first pull", || workspace.expect(path, Some("# I-010 Read\n\nbody\n")))?;
    editor.open(path)?;
    editor.replace(path, "body", "body by a viewer")?;
    editor.save(path)?;
    let shown = editor.wait_codes(path, &["refused"])?;
    ensure!(shown[0]["severity"] == 1, "{shown:?}");
    editor.action(path, &shown[0], "Push again")?;
    // The role changes, and what was refused goes through.
    pair.team.set_role(&viewer, "editor")?;
    let again = editor.action(path, &shown[0], "Push again")?;
    editor.run(&again)?;
    pair.agree(path, Some("# I-010 Read\n\nbody by a viewer\n"))
}

#[test]
fn a_removed_member_is_out_at_once_and_the_others_go_on_hearing() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/plans/I-020-removed.md";
    pair.share(path, "# I-020 Removed\n\nbody\n")?;
    let cleo = backend.user("cleo")?;
    pair.team.add(&cleo, "editor")?;
    // The server is closed to her at once; her editor says why with its next pull.
    let workspace = Workspace::configured("cleo", &pair.team, "auto_pull_interval: 5")?;
    workspace.login(&cleo)?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_live()?;
    eventually("the first pull", || workspace.expect(path, Some("# I-020 Removed\n\nbody\n")))?;

    pair.team.remove(&cleo)?;
    editor.wait_status("out", |status| status["live"] == false && status["state"] == "broken")?;
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "body", "body by Ann")?;
    pair.agree(path, Some("# I-020 Removed\n\nbody by Ann\n"))?;
    for mate in [&mut pair.ann, &mut pair.bob] {
        mate.editor.wait_live()?;
    }
    workspace.expect(path, Some("# I-020 Removed\n\nbody\n"))
}
