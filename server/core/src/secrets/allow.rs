//! "Allow here": a comment in the text that names a rule. `<!-- agent-allow: RULE -->` at the end of a
//! line allows that rule on it; on a line of its own it allows it on the next line, or in the
//! fenced block that starts there. In YAML and front matter the comment is `# agent-allow: RULE`.

use std::collections::HashSet;
use std::ops::Range;

use super::{Finding, Rule};
use crate::artifact::parse::Format;
use crate::text::{split_lines, without_terminator};

const WORD: &str = "agent-allow:";

/// The comment that allows a rule.
pub fn comment(rule: &Rule, format: Format) -> String {
    match format {
        Format::Markdown => format!("<!-- {WORD} {} -->", rule.id),
        Format::Yaml => format!("# {WORD} {}", rule.id),
    }
}

/// Takes out what a comment allows.
pub(super) fn drop_allowed(text: &str, findings: &mut Vec<Finding>) {
    if findings.is_empty() || !text.contains(WORD) {
        return;
    }
    let lines = Lines::of(text);
    let mut allowed: HashSet<(usize, &str)> = HashSet::new();
    for line in 0..lines.lines.len() {
        for (rules, alone) in comments(lines.lines[line]) {
            let covered = if alone { lines.below(line) } else { line..line + 1 };
            allowed.extend(covered.flat_map(|line| rules.iter().map(move |rule| (line, *rule))));
        }
    }
    findings.retain(|finding| !allowed.contains(&(lines.at(finding.range.start), finding.rule.id)));
}

/// Where a comment goes that allows a finding, and its text.
pub fn allowing(text: &str, finding: &Finding, format: Format) -> (usize, String) {
    let lines = Lines::of(text);
    let first = lines.at(finding.range.start);
    let last = lines.at(finding.range.end.saturating_sub(1).max(finding.range.start));
    let is_yaml = format == Format::Yaml || lines.front_matter().contains(&first);
    let comment = comment(finding.rule, if is_yaml { Format::Yaml } else { Format::Markdown });
    let above = match lines.fence_around(first) {
        Some(fence) => Some(fence),
        None => (is_yaml || first != last).then_some(first),
    };
    if let Some(line) = above {
        let indent: String = lines.lines[line].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        let ending = lines.ending();
        return (lines.starts[line], format!("{indent}{comment}{ending}"));
    }
    let line = without_terminator(lines.lines[first]);
    let trimmed = line.trim_end();
    // In a table's row the comment is part of the last cell.
    let is_row = trimmed.starts_with('|') && trimmed.len() > 1 && trimmed.ends_with('|');
    match is_row {
        true => (lines.starts[first] + trimmed.len() - 1, format!("{comment} ")),
        false => (lines.starts[first] + trimmed.len(), format!(" {comment}")),
    }
}

/// The comments of a line: the rules each names, and whether nothing else stands on the line.
fn comments(line: &str) -> impl Iterator<Item = (Vec<&str>, bool)> {
    line.match_indices(WORD).filter_map(move |(at, _)| {
        let (before, after) = (line[..at].trim_end(), &line[at + WORD.len()..]);
        let (opening, named, rest) = match before.strip_suffix("<!--") {
            Some(opening) => {
                let (named, rest) = after.split_once("-->")?;
                (opening, named, rest)
            }
            None => (before.strip_suffix('#')?, without_terminator(after), ""),
        };
        let rules = named.split([' ', ',']).filter(|rule| !rule.is_empty()).collect();
        Some((rules, opening.trim().is_empty() && rest.trim().is_empty()))
    })
}

/// A text's lines and where they start.
struct Lines<'t> {
    lines: Vec<&'t str>,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let lines = split_lines(text);
        let starts = lines
            .iter()
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len();
                Some(start)
            })
            .collect();
        Self { lines, starts }
    }

    fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn ending(&self) -> &'t str {
        self.lines.first().map_or("\n", |line| match &line[without_terminator(line).len()..] {
            "" => "\n",
            ending => ending,
        })
    }

    /// What a comment on a line of its own covers.
    fn below(&self, line: usize) -> Range<usize> {
        let next = line + 1;
        let Some(mark) = self.lines.get(next).and_then(|line| fence_mark(line)) else {
            return next..next + 1;
        };
        let close = (next + 1..self.lines.len()).find(|n| closes(self.lines[*n], mark));
        next..close.map_or(self.lines.len(), |close| close + 1)
    }

    /// The first line of the fenced block that a line is in.
    fn fence_around(&self, line: usize) -> Option<usize> {
        let mut open: Option<(usize, &str)> = None;
        for n in 0..line {
            open = match open {
                Some((_, mark)) if closes(self.lines[n], mark) => None,
                Some(open) => Some(open),
                None => fence_mark(self.lines[n]).map(|mark| (n, mark)),
            };
        }
        open.map(|(n, _)| n)
    }

    fn front_matter(&self) -> Range<usize> {
        let is_rule = |line: &str| crate::text::without_bom(line).trim_end() == "---";
        if !self.lines.first().is_some_and(|line| is_rule(line)) {
            return 0..0;
        }
        let close = self.lines.iter().skip(1).position(|line| is_rule(line));
        close.map_or(0..0, |close| 1..close + 1)
    }
}

/// The run of backticks or tildes that opens a fenced block.
fn fence_mark(line: &str) -> Option<&str> {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(first).len();
    (length >= 3).then(|| &line[..length])
}

fn closes(line: &str, mark: &str) -> bool {
    let line = line.trim_matches([' ', '\t', '>', '\r', '\n']);
    line.len() >= mark.len() && line.trim_start_matches(mark.chars().next().unwrap_or('`')).is_empty()
}
