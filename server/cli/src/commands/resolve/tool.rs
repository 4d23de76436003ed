//! `agent sync resolve --tool`: another program merges, as `git mergetool` has it run. Git's own library
//! for merge tools is what starts it, so that `merge.tool`, `mergetool.<name>.cmd`, `.path` and
//! `.trustExitCode` and the tools that Git knows mean what they mean there. The artifact's file gets the
//! result only; markers are in a file of the tool's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use agent_core::merge::Merge;
use agent_core::merge::markers::{MarkerOptions, Style, render};
use agent_core::sync::Entry;
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;
use anyhow::Context as _;
use tempfile::TempDir;

use crate::commands::git::run_git;
use crate::place::now;
use crate::show::{Row, Turn};
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
        let row = Row::of(work, entry);
        let why = match (row.went_back, turn.is_conflict()) {
            (true, _) => row.why(),
            (false, true) => "one side is deleted; choose with --ours or --theirs".to_owned(),
            (false, false) => "nothing is in conflict".to_owned(),
        };
        return Ok(Some(format!("{}: {why}", entry.key)));
    };
    // What the tool made stands for the whole text, and all of the remote's was there to choose from.
    let seen = Some((entry.base, entry.remote_version()));
    let ask = Ask { key: entry.key.clone(), take: Take::WholeLocal, seen, even_open: false };
    // Known before somebody merges for nothing.
    if let Err(error) = work.session.engine.preview(&ask) {
        return Ok(Some(error.to_string()));
    }
    let table = Table::laid(&merge, entry)?;
    let problem = match table.merged(work, &merge, tool, silent)? {
        Ok(merged) => {
            let done = work.session.engine.resolve_with(&ask, &merged, now());
            done.err().map(|error| error.to_string())
        }
        Err(why) => Some(format!("{}: {why}; nothing was changed", entry.key)),
    };
    Ok(problem.map(|why| table.kept(why)))
}

/// The files that a tool works on.
struct Table {
    folder: TempDir,
    stem: String,
    marked: String,
}

impl Table {
    fn laid(merge: &Merge, entry: &Entry) -> anyhow::Result<Self> {
        let stem = Path::new(entry.path.as_str()).file_stem().and_then(|stem| stem.to_str());
        let labels = LABELS.map(|label| Some(label.to_owned()));
        let (marked, _) =
            render(merge, &MarkerOptions { style: Style::Diff3, labels, ..MarkerOptions::default() });
        let folder = tempfile::Builder::new().prefix("agent-merge-").tempdir()?;
        let table = Self { folder, stem: stem.unwrap_or("artifact").to_owned(), marked };
        let end = merge.regions().last();
        let whole = |end: Option<usize>| 0..end.unwrap_or(0);
        let texts = [
            ("_BASE", merge.base_lines(whole(end.map(|region| region.base.end)))),
            ("_LOCAL", merge.local_lines(whole(end.map(|region| region.local.end)))),
            ("_REMOTE", merge.remote_lines(whole(end.map(|region| region.remote.end)))),
            ("_BACKUP", &table.marked),
            ("", &table.marked),
        ];
        for (side, text) in texts {
            let file = table.file(side);
            std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        }
        Ok(table)
    }

    fn file(&self, side: &str) -> PathBuf {
        self.folder.path().join(format!("{}{side}.md", self.stem))
    }

    /// Why it came to nothing, and where what somebody made all the same is.
    fn kept(self, why: String) -> String {
        let file = self.file("");
        let is_made =
            std::fs::read(&file).is_ok_and(|bytes| !bytes.is_empty() && bytes != self.marked.as_bytes());
        if !is_made {
            return why;
        }
        let _ = self.folder.keep();
        format!("{why}; what was made of it is in {}", file.display())
    }

    /// What the tool makes of the three texts, or why there is nothing.
    fn merged(
        &self,
        work: &Work,
        merge: &Merge,
        tool: &str,
        silent: bool,
    ) -> anyhow::Result<Result<String, String>> {
        let mut command = Command::new("git");
        command.arg("-C").arg(work.session.workspace.root());
        command.args(["-c", &format!("alias.agent-mergetool={SCRIPT}"), "agent-mergetool"]);
        command.env("AGENT_TOOL", tool).env("MERGED", self.file(""));
        for side in ["BASE", "LOCAL", "REMOTE", "BACKUP"] {
            command.env(side, self.file(&format!("_{side}")));
        }
        if silent {
            // Standard output is the report's.
            command.stdout(Stdio::null());
        }
        let ended = command.status().context("git cannot be run; it is what starts the tool")?;
        if !ended.success() {
            return Ok(Err(format!("{tool} says that it did not merge ({ended})")));
        }
        let Ok(text) = String::from_utf8(std::fs::read(self.file(""))?) else {
            return Ok(Err(format!("what {tool} left is no UTF-8")));
        };
        let marks = [format!("<<<<<<< {}", LABELS[0]), format!(">>>>>>> {}", LABELS[2])];
        if text.lines().any(|line| marks.iter().any(|mark| line == mark)) {
            return Ok(Err(format!("{tool} left conflicts in it")));
        }
        if text.is_empty() && !merge.local_lines(0..1).is_empty() {
            return Ok(Err(format!("{tool} left an empty file")));
        }
        Ok(Ok(text))
    }
}
