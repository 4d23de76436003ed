//! Looking back and bringing back: with the real backend, closed files, and after restarts.

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Editor, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub(crate) const TEXT: &str = "# H-001 History\n\nfirst\n\nbetween\n\nsecond\n\nend\n";

/// Bob's closed file has his change, and Ann's merged in; nothing of Bob's is pushed yet.
pub(crate) fn merged(pair: &mut Pair, path: &str) -> Result<(String, String)> {
    merged_of(pair, path, TEXT)
}

/// The same with another text.
pub(crate) fn merged_of(pair: &mut Pair, path: &str, text: &str) -> Result<(String, String)> {
    pair.share(path, text)?;
    let bobs = text.replace("end\n", "end by Bob\n");
    pair.bob.workspace.write(path, &bobs)?;
    pair.bob.editor.wait_status("Bob's change waits", |status| status["waiting"] == 1)?;
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "first", "first by Ann")?;
    let both = bobs.replace("first", "first by Ann");
    eventually("the merge on Bob's disk", || pair.bob.workspace.expect(path, Some(&both)))?;
    Ok((bobs, both))
}

fn log(workspace: &Workspace, args: &[&str]) -> Result<Vec<Value>> {
    let args = [&["sync", "log", "--json"], args].concat();
    let report = workspace.agent_ok(&args)?.json()?;
    report["operations"].as_array().cloned().context("no operations")
}

pub(crate) fn next(workspace: &Workspace, id: &str) -> Result<String> {
    let status = workspace.agent_ok(&["sync", "status", "--all", "--json"])?.json()?;
    let all = status["artifacts"].as_array().context("no artifacts")?;
    let row = all.iter().find(|row| row["id"] == id).with_context(|| format!("no {id} in {status:#}"))?;
    Ok(row["next"].as_str().unwrap_or_default().to_owned())
}

/// Bob's editor ends and starts again.
fn restart(pair: &mut Pair) -> Result<()> {
    let new = Editor::start(&pair.bob.workspace)?;
    std::mem::replace(&mut pair.bob.editor, new).shutdown()?;
    pair.bob.editor.wait_status("live again", |status| status["live"] == true)
}

#[test]
fn a_merge_of_a_closed_file_is_shown_undone_and_redone() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/H-001-merge.md";
    let (bobs, both) = merged(&mut pair, path)?;
    let bob = &pair.bob.workspace;
    let merges = log(bob, &["H-001"])?;
    let merge = merges.iter().find(|line| line["cause"] == "merged").context("no merge")?;
    ensure!(merge["author"] == pair.ann.user.email.as_str() && merge["by_hand"] == false, "{merge:#}");
    ensure!(merge["from"]["base"] == 1 && merge["to"]["base"] == 2, "{merge:#}");
    let number = merge["operation"].to_string();
    let shown = bob.agent_ok(&["sync", "show", &number])?;
    ensure!(
        shown.out.contains("-first\n+first by Ann\n") && shown.out.contains(&pair.ann.user.email),
        "{shown:?}"
    );
    ensure!(bob.agent_ok(&["sync", "show", "H-001@1"])?.out == TEXT, "version 1 is another text");
    let diff = bob.agent_ok(&["sync", "diff", "H-001"])?;
    ensure!(diff.out.contains("-end\n+end by Bob\n") && !diff.out.contains("Ann"), "{diff:?}");

    let undone = bob.agent_ok(&["sync", "undo", "H-001"])?;
    ensure!(undone.out.contains("not taken again"), "{undone:?}");
    bob.expect(path, Some(&bobs))?;
    restart(&mut pair)?;
    let bob = &pair.bob.workspace;
    ensure!(next(bob, "H-001")? == "undone", "{}", next(bob, "H-001")?);
    // A pull, by hand too, does not merge it again.
    let pulled = bob.agent_ok(&["sync", "pull", "--json"])?.json()?;
    ensure!(pulled["artifacts"][0]["result"] == "undone", "{pulled:#}");
    bob.expect(path, Some(&bobs))?;

    let redone = bob.agent_ok(&["sync", "undo", "H-001", "--json"])?.json()?;
    ensure!(
        redone["undone"] == true && redone["cause"] == "undone" && redone["was_pushed"] == false,
        "{redone:#}"
    );
    bob.expect(path, Some(&both))?;
    bob.agent_ok(&["sync", "push"])?;
    let behind = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &behind[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&both))
}

