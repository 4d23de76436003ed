//! What an artifact's text says of itself: title, state, sections, references and links, each with
//! the bytes it stands at. Owns how these are written; what a state means is decided elsewhere.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{references, state, yaml};
use crate::text::{split_lines, without_bom};

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
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_yaml = ["yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known));
        if is_yaml { Self::Yaml } else { Self::Markdown }
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

/// A heading and what it heads. Headings inside quotes and list items are not sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// 1 to 6.
    pub level: u8,
    /// The heading's text, without markup.
    pub title: String,
    /// The bytes of the heading, without its line ending.
    pub range: Range<usize>,
    /// The bytes from the heading's start to the next heading of its level or above.
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
    /// The first level-one heading that is not a state line, else `title:` of the front matter. In
    /// YAML the top-level `title:`, else `name:`.
    pub title: Option<Spanned>,
    /// The state's whole value as written, without emphasis, such as `COMMITTED (pending review)`.
    pub state: Option<Spanned>,
    /// Every heading, in order.
    pub sections: Vec<Section>,
    /// Everything that looks like an artifact id outside of code blocks, in order. Not all are.
    pub references: Vec<Spanned>,
    /// Every link, in order.
    pub links: Vec<Link>,
}

/// Reads the outline of a text. Never fails: what is broken is not found. All ranges are bytes of
/// `text` as given, a byte order mark included, and lie between characters.
pub fn parse(text: &str, format: Format) -> Outline {
    let content = without_bom(text);
    let mut outline = match format {
        Format::Markdown => markdown(content),
        Format::Yaml => of_yaml(content),
    };
    let bom = text.len() - content.len();
    if bom > 0 {
        shift(&mut outline, bom);
    }
    outline
}

/// The name of the state that a value begins with, as written: `COMMITTED` of `COMMITTED (pending
/// review)`, `In Progress` of `In Progress, since Monday`. Compare [`canonical_state`]s.
pub fn state_word(value: &str) -> &str {
    let value = value.trim_matches(state::is_space);
    let is_name = |c: char| state::is_letter(c) || matches!(c, '_' | ' ' | '-');
    let name = value.split(|c| !is_name(c)).next().unwrap_or_default();
    let name = name.split(" -").next().unwrap_or_default().trim_end_matches([' ', '-', '_']);
    // Further words belong to the name only if they are written as names are.
    let is_capital = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
    if name.split(' ').count() <= 3 && name.split(' ').all(is_capital) {
        return name;
    }
    name.split(' ').next().unwrap_or_default()
}

/// A state's name as states are compared: [`state_word`] in upper case as far as it is ASCII, its words
/// joined by `_`. The team's server keeps this name, and compares by it.
pub fn canonical_state(value: &str) -> String {
    state_word(value).to_ascii_uppercase().replace([' ', '-'], "_")
}

fn of_yaml(text: &str) -> Outline {
    let whole = 0..text.len();
    Outline {
        title: yaml::value(text, whole.clone(), &["title", "name"]),
        state: yaml::value(text, whole, &["state", "status"]),
        references: references::find(text, &[]),
        ..Outline::default()
    }
}

fn markdown(text: &str) -> Outline {
    let front_matter = front_matter(text);
    let start = front_matter.as_ref().map_or(0, |range| range.end);
    let mut walk = Walk::default();
    let mut events = Parser::new_ext(text.get(start..).unwrap_or_default(), Options::empty())
        .into_offset_iter()
        .map(|(event, range)| (event, range.start + start..range.end + start));
    while let Some((event, range)) = events.next() {
        walk.take(text, event, range, &mut events);
    }
    walk.finish(text, front_matter)
}

