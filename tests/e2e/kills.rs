//! `kill -9` of the server and of the backend, at different moments: what was saved arrives.

use std::sync::Arc;

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Editor, Team, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::lasting_backend;

const PATH: &str = ".agent/plans/K-001-killed.md";

/// When the server is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The save may not even have been read.
    AtOnce,
    /// A later request was answered.
    AfterAnAnswer,
    /// The save is in the cache.
    Cached,
    /// The push is on its way, and its answer will not come.
    UnderWay,
    /// The push arrived, and its answer was lost.
    AnswerLost,
}

#[test]
fn killing_the_server_loses_nothing_that_was_saved() -> Result<()> {
    let backend = Arc::new(Backend::start()?);
    let user = backend.user("bob")?;
    let team = Team::create(&backend, &user)?;
    let mut bob = Side::new("Bob", &team, user, agent_tests::Capabilities::default())?;
    bob.workspace.write(PATH, "# K-001 Killed\n\nround 0\n")?;
    eventually("the first version", || team.expect(PATH, "# K-001 Killed\n\nround 0\n"))?;
    let moments = [
        Moment::AtOnce,
        Moment::AfterAnAnswer,
        Moment::Cached,
        Moment::UnderWay,
        Moment::AnswerLost,
        Moment::AtOnce,
    ];
    for (number, moment) in moments.into_iter().enumerate() {
        let text = format!("# K-001 Killed\n\nround {}\n", number + 1);
        save_and_kill(&backend, &mut bob, &text, moment).with_context(|| format!("{moment:?}"))?;
        let arrived = bob.editor.wait_for("the saved text to arrive", |_| team.expect(PATH, &text));
        arrived.with_context(|| format!("killed {moment:?}"))?;
        bob.editor.wait_live()?;
        bob.workspace.expect(PATH, Some(&text))?;
        bob.workspace.expect_clean()?;
    }
    Ok(())
}

/// Saves, kills the server at the moment, and starts another one.
fn save_and_kill(backend: &Backend, bob: &mut Side, text: &str, moment: Moment) -> Result<()> {
    let fault = |action: &str| {
        let rest = json!({ "path": "/rest/v1/rpc/push_artifacts", "action": action, "delay_ms": 2_000 });
        backend.faults(&json!({ "rest": rest }))
    };
    match moment {
        Moment::UnderWay => fault("delay")?,
        Moment::AnswerLost => fault("drop_reply")?,
        Moment::AtOnce | Moment::AfterAnAnswer | Moment::Cached => {}
    }
    backend.reset_stats()?;
    bob.editor.open(PATH)?;
    bob.editor.set_text(PATH, text)?;
    bob.editor.save(PATH)?;
    match moment {
        Moment::AtOnce => {}
        Moment::AfterAnAnswer => drop(bob.editor.hover(PATH, 0)?),
        Moment::Cached | Moment::UnderWay => {
            bob.editor.wait_status("waiting", |status| status["waiting"] == 1)?;
        }
        Moment::AnswerLost => {
            let pushed = |_: &mut Editor| {
                let calls = backend.stats()?.calls("push_artifacts");
                ensure!(calls > 0, "no push yet");
                Ok(())
            };
            bob.editor.wait_for("the push whose answer is lost", pushed)?;
        }
    }
    kill(bob)
}

/// Kills the server and starts another one. The kill comes first; no two overlap.
fn kill(side: &mut Side) -> Result<()> {
    side.editor.crash()?;
    side.editor = Editor::start(&side.workspace)?;
    Ok(())
}

#[test]
fn killing_the_server_keeps_a_conflict_and_what_was_decided() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/K-010-conflict.md";
    let text = "# K-010 Conflict\n\nfirst\n\nbetween\n\nsecond\n";
    pair.share_open(path, text)?;
    pair.bob.editor.replace(path, "first", "first by Bob")?;
    pair.bob.edit(path, "second", "second by Bob")?;
    ann_decides(&mut pair, path)
}

/// Ann, who has the file open, changes it from the version before Bob's; she decides one hunk,
/// saves, is killed, and decides the other.
fn ann_decides(pair: &mut Pair, path: &str) -> Result<()> {
    pair.ann.editor.wait_diagnostics(path, "Bob's change", |list| !list.is_empty())?;
    pair.ann.editor.replace(path, "first", "first by Ann")?;
    pair.ann.edit(path, "second", "second by Ann")?;
    let shown = pair.ann.editor.wait_codes(path, &["conflict", "conflict"])?;
    pair.ann.editor.settle(path, &shown[0], "Keep local version")?;
    pair.ann.editor.save(path)?;
    pair.ann.editor.wait_status("one conflict", |status| status["conflicts"] == 1)?;
    pair.ann.editor.hover(path, 0)?;
    kill(&mut pair.ann)?;
    pair.ann.editor.open(path)?;
    let left = pair.ann.editor.wait_diagnostics(path, "what is left", |list| !list.is_empty())?;
    let last = left.last().context("no conflict is left")?;
    pair.ann.editor.apply(path, last, "Accept remote version")?;
    if left.len() > 1 {
        // The server was killed before the first choice was durable: it is asked for again.
        let left = pair.ann.editor.wait_codes(path, &["conflict"])?;
        pair.ann.editor.settle(path, &left[0], "Keep local version")?;
    }
    pair.ann.editor.save(path)?;
    let expected = "# K-010 Conflict\n\nfirst by Ann\n\nbetween\n\nsecond by Bob\n";
    let shown = pair.bob.editor.wait_codes(path, &["behind"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.bob.editor.save(path)?;
    pair.agree(path, Some(expected))
}

#[test]
fn killing_the_backend_loses_nothing_that_was_saved() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/plans/K-020-backend.md";
    let text = |round: usize| format!("# K-020 Backend\n\nround {round}\n");
    pair.share(path, &text(0))?;
    pair.bob.editor.open(path)?;
    for round in 1..=4 {
        pair.bob.editor.set_text(path, &text(round))?;
        pair.bob.editor.save(path)?;
        match round {
            1 => {}
            2 => drop(pair.bob.editor.hover(path, 0)?),
            3 => pair.bob.editor.wait_status("cached", |status| status["waiting"] == 1)?,
            _ => {
                let status =
                    |status: &serde_json::Value| status["waiting"] == 0 && status["state"] == "in-sync";
                pair.bob.editor.wait_status("pushed", status)?;
            }
        }
        backend.kill9()?;
        backend.restart()?;
        pair.agree(path, Some(&text(round))).with_context(|| format!("round {round}"))?;
    }
    Ok(())
}
