//! Paths and codes for scripts, in Git's forms.

use std::fmt::Write as _;

/// One path to a line, or one to a NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A line feed ends each; what would break lines or quotes is written as C does.
    Quoted,
    /// A NUL ends each, and everything is itself.
    Nul,
}

impl Lines {
    /// As `-z` says.
    pub(crate) fn nul(is_set: bool) -> Self {
        if is_set { Self::Nul } else { Self::Quoted }
    }

    /// Appends a line: what stands before the path, and the path.
    pub(crate) fn push(self, out: &mut String, head: &str, path: &str) {
        let _ = match self {
            Self::Quoted => writeln!(out, "{head}{}", quoted(path)),
            Self::Nul => write!(out, "{head}{path}\0"),
        };
    }
}

/// In double quotes where a control character, a quote or a backslash is in it, as Git does with
/// `core.quotePath=false`.
fn quoted(path: &str) -> String {
    let is_special = |c: char| c.is_ascii_control() || matches!(c, '"' | '\\');
    if !path.contains(is_special) {
        return path.to_owned();
    }
    let mut out = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => drop(write!(out, "\\{:03o}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_any_path() {
        let mut out = String::new();
        for path in ["a b/é.md", "a\"b\\c.md", "a\nb\u{1}.md"] {
            Lines::Quoted.push(&mut out, "?? ", path);
        }
        assert_eq!(out, "?? a b/é.md\n?? \"a\\\"b\\\\c.md\"\n?? \"a\\nb\\001.md\"\n");
        let mut out = String::new();
        Lines::Nul.push(&mut out, "?? ", "a\nb");
        assert_eq!(out, "?? a\nb\0");
    }
}