/// The front matter of a text, its fences included. Left to the Markdown parser, a rule further down
/// could start a metadata block and swallow a section.
pub(crate) fn front_matter(text: &str) -> Option<Range<usize>> {
    let mut lines = split_lines(text).into_iter();
    let opening = lines.next().filter(|line| line.trim_end_matches(state::is_space) == "---")?;
    let mut end = opening.len();
    for line in lines {
        end += line.len();
        match line.trim_end_matches(state::is_space) {
            "---" | "..." => return Some(0..end),
            // A rule at the head of a text has a blank line after it; front matter does not.
            "" if end - line.len() == opening.len() => return None,
            _ => {}
        }
    }
    None
}

/// What one pass over the Markdown collects.
#[derive(Default)]
struct Walk {
    outline: Outline,
    code: Vec<Range<usize>>,
    /// How many quotes and lists are open.
    nested: usize,
}

impl Walk {
    fn take<'t>(
        &mut self,
        text: &str,
        event: Event<'_>,
        range: Range<usize>,
        events: &mut impl Iterator<Item = (Event<'t>, Range<usize>)>,
    ) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading(text, level as u8, &range, events),
            Event::Start(Tag::CodeBlock(_)) => self.code.push(range),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => self.nested += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => {
                self.nested = self.nested.saturating_sub(1)
            }
            Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, range),
            _ => {}
        }
    }

    fn link(&mut self, target: &str, range: Range<usize>) {
        self.outline.links.push(Link { target: target.to_owned(), range });
    }

    /// Reads on to the heading's end.
    fn heading<'t>(
        &mut self,
        text: &str,
        level: u8,
        range: &Range<usize>,
        events: &mut impl Iterator<Item = (Event<'t>, Range<usize>)>,
    ) {
        let mut title = String::new();
        let mut inner: Option<Range<usize>> = None;
        for (event, at) in events.by_ref() {
            match event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::End(_) => continue,
                Event::Text(piece) | Event::Code(piece) => title.push_str(&piece),
                Event::SoftBreak | Event::HardBreak => title.push(' '),
                Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, at.clone()),
                _ => {}
            }
            let known = inner.unwrap_or_else(|| at.clone());
            inner = Some(known.start.min(at.start)..known.end.max(at.end));
        }
        if self.nested > 0 {
            return;
        }
        let title = title.trim().to_owned();
        let heading = text.get(range.clone()).unwrap_or_default();
        let range = range.start..range.start + heading.trim_end().len();
        if level == 1 && self.outline.title.is_none() && !title.is_empty() && !state::is_state_line(&title) {
            let range = inner.unwrap_or_else(|| range.clone());
            self.outline.title = Some(Spanned { text: title.clone(), range });
        }
        self.outline.sections.push(Section { level, title, body: range.start..text.len(), range });
    }

    fn finish(self, text: &str, front_matter: Option<Range<usize>>) -> Outline {
        let Self { mut outline, code, .. } = self;
        close_bodies(&mut outline.sections);
        if outline.title.is_none() {
            outline.title = front_matter.clone().and_then(|range| yaml::value(text, range, &["title"]));
        }
        outline.state = state::find(text, front_matter.as_ref());
        outline.references = references::find(text, &code);
        outline
    }
}

/// Ends each section where the next of its level or above starts.
fn close_bodies(sections: &mut [Section]) {
    let mut open: Vec<usize> = Vec::new();
    for n in 0..sections.len() {
        let (level, start) = (sections[n].level, sections[n].range.start);
        while let Some(last) = open.pop_if(|&mut last| sections[last].level >= level) {
            sections[last].body.end = start;
        }
        open.push(n);
    }
}

fn shift(outline: &mut Outline, by: usize) {
    let Outline { title, state, sections, references, links } = outline;
    let spanned = title.iter_mut().chain(state).chain(references).map(|spanned| &mut spanned.range);
    let sections = sections.iter_mut().flat_map(|section| [&mut section.range, &mut section.body]);
    for range in spanned.chain(sections).chain(links.iter_mut().map(|link| &mut link.range)) {
        *range = range.start + by..range.end + by;
    }
}
