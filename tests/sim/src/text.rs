//! Texts people write, and the tokens by which each piece of writing can be told apart: a line that
//! nobody else ever wrote.

use agent_core::id::ArtifactKey;

/// The length of a token.
const TOKEN: usize = 6;
/// A line that the server refuses for good.
pub(crate) const REFUSED: &str = "state: never";

/// The lines that nobody else ever wrote.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.len() == TOKEN && line.starts_with('t'))
}

/// Where tokens come from.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    tokens: u32,
}

impl Writer {
    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("t{:05}", self.tokens)
    }

    /// A new artifact's text.
    pub(crate) fn fresh(&mut self, rng: &mut fastrand::Rng, key: &ArtifactKey) -> String {
        let mut text = format!("# {}\n", key.id.as_str());
        (0..9).for_each(|line| text.push_str(&format!("line {line}\n")));
        if rng.bool() { text } else { self.changed(rng, &text) }
    }

    /// One edit of many kinds.
    pub(crate) fn changed(&mut self, rng: &mut fastrand::Rng, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = rng.usize(0..=lines.len());
        match rng.u8(0..16) {
            0 => return text.replace("\r\n", "\n").replace('\n', "\r\n"),
            1 => return text.trim_end().to_owned(),
            2 | 3 if at < lines.len() => drop(lines.remove(at)),
            4..=7 if at < lines.len() => lines[at] = self.token(),
            8 => lines.push(self.token()),
            9 if at > 1 => lines.rotate_left(at / 2),
            10 if at < lines.len() => {
                let section = lines.split_off(at);
                lines.splice(0..0, section);
            }
            11 => (0..3).for_each(|_| lines.insert(at, self.token())),
            12 if at < lines.len() => {
                let line = if tokens(&lines[at]).next().is_some() { self.token() } else { lines[at].clone() };
                lines.insert(at, line);
            }
            13 => {
                return match text.strip_prefix('\u{feff}') {
                    Some(bare) => bare.to_owned(),
                    None => format!("\u{feff}{text}"),
                };
            }
            _ => lines.insert(at, self.token()),
        }
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        lines.iter().map(|line| format!("{line}{ending}")).collect()
    }
}

/// What a formatter makes of a text: no empty lines in a row, a final line ending, `\n` throughout.
pub(crate) fn formatted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut was_heading = false;
    for line in text.lines() {
        if was_heading && !line.is_empty() {
            out.push('\n');
        }
        was_heading = line.starts_with('#');
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
