//! Several processes on one workspace: one of them pushes and listens, and another takes over when
//! it is gone.

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Editor, Workspace, eventually};
use anyhow::{Result, ensure};
use serde_json::Value;

use crate::lasting_backend;

const PATH: &str = ".agent/plans/L-001-two.md";

#[test]
fn two_servers_share_a_workspace_and_the_follower_takes_over() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share(PATH, "# L-001 Two\n\nbody\n")?;
    let mut second = Editor::start(&pair.bob.workspace)?;
    second.open(PATH)?;
    second.hover(PATH, 0)?;
    ensure!(second.status()["live"] != true, "two listen: {}", second.status());

    // What the follower saves arrives, by the leader.
    second.replace(PATH, "body", "body by the follower")?;
    second.save(PATH)?;
    let text = "# L-001 Two\n\nbody by the follower\n";
    pair.agree(PATH, Some(text))?;

    // What arrives is shown in the follower's editor, which has the file open.
    pair.ann.editor.open(PATH)?;
    pair.ann.edit(PATH, "follower", "follower, and Ann")?;
    let shown = second.wait_codes(PATH, &["behind"])?;
    second.apply(PATH, &shown[0], "Accept remote version")?;
    second.save(PATH)?;
    pair.agree(PATH, Some("# L-001 Two\n\nbody by the follower, and Ann\n"))?;

    pair.bob.editor.crash()?;
    second.wait_status("leading", |status| status["live"] == true)?;
    second.replace(PATH, "Ann", "Ann, now leading")?;
    second.save(PATH)?;
    let text = "# L-001 Two\n\nbody by the follower, and Ann, now leading\n";
    eventually("the new leader's push", || pair.team.expect(PATH, text))?;
    pair.bob.editor = second;
    let shown = pair.ann.editor.wait_codes(PATH, &["behind"])?;
    pair.ann.editor.apply(PATH, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(PATH)?;
    pair.agree(PATH, Some(text))
}

#[test]
fn a_follower_knows_that_the_remote_does_not_answer_and_goes_on_knowing_when_the_leader_dies() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let mut pair = Pair::new(&backend)?;
    pair.share(PATH, "# L-001 Two\n\nbody\n")?;
    let mut second = Editor::start(&pair.bob.workspace)?;
    second.wait_status("in sync", |status| status["state"] == "in-sync")?;
    backend.stop()?;
    // The leader finds out with what it is to send, and the follower without asking.
    pair.bob.editor.open(PATH)?;
    pair.bob.edit(PATH, "body", "body by Bob")?;
    let is_offline = |status: &Value| status["state"] == "offline" && status["waiting"] == 1;
    pair.bob.editor.wait_status("the leader is offline", is_offline)?;
    second.wait_status("so is the follower", is_offline)?;
    ensure!(second.status()["problem"] == pair.bob.editor.status()["problem"], "{}", second.status());
    let listed = pair.bob.workspace.agent_ok(&["sync", "status", "--json"])?.json()?;
    let said = listed["remote_trouble"]["problem"].as_str().unwrap_or_default().to_owned();
    ensure!(said.contains("cannot be reached"), "{listed:#}");
    pair.bob.editor.crash()?;
    // Whoever takes over knows from the first moment, before it asked anybody.
    loop {
        let status = second.request("agent/status", Value::Null)?;
        ensure!(status[0]["state"] == "offline", "said to be well while it is not: {status}");
        if status[0]["leads"] == true {
            break;
        }
        second.look()?;
    }
    backend.restart()?;
    second.wait_live()?;
    let listed = pair.bob.workspace.agent_ok(&["sync", "status", "--json"])?.json()?;
    ensure!(listed["remote_trouble"].is_null(), "{listed:#}");
    pair.bob.editor = second;
    pair.agree(PATH, Some("# L-001 Two\n\nbody by Bob\n"))
}

#[test]
fn a_command_tells_the_others_that_nobody_is_signed_in() -> Result<()> {
    let pair = Pair::new(&Backend::shared()?)?;
    let workspace = Workspace::of_team("nobody", &pair.team)?;
    let status = || workspace.agent_ok(&["sync", "status", "--json"])?.json();
    ensure!(status()?["remote_trouble"].is_null(), "nobody asked yet");
    let pulled = workspace.agent(&["sync", "pull"])?;
    ensure!(pulled.code == 1, "{pulled:?}");
    let said = status()?;
    let problem = said["remote_trouble"]["problem"].as_str().unwrap_or_default();
    ensure!(problem.contains("agent login"), "{said:#}");
    workspace.login(&pair.bob.user)?;
    workspace.agent_ok(&["sync", "pull"])?;
    ensure!(status()?["remote_trouble"].is_null(), "{:#}", status()?);
    Ok(())
}

#[test]
fn the_command_line_works_beside_a_running_server() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/plans/L-010-beside.md";
    pair.share(path, "# L-010 Beside\n\nbody\n")?;
    pair.bob.editor.open(path)?;
    pair.bob.edit(path, "body", "body by Bob")?;
    pair.bob.editor.wait_status("waiting", |status| status["waiting"] == 1)?;
    let pushed = pair.bob.workspace.agent_ok(&["sync", "push", "--json"])?.json()?;
    ensure!(pushed["artifacts"][0]["result"] == "pushed", "{pushed}");
    pair.bob.editor.wait_status("pushed by the other", |status| status["waiting"] == 0)?;
    pair.agree(path, Some("# L-010 Beside\n\nbody by Bob\n"))?;
    // What an editor has open, no command writes.
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "Bob", "Bob and Ann")?;
    let shown = pair.bob.editor.wait_codes(path, &["behind"])?;
    let pulled = pair.bob.workspace.agent(&["sync", "pull"])?;
    ensure!(pulled.code <= 1, "{pulled:?}");
    pair.bob.workspace.expect(path, Some("# L-010 Beside\n\nbody by Bob\n"))?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.bob.editor.save(path)?;
    pair.agree(path, Some("# L-010 Beside\n\nbody by Bob and Ann\n"))
}

#[test]
fn many_commands_at_once_do_no_harm() -> Result<()> {
    let backend = Backend::shared()?;
    let pair = Pair::new(&backend)?;
    let Side { workspace, editor, .. } = &pair.bob;
    let before = editor.status();
    std::thread::scope(|scope| {
        let run = |number: usize| {
            let path = format!(".agent/stories/L-{:03}-many.md", number + 100);
            workspace.write(&path, format!("# L-{:03} Many\n", number + 100))?;
            let verb = ["push", "pull", "status"][number % 3];
            let ran = workspace.agent(&["sync", verb])?;
            ensure!(ran.code <= 1, "{ran:?}");
            Ok(())
        };
        let all: Vec<_> = (0..9).map(|number| scope.spawn(move || run(number))).collect();
        all.into_iter().try_for_each(|one| one.join().expect("no panic"))
    })?;
    ensure!(before["live"] == true, "{before}");
    eventually("all nine at the remote", || {
        let count = pair.team.artifacts()?.len();
        ensure!(count == 9, "{count} there");
        workspace.expect_clean()
    })
}
