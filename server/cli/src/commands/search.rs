//! `agent search`: the lines of the artifacts that hold all of some words, as this machine has them.
//! No network. Texts come from the cache, which holds each of them.

use std::fmt::Write as _;

use agent_core::artifact::parse::state_word;
use agent_core::sync::Entry;
use serde::Serialize;

use crate::args::Search;
use crate::manner;
use crate::output::{Done, Form};
use crate::work::Work;

#[derive(Serialize)]
struct Report {
    artifacts: Vec<Match>,
}

#[derive(Serialize)]
struct Match {
    kind: String,
    id: String,
    path: String,
    title: Option<String>,
    state: Option<String>,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    /// Counted from 1.
    line: usize,
    text: String,
}

/// Looks for the words. Exit code 1 when nothing holds them, as with grep.
pub(crate) fn run(args: &Search) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    work.scan()?;
    let words = Words::new(&args.words);
    let entries = work.entries();
    let wanted = entries.iter().filter(|entry| is_wanted(entry, args));
    let report = Report { artifacts: wanted.filter_map(|entry| look(&work, entry, &words)).collect() };
    let nothing = report.artifacts.is_empty();
    // As grep: the exit code is the answer.
    let text = match manner::get().quiet {
        true => String::new(),
        false => text(&report, args.files_with_matches),
    };
    Ok(Done::new(text, &report)?.with(work.notes, nothing).form(Form::Answer))
}

fn is_wanted(entry: &Entry, args: &Search) -> bool {
    let state = entry.state.as_deref().map(state_word);
    args.kind.as_deref().is_none_or(|kind| entry.key.kind.as_str() == kind)
        && args.state.as_deref().is_none_or(|wanted| state.is_some_and(|s| s.eq_ignore_ascii_case(wanted)))
}

/// The lines with all words; where the words stand on different lines, those with any of them.
fn look(work: &Work, entry: &Entry, words: &Words) -> Option<Match> {
    let text = work.text(entry.local?)?;
    if !words.all_in(&text) {
        return None;
    }
    let lines = |fits: &dyn Fn(&str) -> bool| -> Vec<Line> {
        let numbered = text.lines().enumerate().filter(|(_, line)| fits(line));
        numbered.map(|(n, line)| Line { line: n + 1, text: line.to_owned() }).collect()
    };
    let all = lines(&|line| words.all_in(line));
    Some(Match {
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: entry.path.as_str().to_owned(),
        title: entry.title.clone(),
        state: entry.state.clone(),
        lines: if all.is_empty() { lines(&|line| words.any_in(line)) } else { all },
    })
}

fn text(report: &Report, names_only: bool) -> String {
    let mut out = String::new();
    for found in &report.artifacts {
        if names_only {
            let _ = writeln!(out, "{}", found.path);
            continue;
        }
        for line in &found.lines {
            let _ = writeln!(out, "{}:{}:{}", found.path, line.line, line.text);
        }
    }
    out
}

/// Words to look for, compared without regard to case unless one has a capital letter.
struct Words {
    words: Vec<String>,
    exact: bool,
}

impl Words {
    fn new(words: &[String]) -> Self {
        let exact = words.iter().any(|word| word.chars().any(char::is_uppercase));
        Self { words: words.to_vec(), exact }
    }

    fn all_in(&self, text: &str) -> bool {
        self.check(text, |text| self.words.iter().all(|word| text.contains(word.as_str())))
    }

    fn any_in(&self, text: &str) -> bool {
        self.check(text, |text| self.words.iter().any(|word| text.contains(word.as_str())))
    }

    fn check(&self, text: &str, fits: impl Fn(&str) -> bool) -> bool {
        if self.exact { fits(text) } else { fits(&text.to_lowercase()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_where_a_capital_letter_is_asked_for() {
        let words = |list: &[&str]| Words::new(&list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        for (asked, text, all) in [
            (&["deploy"][..], "Deploy at noon", true),
            (&["Deploy"], "deploy at noon", false),
            (&["deploy", "noon"], "Deploy at noon", true),
            (&["deploy", "midnight"], "Deploy at noon", false),
            (&["ärger"], "ÄRGER", true),
        ] {
            assert_eq!(words(asked).all_in(text), all, "{asked:?} in {text:?}");
        }
        assert!(words(&["deploy", "midnight"]).any_in("Deploy at noon"));
    }
}
