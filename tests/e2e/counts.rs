//! What the main steps cost on the wire, counted by the backend. On a backend of its own, because
//! others would be counted too.

use std::sync::Arc;

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Workspace};
use anyhow::{Result, ensure};

const TEXT: &str = "# C-001 Counted\n\nbody\n";
const MANY: usize = 1_000;

#[test]
fn few_and_small_requests() -> Result<()> {
    let backend = Arc::new(Backend::start()?);
    let mut pair = Pair::new(&backend)?;
    a_save_is_one_push_one_message_one_pull(&backend, &mut pair)?;
    let ann = pair.ann;
    ann.editor.shutdown()?;
    pair.bob.editor.shutdown()?;
    a_pull_with_nothing_new_is_one_small_request(&backend, &ann.workspace)?;
    a_thousand_artifacts_take_a_handful_of_requests(&backend, &ann.workspace, &pair.bob.workspace)
}

fn a_save_is_one_push_one_message_one_pull(backend: &Backend, pair: &mut Pair) -> Result<()> {
    let path = ".agent/stories/C-001-counted.md";
    pair.share_open(path, TEXT)?;
    backend.reset_stats()?;
    pair.ann.edit(path, "body", "body by Ann")?;
    pair.bob.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.wait_status("pushed", |status| status["state"] == "in-sync" && status["waiting"] == 0)?;
    let stats = backend.stats()?;
    println!(
        "a save that a teammate sees: {:?}, {} realtime message",
        stats.table(),
        stats.live("broadcasts")
    );
    ensure!(stats.calls("push_artifacts") == 1, "{stats:?}");
    // What the team lets one do is asked for once after the start, whenever that is answered.
    let rules = stats.calls("team_lifecycle") + stats.requests("GET /rest/v1/team_members");
    ensure!(stats.calls("pull_artifacts") <= 1 && stats.total() - rules <= 2, "{stats:?}");
    ensure!(stats.live("broadcasts") == 1, "{stats:?}");
    let shown = pair.bob.editor.wait_codes(path, &["behind"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.bob.editor.save(path)?;
    pair.agree(path, Some(&TEXT.replace("body", "body by Ann")))
}

fn a_pull_with_nothing_new_is_one_small_request(backend: &Backend, workspace: &Workspace) -> Result<()> {
    workspace.agent_ok(&["sync", "pull"])?;
    backend.reset_stats()?;
    workspace.agent_ok(&["sync", "pull"])?;
    let stats = backend.stats()?;
    let bytes = stats.bytes_out("POST /rest/v1/rpc/pull_artifacts");
    println!("a pull with nothing new: {:?}, {bytes} bytes with headers", stats.table());
    ensure!(stats.total() == 1 && stats.calls("pull_artifacts") == 1, "{stats:?}");
    ensure!(bytes < 1_000, "{bytes} bytes to say that nothing is new");
    backend.reset_stats()?;
    workspace.agent_ok(&["sync", "status"])?;
    ensure!(backend.stats()?.total() == 0, "status must not use the network");
    workspace.agent_ok(&["sync", "push"])?;
    ensure!(backend.stats()?.total() == 0, "a push with nothing to send asks nobody");
    Ok(())
}

fn a_thousand_artifacts_take_a_handful_of_requests(
    backend: &Backend,
    ann: &Workspace,
    bob: &Workspace,
) -> Result<()> {
    for number in 0..MANY {
        let path = format!(".agent/stories/MANY-{number:04}-one-of-many.md");
        let body = "A line of text like those that people write.\n".repeat(80);
        ann.write(&path, format!("# MANY-{number:04} One of many\n\nStatus: DRAFT\n\n{body}"))?;
    }
    backend.reset_stats()?;
    ann.agent_ok(&["sync", "push"])?;
    let pushed = backend.stats()?;
    println!(
        "pushing {MANY} artifacts: {:?}, {} realtime messages",
        pushed.table(),
        pushed.live("broadcasts")
    );
    ensure!(pushed.total() <= 6, "{pushed:?}");
    backend.reset_stats()?;
    bob.agent_ok(&["sync", "pull"])?;
    let pulled = backend.stats()?;
    println!("pulling {MANY} artifacts: {:?}", pulled.table());
    ensure!(pulled.total() <= 6, "{pulled:?}");
    ensure!(ann.artifacts()? == bob.artifacts()?, "the folders differ");
    ann.expect_clean()?;
    bob.expect_clean()
}
