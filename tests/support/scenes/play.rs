//! The scenes. Every line that is told is what a real editor was shown by the real server.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{ADR, PLAN, Pair, RUNBOOK, STORY, Side, Stage, message};
use crate::wait::eventually;

/// Ann saves; Bob, who has the file open, sees it and takes it.
///
/// # Errors
/// When anything is not as told.
pub fn arrives(pair: &mut Pair, stage: &mut dyn Stage) -> Result<()> {
    let (path, text) = PLAN;
    stage.scene("1. An edit arrives");
    pair.bob.editor.open(path)?;
    stage.tells("Bob", &format!("has {path} open"));
    pair.ann.editor.open(path)?;
    edits(&mut pair.ann, stage, path, "1. Export runs at 03:00.", "1. Export runs at 02:00.")?;
    let shown = sees(&mut pair.bob, stage, path, &["behind"])?;
    offers(&mut pair.bob, stage, path, &shown[0])?;
    chooses(&mut pair.bob, stage, path, &shown[0], "Accept remote version")?;
    pair.bob.editor.save(path)?;
    let expected = text.replace("1. Export runs at 03:00.", "1. Export runs at 02:00.");
    agree(pair, stage, path, &expected)?;
    close(pair, path)
}

/// Both edit one file at different places; nobody has to choose.
///
/// # Errors
/// When anything is not as told.
pub fn merges(pair: &mut Pair, stage: &mut dyn Stage) -> Result<()> {
    let (path, text) = RUNBOOK;
    stage.scene("2. Two edits at different places merge");
    pair.ann.editor.open(path)?;
    pair.bob.editor.open(path)?;
    let (old, new) = ("Write down what happened.", "Write down what happened, in the incident's page.");
    pair.bob.editor.replace(path, old, new)?;
    stage.tells("Bob", &format!("types, without saving yet:\n+ {new}"));
    let (check, checked) = ("Look at the last line of the export's log.", "Run `export --status`.");
    edits(&mut pair.ann, stage, path, check, checked)?;
    let shown = sees(&mut pair.bob, stage, path, &["merges-cleanly"])?;
    chooses(&mut pair.bob, stage, path, &shown[0], "Merge remote changes")?;
    pair.bob.editor.save(path)?;
    stage.tells("Bob", "saves");
    let back = sees(&mut pair.ann, stage, path, &["behind"])?;
    chooses(&mut pair.ann, stage, path, &back[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    agree(pair, stage, path, &text.replace(check, checked).replace(old, new))?;
    close(pair, path)
}

/// Both change the same lines in two places; Bob decides each in his editor.
///
/// # Errors
/// When anything is not as told.
pub fn conflict(pair: &mut Pair, stage: &mut dyn Stage) -> Result<()> {
    let (path, text) = STORY;
    stage.scene("3. Both change the same lines, twice");
    pair.ann.editor.open(path)?;
    pair.bob.editor.open(path)?;
    let (tries, anns_tries, bobs_tries) = ("tried 3 times.", "tried 5 times.", "tried twice.");
    let (days, anns_days, bobs_days) = ("Two days.", "Three days.", "One day, with the new library.");
    pair.bob.editor.replace(path, tries, bobs_tries)?;
    pair.bob.editor.replace(path, days, bobs_days)?;
    stage.tells("Bob", &format!("types, without saving yet:\n+ … {bobs_tries}\n+ {bobs_days}"));
    pair.ann.editor.replace(path, tries, anns_tries)?;
    pair.ann.edit(path, days, anns_days)?;
    stage.tells("Ann", &format!("edits {path} and saves:\n+ … {anns_tries}\n+ {anns_days}"));
    let shown = sees(&mut pair.bob, stage, path, &["conflict", "conflict"])?;
    offers(&mut pair.bob, stage, path, &shown[0])?;
    chooses(&mut pair.bob, stage, path, &shown[0], "Accept remote version")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.settle(path, &shown[0], "Keep local version")?;
    stage.tells(
        "Bob",
        &format!("line {}: chooses “Keep local version”; nothing is left to decide", line(&shown[0])),
    );
    pair.bob.editor.save(path)?;
    stage.tells("Bob", "saves");
    let back = sees(&mut pair.ann, stage, path, &["behind"])?;
    chooses(&mut pair.ann, stage, path, &back[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    agree(pair, stage, path, &text.replace(tries, anns_tries).replace(days, bobs_days))?;
    close(pair, path)
}

/// The backend goes away, Bob works on, it comes back.
///
/// # Errors
/// When anything is not as told.
pub fn offline(pair: &mut Pair, stage: &mut dyn Stage) -> Result<()> {
    let (path, text) = ADR;
    stage.scene("4. Offline, and back");
    pair.team.backend.stop()?;
    stage.tells("", "the backend is stopped");
    pair.bob.editor.open(path)?;
    let (old, new) = ("nested data needs another way.", "nested data goes into a second file.");
    edits(&mut pair.bob, stage, path, old, new)?;
    let is_kept = |status: &Value| status["state"] == "offline" && status["waiting"] == 1;
    pair.bob.editor.wait_status("offline with one waiting", is_kept)?;
    let status = pair.bob.editor.status();
    let problem = status["problem"].as_str().context("no problem in the status")?;
    stage.tells("Bob", &format!("sees in the status bar: offline, 1 waiting ({problem})"));
    let listed = pair.bob.workspace.agent_ok(&["sync", "status", "--short"])?;
    stage.tells("Bob", &format!("$ agent sync status --short\n{}", listed.out.trim_end()));
    ensure!(listed.out.contains(path), "the waiting file is not listed: {listed:?}");
    pair.ann.workspace.expect(path, Some(text))?;
    pair.team.backend.restart()?;
    stage.tells("", "the backend is started again");
    pair.bob.editor.wait_live()?;
    stage.tells("Bob", "sees in the status bar: in sync");
    let expected = text.replace(old, new);
    eventually("the file on Ann's disk", || pair.ann.workspace.expect(path, Some(&expected)))?;
    stage.tells("Ann", &format!("has it on disk, without having had it open:\n+ … {new}"));
    agree(pair, stage, path, &expected)?;
    close(pair, path)
}

fn edits(side: &mut Side, stage: &mut dyn Stage, path: &str, old: &str, new: &str) -> Result<()> {
    side.edit(path, old, new)?;
    stage.tells(side.name, &format!("edits {path} and saves:\n- {old}\n+ {new}"));
    Ok(())
}

fn sees(side: &mut Side, stage: &mut dyn Stage, path: &str, codes: &[&str]) -> Result<Vec<Value>> {
    let shown = side.editor.wait_codes(path, codes)?;
    for diagnostic in &shown {
        let severity = match diagnostic["severity"].as_u64() {
            Some(1) => "error",
            Some(2) => "warning",
            _ => "information",
        };
        let code = diagnostic["code"].as_str().unwrap_or_default();
        let text = format!("sees on line {}: {severity} [{code}]\n{}", line(diagnostic), message(diagnostic));
        stage.tells(side.name, &text);
    }
    Ok(shown)
}

fn offers(side: &mut Side, stage: &mut dyn Stage, path: &str, diagnostic: &Value) -> Result<()> {
    let offered = side.editor.code_actions(path, diagnostic)?;
    let titles: Vec<_> = offered
        .iter()
        .filter_map(|action| action["title"].as_str())
        .map(|title| format!("· {title}"))
        .collect();
    ensure!(!titles.is_empty(), "no actions for {diagnostic}");
    stage.tells(side.name, &format!("is offered:\n{}", titles.join("\n")));
    Ok(())
}

/// Runs an action, and tells which lines it changed.
fn chooses(side: &mut Side, stage: &mut dyn Stage, path: &str, on: &Value, title: &str) -> Result<()> {
    let before = side.editor.text(path)?;
    side.editor.apply(path, on, title)?;
    let after = side.editor.text(path)?;
    let only_in = |text: &str, other: &str, mark: &str| {
        let gone = text.lines().filter(|line| !other.lines().any(|found| found == *line));
        gone.map(|line| format!("\n{mark} {line}")).collect::<String>()
    };
    let changes = only_in(&before, &after, "-") + &only_in(&after, &before, "+");
    stage.tells(side.name, &format!("line {}: chooses “{title}”{changes}", line(on)));
    Ok(())
}

fn agree(pair: &mut Pair, stage: &mut dyn Stage, path: &str, expected: &str) -> Result<()> {
    pair.agree(path, Some(expected))?;
    let version = pair.team.artifact(path)?.version;
    stage.tells("", &format!("both files and the remote (version {version}) are byte-equal"));
    Ok(())
}

fn close(pair: &mut Pair, path: &str) -> Result<()> {
    for side in [&mut pair.ann, &mut pair.bob] {
        if side.editor.text(path).is_ok() {
            side.editor.close(path)?;
        }
    }
    Ok(())
}

fn line(diagnostic: &Value) -> u64 {
    diagnostic["range"]["start"]["line"].as_u64().unwrap_or(0) + 1
}
