//! Artifacts made while the team cannot be asked: their ids are provisional, unlike anybody else's, and
//! make room for the team's with the first push, wherever they are named.

use agent_tests::scenes::Side;
use agent_tests::{Backend, Capabilities, Team, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::lasting_backend;

struct Draft {
    id: String,
    path: String,
}

/// What `agent new-story` makes now.
fn draft(workspace: &Workspace, title: &str) -> Result<Draft> {
    let ran = workspace.agent(&["new-story", "--prefix", "WEB", "--title", title, "--json"])?;
    let report = ran.json()?;
    ensure!(ran.code == 1 && report["provisional"] == true && report["pushed"] == false, "{ran:?}");
    let why = report["remote_problem"].as_str().context("no reason")?;
    ensure!(why.contains("cannot be reached"), "{why}");
    let field = |name: &str| report[name].as_str().map(str::to_owned).context("a field is missing");
    let made = Draft { id: field("id")?, path: field("path")? };
    ensure!(
        made.id.starts_with("WEB-draft-0") && made.path.ends_with(&format!("/{}.md", made.id)),
        "{report:#}"
    );
    Ok(made)
}

/// A plan that names the draft in every way there is.
fn naming(draft: &Draft) -> String {
    let Draft { id, .. } = draft;
    format!("# OPS-900 Plan\n\n[it](../stories/{id}.md#goal), {id}, `{id}.md`, not {id}x\n")
}

fn nothing_is_provisional(team: &Team, workspace: &Workspace) -> Result<()> {
    for (path, text) in workspace.artifacts()? {
        let text = String::from_utf8(text)?;
        ensure!(!path.contains("-draft-0"), "{path} is still there");
        let mentions = text.matches("-draft-0").count();
        ensure!(mentions == usize::from(text.contains(", not ")), "{path} still names it:\n{text}");
    }
    let paths: Vec<String> = team.artifacts()?.into_keys().collect();
    ensure!(paths.iter().all(|path| !path.contains("-draft-0")), "the team got one: {paths:?}");
    Ok(())
}

fn pair(backend: &Arc<Backend>) -> Result<(Team, [Workspace; 2])> {
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(backend, &ann)?;
    team.add(&bob, "editor")?;
    let machine = |name: &str, user| {
        let workspace = Workspace::of_team(name, &team)?;
        workspace.login(user)?;
        anyhow::Ok(workspace)
    };
    let both = [machine("ann", &ann)?, machine("bob", &bob)?];
    Ok((team, both))
}

#[test]
fn two_who_are_offline_get_different_ids_and_the_first_push_replaces_them() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let (team, [ann, bob]) = pair(&backend)?;
    ann.write(".agent/stories/WEB-041-old.md", "# WEB-041 Old\n\nStatus: DRAFT\n")?;
    ann.agent_ok(&["sync", "push"])?;
    bob.agent_ok(&["sync", "pull"])?;
    backend.stop()?;

    let (anns, bobs) = (draft(&ann, "By Ann")?, draft(&bob, "By Bob")?);
    ensure!(anns.id != bobs.id, "both got {}", anns.id);
    let said = ann.agent(&["new-story", "--prefix", "WEB", "--title", "In words", "--dry-run"])?;
    ensure!(said.out.starts_with("Would make "), "{said:?}");
    let plan = ".agent/plans/OPS-900-plan.md";
    ann.write(plan, naming(&anns))?;
    // Offline it is cached, named as what it waits for, and never sent under that id.
    let status = ann.agent_ok(&["sync", "status", "--json"])?.json()?;
    let waits = |entry: &Value| entry["id"] == anns.id.as_str() && entry["next"] == "needs-id";
    ensure!(status["artifacts"].as_array().is_some_and(|all| all.iter().any(waits)), "{status:#}");
    let pushed = ann.agent(&["sync", "push", "--json"])?;
    ensure!(pushed.code == 1, "{pushed:?}");
    ann.expect(&anns.path, Some(&ann.read(&anns.path)?))?;
    backend.restart()?;

    ann.agent_ok(&["sync", "push"])?;
    bob.agent_ok(&["sync", "push"])?;
    for (workspace, path, title) in [
        (&ann, ".agent/stories/WEB-042-by-ann.md", "# WEB-042: By Ann\n"),
        (&bob, ".agent/stories/WEB-043-by-bob.md", "# WEB-043: By Bob\n"),
    ] {
        let text = workspace.read(path)?;
        ensure!(text.starts_with(title), "{text}");
        team.expect(path, &text)?;
        nothing_is_provisional(&team, workspace)?;
    }
    let named = format!(
        "# OPS-900 Plan\n\n[it](../stories/WEB-042-by-ann.md#goal), WEB-042, `WEB-042-by-ann.md`, not {}x\n",
        anns.id
    );
    ann.expect(plan, Some(&named))?;
    team.expect(plan, &named)?;
    // The draft's own text stays to be found.
    let log = ann.agent_ok(&["sync", "log", "--json"])?;
    ensure!(log.out.contains(&anns.id), "the history forgot the draft: {log:?}");
    for workspace in [&ann, &bob] {
        workspace.agent_ok(&["sync", "pull"])?;
        workspace.expect_clean()?;
    }
    ensure!(ann.artifacts()? == bob.artifacts()?, "they differ");
    Ok(())
}

