//! States as the team's server decides them: refused at the state's line and put right from there,
//! approved by those who may, offered where they are written.

use std::sync::Arc;

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Capabilities, Editor, Team, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

fn text(id: &str, state: &str) -> String {
    format!("# {id} Life\n\nState: {state}\n\nbody\n")
}

/// Somebody else in the team, in a role.
fn member(backend: &Arc<Backend>, team: &Team, name: &'static str, role: &str) -> Result<Side> {
    let user = backend.user(name)?;
    team.add(&user, role)?;
    Side::new(name, team, user, Capabilities::default())
}

/// The actions offered for a diagnostic, once one begins so: what the team allows is asked for beside
/// everything else.
fn titles(editor: &mut Editor, path: &str, diagnostic: &Value, wanted: &str) -> Result<Vec<String>> {
    eventually(&format!("the action {wanted:?}"), || {
        let offered = editor.code_actions(path, diagnostic)?;
        let titles: Vec<String> =
            offered.iter().filter_map(|action| action["title"].as_str()).map(str::to_owned).collect();
        ensure!(titles.iter().any(|title| title.starts_with(wanted)), "offered are {titles:?}");
        Ok(titles)
    })
}

fn lenses(side: &mut Side, path: &str) -> Result<Vec<Value>> {
    let params = json!({ "textDocument": { "uri": side.workspace.uri(path) } });
    let answer = side.editor.request("textDocument/codeLens", params)?;
    Ok(answer.as_array().cloned().unwrap_or_default())
}

fn lens(side: &mut Side, path: &str, title: &str) -> Result<Value> {
    eventually(&format!("the lens {title:?}"), || {
        let all = lenses(side, path)?;
        let found =
            all.iter().find(|lens| lens["command"]["title"].as_str().is_some_and(|t| t.starts_with(title)));
        found.cloned().with_context(|| format!("there are {all:?}"))
    })
}

/// Runs a command that edits the document, and waits for the edit.
fn run_edit(side: &mut Side, path: &str, command: &Value) -> Result<()> {
    let before = side.editor.version(path)?;
    side.editor.request("workspace/executeCommand", command.clone())?;
    let edited = eventually("the edit", || {
        side.editor.look()?;
        ensure!(side.editor.version(path)? > before, "not yet");
        Ok(())
    });
    edited.map_err(|error| error.context(side.editor.conversation()))
}

#[test]
fn a_refused_state_is_shown_at_its_line_and_put_right_from_there() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-001-life.md";
    pair.share_open(path, &text("S-001", "DRAFT"))?;
    pair.bob.edit(path, "State: DRAFT", "State: APPROVED")?;
    let shown = pair.bob.editor.wait_codes(path, &["refused"])?;
    ensure!(shown[0]["range"]["start"]["line"] == 2, "{shown:?}");
    let offered = titles(&mut pair.bob.editor, path, &shown[0], "Restore the state DRAFT")?;
    ensure!(offered.iter().any(|title| title == "Move to OPEN"), "{offered:?}");
    ensure!(!offered.iter().any(|title| title.contains("APPROVED")), "{offered:?}");
    pair.bob.editor.apply(path, &shown[0], "Move to OPEN")?;
    ensure!(pair.bob.editor.text(path)? == text("S-001", "OPEN"), "only the state changes");
    pair.team.expect(path, &text("S-001", "DRAFT"))?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_codes(path, &[])?;
    eventually("the team to have it", || pair.team.expect(path, &text("S-001", "OPEN")))?;
    Ok(())
}