#[test]
fn what_was_pushed_is_undone_by_a_new_edit() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/H-002-pushed.md";
    let (bobs, both) = merged(&mut pair, path)?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    pair.team.expect(path, &both)?;
    // Bob goes on, and takes the merge out of what he has by then.
    let later = both.replace("between", "between, later");
    pair.bob.workspace.write(path, &later)?;
    let undone = pair.bob.workspace.agent_ok(&["sync", "undo", "H-002"])?;
    ensure!(undone.out.contains("the next push sends it"), "{undone:?}");
    let expected = bobs.replace("between", "between, later");
    pair.bob.workspace.expect(path, Some(&expected))?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    let remote = pair.team.expect(path, &expected)?;
    ensure!(remote.version == 4, "{remote:?}");
    ensure!(pair.team.history("story", "H-002")?.contains(&both), "the team's history was rewritten");
    Ok(())
}

#[test]
fn any_version_comes_back_also_of_what_was_deleted() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/H-003-versions.md";
    pair.share(path, TEXT)?;
    let second = TEXT.replace("first", "first, second version");
    pair.ann.workspace.write(path, &second)?;
    pair.agree(path, Some(&second))?;
    pair.bob.workspace.agent_ok(&["sync", "restore", "H-003", "--version", "1"])?;
    pair.agree(path, Some(TEXT))?;
    pair.ann.workspace.remove(path)?;
    pair.agree(path, None)?;
    restart(&mut pair)?;
    pair.bob.workspace.agent_ok(&["sync", "restore", "story/H-003", "--version", "2"])?;
    pair.agree(path, Some(&second))?;
    let log = log(&pair.bob.workspace, &["H-003"])?;
    ensure!(log.iter().filter(|line| line["cause"] == "restored").count() == 2, "{log:#?}");
    Ok(())
}

#[test]
fn a_new_machine_sees_and_restores_what_happened_before_it() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/H-004-late.md";
    pair.share(path, TEXT)?;
    let second = TEXT.replace("first", "first, second version");
    pair.ann.workspace.write(path, &second)?;
    pair.agree(path, Some(&second))?;
    let late = Workspace::of_team("late", &pair.team)?;
    late.login(&pair.bob.user)?;
    late.agent_ok(&["sync", "pull"])?;
    let lines = log(&late, &["H-004"])?;
    let unseen = lines.iter().find(|line| line["operation"].is_null()).context("no revision from before")?;
    ensure!(unseen["remote_version"] == 1 && unseen["author"] == pair.ann.user.email.as_str(), "{unseen:#}");
    ensure!(
        log(&late, &["H-004", "--offline"])?.iter().all(|line| !line["operation"].is_null()),
        "{lines:#?}"
    );
    ensure!(late.agent_ok(&["sync", "show", "H-004@1"])?.out == TEXT, "not version 1");
    let diff = late.agent(&["sync", "diff", "H-004", "--version", "1", "--exit-code"])?;
    ensure!(diff.code == 1 && diff.out.contains("-first\n+first, second version\n"), "{diff:?}");
    late.agent_ok(&["sync", "restore", "H-004", "--version", "1"])?;
    late.expect(path, Some(TEXT))
}

#[test]
fn a_file_that_an_editor_has_open_is_left_to_it() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/stories/H-005-open.md";
    let (_, both) = merged(&mut pair, path)?;
    pair.bob.editor.open(path)?;
    // The server has heard of it once it answers.
    pair.bob.editor.hover(path, 0)?;
    for args in [["sync", "undo", "H-005"].as_slice(), &["sync", "restore", "H-005", "--version", "1"]] {
        let refused = eventually("the command line to know that it is open", || {
            let dry = [args, &["--dry-run"]].concat();
            let refused = pair.bob.workspace.agent(&dry)?;
            ensure!(refused.code == 1, "{refused:?}");
            Ok(refused)
        })?;
        ensure!(refused.out.contains("open in an editor"), "{refused:?}");
        let refused = pair.bob.workspace.agent(args)?;
        ensure!(refused.code == 1 && refused.out.contains("open in an editor"), "{refused:?}");
        pair.bob.workspace.expect(path, Some(&both))?;
    }
    Ok(())
}

/// The ids of the changes that a workspace sent of an artifact, in order, as its log has them.
fn sent(workspace: &Workspace, key: &str) -> Result<Vec<String>> {
    let log = workspace.read(".agent/logs/sync.log")?;
    let lines = log.lines().map(serde_json::from_str).collect::<serde_json::Result<Vec<Value>>>()?;
    let own = lines.iter().filter(|line| line["artifact"] == key && line["cause"] == "pushed");
    Ok(own.filter_map(|line| line["change"].as_str().map(str::to_owned)).collect())
}