#[test]
fn an_editor_that_has_it_open_puts_the_teams_id_into_its_buffers_and_moves_the_file() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let ann = backend.user("ann")?;
    let team = Team::create(&backend, &ann)?;
    let mut side = Side::new("Ann", &team, ann, Capabilities::default())?;
    let plan = ".agent/plans/OPS-900-plan.md";
    side.workspace.write(".agent/stories/OLD-001-there.md", "# OLD-001 There\n")?;
    side.workspace.write(plan, "# OPS-900 Plan\n")?;
    eventually("the plan", || team.expect(plan, "# OPS-900 Plan\n").map(drop))?;
    backend.stop()?;

    let asked = json!({ "command": "agent.new", "arguments": [{ "kind": "story", "prefix": "WEB", "title": "Later" }] });
    side.editor.request("workspace/executeCommand", asked)?;
    let shown = side.editor.wait_shown()?;
    let id = shown.file_stem().and_then(|stem| stem.to_str()).context("no name")?.to_owned();
    ensure!(id.starts_with("WEB-draft-0"), "{id}");
    side.editor.wait_message("that it is provisional", |text| text.contains("has a provisional id"))?;
    let path = format!(".agent/stories/{id}.md");
    side.editor.open(&path)?;
    let shown = side.editor.wait_diagnostics(&path, "that it is provisional", |list| {
        list.iter().any(|diagnostic| diagnostic["code"] == "provisional-id")
    })?;
    ensure!(shown.iter().all(|diagnostic| diagnostic["severity"] != 1), "it is no error: {shown:?}");
    // The plan, open as well, names it.
    side.editor.open(plan)?;
    side.editor.set_text(plan, &naming(&Draft { id: id.clone(), path: path.clone() }))?;
    side.editor.save(plan)?;
    // Only this buffer has it.
    let text = side.editor.text(&path)?;
    side.editor.set_text(&path, &format!("{text}\nunsaved\n"))?;

    side.editor.save_edits(true);
    backend.restart()?;
    let new = ".agent/stories/WEB-001-later.md";
    side.editor.wait_for("the new name", |editor| editor.text(new))?;
    let text = side.editor.text(new)?;
    ensure!(text.starts_with("# WEB-001: Later\n") && text.ends_with("\nunsaved\n"), "{text}");
    let named = format!(
        "# OPS-900 Plan\n\n[it](../stories/WEB-001-later.md#goal), WEB-001, `WEB-001-later.md`, not {id}x\n"
    );
    eventually("the team has both", || {
        side.editor.look()?;
        team.expect(new, &text)?;
        team.expect(plan, &named).map(drop)
    })?;
    side.workspace.expect(&path, None)?;
    nothing_is_provisional(&team, &side.workspace)?;
    side.editor.wait_codes(new, &[])?;
    side.editor.shutdown()
}

#[test]
fn a_crash_between_the_new_id_and_the_files_ends_in_one_artifact() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let (team, [ann, _]) = pair(&backend)?;
    ann.write(".agent/stories/OLD-001-there.md", "# OLD-001 There\n")?;
    ann.agent_ok(&["sync", "push"])?;
    backend.stop()?;
    let made = draft(&ann, "Once")?;
    ann.write(".agent/plans/OPS-900-plan.md", naming(&made))?;
    ann.agent(&["sync", "status"])?;
    backend.restart()?;
    // The id was given out and noted; the program ended before any file had it.
    let noted = format!(
        "INSERT INTO remembered (name, value) VALUES ('id/story/{}', 'WEB-007'); UPDATE meta SET rev = rev + 1",
        made.id
    );
    agent_tests::CacheFile::of(&ann).execute(&noted)?;
    // And once more after one of the files had it.
    ann.change(".agent/plans/OPS-900-plan.md", |text| {
        Ok(text.replace(&format!("{}.md#", made.id), "WEB-007-once.md#"))
    })?;
    ann.agent_ok(&["sync", "push"])?;
    let paths: Vec<String> = team.artifacts()?.into_keys().collect();
    let expected = ["plans/OPS-900-plan.md", "stories/OLD-001-there.md", "stories/WEB-007-once.md"];
    ensure!(paths == expected.map(|path| format!(".agent/{path}")), "{paths:?}");
    nothing_is_provisional(&team, &ann)?;
    ann.expect_clean()
}
