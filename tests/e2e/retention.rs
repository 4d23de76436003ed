//! Dropping old history: a dry run says exactly what goes, the team's server has what went, and what it
//! never had stays.

use agent_tests::{Backend, CacheFile, Team, Workspace, eventually};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/stories/G-001-old.md";
const VERSIONS: usize = 14;

fn text(what: &str) -> String {
    format!("# G-001 Old\n\n{what}\n")
}

/// A workspace that pushed many versions, and saved two texts since that nobody else has.
fn with_a_past() -> Result<(Team, Workspace)> {
    let backend = Backend::shared()?;
    let user = backend.user("past")?;
    let team = Team::create(&backend, &user)?;
    let workspace = Workspace::configured("past", &team, "auto_push: false")?;
    workspace.login(&user)?;
    for version in 1..=VERSIONS {
        workspace.write(PATH, text(&format!("version {version}")))?;
        workspace.agent_ok(&["sync", "push"])?;
    }
    for unsent in ["first unsent", "second unsent"] {
        workspace.write(PATH, text(unsent))?;
        workspace.agent_ok(&["sync", "status"])?;
    }
    Ok((team, workspace))
}

fn gc(workspace: &Workspace, args: &[&str]) -> Result<Value> {
    let report = workspace.agent_ok(&[&["sync", "gc", "--json"], args].concat())?;
    report.json()
}

/// What a report says goes.
fn dropped(report: &Value) -> Value {
    json!([report["artifacts"], report["changes"], report["texts"], report["bytes"]])
}

#[test]
fn what_a_dry_run_says_goes_and_can_be_had_again_and_what_is_nowhere_else_stays() -> Result<()> {
    let (team, workspace) = with_a_past()?;
    let nothing = gc(&workspace, &[])?;
    ensure!(dropped(&nothing) == json!([[], [], [], 0]), "{nothing:#}");
    let cache = CacheFile::of(&workspace);
    cache.execute("UPDATE operations SET at = 0; UPDATE changes SET queued_at = 0")?;
    let known = cache.contents("story", "G-001")?;
    ensure!(known.len() == VERSIONS + 2, "{known:?}");
    let planned = gc(&workspace, &["--dry-run"])?;
    let said = workspace.agent_ok(&["sync", "gc", "-n"])?;
    ensure!(said.out.contains("Would drop") && said.out.contains("story/G-001"), "{said:?}");
    ensure!(cache.contents("story", "G-001")? == known, "a dry run dropped something");
    let done = gc(&workspace, &[])?;
    ensure!(dropped(&done) == dropped(&planned), "{planned:#} {done:#}");
    ensure!(done["texts"].as_array().is_some_and(|texts| texts.len() >= 5), "{done:#}");
    ensure!(
        done["texts"].as_array().into_iter().flatten().all(|text| text["only_here"] == false),
        "{done:#}"
    );
    ensure!(dropped(&gc(&workspace, &["--dry-run"])?)[2] == json!([]), "something was left");
    // What went is the server's; what is nowhere else, and what is in use, is here.
    let left = cache.contents("story", "G-001")?;
    for gone in known.iter().filter(|text| !left.contains(text)) {
        ensure!(gone.contains("version"), "{gone:?} is nowhere any more");
    }
    ensure!(workspace.agent_ok(&["sync", "show", "G-001@1"])?.out == text("version 1"), "not version 1");
    ensure!(left.contains(&text("first unsent")) && left.contains(&text("second unsent")), "{left:?}");
    ensure!(cache.integrity()? == "ok", "damaged");
    workspace.expect(PATH, Some(&text("second unsent")))?;
    workspace.agent_ok(&["sync", "restore", "G-001", "--version", "2"])?;
    workspace.expect(PATH, Some(&text("version 2")))?;
    workspace.agent_ok(&["sync", "push"])?;
    eventually("the restored version to be the team's", || team.expect(PATH, &text("version 2")))?;
    workspace.expect_clean()
}

#[test]
fn what_is_nowhere_else_goes_only_where_that_is_configured() -> Result<()> {
    let (team, workspace) = with_a_past()?;
    let cache = CacheFile::of(&workspace);
    cache.execute("UPDATE operations SET at = 0; UPDATE changes SET queued_at = 0")?;
    for number in 0..12 {
        workspace.write(PATH, text(&format!("filler {number}")))?;
        workspace.agent_ok(&["sync", "status"])?;
    }
    let first = text("first unsent");
    gc(&workspace, &[])?;
    ensure!(cache.contents("story", "G-001")?.contains(&first), "lost unasked");
    let config = workspace.read(".agent/etc/sync.yaml")?;
    workspace.configure(&format!("{config}history:\n  keep_unpushed: 1y\n"))?;
    let said = workspace.agent_ok(&["sync", "gc"])?;
    ensure!(said.out.contains("nowhere else"), "{said:?}");
    ensure!(!cache.contents("story", "G-001")?.contains(&first), "still there");
    workspace.agent_ok(&["sync", "push"])?;
    team.expect(PATH, &text("filler 11")).map(drop)
}
