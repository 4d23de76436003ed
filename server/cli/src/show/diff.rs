//! Differences as Git shows them: unified, with `/dev/null` for a side that is not there, applicable
//! with `git apply` and `patch`; and how much changed.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::show::paint::Paint;

/// What changed in one artifact.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Where its file is.
    pub(crate) path: String,
    /// The text before; `None`: there was none.
    pub(crate) before: Option<String>,
    /// The text after; `None`: there is none.
    pub(crate) after: Option<String>,
}

impl Difference {
    /// How many lines came and went.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let (before, after) = self.sides();
        let diff = lines(before, after);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        (count(ChangeTag::Insert), count(ChangeTag::Delete))
    }

    fn sides(&self) -> (&str, &str) {
        (self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default())
    }

    /// The unified diff; empty when nothing differs.
    pub(crate) fn unified(&self, paint: Paint) -> String {
        if self.before == self.after {
            return String::new();
        }
        let (before, after) = self.sides();
        let path = &self.path;
        let mut out = String::new();
        let mut head = vec![format!("diff --git a/{path} b/{path}")];
        match (&self.before, &self.after) {
            (None, _) => head.push("new file mode 100644".to_owned()),
            (_, None) => head.push("deleted file mode 100644".to_owned()),
            _ => {}
        }
        if !before.is_empty() || !after.is_empty() {
            head.push(self.before.as_ref().map_or("--- /dev/null".to_owned(), |_| format!("--- a/{path}")));
            head.push(self.after.as_ref().map_or("+++ /dev/null".to_owned(), |_| format!("+++ b/{path}")));
        }
        for line in &head {
            let _ = writeln!(out, "{}", paint.bold(line));
        }
        let diff = lines(before, after);
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            let _ = writeln!(out, "{}", paint.cyan(&hunk.header().to_string()));
            for change in hunk.iter_changes() {
                let (sign, line) = (change.tag(), change.value());
                let bare = line.strip_suffix('\n').unwrap_or(line);
                let shown = format!("{sign}{bare}");
                let _ = match sign {
                    ChangeTag::Insert => writeln!(out, "{}", paint.green(&shown)),
                    ChangeTag::Delete => writeln!(out, "{}", paint.red(&shown)),
                    ChangeTag::Equal => writeln!(out, "{shown}"),
                };
                if bare.len() == line.len() {
                    out.push_str("\\ No newline at end of file\n");
                }
            }
        }
        out
    }
}

/// Only a line feed ends a line, as for Git; a carriage return belongs to the line.
fn lines<'t>(before: &'t str, after: &'t str) -> TextDiff<'t, 't, str> {
    let cut = |text: &'t str| text.split_inclusive('\n').collect::<Vec<_>>();
    TextDiff::configure().newline_terminated(true).diff_slices(&cut(before), &cut(after))
}

/// How much changed in each, as `git diff --stat`.
pub(crate) fn stat(all: &[Difference], paint: Paint) -> String {
    const WIDEST: usize = 40;
    let counts: Vec<_> = all.iter().map(Difference::counts).collect();
    let most = counts.iter().map(|(more, less)| more + less).max().unwrap_or(0);
    let width = all.iter().map(|difference| difference.path.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (difference, (more, less)) in all.iter().zip(&counts) {
        let scaled = |n: usize| if most > WIDEST { (n * WIDEST).div_ceil(most) } else { n };
        let (plus, minus) = ("+".repeat(scaled(*more)), "-".repeat(scaled(*less)));
        let (path, total) = (&difference.path, more + less);
        let digits = most.to_string().len();
        let _ = writeln!(out, " {path:width$} | {total:digits$} {}{}", paint.green(&plus), paint.red(&minus));
    }
    let (more, less) = counts.iter().fold((0, 0), |(a, b), (more, less)| (a + more, b + less));
    let files =
        if all.len() == 1 { "1 file changed".to_owned() } else { format!("{} files changed", all.len()) };
    let part = |n: usize, word: &str, sign: char| match n {
        0 => String::new(),
        1 => format!(", 1 {word}({sign})"),
        n => format!(", {n} {word}s({sign})"),
    };
    let _ = writeln!(out, " {files}{}{}", part(more, "insertion", '+'), part(less, "deletion", '-'));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unified(before: Option<&str>, after: Option<&str>) -> String {
        let side = |side: Option<&str>| side.map(str::to_owned);
        let path = "a.md".to_owned();
        Difference { path, before: side(before), after: side(after) }.unified(Paint::none())
    }

    #[test]
    fn a_change_is_shown_as_git_shows_it() {
        let expected =
            "diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n";
        assert_eq!(unified(Some("1\n2\n3\n"), Some("1\ntwo\n3\n")), expected);
        assert_eq!(unified(Some("1\n"), Some("1\n")), "");
    }

    #[test]
    fn absent_sides_and_missing_last_newlines_are_said() {
        let expected = "diff --git a/a.md b/a.md\nnew file mode 100644\n--- /dev/null\n+++ b/a.md\n\
                        @@ -0,0 +1 @@\n+1\n\\ No newline at end of file\n";
        assert_eq!(unified(None, Some("1")), expected);
        let expected = "diff --git a/a.md b/a.md\ndeleted file mode 100644\n--- a/a.md\n+++ /dev/null\n\
                        @@ -1 +0,0 @@\n-1\r\n";
        assert_eq!(unified(Some("1\r\n"), None), expected);
    }

    #[test]
    fn how_much_changed_is_counted() {
        let one = |before: &str, after: &str| Difference {
            path: "a.md".to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let all = [one("1\n2\n", "1\ntwo\nthree\n")];
        assert_eq!(
            stat(&all, Paint::none()),
            " a.md | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n"
        );
    }
}
