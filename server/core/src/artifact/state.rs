//! How a Markdown artifact says which state it is in. Owns the forms that are read; what a state
//! means and which may follow it is decided elsewhere.
//!
//! The team's server reads the state from the text itself, in SQL (`private.state_of` of the
//! migrations), and what it reads decides who may change what. So these rules go by lines and ASCII
//! alone, where a Markdown parser's would have no twin there; tests/e2e/states.rs compares the two.

use std::ops::Range;

use super::parse::Spanned;
use super::yaml;
use crate::text::split_lines;

const KEYS: [&str; 2] = ["state", "status"];

/// White space within a line, and the line's end.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r' | '\n')
}

/// ASCII letters and digits, and the letters of most other scripts.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_digit() || is_letter(c)
}

/// ASCII letters, and about the letters of other scripts; not general punctuation, nor pictures.
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{1fff}' | '\u{2c00}'..='\u{d7ff}')
}

fn is_emphasis(c: char) -> bool {
    matches!(c, '*' | '_' | '`')
}

/// The state of a Markdown text. The more deliberate form wins, so that a bullet about the state of
/// something else does not: front matter, then a `State: X` line before the first section, then
/// a `## State` section, then such a line further down that is not in a list. Code is passed over:
/// what is fenced, and lines that are indented by four columns.
pub(super) fn find(text: &str, front_matter: Option<&Range<usize>>) -> Option<Spanned> {
    if let Some(found) = front_matter.and_then(|range| yaml::value(text, range.clone(), &KEYS)) {
        return Some(found);
    }
    let mut at = front_matter.map_or(0, |range| range.end);
    let mut fence = Fence::default();
    let mut search = Search { in_head: true, ..Search::default() };
    for line in split_lines(text.get(at..).unwrap_or_default()) {
        let start = at;
        at += line.len();
        if fence.holds(line) || is_indented(line) {
            continue;
        }
        if search.take(line, start) {
            break;
        }
    }
    search.best()
}

/// What was found so far, in one pass over the lines.
#[derive(Default)]
struct Search {
    /// Before the first heading of level two and below.
    in_head: bool,
    /// The level of the state's section, while it lasts and nothing was found in it.
    section: Option<usize>,
    of_head: Option<Spanned>,
    of_section: Option<Spanned>,
    of_body: Option<Spanned>,
}

impl Search {
    /// Looks at a line; whether nothing that follows can matter.
    fn take(&mut self, line: &str, start: usize) -> bool {
        let heading = heading(line);
        if let Some((level, _)) = heading {
            self.in_head &= level == 1;
            self.section = self.section.filter(|&open| open < level);
        }
        let marked = line.trim_start_matches(is_space).trim_start_matches(['#', '>']);
        let marked = marked.trim_start_matches(is_space);
        let item = marked.strip_prefix(['-', '*', '+']).filter(|rest| rest.starts_with([' ', '\t']));
        let content = item.unwrap_or(marked);
        let said = keyed(content).and_then(|value| spanned(line, start, value));
        if self.in_head && said.is_some() {
            self.of_head = said;
            return true;
        }
        if self.section.is_some() {
            // Whatever stands there, also behind a key.
            let value = keyed(content).unwrap_or(content);
            self.of_section = spanned(line, start, value);
            self.section = self.section.filter(|_| self.of_section.is_none());
        } else if self.of_section.is_none() {
            self.section = heading.filter(|(_, title)| is_state_title(title)).map(|(level, _)| level);
        }
        if self.of_body.is_none() && item.is_none() && !self.in_head {
            self.of_body = said;
        }
        self.of_section.is_some() && !self.in_head
    }

    fn best(self) -> Option<Spanned> {
        self.of_head.or(self.of_section).or(self.of_body)
    }
}

/// The block of fenced code that is open, if any: its character and how many of them.
#[derive(Default)]
struct Fence(Option<(char, usize)>);

impl Fence {
    /// Whether the line is in such a block, or opens or ends one. A block may be in a quote and in
    /// lists, at any depth; one without an end lasts to the end of the text.
    fn holds(&mut self, line: &str) -> bool {
        let quoted = line.trim_start_matches(|c| is_space(c) || c == '>');
        let rest = if self.0.is_some() { quoted } else { without_items(quoted) };
        let sign = rest.chars().next().filter(|c| matches!(c, '`' | '~'));
        let n_signs = rest.chars().take_while(|&c| Some(c) == sign).count();
        let info = rest.get(n_signs..).unwrap_or_default();
        match (self.0, sign) {
            (None, Some(sign)) if n_signs >= 3 && (sign == '~' || !info.contains('`')) => {
                self.0 = Some((sign, n_signs));
                true
            }
            (None, _) => false,
            (Some((open, least)), _) => {
                if sign == Some(open) && n_signs >= least && info.chars().all(is_space) {
                    self.0 = None;
                }
                true
            }
        }
    }
}

/// The line behind the markers of lists, bullets and numbers, that it begins with.
fn without_items(mut line: &str) -> &str {
    loop {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let numbered = line.get(digits..).filter(|_| (1..=9).contains(&digits));
        let rest = numbered
            .map_or_else(|| line.strip_prefix(['-', '*', '+']), |behind| behind.strip_prefix(['.', ')']));
        let Some(rest) = rest.filter(|rest| rest.starts_with([' ', '\t'])) else { return line };
        line = rest.trim_start_matches([' ', '\t']);
    }
}

/// Whether a line is indented as code is: by four columns.
fn is_indented(line: &str) -> bool {
    let spaces = line.bytes().take_while(|&b| b == b' ').count();
    spaces >= 4 || line.as_bytes().get(spaces) == Some(&b'\t')
}

/// The level and the title of a `#` heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let marks = line.trim_start_matches(' ');
    let level = marks.bytes().take_while(|&b| b == b'#').count();
    let title = marks.get(level..)?;
    let is_heading = (1..=6).contains(&level) && (title.is_empty() || title.starts_with(is_space));
    is_heading.then_some((level, title))
}

/// Whether a heading announces the state: `State`, `Status`, perhaps with a colon or a sign.
fn is_state_title(title: &str) -> bool {
    let word = title.trim_matches(|c: char| !is_word(c));
    KEYS.iter().any(|key| word.eq_ignore_ascii_case(key))
}

/// Whether a heading is itself a `State: X` line, and so no title.
pub(super) fn is_state_line(heading: &str) -> bool {
    keyed(heading).is_some()
}

/// The value of a `State: X` line, its list marker taken off: `**Status**: X`, `_State:_ X`, …
fn keyed(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(is_space).trim_start_matches(is_emphasis);
    let key =
        KEYS.iter().find(|key| line.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key)))?;
    let rest = line.get(key.len()..)?.trim_start_matches(is_emphasis).trim_start_matches(is_space);
    let value = rest.strip_prefix(':')?;
    // Emphasis that ends behind the colon leaves its closing signs at the head of the value.
    let bare = value.trim_start_matches(is_emphasis);
    (bare.is_empty() || bare.starts_with(is_space) || bare.len() < value.len()).then_some(bare)
}

/// `value`, a tail of `line`, without the emphasis in and around it. `None` if nothing is left.
fn spanned(line: &str, line_start: usize, value: &str) -> Option<Spanned> {
    let at_ends = |c: char| is_space(c) || is_emphasis(c);
    let tail = value.trim_start_matches(at_ends);
    let inner = tail.trim_end_matches(at_ends);
    if !inner.contains(is_word) {
        return None;
    }
    let start = line_start + line.len() - tail.len();
    let text = inner.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    Some(Spanned { text, range: start..start + inner.len() })
}