#[test]
fn who_may_approves_from_the_lens_and_approved_text_stays() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/stories/S-002-life.md";
    let committed = text("S-002", "COMMITTED");
    pair.share(path, &committed)?;
    let mut carol = member(&backend, &pair.team, "Carol", "approver")?;
    eventually("Carol to have it", || carol.workspace.expect(path, Some(&committed)))?;
    carol.editor.open(path)?;
    pair.bob.editor.open(path)?;
    // An editor may send it back, and nothing more.
    lens(&mut pair.bob, path, "Send back")?;
    let offered = lenses(&mut pair.bob, path)?;
    ensure!(!offered.iter().any(|lens| lens.to_string().contains("Approve")), "{offered:?}");
    pair.bob.editor.close(path)?;

    let approve = lens(&mut carol, path, "Approve (→ APPROVED)")?;
    run_edit(&mut carol, path, &approve["command"])?;
    ensure!(carol.editor.text(path)? == text("S-002", "APPROVED"), "{:?}", carol.editor.text(path)?);
    carol.workspace.expect(path, Some(&committed))?;
    carol.editor.save(path)?;
    eventually("the approval to arrive", || pair.team.expect(path, &text("S-002", "APPROVED")))?;

    carol.edit(path, "body", "another body")?;
    let shown = carol.editor.wait_codes(path, &["refused"])?;
    ensure!(shown[0]["range"]["start"]["line"] == 2, "{shown:?}");
    let offered = titles(&mut carol.editor, path, &shown[0], "Take the state back to COMMITTED")?;
    ensure!(offered.iter().all(|title| !title.contains("Restore")), "{offered:?}");
    carol.editor.apply(path, &shown[0], "Take the state back to COMMITTED")?;
    carol.editor.save(path)?;
    let after = committed.replace("body", "another body");
    eventually("what was taken back to arrive", || pair.team.expect(path, &after))?;
    carol.editor.wait_codes(path, &[])?;
    Ok(())
}

#[test]
fn a_viewer_is_offered_nothing_and_refused() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/stories/S-003-life.md";
    let committed = text("S-003", "COMMITTED");
    pair.share(path, &committed)?;
    let mut dora = member(&backend, &pair.team, "Dora", "viewer")?;
    eventually("Dora to have it", || dora.workspace.expect(path, Some(&committed)))?;
    dora.editor.open(path)?;
    dora.edit(path, "COMMITTED", "DRAFT")?;
    let shown = dora.editor.wait_codes(path, &["refused"])?;
    ensure!(shown[0]["message"].as_str().is_some_and(|text| text.contains("forbidden")), "{shown:?}");
    ensure!(lenses(&mut dora, path)?.is_empty(), "a viewer approves nothing");
    let offered = dora.editor.code_actions(path, &shown[0])?;
    ensure!(!offered.iter().any(|action| action.to_string().contains("agent.setState")), "{offered:?}");
    pair.team.expect(path, &committed)?;
    Ok(())
}

