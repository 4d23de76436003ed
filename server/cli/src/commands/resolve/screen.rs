//! How a hunk looks on a terminal: the base, and under it both sides beside each other, with the words
//! in which they differ set off; one after the other where there is no room for two. Pure: a width
//! comes in, text goes out. Nothing of an artifact's text reaches the terminal as a command to it.

use std::fmt::Write as _;

use console::measure_text_width;
use similar::{Algorithm, ChangeTag, DiffTag, TextDiff, capture_diff_slices};

use crate::show::Paint;

/// Below this width two columns hold too little.
const TWO_COLUMNS: usize = 72;
/// Wider lines are hard to read.
const WIDEST: usize = 200;

/// One side of a hunk.
pub(super) struct Side<'t> {
    pub(super) title: String,
    pub(super) text: &'t str,
}

/// A hunk.
pub(super) struct Hunk<'t> {
    pub(super) base: Side<'t>,
    pub(super) local: Side<'t>,
    pub(super) remote: Side<'t>,
}

/// Which side's colour.
#[derive(Clone, Copy)]
enum Tint {
    None,
    Local,
    Remote,
}

/// A line in pieces; those are set off in which it differs from the other side's.
type Line = Vec<(bool, String)>;

impl Hunk<'_> {
    /// The picture, at most `width` wide.
    pub(super) fn draw(&self, width: usize, paint: Paint) -> String {
        let width = width.clamp(20, WIDEST);
        let mut out = String::new();
        let plain = |text: &str| lines(text).into_iter().map(|line| vec![(false, line)]).collect();
        block(&mut out, &self.base.title, plain(self.base.text), width, Tint::None, paint);
        let rows = self.rows();
        if width < TWO_COLUMNS {
            let (local, remote): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            block(
                &mut out,
                &self.local.title,
                local.into_iter().flatten().collect(),
                width,
                Tint::Local,
                paint,
            );
            block(
                &mut out,
                &self.remote.title,
                remote.into_iter().flatten().collect(),
                width,
                Tint::Remote,
                paint,
            );
            return out;
        }
        let column = (width - 3) / 2;
        let (left, right) = (rule(&self.local.title, column), rule(&self.remote.title, column));
        let _ = writeln!(out, "{}─┬─{}", paint.yellow(&left), paint.cyan(&right));
        for (local, remote) in rows {
            let left = wrapped(local.unwrap_or_default(), column, Tint::Local, paint);
            let right = wrapped(remote.unwrap_or_default(), column, Tint::Remote, paint);
            for n in 0..left.len().max(right.len()) {
                let empty = (String::new(), 0);
                let (text, used) = left.get(n).unwrap_or(&empty);
                let (other, _) = right.get(n).unwrap_or(&empty);
                let line = format!("{text}{} │ {other}", " ".repeat(column - used));
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        out
    }

    /// The lines of both sides, those beside each other that belong together.
    fn rows(&self) -> Vec<(Option<Line>, Option<Line>)> {
        let (local, remote) = (lines(self.local.text), lines(self.remote.text));
        let mut rows = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &local, &remote) {
            let (tag, old, new) = op.as_tag_tuple();
            for n in 0..old.len().max(new.len()) {
                let left = local[old.clone()].get(n);
                let right = remote[new.clone()].get(n);
                rows.push(match (left, right) {
                    (Some(left), Some(right)) if tag == DiffTag::Replace => {
                        let (left, right) = compared(left, right);
                        (Some(left), Some(right))
                    }
                    (left, right) => {
                        let is_alone = tag != DiffTag::Equal;
                        let line = |text: &String| vec![(is_alone, text.clone())];
                        (left.map(line), right.map(line))
                    }
                });
            }
        }
        rows
    }
}

/// Two lines in pieces, by the words in which they differ.
fn compared(left: &str, right: &str) -> (Line, Line) {
    let diff = TextDiff::from_words(left, right);
    let (mut lefts, mut rights) = (Line::new(), Line::new());
    for change in diff.iter_all_changes() {
        let piece = |is_own| (is_own, change.value().to_owned());
        match change.tag() {
            ChangeTag::Equal => {
                lefts.push(piece(false));
                rights.push(piece(false));
            }
            ChangeTag::Delete => lefts.push(piece(true)),
            ChangeTag::Insert => rights.push(piece(true)),
        }
    }
    (lefts, rights)
}

/// The lines of a text as they may be shown.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(shown).collect()
}

/// Control characters could move the cursor, or write somewhere else.
fn shown(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\u{7f}' => out.push('␡'),
            c if u32::from(c) < 0x20 => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('�')),
            // The ones that turn the direction of what follows, too.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push('�')
            }
            c => out.push(c),
        }
    }
    out
}

fn block(out: &mut String, title: &str, lines: Vec<Line>, width: usize, tint: Tint, paint: Paint) {
    let _ = writeln!(out, "{}", tinted(&rule(title, width), false, tint, paint));
    for (text, _) in lines.into_iter().flat_map(|line| wrapped(line, width, tint, paint)) {
        let _ = writeln!(out, "{text}");
    }
}

/// A title in a line.
fn rule(title: &str, width: usize) -> String {
    let mut text = String::from("── ");
    let room = width.saturating_sub(5);
    let mut used = 0;
    for c in shown(title).chars() {
        used += char_width(c);
        if used > room {
            break;
        }
        text.push(c);
    }
    text.push(' ');
    let rest = width.saturating_sub(measure_text_width(&text));
    text + &"─".repeat(rest)
}

/// A line in as many as it takes, each with how wide it is.
fn wrapped(line: Line, width: usize, tint: Tint, paint: Paint) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let (mut text, mut used) = (String::new(), 0);
    for (is_own, piece) in line {
        let mut run = String::new();
        for c in piece.chars() {
            let wide = char_width(c);
            if used + wide > width {
                text.push_str(&tinted(&run, is_own, tint, paint));
                run.clear();
                out.push((std::mem::take(&mut text), used));
                used = 0;
            }
            run.push(c);
            used += wide;
        }
        text.push_str(&tinted(&run, is_own, tint, paint));
    }
    out.push((text, used));
    out
}

fn char_width(c: char) -> usize {
    measure_text_width(c.encode_utf8(&mut [0; 4]))
}

fn tinted(text: &str, is_own: bool, tint: Tint, paint: Paint) -> String {
    match (tint, is_own) {
        (Tint::None, _) => text.to_owned(),
        (Tint::Local, false) => paint.yellow(text),
        (Tint::Local, true) => paint.yellow_strong(text),
        (Tint::Remote, false) => paint.cyan(text),
        (Tint::Remote, true) => paint.cyan_strong(text),
    }
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