#[test]
fn the_text_a_change_made_comes_back_be_it_ones_own_or_a_teammates() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/H-009-change.md";
    pair.share(path, TEXT)?;
    let second = TEXT.replace("first", "first by Bob");
    pair.bob.workspace.write(path, &second)?;
    pair.agree(path, Some(&second))?;
    let third = second.replace("end", "end by Ann");
    pair.ann.workspace.write(path, &third)?;
    pair.agree(path, Some(&third))?;
    let (anns, bobs) = (sent(&pair.ann.workspace, "story/H-009")?, sent(&pair.bob.workspace, "story/H-009")?);
    let [first, last] = anns.as_slice() else { anyhow::bail!("Ann sent {anns:?}") };
    let restored = |change: &str, expected: &str| {
        let restore = ["sync", "restore", "H-009", "--change", change];
        let said = pair.bob.workspace.agent_ok(&[&restore[..], &["--dry-run"]].concat())?;
        ensure!(said.out.contains(&format!("change {change}")), "{said:?}");
        pair.bob.workspace.agent_ok(&restore)?;
        pair.bob.workspace.expect(path, Some(expected))
    };
    restored(&bobs[0], &second)?;
    restored(first, TEXT)?;
    restored(last, &third)?;
    let unknown = "019a0000-0000-7000-8000-000000000000";
    let refused = pair.bob.workspace.agent(&["sync", "restore", "H-009", "--change", unknown])?;
    ensure!(refused.code == 128 && refused.err.contains("no version was made by change"), "{refused:?}");
    pair.agree(path, Some(&third))?;
    // What a deletion made is no text.
    pair.bob.workspace.remove(path)?;
    pair.agree(path, None)?;
    let gone = sent(&pair.bob.workspace, "story/H-009")?.pop().context("no deletion")?;
    let refused = pair.bob.workspace.agent(&["sync", "restore", "H-009", "--change", &gone])?;
    ensure!(refused.code == 128 && refused.err.contains("is a deletion"), "{refused:?}");
    pair.bob.workspace.expect(path, None)
}

#[test]
fn an_erased_persons_name_leaves_a_replica_that_knows_them_from_older_versions_only() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/H-011-erased.md";
    pair.share(path, TEXT)?;
    let theirs = TEXT.replace("first", "first by Bob");
    pair.bob.workspace.write(path, &theirs)?;
    pair.agree(path, Some(&theirs))?;
    let bobs = pair.bob.user.email.clone();
    let anns = TEXT.replace("first", "first by Ann again");
    pair.ann.workspace.write(path, &anns)?;
    pair.agree(path, Some(&anns))?;
    // A process that was not there when it happened hears of it as well.
    let Side { editor, workspace: ann, .. } = pair.ann;
    editor.shutdown()?;
    let name = pair.team.erase(&pair.bob.user)?;
    let before = serde_json::to_string(&log(&ann, &["H-011"])?)?;
    ensure!(before.contains(&bobs), "the name is gone before the pull: {before}");
    ann.agent_ok(&["sync", "pull"])?;
    let said = serde_json::to_string(&log(&ann, &["H-011"])?)?;
    ensure!(said.contains(&name) && !said.contains(&bobs), "{said}");
    ann.expect(path, Some(&anns))
}

#[test]
fn an_erased_persons_name_leaves_every_replica_with_the_next_pull() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/H-010-erased.md";
    pair.share(path, TEXT)?;
    pair.bob.workspace.write(path, TEXT.replace("first", "first by Bob"))?;
    let bobs = pair.bob.user.email.as_str();
    let ann = &pair.ann.workspace;
    eventually("Bob's change at Ann's", || {
        let lines = log(ann, &["H-010"])?;
        ensure!(lines.iter().any(|line| line["author"] == bobs), "{lines:#?}");
        Ok(())
    })?;
    let name = pair.team.erase(&pair.bob.user)?;
    eventually("the pseudonym at Ann's", || {
        let lines = log(ann, &["H-010"])?;
        ensure!(lines.iter().any(|line| line["author"] == name.as_str()), "{lines:#?}");
        let said = serde_json::to_string(&lines)?;
        ensure!(!said.contains(bobs), "{said}");
        Ok(())
    })?;
    ann.expect(path, Some(&TEXT.replace("first", "first by Bob")))
}
