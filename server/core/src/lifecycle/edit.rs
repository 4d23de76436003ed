//! The edit that moves a text to another state, as small as it can be: the state's name, where one
//! is written; else a line that says it, where a reader of the text looks for it.

use std::ops::Range;

use crate::artifact::parse::{Format, canonical_state, front_matter, parse, state_word};
use crate::text::{split_lines, without_bom};

/// Bytes of a text, and what takes their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to be replaced.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}

impl Edit {
    /// The text with this edit.
    pub fn apply(&self, text: &str) -> String {
        let before = text.get(..self.range.start).unwrap_or_default();
        let after = text.get(self.range.end..).unwrap_or_default();
        format!("{before}{}{after}", self.text)
    }
}

/// The edit after which the text is in `state`; `None` when it is already. Only the name of the old
/// state is replaced: what is written after it, such as a reason in parentheses, stays.
pub fn set_state(text: &str, format: Format, state: &str) -> Option<Edit> {
    let Some(found) = parse(text, format).state else { return Some(insert(text, format, state)) };
    if canonical_state(&found.text) == canonical_state(state) {
        return None;
    }
    let written = text.get(found.range.clone()).unwrap_or_default();
    let edit =
        |len: usize| Edit { range: found.range.start..found.range.start + len, text: state.to_owned() };
    let name = edit(state_word(written).len());
    // A value that begins with no name, such as a sign, or whose rest would read as part of the new
    // name, is replaced as a whole.
    let leads_there = |edit: &Edit| {
        parse(&edit.apply(text), format).state.is_some_and(|now| canonical_state(&now.text) == state)
    };
    let is_enough = !name.range.is_empty() && leads_there(&name);
    Some(if is_enough { name } else { edit(written.len()) })
}

/// The bytes of the state's value when `offset` is in it or where one is to be written, so that
/// names can be offered there: behind `State:`, or below a `## State` heading.
pub fn state_at(text: &str, format: Format, offset: usize) -> Option<Range<usize>> {
    let around = |range: &Range<usize>| range.start <= offset && offset <= range.end;
    if let Some(found) = parse(text, format).state {
        return Some(found.range).filter(around);
    }
    // With something written there, is that the state?
    let (before, after) = (text.get(..offset)?, text.get(offset..)?);
    let tried = parse(&format!("{before}X{after}"), format).state?;
    (tried.range == (offset..offset + 1)).then_some(offset..offset)
}

/// A line that says the state, in a text that says none: in the front matter, else below the title,
/// else at the head.
fn insert(text: &str, format: Format, state: &str) -> Edit {
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let content = without_bom(text);
    let bom = text.len() - content.len();
    let at = |offset: usize, text: String| Edit { range: offset..offset, text };
    if format == Format::Yaml {
        return at(bom, format!("state: {state}{break_}"));
    }
    if front_matter(content).is_some() {
        let fence = split_lines(content).first().map_or(0, |line| line.len());
        return at(bom + fence, format!("state: {state}{break_}"));
    }
    let title = parse(text, format).sections.into_iter().find(|section| section.level == 1);
    match title {
        Some(title) => at(title.range.end, format!("{break_}{break_}State: {state}")),
        None => at(bom, format!("State: {state}{break_}{break_}")),
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
