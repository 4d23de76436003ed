//! `agent sync watch`: everything that happens is told once, whoever did it; it ends when it is told to,
//! with what was saved last sent.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Capabilities, Editor, Team, Watching, Workspace, eventually, lasting_backend};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const PATH: &str = ".agent/stories/W-001-watch.md";
const TEXT: &str = "# W-001 Watch\n\nState: DRAFT\n\nbody\n";

/// Ann at her editor, and a workspace of Bob's that no editor is on.
fn ann_and_bob(backend: &std::sync::Arc<Backend>, bobs_sync: &str) -> Result<(Side, Workspace, Team)> {
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(backend, &ann)?;
    team.add(&bob, "editor")?;
    let ann = Side::new("Ann", &team, ann, Capabilities::default())?;
    let workspace = Workspace::configured("bob", &team, bobs_sync)?;
    workspace.login(&bob)?;
    Ok((ann, workspace, team))
}

fn of(id: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["id"] == id
}

#[test]
fn what_happens_is_told_and_done_as_with_an_editor() -> Result<()> {
    let (mut ann, bob, team) = ann_and_bob(&Backend::shared()?, "auto_push: true")?;
    let mut watching = Watching::start(&bob)?;
    watching.wait("leading", |_| true)?;
    watching.wait("online", |_| true)?;
    // From here to there.
    bob.write(PATH, TEXT)?;
    let edited = watching.wait("edited", of("W-001"))?;
    ensure!(edited["cause"] == "saved" && edited["kind"] == "story" && edited["path"] == PATH, "{edited}");
    let pushed = watching.wait("pushed", of("W-001"))?;
    ensure!(pushed["remote_version"] == 1, "{pushed}");
    team.expect(PATH, TEXT)?;
    // From there to here.
    eventually("Ann to have it", || ann.workspace.expect(PATH, Some(TEXT)))?;
    ann.editor.open(PATH)?;
    ann.edit(PATH, "body", "body by Ann")?;
    let received = watching.wait("received", of("W-001"))?;
    ensure!(received["author"] == ann.user.email.as_str() && received["remote_version"] == 2, "{received}");
    watching.wait("pulled", of("W-001"))?;
    bob.expect(PATH, Some(&TEXT.replace("body", "body by Ann")))?;
    // What the team does not take.
    bob.write(PATH, TEXT.replace("body", "body by Ann").replace("DRAFT", "APPROVED"))?;
    let refused = watching.wait("refused", of("W-001"))?;
    ensure!(
        refused["code"].is_string() && refused["message"].as_str().is_some_and(|m| !m.is_empty()),
        "{refused}"
    );
    // A file that cannot be taken at all.
    bob.write(".agent/stories/W-002-latin.md", b"caf\xe9\n")?;
    let not_taken = watching.wait("not-taken", |_| true)?;
    ensure!(not_taken["path"] == ".agent/stories/W-002-latin.md", "{not_taken}");
    watching.signal("TERM")?;
    let (code, ended) = watching.end()?;
    ensure!(code == 1 && ended["refused"] == 1, "{code}: {ended}");
    Ok(())
}

#[test]
fn a_conflict_is_told_and_so_is_its_end_whoever_brings_it_about() -> Result<()> {
    let (mut ann, bob, _team) = ann_and_bob(&Backend::shared()?, "auto_push: false")?;
    let mut watching = Watching::start(&bob)?;
    ann.workspace.write(PATH, TEXT)?;
    watching.wait("pulled", of("W-001"))?;
    bob.write(PATH, TEXT.replace("body", "body by Bob"))?;
    watching.wait("edited", of("W-001"))?;
    ann.editor.open(PATH)?;
    ann.edit(PATH, "body", "body by Ann")?;
    let conflict = watching.wait("conflict", of("W-001"))?;
    ensure!(conflict["reason"] == "conflict" && conflict["author"] == ann.user.email.as_str(), "{conflict}");
    bob.expect(PATH, Some(&TEXT.replace("body", "body by Bob")))?;
    bob.agent_ok(&["sync", "resolve", "W-001", "--ours"])?;
    watching.wait("resolved", of("W-001"))?;
    watching.signal("INT")?;
    let (code, ended) = watching.end()?;
    ensure!(code == 1 && ended["waiting"] == 1 && ended["conflicts"] == 0, "{code}: {ended}");
    bob.agent_ok(&["sync", "push"])?;
    bob.expect_clean()
}

/// A program claims an artifact, edits its file while a teammate edits it too, and gives it back.
#[test]
fn what_is_claimed_is_left_alone_and_merged_afterwards() -> Result<()> {
    const PARTS: &str = "# W-001 Watch\n\n## One\n\nfirst\n\n## Two\n\nsecond\n";
    let backend = Backend::shared()?;
    let mut pair = Pair::present(&backend)?;
    pair.share(PATH, PARTS)?;
    let Pair { team, mut ann, bob } = pair;
    bob.editor.shutdown()?;
    // A file that was made just now can be claimed, too.
    bob.workspace.write(".agent/stories/W-002-new.md", "# W-002 New\n")?;
    let mut watching = Watching::start_with(&bob.workspace, &["--open", "W-001", "--open", "W-002"])?;
    let name = bob.user.email.clone();
    ann.editor.wait_presence("Bob is in it", |presence| {
        let people = presence["people"].as_array().into_iter().flatten();
        people.into_iter().any(|person| person["name"] == name.as_str() && person["open"][0]["id"] == "W-001")
    })?;
    ann.editor.open(PATH)?;
    ann.edit(PATH, "first", "first by Ann")?;
    watching.wait("received", of("W-001"))?;
    bob.workspace.expect(PATH, Some(PARTS))?;
    bob.workspace.write(PATH, PARTS.replace("second", "second by Bob"))?;
    watching.wait("edited", of("W-001"))?;
    watching.signal("TERM")?;
    watching.end()?;
    bob.workspace.agent(&["sync", "pull"])?;
    bob.workspace.agent_ok(&["sync", "push"])?;
    let both = PARTS.replace("first", "first by Ann").replace("second", "second by Bob");
    bob.workspace.expect(PATH, Some(&both))?;
    team.expect(PATH, &both)?;
    Ok(())
}

