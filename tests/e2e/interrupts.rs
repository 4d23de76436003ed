//! Ctrl-C in the middle: what was done is whole and said, the next run does the rest, and nothing twice.

use std::process::{Child, Stdio};
use std::sync::Arc;

use agent_tests::{Backend, Team, Terminal, User, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// More than one push, and one page of a pull, holds.
const MANY: usize = 1_500;
/// As many as one page of a pull, and one push, holds.
const PAGE: usize = 1_000;
const BATCH: usize = 500;

fn path(number: usize) -> String {
    format!(".agent/stories/N-{number:04}-many.md")
}

fn text(number: usize) -> String {
    format!("# N-{number:04} Many\n\nbody\n")
}

fn of_ann(backend: &Arc<Backend>) -> Result<(User, Team, Workspace)> {
    let ann = backend.user("ann")?;
    let team = Team::create(backend, &ann)?;
    let workspace = Workspace::of_team("ann", &team)?;
    workspace.login(&ann)?;
    for number in 0..MANY {
        workspace.write(&path(number), text(number))?;
    }
    Ok((ann, team, workspace))
}

/// The first request to a function is answered, the second not before somebody lost patience.
fn delay_second(backend: &Backend, function: &str) -> Result<()> {
    let path = format!("/rest/v1/rpc/{function}");
    let knob = |delay: u32| json!({ "path": path, "action": "delay", "delay_ms": delay, "count": 1 });
    backend.faults(&json!({ "rest": [knob(1), knob(120_000)] }))
}

fn start(workspace: &Workspace, args: &[&str]) -> Result<Child> {
    let mut command = workspace.command()?;
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

/// Presses Ctrl-C; answers the report.
fn interrupt(child: Child) -> Result<Value> {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    ensure!(sent.success(), "{sent}");
    let output = child.wait_with_output()?;
    ensure!(output.status.code() == Some(130), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
    ensure!(report["notes"].to_string().contains("interrupted"), "{}", report["notes"]);
    Ok(report)
}

fn listed(report: &Value, result: &str) -> usize {
    let artifacts = report["artifacts"].as_array();
    artifacts.into_iter().flatten().filter(|artifact| artifact["result"] == result).count()
}

fn here(workspace: &Workspace) -> usize {
    (0..MANY).filter(|number| workspace.file(&path(*number)).exists()).count()
}

#[test]
fn a_pull_that_is_broken_off_leaves_whole_files_and_goes_on_where_it_was() -> Result<()> {
    let (backend, _folder) = agent_tests::lasting_backend()?;
    let (ann, team, workspace) = of_ann(&backend)?;
    workspace.agent_ok(&["sync", "push", "--quiet"])?;
    let other = Workspace::of_team("other", &team)?;
    other.login(&ann)?;
    delay_second(&backend, "pull_artifacts")?;
    let pulling = start(&other, &["sync", "pull", "--json"])?;
    eventually("the first page", || {
        ensure!(here(&other) == PAGE, "{} are here", here(&other));
        Ok(())
    })?;
    let report = interrupt(pulling)?;
    ensure!(
        listed(&report, "created") == PAGE && here(&other) == PAGE,
        "{} said",
        listed(&report, "created")
    );
    backend.faults(&json!({ "reset": true }))?;
    // What is there is in sync, and the rest comes.
    other.expect_clean()?;
    let rest = other.agent_ok(&["sync", "pull", "--json"])?.json()?;
    ensure!(listed(&rest, "created") == MANY - PAGE, "{}", listed(&rest, "created"));
    for number in 0..MANY {
        other.expect(&path(number), Some(&text(number)))?;
    }
    other.expect_clean()
}

#[test]
fn a_push_that_is_broken_off_sends_nothing_twice() -> Result<()> {
    let (backend, _folder) = agent_tests::lasting_backend()?;
    let (_ann, team, workspace) = of_ann(&backend)?;
    delay_second(&backend, "push_artifacts")?;
    let pushing = start(&workspace, &["sync", "push", "--json"])?;
    eventually("the first batch", || {
        let there = team.artifacts()?.len();
        ensure!(there == BATCH, "{there} are there");
        Ok(())
    })?;
    let waiting = || -> Result<Option<usize>> {
        let left = workspace.agent_ok(&["sync", "status", "--json"])?.json()?;
        Ok(left["artifacts"].as_array().map(Vec::len))
    };
    eventually("its answer in the cache", || {
        let left = waiting()?;
        ensure!(left == Some(MANY - BATCH), "{left:?} are left");
        Ok(())
    })?;
    let report = interrupt(pushing)?;
    ensure!(
        listed(&report, "pushed") == BATCH && listed(&report, "waiting") == MANY - BATCH,
        "{}",
        report["notes"]
    );
    backend.faults(&json!({ "reset": true }))?;
    ensure!(waiting()? == Some(MANY - BATCH), "{:?}", waiting()?);
    let rest = workspace.agent_ok(&["sync", "push", "--json"])?.json()?;
    ensure!(listed(&rest, "pushed") == MANY - BATCH, "{}", listed(&rest, "pushed"));
    workspace.expect_clean()?;
    let versions: Vec<u64> = team.artifacts()?.values().map(|artifact| artifact.version).collect();
    ensure!(versions.len() == MANY && versions.iter().all(|version| *version == 1));
    Ok(())
}

/// What a progress bar says: so many artifacts, of how many, and how fast.
fn bar(shown: &str, doing: &str) -> Result<(usize, usize)> {
    let last =
        shown.rsplit(&format!("{doing} [")).next().with_context(|| format!("no {doing} in {shown:?}"))?;
    let (bar, said) = last.split_once("] ").with_context(|| format!("no bar in {last:?}"))?;
    let is_bar = bar.len() == 30 && bar.trim_start_matches('=').trim_start_matches('>').trim().is_empty();
    ensure!(is_bar, "{bar:?}");
    let (done, all) =
        said.split_once(" artifacts, ").and_then(|(of, _)| of.split_once('/')).context("no count")?;
    Ok((done.parse()?, all.parse()?))
}

#[test]
fn an_import_that_is_broken_off_at_a_terminal_shows_how_far_it_is_and_leaves_whole_files() -> Result<()> {
    let workspace = Workspace::new("import")?;
    workspace.agent_ok(&["sync", "init"])?;
    let source = |number: usize| format!("elsewhere/N-{number:04}-many.md");
    // Long enough that writing all of them takes longer than pressing a key.
    let long = |number: usize| text(number).replace("body", &"a line of the body\n".repeat(2_000));
    for number in 0..MANY {
        workspace.write(&source(number), long(number))?;
    }
    let args = ["import-story", "elsewhere"];
    let mut terminal = Terminal::start(&workspace, &args, 100)?;
    let (done, all) = bar(&terminal.see("/s")?, "importing")?;
    ensure!(done < all && all == MANY, "{done} of {all}");
    terminal.press("\u{3}")?;
    let (code, shown) = terminal.end()?;
    ensure!(
        code == 130 && shown.contains("interrupted") && shown.contains("run the command again"),
        "{shown}"
    );
    let imported = |number: usize| path(number).replace(".agent/", ".agent/cache/");
    let done = || (0..MANY).filter(|number| workspace.file(&imported(*number)).exists());
    ensure!((1..MANY).contains(&done().count()), "{} were imported", done().count());
    for number in done() {
        workspace.expect(&imported(number), Some(&long(number)))?;
    }
    // The same again does the rest; where nobody looks on, nothing moves.
    let again = workspace.agent_ok(&args)?;
    ensure!(!again.err.contains("importing"), "{}", again.err);
    ensure!(done().count() == MANY, "{} are here", done().count());
    let report = workspace.agent_ok(&["import-story", "elsewhere", "--json"])?.json()?;
    ensure!(listed(&report, "same") == MANY, "{} are the same", listed(&report, "same"));
    Ok(())
}

#[test]
fn a_push_and_a_pull_at_a_terminal_show_how_far_they_are_before_their_report() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, team, workspace) = of_ann(&backend)?;
    let mut pushing = Terminal::start(&workspace, &["sync", "push"], 100)?;
    let (done, all) = bar(&pushing.see("/s")?, "pushing")?;
    ensure!(done <= all && all == MANY, "{done} of {all}");
    let (code, shown) = pushing.end()?;
    let (_, report) = shown.split_once(&format!("Pushed {MANY} artifacts")).context("no report")?;
    ensure!(code == 0 && !report.contains("pushing ["), "{shown}");
    let other = Workspace::of_team("other", &team)?;
    other.login(&ann)?;
    let mut pulling = Terminal::start(&other, &["sync", "pull"], 100)?;
    pulling.see("pulling ")?;
    ensure!(pulling.see("/s, ")?.contains(" artifacts, "), "no rate");
    let (code, shown) = pulling.end()?;
    ensure!(code == 0 && shown.contains(&format!("{MANY} artifacts")), "{shown}");
    Ok(())
}
