//! `agent sync resolve` with a person at a terminal, and with Git's merge tools.

use agent_tests::{Backend, Editor, Ran, Team, Terminal, Workspace};
use anyhow::{Context as _, Result, ensure};

const PATH: &str = ".agent/plans/R-001-resolve.md";
const BASE: &str = "# R-001 Resolve\n\ntwo\n\nthree\n\nfour\n\nfive\n";
const ASKS: &str = "[q]uit, [?] ";

fn by(name: &str) -> String {
    BASE.replace("two", &format!("two by {name}")).replace("four", &format!("four by {name}"))
}

/// Bob's workspace with two hunks in conflict with Ann's version.
fn two_hunks() -> Result<(Team, Workspace)> {
    conflict(Some(&by("Ann")), Some(&by("Bob")))
}

fn conflict(anns: Option<&str>, bobs: Option<&str>) -> Result<(Team, Workspace)> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let (anns_folder, folder) = (Workspace::of_team("ann", &team)?, Workspace::of_team("bob", &team)?);
    anns_folder.login(&ann)?;
    folder.login(&bob)?;
    anns_folder.write(PATH, BASE)?;
    anns_folder.agent_ok(&["sync", "push"])?;
    folder.agent_ok(&["sync", "pull"])?;
    for (workspace, text) in [(&anns_folder, anns), (&folder, bobs)] {
        match text {
            Some(text) => workspace.write(PATH, text)?,
            None => workspace.remove(PATH)?,
        }
    }
    anns_folder.agent_ok(&["sync", "push"])?;
    let pulled = folder.agent(&["sync", "pull"])?;
    ensure!(pulled.code == 1, "{pulled:?}");
    Ok((team, folder))
}

#[test]
fn each_hunk_is_shown_with_both_sides_and_a_key_decides_it() -> Result<()> {
    let (team, bob) = two_hunks()?;
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    let shown = terminal.see(ASKS)?;
    ensure!(shown.contains("plan/R-001  ") && shown.contains("hunk 1 of 2"), "{shown}");
    ensure!(shown.contains("── base, line 3 ─") && shown.contains("\ntwo\n"), "{shown}");
    let beside = |line: &str| line.starts_with("two by Bob ") && line.ends_with(" │ two by Ann");
    ensure!(shown.lines().any(beside) && shown.contains("version 2 by ann"), "{shown}");
    // The words that differ are set off.
    ensure!(
        terminal.raw.contains("\x1b[1;4;33mBob") && terminal.raw.contains("\x1b[1;4;36mAnn"),
        "{}",
        terminal.raw
    );
    terminal.press("?")?;
    let help = terminal.see(ASKS)?;
    ensure!(help.contains("take the last choice back") && help.contains("hunk 1 of 2"), "{help}");
    terminal.press("x")?;
    terminal.see("means nothing here")?;
    terminal.see(ASKS)?;
    terminal.press("l")?;
    let second = terminal.see(ASKS)?;
    ensure!(second.contains("hunk 1 of 1") && second.contains("four by Ann"), "{second}");
    terminal.press("r")?;
    let (code, report) = terminal.end()?;
    ensure!(code == 0 && report.contains("Resolved"), "{code}: {report}");
    let text = BASE.replace("two", "two by Bob").replace("four", "four by Ann");
    bob.expect(PATH, Some(&text))?;
    bob.agent_ok(&["sync", "push"])?;
    team.expect(PATH, &text)?;
    bob.expect_clean()
}