#[test]
fn an_outage_and_a_sign_in_are_told() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let (_ann, bob, team) = ann_and_bob(&backend, "auto_push: true")?;
    bob.agent_ok(&["logout"])?;
    let mut watching = Watching::start(&bob)?;
    let signed_out = watching.wait("signed-out", |_| true)?;
    ensure!(signed_out["problem"].as_str().is_some_and(|said| said.contains("agent login")), "{signed_out}");
    let bobs = team.backend.user("bob2")?;
    team.add(&bobs, "editor")?;
    bob.login(&bobs)?;
    watching.wait("online", |_| true)?;
    backend.stop()?;
    bob.write(PATH, TEXT)?;
    watching.wait("edited", of("W-001"))?;
    let offline = watching.wait("offline", |_| true)?;
    ensure!(offline["problem"].as_str().is_some_and(|said| said.contains("cannot be reached")), "{offline}");
    backend.restart()?;
    watching.wait("pushed", of("W-001"))?;
    ensure!(watching.told.iter().any(|event| event["event"] == "online"), "{:#?}", watching.told);
    watching.signal("INT")?;
    let (code, ended) = watching.end()?;
    ensure!(code == 0 && ended["remote_problem"].is_null(), "{code}: {ended}");
    Ok(())
}

#[test]
fn what_was_saved_just_before_the_end_is_sent() -> Result<()> {
    let (_ann, bob, team) = ann_and_bob(&Backend::shared()?, "auto_push: true")?;
    let mut watching = Watching::start(&bob)?;
    watching.wait("online", |_| true)?;
    for number in 0..50 {
        bob.write(&format!(".agent/stories/W-{number:03}-last.md"), format!("# W-{number:03} Last\n"))?;
    }
    watching.signal("INT")?;
    let (code, ended) = watching.end()?;
    ensure!(code == 0 && ended["waiting"] == 0, "{code}: {ended}");
    ensure!(team.artifacts()?.len() == 50, "{}", team.artifacts()?.len());
    bob.expect_clean()
}

#[test]
fn it_follows_where_an_editor_leads_and_takes_over_when_that_is_gone() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share(PATH, TEXT)?;
    let mut watching = Watching::start(&pair.bob.workspace)?;
    pair.ann.editor.open(PATH)?;
    pair.ann.edit(PATH, "body", "body by Ann")?;
    watching.wait("pulled", of("W-001"))?;
    ensure!(!watching.told.iter().any(|event| event["event"] == "leading"), "{:#?}", watching.told);
    pair.bob.editor.crash()?;
    watching.wait("leading", |_| true)?;
    pair.ann.edit(PATH, "by Ann", "by Ann, again")?;
    watching.wait("pulled", of("W-001"))?;
    watching.signal("INT")?;
    ensure!(watching.end()?.0 == 0);
    pair.bob.editor = Editor::start(&pair.bob.workspace)?;
    pair.agree(PATH, Some(&TEXT.replace("body", "body by Ann, again")))
}

#[test]
fn it_tells_who_else_is_there() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let mut ann = Side::configured("Ann", &team, ann, "presence: true")?;
    let workspace = Workspace::configured("bob", &team, "presence: true")?;
    workspace.login(&bob)?;
    ann.workspace.write(PATH, TEXT)?;
    let mut watching = Watching::start(&workspace)?;
    watching.wait("pulled", of("W-001"))?;
    ann.editor.open(PATH)?;
    let has_it_open = |event: &Value| event["people"][0]["open"][0]["id"] == "W-001";
    let presence = watching.wait("presence", has_it_open)?;
    ensure!(presence["people"][0]["name"] == ann.user.email.as_str(), "{presence}");
    ann.editor.crash()?;
    watching.wait("presence", |event| event["people"].as_array().is_some_and(Vec::is_empty))?;
    Ok(())
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly_and_so_does_its_time() -> Result<()> {
    let (_ann, bob, _team) = ann_and_bob(&Backend::shared()?, "auto_push: true")?;
    let mut command = bob.command()?;
    command.args(["sync", "watch"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?);
    let mut line = String::new();
    while !line.contains(" ready ") {
        line.clear();
        ensure!(lines.read_line(&mut line)? > 0, "it ended");
    }
    drop(lines);
    bob.write(PATH, TEXT)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.code() == Some(0) && output.stderr.is_empty(), "{output:?}");
    let ran = bob.agent_ok(&["sync", "watch", "--timeout", "1"])?;
    ensure!(ran.out.lines().last().is_some_and(|line| line.ends_with("in sync")), "{ran:?}");
    Ok(())
}
