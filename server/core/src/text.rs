//! Lines and positions of a text, as the Language Server Protocol counts them.
//!
//! Owns: where lines break (`\n`, `\r\n` and a lone `\r`; not vertical tab, form feed, NEL or
//! U+2028), and the conversion between byte offsets and line/character positions in the three
//! encodings a client may negotiate. Leaves to others: what a line means, and editing.

/// How a client counts characters within a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16, the protocol's default: an emoji counts two.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// How many units `c` counts in this encoding.
    fn units(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A place in a text; both numbers count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// Units of the negotiated [`Encoding`] before the place, in its line.
    pub character: u32,
}

/// Where each line of `text` ends, its terminator included. The last end is the text's length
/// unless the text ends in a terminator or is empty; then nothing is left for another line.
pub(crate) fn line_ends(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    // Every keystroke comes here for whole documents. Carriage returns are rare enough to decide on
    // once, and a search for one character skips ahead by words where a loop goes by bytes.
    let mut ends: Vec<usize> = if text.contains('\r') {
        let ends_line = |at: usize| match bytes.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        (0..bytes.len()).filter(|&at| ends_line(at)).map(|at| at + 1).collect()
    } else {
        text.match_indices('\n').map(|(at, _)| at + 1).collect()
    };
    if ends.last().copied().unwrap_or(0) < text.len() {
        ends.push(text.len());
    }
    ends
}

/// The lines of `text`, each with its terminator; joined they are `text` again. A text that ends
/// in a terminator has no empty line after it, and an empty text has no lines.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut start = 0;
    line_ends(text)
        .into_iter()
        .map(|end| {
            let line = &text[start..end];
            start = end;
            line
        })
        .collect()
}

/// `text` without a leading byte order mark.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// `line` without its terminator.
pub fn without_terminator(line: &str) -> &str {
    line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\n', '\r'])).unwrap_or(line)
}

/// Where the lines of one text start. It does not hold the text: the methods that need it take it
/// again, and must be given the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// The start of every line; the first is 0. A text that ends in a terminator has one more,
    /// empty, line after it, where a cursor may stand.
    starts: Vec<usize>,
    len: usize,
}

impl LineIndex {
    /// Indexes `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = line_ends(text);
        if !text.is_empty() && !text.ends_with(['\n', '\r']) {
            starts.pop();
        }
        starts.insert(0, 0);
        Self { starts, len: text.len() }
    }

    /// The number of lines, at least 1: as an editor counts, a terminator is followed by a line.
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The byte at which `line` starts; the text's length for a line past the last.
    pub fn line_start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.len)
    }

    /// The line that holds byte `offset`; the last line for an offset past the end.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The position of byte `offset`. An offset inside a character counts as that character's
    /// start, one inside or behind the line's terminator as the line's end.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let line = self.line_of(offset.min(self.len));
        let start = self.line_start(line);
        let mut units = 0;
        for (at, c) in self.content(text, line).char_indices() {
            if start + at + c.len_utf8() > offset {
                break;
            }
            units += encoding.units(c);
        }
        Position { line: clamp_u32(line), character: clamp_u32(units) }
    }

    /// The byte offset of `position`. As the protocol says, a character past the line's end means
    /// the line's end before its terminator, and a line past the last means the end of the text. A
    /// position inside a character, such as between two surrogates, means that character's start.
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.starts.len() {
            return self.len;
        }
        let start = self.line_start(line);
        let content = self.content(text, line);
        let wanted = position.character as usize;
        let mut units = 0;
        for (at, c) in content.char_indices() {
            units += encoding.units(c);
            if units > wanted {
                return start + at;
            }
        }
        start + content.len()
    }

    /// The text of `line` without its terminator.
    fn content<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let range = self.line_start(line)..self.line_start(line + 1);
        without_terminator(text.get(range).unwrap_or_default())
    }
}

/// A text of 4 GiB lines is not one an editor could have sent; the last number it can count to
/// is as good as any.
fn clamp_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