#[test]
fn each_role_is_offered_what_it_may_and_nothing_else() -> Result<()> {
    let backend = Backend::shared()?;
    let pair = Pair::new(&backend)?;
    let path = ".agent/stories/S-007-life.md";
    let committed = text("S-007", "COMMITTED");
    pair.ann.workspace.write(path, &committed)?;
    let back = ["Send back (→ DRAFT)", "Send back (→ OPEN)"];
    let both = ["Approve (→ APPROVED)", back[0], back[1]];
    let editors = ["COMMITTED", "DRAFT", "OPEN", "DONE", "ICEBOX"];
    let approvers = ["COMMITTED", "DRAFT", "OPEN", "APPROVED", "DONE", "ICEBOX"];
    let rows: [(&'static str, &[&str], &[&str]); 4] = [
        ("viewer", &[], &editors[..1]),
        ("editor", &back, &editors),
        ("approver", &both, &approvers),
        ("admin", &both, &approvers),
    ];
    for (role, expected, states) in rows {
        let mut side = member(&backend, &pair.team, role, role)?;
        eventually("the story", || side.workspace.expect(path, Some(&committed)))?;
        side.editor.open(path)?;
        // The states come from the same answer as the lenses: once they are there, so is the role.
        let completion = json!({
            "textDocument": { "uri": side.workspace.uri(path) }, "position": { "line": 2, "character": 9 },
        });
        let labels = eventually("the rules", || {
            let answer = side.editor.request("textDocument/completion", completion.clone())?;
            let items = answer.as_array().cloned().unwrap_or_default();
            ensure!(!items.is_empty(), "not known yet");
            Ok(items.iter().filter_map(|item| item["label"].as_str()).map(str::to_owned).collect::<Vec<_>>())
        })?;
        let titles: Vec<_> = lenses(&mut side, path)?
            .iter()
            .filter_map(|lens| lens["command"]["title"].as_str())
            .map(str::to_owned)
            .collect();
        ensure!(titles == expected && labels == states, "{role}: {titles:?} {labels:?}");
        let at = json!({ "line": 2, "character": 9 });
        let params = json!({
            "textDocument": { "uri": side.workspace.uri(path) }, "range": { "start": at, "end": at },
            "context": { "diagnostics": [] },
        });
        let actions = side.editor.request("textDocument/codeAction", params)?;
        let offered = actions.as_array().into_iter().flatten();
        let approves = offered.filter(|action| action["title"] == "Approve (→ APPROVED)").count();
        ensure!((approves == 1) == expected.contains(&"Approve (→ APPROVED)"), "{role}: {actions}");
        let report = side.workspace.agent_ok(&["state", "S-007", "--json"])?.json()?;
        let follows: Vec<_> = report["may_follow"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|f| f["state"].as_str())
            .collect();
        ensure!(report["role"] == role && follows == states[1..], "{report:#}");
        side.editor.shutdown()?;
    }
    Ok(())
}

#[test]
fn a_role_that_changes_while_the_editor_runs_is_known_when_a_document_is_opened() -> Result<()> {
    let backend = Backend::shared()?;
    let pair = Pair::new(&backend)?;
    let path = ".agent/stories/S-008-life.md";
    let committed = text("S-008", "COMMITTED");
    pair.ann.workspace.write(path, &committed)?;
    let mut carol = member(&backend, &pair.team, "Carol", "editor")?;
    eventually("the story", || carol.workspace.expect(path, Some(&committed)))?;
    for (role, may) in [("editor", false), ("approver", true), ("viewer", false)] {
        pair.ann.workspace.agent_ok(&["team", "role", &carol.user.email, role])?;
        eventually(&format!("the lenses of a {role}"), || {
            carol.editor.open(path)?;
            let titles = lenses(&mut carol, path)?;
            carol.editor.close(path)?;
            let approves = titles.iter().any(|lens| lens.to_string().contains("Approve (→ APPROVED)"));
            let back = titles.iter().any(|lens| lens.to_string().contains("Send back"));
            ensure!((approves, back) == (may, role != "viewer"), "{titles:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_state_nobody_knows_is_pushed_and_its_name_offered() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-004-life.md";
    let odd = text("S-004", "COMMITED (pending review)");
    pair.share_open(path, &odd)?;
    let shown = pair.bob.editor.wait_codes(path, &["unknown-state"])?;
    ensure!(shown[0]["range"]["start"]["line"] == 2 && shown[0]["severity"] == 2, "{shown:?}");
    pair.bob.editor.apply(path, &shown[0], "Write the state as COMMITTED")?;
    pair.bob.editor.save(path)?;
    let right = text("S-004", "COMMITTED (pending review)");
    eventually("the right name to arrive", || pair.team.expect(path, &right))?;
    pair.bob.editor.wait_codes(path, &[])?;
    Ok(())
}

#[test]
fn the_states_that_may_follow_are_offered_where_one_is_written() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-005-life.md";
    pair.share_open(path, &text("S-005", "OPEN"))?;
    let labels = eventually("the states", || {
        let params = json!({
            "textDocument": { "uri": pair.bob.workspace.uri(path) }, "position": { "line": 2, "character": 9 },
        });
        let answer = pair.bob.editor.request("textDocument/completion", params)?;
        let items = answer.as_array().cloned().unwrap_or_default();
        ensure!(!items.is_empty(), "nothing yet");
        let edit = &items[0]["textEdit"]["range"];
        ensure!(edit["start"]["character"] == 7 && edit["end"]["character"] == 11, "{edit}");
        Ok(items.iter().filter_map(|item| item["label"].as_str()).map(str::to_owned).collect::<Vec<_>>())
    })?;
    ensure!(labels[0] == "OPEN" && labels.contains(&"COMMITTED".to_owned()), "{labels:?}");
    ensure!(!labels.contains(&"APPROVED".to_owned()), "{labels:?}");
    let elsewhere = json!({
        "textDocument": { "uri": pair.bob.workspace.uri(path) }, "position": { "line": 4, "character": 2 },
    });
    let answer = pair.bob.editor.request("textDocument/completion", elsewhere)?;
    ensure!(answer.is_null(), "{answer}");
    Ok(())
}

#[test]
fn the_command_line_shows_and_sets_states_and_the_log_has_both_answers() -> Result<()> {
    let backend = Backend::shared()?;
    let ann = backend.user("ann")?;
    let team = Team::create(&backend, &ann)?;
    let bob = backend.user("bob")?;
    team.add(&bob, "editor")?;
    let workspace = Workspace::of_team("bob", &team)?;
    workspace.login(&bob)?;
    let path = ".agent/stories/S-006-life.md";
    workspace.write(path, text("S-006", "DRAFT"))?;
    workspace.agent_ok(&["sync", "push"])?;
    let shown = workspace.agent_ok(&["state", "S-006", "--json"])?.json()?;
    ensure!(shown["state"] == "DRAFT" && shown["role"] == "editor", "{shown:#}");
    let follows: Vec<_> = shown["may_follow"].as_array().into_iter().flatten().map(|f| &f["state"]).collect();
    ensure!(follows == ["OPEN", "ICEBOX"], "{shown:#}");
    let dry = workspace.agent_ok(&["state", "S-006", "OPEN", "--dry-run", "--json"])?.json()?;
    ensure!(dry["changed"] == true, "{dry:#}");
    workspace.expect(path, Some(&text("S-006", "DRAFT")))?;
    let set = workspace.agent_ok(&["state", "S-006", "open", "--json"])?.json()?;
    ensure!(set["pushed"] == true, "{set:#}");
    team.expect(path, &text("S-006", "OPEN"))?;
    let refused = workspace.agent(&["state", "S-006", "APPROVED"])?;
    ensure!(refused.code == 1 && refused.out.contains("Refused and kept here: state"), "{refused:?}");
    ensure!(refused.out.contains("COMMITTED"), "what may follow is said: {refused:?}");
    let unknown = workspace.agent(&["state", "S-006", "COMMITED"])?;
    ensure!(unknown.code == 128 && unknown.err.contains("COMMITTED"), "{unknown:?}");

    let log = workspace.agent_ok(&["audit", "--json"])?.json()?;
    let entries = log["entries"].as_array().context("no entries")?;
    let has = |outcome: &str, state: &str| {
        entries.iter().any(|e| e["id"] == "S-006" && e["outcome"] == outcome && e["state_after"] == state)
    };
    ensure!(has("applied", "OPEN") && has("rejected", "APPROVED"), "{log:#}");
    ensure!(!log.to_string().contains("body"), "never a content");
    let local = workspace.read(".agent/logs/sync.log")?;
    let lines: Vec<Value> = local.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?;
    let noted =
        |cause: &str| lines.iter().any(|line| line["cause"] == cause && line["artifact"] == "story/S-006");
    ensure!(noted("saved") && noted("pushed") && noted("refused"), "{local}");
    ensure!(!local.contains("body") && !local.contains("Life"), "{local}");
    Ok(())
}