#[test]
fn choices_are_taken_back_hunks_are_left_and_leaving_leaves_what_was_chosen() -> Result<()> {
    let (_team, bob) = two_hunks()?;
    let mut terminal = Terminal::start(&bob, &["sync", "resolve", "R-001"], 50)?;
    let shown = terminal.see(ASKS)?;
    ensure!(
        !shown.contains('│') && shown.contains("\ntwo by Bob\n") && shown.contains("\ntwo by Ann\n"),
        "{shown}"
    );
    terminal.press("u")?;
    terminal.see("nothing was chosen yet")?;
    terminal.see(ASKS)?;
    terminal.press("b")?;
    ensure!(terminal.see(ASKS)?.contains("hunk 1 of 1"));
    bob.expect(PATH, Some(&by("Bob").replace("two by Bob", "two by Bob\ntwo by Ann")))?;
    terminal.press("u")?;
    ensure!(terminal.see(ASKS)?.contains("hunk 1 of 2"));
    bob.expect(PATH, Some(&by("Bob")))?;
    // The first is left, the second decided.
    terminal.press("s")?;
    ensure!(terminal.see(ASKS)?.contains("hunk 2 of 2"));
    terminal.press("B")?;
    let (code, report) = terminal.end()?;
    ensure!(code == 1 && report.contains("1 hunk left"), "{code}: {report}");
    let text = by("Bob").replace("four by Bob", "four by Ann\nfour by Bob");
    bob.expect(PATH, Some(&text))?;

    // Keeping mine changes no text, and is taken back as well; Ctrl-C leaves what was chosen before.
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    ensure!(terminal.see(ASKS)?.contains("hunk 1 of 1"));
    terminal.press("l")?;
    terminal.end()?;
    bob.expect(PATH, Some(&text))?;
    ensure!(bob.agent_ok(&["sync", "status", "--json"])?.json()?["artifacts"][0]["next"] == "push");
    bob.agent_ok(&["sync", "undo", "R-001"])?;
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    terminal.see(ASKS)?;
    terminal.press("\u{3}")?;
    let (code, _) = terminal.end()?;
    ensure!(code != 0, "{code}");
    bob.expect(PATH, Some(&text))?;
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    terminal.see(ASKS)?;
    terminal.press("q")?;
    let (code, report) = terminal.end()?;
    ensure!(code == 1 && report.contains("nothing was chosen"), "{code}: {report}");
    bob.expect(PATH, Some(&text))
}

#[cfg(unix)]
#[test]
fn a_hunk_is_edited_in_the_editor() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (team, mut bob) = two_hunks()?;
    let editor = bob.home().join("editor");
    let script = "#!/bin/sh\ngrep -q 'two by Bob' \"$1\" && grep -q 'two by Ann' \"$1\" || exit 1\n\
                  { echo 'two by both'; echo 'and a line'; sed -n '/^<!-- agent:/,$p' \"$1\"; } > \"$1.new\"\n\
                  mv \"$1.new\" \"$1\"\n";
    std::fs::write(&editor, script)?;
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755))?;
    // One that saves nothing chooses nothing.
    bob.set_env("EDITOR", "true");
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    terminal.see(ASKS)?;
    terminal.press("e")?;
    terminal.see("nothing was saved")?;
    terminal.see(ASKS)?;
    terminal.press("q")?;
    ensure!(terminal.end()?.0 == 1);
    bob.expect(PATH, Some(&by("Bob")))?;
    // One that loses the line that separates loses nothing else.
    let loses = bob.home().join("loses");
    std::fs::write(
        &loses,
        "#!/bin/sh\necho 'two by nobody' > \"$1.new\"\ntouch -d tomorrow \"$1.new\"\nmv \"$1.new\" \"$1\"\n",
    )?;
    std::fs::set_permissions(&loses, std::fs::Permissions::from_mode(0o755))?;
    bob.set_env("EDITOR", &loses.display().to_string());
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 200)?;
    terminal.see(ASKS)?;
    terminal.press("e")?;
    expect_kept(&terminal.see(ASKS)?, "what you wrote is in ", "two by nobody")?;
    terminal.press("q")?;
    ensure!(terminal.end()?.0 == 1);
    bob.set_env("EDITOR", &editor.display().to_string());
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    terminal.see(ASKS)?;
    terminal.press("e")?;
    ensure!(terminal.see(ASKS)?.contains("four by Bob"));
    terminal.press("r")?;
    ensure!(terminal.end()?.0 == 0);
    let text = BASE.replace("two", "two by both\nand a line").replace("four", "four by Ann");
    bob.expect(PATH, Some(&text))?;
    bob.agent_ok(&["sync", "push"])?;
    team.expect(PATH, &text).map(drop)
}

#[test]
fn a_deletion_is_decided_as_a_whole() -> Result<()> {
    let (_team, bob) = conflict(Some(&by("Ann")), None)?;
    let mut terminal = Terminal::start(&bob, &["sync", "resolve"], 100)?;
    let shown = terminal.see(ASKS)?;
    ensure!(shown.contains("deleted here, but changed there") && !shown.contains("[b]oth"), "{shown}");
    terminal.press("r")?;
    ensure!(terminal.end()?.0 == 0);
    bob.expect(PATH, Some(&by("Ann")))
}

/// The text is in the file that is named behind these words; it is taken away.
fn expect_kept(said: &str, words: &str, text: &str) -> Result<()> {
    let (_, path) = said.split_once(words).with_context(|| said.to_owned())?;
    let path = path.lines().next().unwrap_or_default().trim();
    let kept = std::fs::read_to_string(path)?;
    ensure!(kept.contains(text), "{kept}");
    Ok(std::fs::remove_file(path)?)
}

