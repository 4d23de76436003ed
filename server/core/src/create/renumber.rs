//! An id takes another's place: which bytes of which texts change, and what the file is called then.

use crate::create::naming;
use crate::lifecycle::Edit;

/// One id in the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbering {
    /// The id that goes.
    pub from: String,
    /// The id that comes.
    pub to: String,
    /// What the file was called, with its extension.
    pub from_file: String,
    /// What it is called then.
    pub to_file: String,
}

impl Renumbering {
    /// The renumbering of an artifact whose file is called `file` and whose title is `title`.
    pub fn new(from: &str, to: &str, file: &str, title: Option<&str>) -> Self {
        let extension = file.rsplit_once('.').map_or("md", |(_, extension)| extension);
        let title = title.map_or("", |title| naming::bare_title(title, from));
        let title = naming::bare_title(title, to);
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            from_file: file.to_owned(),
            to_file: format!("{}.{extension}", naming::stem(to, title)),
        }
    }

    /// The edits of one text, in its order: every name of the file, and every mention of the id that
    /// is not part of a longer word.
    pub fn edits(&self, text: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(&self.from)) {
            let start = at + found;
            let (before, after) =
                (text.get(..start).unwrap_or_default(), text.get(start..).unwrap_or_default());
            let (old, new) = match ends_after(after, &self.from_file) {
                true => (&self.from_file, &self.to_file),
                false => (&self.from, &self.to),
            };
            at = start + self.from.len();
            if !before.ends_with(char::is_alphanumeric) && ends_after(after, old) {
                at = start + old.len();
                edits.push(Edit { range: start..at, text: new.clone() });
            }
        }
        edits
    }

    /// The text with its edits; `None` when it has none.
    pub fn apply(&self, text: &str) -> Option<String> {
        let edits = self.edits(text);
        let changed = edits.iter().rev().fold(text.to_owned(), |text, edit| edit.apply(&text));
        (!edits.is_empty()).then_some(changed)
    }
}

/// Whether a text begins with a word, and the word ends there.
fn ends_after(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}
