//! Values of top-level keys in YAML, by lines. Owns just enough of YAML to show a title and a state,
//! also of a document that is broken further down; configuration is parsed elsewhere.

use std::ops::Range;

use super::parse::Spanned;
use super::state::is_space;
use crate::text::split_lines;

/// The value of the first of `keys` that has one, where `range` of `text` is YAML. Earlier keys win.
pub(super) fn value(text: &str, range: Range<usize>, keys: &[&str]) -> Option<Spanned> {
    keys.iter().find_map(|key| value_of(text, range.clone(), key))
}

fn value_of(text: &str, range: Range<usize>, key: &str) -> Option<Spanned> {
    let mut at = range.start;
    let mut lines = split_lines(text.get(range)?).into_iter().map(|line| {
        let start = at;
        at += line.len();
        (start, line)
    });
    let (start, line) = lines.by_ref().find(|(_, line)| after_key(line, key).is_some())?;
    let rest = after_key(line, key)?;
    let value = Value { start: start + line.len() - rest.len(), text: rest };
    if !rest.trim_start_matches(is_space).starts_with(['|', '>']) {
        return value.scalar();
    }
    let (start, line) = lines.find(|(_, line)| !line.trim_matches(is_space).is_empty())?;
    if !line.starts_with([' ', '\t']) {
        return None;
    }
    Some(Value { start, text: line }.trimmed().spanned()).filter(|found| !found.text.is_empty())
}

/// What follows `key:` on a line that begins with it; the key in any case.
fn after_key<'t>(line: &'t str, key: &str) -> Option<&'t str> {
    let rest = line.get(key.len()..)?;
    let rest = line.get(..key.len())?.eq_ignore_ascii_case(key).then_some(rest)?.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then_some(rest)
}

/// A piece of a line and the byte it starts at.
#[derive(Clone, Copy)]
struct Value<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Value<'t> {
    fn trimmed(self) -> Self {
        let text = self.text.trim_start_matches(is_space);
        Self { start: self.start + self.text.len() - text.len(), text: text.trim_end_matches(is_space) }
    }

    fn scalar(self) -> Option<Spanned> {
        let value = self.trimmed();
        for quote in ['"', '\''] {
            if let Some(inner) = value.text.strip_prefix(quote) {
                let text = inner.get(..inner.find(quote)?)?;
                return Some(Self { start: value.start + 1, text }.spanned()).filter(|s| !s.text.is_empty());
            }
        }
        let end = value.text.find(" #").unwrap_or(value.text.len());
        let value = Self { start: value.start, text: value.text.get(..end)? }.trimmed();
        let absent = value.text.is_empty() || value.text.starts_with('#') || value.text == "~";
        (!absent).then(|| value.spanned())
    }

    fn spanned(self) -> Spanned {
        Spanned { text: self.text.to_owned(), range: self.start..self.start + self.text.len() }
    }
}
