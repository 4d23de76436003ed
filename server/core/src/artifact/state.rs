//! How a Markdown artifact says which state it is in. Owns the forms that are read; what a state
//! means and which may follow it is decided elsewhere.

use std::ops::Range;

use super::parse::{Section, Spanned};
use super::yaml;
use crate::text::split_lines;

const KEYS: [&str; 2] = ["state", "status"];

/// The state of a Markdown text. The more deliberate form wins, so that a bullet about the state of
/// something else does not: front matter, then a `State: X` line before the first section, then
/// a `## State` section, then such a line further down that is not in a list.
pub(super) fn find(
    text: &str,
    front_matter: Option<&Range<usize>>,
    sections: &[Section],
    code: &[Range<usize>],
) -> Option<Spanned> {
    let head_end = sections.iter().find(|section| section.level > 1).map_or(text.len(), |s| s.range.start);
    let head_start = front_matter.map_or(0, |range| range.end);
    let of_section = || {
        sections.iter().filter(|section| is_state_title(&section.title)).find_map(|section| {
            line_values(text, section.range.end..section.body.end, code, In::Section).next()
        })
    };
    front_matter
        .and_then(|range| yaml::value(text, range.clone(), &KEYS))
        .or_else(|| line_values(text, head_start..head_end, code, In::Head).next())
        .or_else(of_section)
        .or_else(|| line_values(text, head_end..text.len(), code, In::Body).next())
}

/// Where a line stands decides which lines count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// Before the first section: `State: X`, also as a list item.
    Head,
    /// In a section titled so: whatever stands there.
    Section,
    /// Anywhere else: `State: X`, but not as a list item.
    Body,
}

/// Whether a heading announces the state: `State`, `Status`, perhaps with a colon or a sign.
fn is_state_title(title: &str) -> bool {
    let word = title.trim_matches(|c: char| !c.is_alphanumeric());
    KEYS.iter().any(|key| word.eq_ignore_ascii_case(key))
}

/// Whether a heading is itself a `State: X` line, and so no title.
pub(super) fn is_state_line(heading: &str) -> bool {
    keyed(heading).is_some()
}

fn line_values(
    text: &str,
    range: Range<usize>,
    code: &[Range<usize>],
    place: In,
) -> impl Iterator<Item = Spanned> {
    let mut at = range.start;
    let mut code = code.iter().peekable();
    let lines = split_lines(text.get(range).unwrap_or_default());
    lines.into_iter().filter_map(move |line| {
        let start = at;
        at += line.len();
        while code.next_if(|block| block.end <= start).is_some() {}
        if code.peek().is_some_and(|block| block.start < at) {
            return None;
        }
        let marked = line.trim_start().trim_start_matches(['#', '>']).trim_start();
        let content = marked.strip_prefix(['-', '*', '+']).filter(|rest| rest.starts_with([' ', '\t']));
        let value = match (place, keyed(content.unwrap_or(marked))) {
            (In::Body, Some(_)) if content.is_some() => None,
            (_, Some(value)) => Some(value),
            (In::Section, None) => Some(content.unwrap_or(marked)),
            (_, None) => None,
        }?;
        spanned(line, start, value)
    })
}

/// The value of a `State: X` line, its list marker taken off: `**Status**: X`, `_State:_ X`, …
fn keyed(line: &str) -> Option<&str> {
    let is_emphasis = |c: char| matches!(c, '*' | '_' | '`');
    let line = line.trim_start().trim_start_matches(is_emphasis);
    let key =
        KEYS.iter().find(|key| line.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key)))?;
    let rest = line.get(key.len()..)?.trim_start_matches(is_emphasis).trim_start();
    let value = rest.strip_prefix(':')?;
    // Emphasis that ends behind the colon leaves its closing signs at the head of the value.
    let value = value.trim_start_matches(is_emphasis);
    (value.is_empty() || value.starts_with([' ', '\t', '\r', '\n']) || value.len() < rest.len() - 1)
        .then_some(value)
}

/// `value`, a tail of `line`, without the emphasis in and around it. `None` if nothing is left.
fn spanned(line: &str, line_start: usize, value: &str) -> Option<Spanned> {
    let at_ends = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`');
    let tail = value.trim_start_matches(at_ends);
    let inner = tail.trim_end_matches(at_ends);
    if !inner.contains(char::is_alphanumeric) {
        return None;
    }
    let start = line_start + line.len() - tail.len();
    let text = inner.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    Some(Spanned { text, range: start..start + inner.len() })
}
