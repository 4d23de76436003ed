//! Save here, see it there, resolve it in the editor; after each step both files, both caches and
//! the remote agree.

use agent_tests::scenes::{self, Pair, Silent};
use agent_tests::{Backend, eventually};
use anyhow::{Result, ensure};
use serde_json::Value;

const TEXT: &str = "# T-001 Two places\n\nfirst\n\nbetween\n\nsecond\n\nend\n";

#[test]
fn the_play_of_the_demo() -> Result<()> {
    let backend = Backend::shared()?;
    let unique = |name: &str| format!("{name}+{}@example.com", std::process::id());
    let mut pair = scenes::gather(&backend, [&unique("ann"), &unique("bob")], &mut Silent)?;
    scenes::arrives(&mut pair, &mut Silent)?;
    scenes::merges(&mut pair, &mut Silent)?;
    scenes::conflict(&mut pair, &mut Silent)
}

/// Both change both places; Bob has not saved.
fn two_conflicts(pair: &mut Pair, path: &str) -> Result<Vec<Value>> {
    pair.share_open(path, TEXT)?;
    pair.bob.editor.replace(path, "first", "first by Bob")?;
    pair.bob.editor.replace(path, "second", "second by Bob")?;
    pair.ann.editor.replace(path, "first", "first by Ann")?;
    pair.ann.edit(path, "second", "second by Ann")?;
    pair.bob.editor.wait_codes(path, &["conflict", "conflict"])
}

/// Bob saves, and Ann takes what comes back, if anything does.
fn bob_saves(pair: &mut Pair, path: &str, expected: &str) -> Result<()> {
    pair.bob.editor.wait_codes(path, &[])?;
    ensure!(pair.bob.editor.text(path)? == expected, "Bob has {:?}", pair.bob.editor.text(path)?);
    pair.bob.editor.save(path)?;
    if pair.ann.editor.text(path)? != expected {
        let shown = pair.ann.editor.wait_diagnostics(path, "something to take", |list| !list.is_empty())?;
        ensure!(shown.iter().all(|diagnostic| diagnostic["code"] == "behind"), "{shown:?}");
        pair.ann.editor.apply(path, &shown[0], "Accept remote version of the whole file")?;
        pair.ann.editor.save(path)?;
    }
    pair.agree(path, Some(expected))
}

#[test]
fn each_choice_ends_in_the_text_it_names() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let table = [
        ("Accept remote version", "first by Ann\n"),
        ("Keep local version", "first by Bob\n"),
        ("Accept both (local first)", "first by Bob\nfirst by Ann\n"),
        ("Accept both (remote first)", "first by Ann\nfirst by Bob\n"),
    ];
    for (number, (title, first)) in table.iter().enumerate() {
        let path = format!(".agent/stories/T-{:03}-hunk.md", number + 1);
        let shown = two_conflicts(&mut pair, &path)?;
        pair.bob.editor.save(&path)?;
        match *title {
            "Keep local version" => pair.bob.editor.settle(&path, &shown[0], title)?,
            _ => pair.bob.editor.apply(&path, &shown[0], title)?,
        }
        let left = pair.bob.editor.wait_codes(&path, &["conflict"])?;
        pair.bob.editor.settle(&path, &left[0], "Keep local version")?;
        let expected = TEXT.replace("first\n", first).replace("second\n", "second by Bob\n");
        bob_saves(&mut pair, &path, &expected)?;
        // What lost is not lost: the remote's history has both of Ann's lines.
        let history = pair.team.history("story", &format!("T-{:03}", number + 1))?;
        ensure!(history.iter().any(|text| text.contains("second by Ann")), "{history:?}");
    }
    Ok(())
}

#[test]
fn all_local_and_all_remote_keep_what_only_one_side_changed() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    for (number, (title, who)) in
        [("Accept all local", "Bob"), ("Accept all remote", "Ann")].iter().enumerate()
    {
        let path = format!(".agent/stories/T-{:03}-all.md", number + 11);
        pair.share_open(&path, TEXT)?;
        pair.bob.editor.replace(&path, "end\n", "end by Bob\n")?;
        pair.bob.editor.replace(&path, "first", "first by Bob")?;
        pair.bob.editor.replace(&path, "second", "second by Bob")?;
        pair.ann.editor.replace(&path, "# T-001", "# T-001 Ann:")?;
        pair.ann.editor.replace(&path, "first", "first by Ann")?;
        pair.ann.edit(&path, "second", "second by Ann")?;
        let shown = pair.bob.editor.wait_codes(&path, &["merges-cleanly", "conflict", "conflict"])?;
        pair.bob.editor.apply(&path, &shown[1], title)?;
        let expected = TEXT
            .replace("# T-001", "# T-001 Ann:")
            .replace("first", &format!("first by {who}"))
            .replace("second", &format!("second by {who}"))
            .replace("end\n", "end by Bob\n");
        bob_saves(&mut pair, &path, &expected)?;
    }
    Ok(())
}

#[test]
fn a_saved_conflict_survives_the_end_of_the_editor() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/T-020-restart.md";
    two_conflicts(&mut pair, path)?;
    pair.bob.editor.save(path)?;
    pair.bob.editor.wait_status("one conflict", |status| status["conflicts"] == 1)?;
    let new = agent_tests::Editor::start(&pair.bob.workspace)?;
    std::mem::replace(&mut pair.bob.editor, new).shutdown()?;
    pair.bob.editor.open(path)?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict", "conflict"])?;
    pair.bob.editor.settle(path, &shown[1], "Keep local version")?;
    let shown = pair.bob.editor.wait_codes(path, &["conflict"])?;
    pair.bob.editor.apply(path, &shown[0], "Accept remote version")?;
    let expected = TEXT.replace("first", "first by Ann").replace("second", "second by Bob");
    bob_saves(&mut pair, path, &expected)
}

#[test]
fn a_closed_file_is_updated_and_merged_on_disk() -> Result<()> {
    // Bob's save must not come first: the conflict would be Ann's then, and hers is an open document.
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    let path = ".agent/plans/T-030-closed.md";
    pair.share(path, TEXT)?;
    pair.ann.editor.open(path)?;
    pair.ann.edit(path, "first", "first by Ann")?;
    let first = TEXT.replace("first", "first by Ann");
    pair.agree(path, Some(&first))?;
    // Bob writes with another program, while Ann writes elsewhere in the file.
    pair.bob.workspace.write(path, first.replace("end\n", "end by Bob\n"))?;
    pair.ann.edit(path, "between", "between by Ann")?;
    let merged = first.replace("between", "between by Ann").replace("end\n", "end by Bob\n");
    eventually("the merge on Bob's disk", || pair.bob.workspace.expect(path, Some(&merged)))?;
    pair.bob.workspace.agent_ok(&["sync", "push"])?;
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&merged))
}

#[test]
fn hover_and_comparison_show_the_other_text() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/T-040-look.md";
    let shown = two_conflicts(&mut pair, path)?;
    let hover = pair.bob.editor.hover(path, 2)?;
    let text = hover["contents"]["value"].as_str().unwrap_or_default();
    ensure!(text.contains("first by Ann") && text.contains("\nfirst\n"), "{hover}");
    let related = shown[0]["relatedInformation"].to_string();
    ensure!(related.contains("first by Ann"), "{related}");
    let compare = pair.bob.editor.action(path, &shown[0], "Compare")?;
    pair.bob.editor.run(&compare)?;
    let diff = std::fs::read_to_string(pair.bob.editor.wait_shown()?)?;
    ensure!(diff.contains("-second by Bob") && diff.contains("+second by Ann"), "{diff}");
    Ok(())
}