#[test]
fn an_artifact_that_is_open_in_an_editor_is_given_to_no_tool() -> Result<()> {
    let (_team, bob) = two_hunks()?;
    git_config(&bob, "merge.tool", "ours")?;
    let ran = bob.home().join("ran");
    git_config(&bob, "mergetool.ours.cmd", &format!("touch '{}'; exit 3", ran.display()))?;
    let mut editor = Editor::start(&bob)?;
    editor.open(PATH)?;
    editor.wait_codes(PATH, &["conflict", "conflict"])?;
    let refused = bob.agent(&["sync", "resolve", "R-001", "--tool"])?;
    ensure!(refused.code == 1 && format!("{refused:?}").contains("open in an editor"), "{refused:?}");
    ensure!(!ran.exists(), "somebody merged for nothing");
    editor.shutdown()
}

fn git_config(workspace: &Workspace, key: &str, value: &str) -> Result<()> {
    let ran = workspace.command_of("git")?.args(["config", "--global", key, value]).output()?;
    ensure!(ran.status.success(), "{ran:?}");
    Ok(())
}

fn with_tool(workspace: &Workspace, tool: &str) -> Result<Ran> {
    let ran = workspace.agent(&["sync", "resolve", "--all", tool, "--json"])?;
    let report = ran.json()?;
    ensure!((report["artifacts"][0]["resolved"] == true) == (ran.code == 0), "{ran:?}");
    Ok(ran)
}

#[cfg(unix)]
#[test]
fn git_s_merge_tools_resolve_and_what_they_leave_undone_changes_nothing() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (team, bob) = two_hunks()?;
    let none = bob.agent(&["sync", "resolve", "--all", "--tool"])?;
    ensure!(none.code == 128 && none.err.contains("merge.tool"), "{none:?}");
    git_config(&bob, "merge.tool", "ours")?;
    let undone = [
        ("exit 3", "true", "did not merge"),
        ("true", "true", "left conflicts"),
        ("true", "false", "did not merge"),
        (": > \"$MERGED\"", "true", "empty"),
    ];
    for (command, trusted, why) in undone {
        git_config(&bob, "mergetool.ours.cmd", command)?;
        git_config(&bob, "mergetool.ours.trustExitCode", trusted)?;
        let ran = bob.agent(&["sync", "resolve", "--all", "--tool"])?;
        ensure!(ran.code != 0 && format!("{ran:?}").contains(why), "{command}: {ran:?}");
        bob.expect(PATH, Some(&by("Bob")))?;
    }
    // What was merged all the same is kept where it is told.
    git_config(&bob, "mergetool.ours.cmd", "sed 's/Bob/both/' \"$LOCAL\" > \"$MERGED\"; exit 3")?;
    git_config(&bob, "mergetool.ours.trustExitCode", "true")?;
    let ran = bob.agent(&["sync", "resolve", "--all", "--tool"])?;
    expect_kept(&format!("{}{}", ran.out, ran.err), "what was made of it is in ", &by("both"))?;
    bob.expect(PATH, Some(&by("Bob")))?;
    // A tool Git knows, in another place.
    let kdiff3 = bob.home().join("kdiff3");
    std::fs::write(
        &kdiff3,
        "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncat \"$3\" \"$4\" \"$5\" > \"$2\"\n",
    )?;
    std::fs::set_permissions(&kdiff3, std::fs::Permissions::from_mode(0o755))?;
    git_config(&bob, "mergetool.kdiff3.path", &kdiff3.display().to_string())?;
    with_tool(&bob, "--tool=kdiff3")?;
    bob.expect(PATH, Some(&[BASE, &by("Bob"), &by("Ann")].concat()))?;
    bob.agent_ok(&["sync", "undo", "R-001"])?;
    bob.expect(PATH, Some(&by("Bob")))?;
    // And one of one's own.
    git_config(&bob, "mergetool.ours.cmd", "sed 's/Bob/both/' \"$LOCAL\" > \"$MERGED\"")?;
    git_config(&bob, "mergetool.ours.trustExitCode", "false")?;
    with_tool(&bob, "--tool")?;
    bob.expect(PATH, Some(&by("both")))?;
    bob.agent_ok(&["sync", "push"])?;
    team.expect(PATH, &by("both")).map(drop)
}

#[test]
fn without_a_terminal_it_has_to_be_told_how() -> Result<()> {
    let (_team, bob) = two_hunks()?;
    let ran = bob.agent(&["sync", "resolve"])?;
    ensure!(ran.code == 129 && ran.err.contains("--ours"), "{ran:?}");
    let ran = bob.agent(&["sync", "resolve", "--ours"])?;
    ensure!(ran.code == 129, "{ran:?}");
    bob.expect(PATH, Some(&by("Bob")))
}
