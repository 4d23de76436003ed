//! `agent sync resolve --tool`: another program merges, as `git mergetool` has it run. Git's own library
//! for merge tools is what starts it, so that `merge.tool`, `mergetool.<name>.cmd`, `.path` and
//! `.trustExitCode` and the tools that Git knows mean what they mean there. The artifact's file gets the
//! result only; markers are in a file of the tool's.

use std::path::Path;
use std::process::{Command, Stdio};

use agent_core::merge::Merge;
use agent_core::merge::markers::{MarkerOptions, Style, render};
use agent_core::sync::Entry;
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;
use anyhow::{Context as _, ensure};

use crate::commands::git::run_git;
use crate::place::now;
use crate::show::Turn;
use crate::work::Work;

/// As a shell of Git's runs it: git-mergetool--lib(1). An older Git's library initialises by itself.
const SCRIPT: &str = r#"!. "$(git --exec-path)/git-mergetool--lib"; TOOL_MODE=merge
if type initialize_merge_tool >/dev/null 2>&1; then initialize_merge_tool "$AGENT_TOOL" || exit 1; fi
run_merge_tool "$AGENT_TOOL" true"#;
const LABELS: [&str; 3] = ["LOCAL", "BASE", "REMOTE"];

/// The tool to use: the one that is named, else Git's.
pub(super) fn name(work: &Work, given: &str) -> anyhow::Result<String> {
    let root = work.session.workspace.root();
    let tool = match given {
        "" => run_git(root, &["config", "--get", "merge.tool"])?,
        given => Some(given.to_owned()),
    };
    tool.context(
        "no tool is named: --tool=NAME, or git config merge.tool NAME (git mergetool --tool-help lists them)",
    )
}

/// Has the tool merge an artifact; answers why it did not come to anything.
pub(super) fn resolve(
    work: &mut Work,
    entry: &Entry,
    tool: &str,
    silent: bool,
) -> anyhow::Result<Option<String>> {
    let turn = Turn::of(work, entry);
    let merge = work.merge_of(entry).filter(|_| matches!(turn, Turn::Conflict | Turn::FindBase));
    let Some(merge) = merge else {
        let why = match turn.is_conflict() {
            true => "one side is deleted; choose with --ours or --theirs",
            false => "nothing is in conflict",
        };
        return Ok(Some(format!("{}: {why}", entry.key)));
    };
    let stem =
        Path::new(entry.path.as_str()).file_stem().and_then(|stem| stem.to_str()).unwrap_or("artifact");
    let merged = match merged(work, &merge, stem, tool, silent)? {
        Ok(merged) => merged,
        Err(why) => return Ok(Some(format!("{}: {why}; nothing was changed", entry.key))),
    };
    // What the tool made stands for the whole text, and all of the remote's was there to choose from.
    let seen = Some((entry.base, entry.remote_version()));
    let ask = Ask { key: entry.key.clone(), take: Take::WholeLocal, seen, even_open: false };
    let done = work.session.engine.resolve_with(&ask, &merged, now());
    Ok(done.err().map(|error| error.to_string()))
}

/// What the tool makes of the three texts, or why there is nothing.
fn merged(
    work: &Work,
    merge: &Merge,
    stem: &str,
    tool: &str,
    silent: bool,
) -> anyhow::Result<Result<String, String>> {
    let folder = tempfile::Builder::new().prefix("agent-merge-").tempdir()?;
    let file = |side: &str| folder.path().join(format!("{stem}{side}.md"));
    let labels = LABELS.map(|label| Some(label.to_owned()));
    let (marked, _) =
        render(merge, &MarkerOptions { style: Style::Diff3, labels, ..MarkerOptions::default() });
    let end = merge.regions().last();
    let whole = |end: Option<usize>| 0..end.unwrap_or(0);
    let texts = [
        ("_BASE", merge.base_lines(whole(end.map(|region| region.base.end)))),
        ("_LOCAL", merge.local_lines(whole(end.map(|region| region.local.end)))),
        ("_REMOTE", merge.remote_lines(whole(end.map(|region| region.remote.end)))),
        ("_BACKUP", &marked),
        ("", &marked),
    ];
    for (side, text) in texts {
        std::fs::write(file(side), text).with_context(|| file(side).display().to_string())?;
    }
    let mut command = Command::new("git");
    command.arg("-C").arg(work.session.workspace.root());
    command.args(["-c", &format!("alias.agent-mergetool={SCRIPT}"), "agent-mergetool"]);
    command.env("AGENT_TOOL", tool).env("MERGED", file(""));
    for side in ["BASE", "LOCAL", "REMOTE", "BACKUP"] {
        command.env(side, file(&format!("_{side}")));
    }
    if silent {
        // Standard output is the report's.
        command.stdout(Stdio::null());
    }
    let ended = command.status().context("git cannot be run; it is what starts the tool")?;
    if !ended.success() {
        return Ok(Err(format!("{tool} says that it did not merge ({ended})")));
    }
    let bytes = std::fs::read(file(""))?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(Err(format!("what {tool} left is no UTF-8")));
    };
    let marks = [format!("<<<<<<< {}", LABELS[0]), format!(">>>>>>> {}", LABELS[2])];
    if text.lines().any(|line| marks.iter().any(|mark| line == mark)) {
        return Ok(Err(format!("{tool} left conflicts in it")));
    }
    ensure!(
        !text.is_empty() || merge.local_lines(0..1).is_empty(),
        "{tool} left an empty file; nothing was changed"
    );
    Ok(Ok(text))
}
