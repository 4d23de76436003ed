//! Positions and edits as the protocol counts them, written apart from the server's own code so
//! that the two check each other.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// How columns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// In bytes.
    Utf8,
    /// In UTF-16 code units.
    Utf16,
    /// In characters.
    Utf32,
}

impl Encoding {
    /// Its name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    fn length(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// Where each line starts and ends, without its ending (`\n`, `\r\n` or `\r`).
fn lines(text: &str) -> Vec<(usize, usize)> {
    let (mut all, mut start, bytes) = (Vec::new(), 0, text.as_bytes());
    let mut at = 0;
    while at < bytes.len() {
        let ending = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if ending > 0 {
            all.push((start, at));
            start = at + ending;
        }
        at += ending.max(1);
    }
    all.push((start, text.len()));
    all
}

/// The offset of a position; strict, unlike the protocol: a position outside of its line is a fault.
pub(super) fn offset(text: &str, position: &Value, encoding: Encoding) -> Result<usize> {
    let number = |name: &str| {
        let number = position[name].as_u64().with_context(|| format!("no {name} in {position}"))?;
        Ok::<_, anyhow::Error>(usize::try_from(number)?)
    };
    let (line, column) = (number("line")?, number("character")?);
    let all = lines(text);
    let (start, end) = *all.get(line).with_context(|| format!("{position} is after the last line"))?;
    let (mut units, mut at) = (0, start);
    for c in text[start..end].chars().take_while(|_| true) {
        if units >= column {
            break;
        }
        units += encoding.length(c);
        at += c.len_utf8();
    }
    ensure!(units == column, "{position} is inside of a character or after its line's end");
    Ok(at)
}

/// The position of an offset.
pub(super) fn position(text: &str, offset: usize, encoding: Encoding) -> Value {
    let all = lines(text);
    let line = all.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
    let start = all[line].0;
    let column: usize = text[start..offset].chars().map(|c| encoding.length(c)).sum();
    json!({ "line": line, "character": column })
}

/// Applies the edits of one `TextDocumentEdit`: all made for the same text, not overlapping.
pub(super) fn apply(text: &str, edits: &[Value], encoding: Encoding) -> Result<String> {
    let mut spans = Vec::new();
    for edit in edits {
        let start = offset(text, &edit["range"]["start"], encoding)?;
        let end = offset(text, &edit["range"]["end"], encoding)?;
        let new = edit["newText"].as_str().with_context(|| format!("no newText in {edit}"))?;
        ensure!(start <= end, "a range that ends before it starts: {edit}");
        spans.push((start, end, new));
    }
    spans.sort_by_key(|(start, end, _)| (*start, *end));
    let (mut out, mut from) = (String::new(), 0);
    for (start, end, new) in spans {
        ensure!(start >= from, "edits overlap: {edits:?}");
        out.push_str(&text[from..start]);
        out.push_str(new);
        from = end;
    }
    out.push_str(&text[from..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "é𝄞a\r\nb\rc\n";

    #[test]
    fn positions_count_in_both_encodings_and_know_every_line_ending() {
        let table = [(0, (0, 0), (0, 0)), (6, (0, 6), (0, 3)), (9, (1, 0), (1, 0)), (11, (2, 0), (2, 0))];
        for (at, utf8, utf16) in table {
            for (encoding, (line, column)) in [(Encoding::Utf8, utf8), (Encoding::Utf16, utf16)] {
                let expected = json!({ "line": line, "character": column });
                assert_eq!(position(TEXT, at, encoding), expected, "{at} {encoding:?}");
                assert_eq!(offset(TEXT, &expected, encoding).unwrap(), at);
            }
        }
        let inside = json!({ "line": 0, "character": 2 });
        assert!(offset(TEXT, &inside, Encoding::Utf16).is_err(), "half of a surrogate pair");
    }

    #[test]
    fn edits_apply_to_the_text_they_were_made_for() {
        let edit = |line, from, to, new: &str| {
            let at = |character| json!({ "line": line, "character": character });
            json!({ "range": { "start": at(from), "end": at(to) }, "newText": new })
        };
        let edits = [edit(1, 0, 1, "B"), edit(0, 1, 3, "x")];
        assert_eq!(apply(TEXT, &edits, Encoding::Utf16).unwrap(), "éxa\r\nB\rc\n");
        assert!(apply(TEXT, &[edit(0, 0, 3, ""), edit(0, 1, 3, "")], Encoding::Utf16).is_err());
    }
}
