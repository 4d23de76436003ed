//! Artifact ids named in a text. Owns what an id in running text looks like; whether there is such
//! an artifact is for the caller to know (`UTF-8` looks like an id too).

use std::ops::Range;

use super::parse::Spanned;

/// Every `ABC-123` in `text` outside of `skipped`, in order. `skipped` is ascending.
pub(super) fn find(text: &str, skipped: &[Range<usize>]) -> Vec<Spanned> {
    let mut skipped = skipped.iter().peekable();
    let mut found = Vec::new();
    for (hyphen, _) in text.match_indices('-') {
        while skipped.next_if(|range| range.end <= hyphen).is_some() {}
        if skipped.peek().is_some_and(|range| range.start <= hyphen) {
            continue;
        }
        if let Some(range) = around(text, hyphen) {
            found.push(Spanned { text: text.get(range.clone()).unwrap_or_default().to_owned(), range });
        }
    }
    found
}

/// The id whose hyphen is at `hyphen`: a capital letter, then capital letters and digits before it,
/// digits behind it, and nothing at either end that makes it part of a longer word.
fn around(text: &str, hyphen: usize) -> Option<Range<usize>> {
    let (before, after) = (text.get(..hyphen)?, text.get(hyphen + 1..)?);
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let letters = before.bytes().rev().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    let start = hyphen - letters;
    let starts_well = text.as_bytes().get(start).is_some_and(u8::is_ascii_uppercase);
    if digits == 0 || letters == 0 || !starts_well {
        return None;
    }
    let end = hyphen + 1 + digits;
    let in_word = |c: char| c.is_alphanumeric();
    let continues = text.get(..start)?.ends_with(|c| in_word(c) || c == '-' || c == '_')
        || text.get(end..)?.starts_with(in_word);
    (!continues).then_some(start..end)
}
