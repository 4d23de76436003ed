//! Documents as teams write them, and what people do to them. Every line carries the number of its
//! origin, so that a test knows which lines a side took away, moved or added without asking a diff.

use std::collections::{BTreeMap, HashSet};

use crate::texts::{Seeded, Triple};

/// What one person did to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Nothing,
    Paragraph,
    /// At the same place, whoever does it.
    Insert,
    Delete,
    DeleteSection,
    MoveSection,
    TableRow,
    NewTableRow,
    TableColumn,
    ListItem,
    NewListItem,
    Code,
    NewFence,
    FrontMatter,
    LongLine,
    Repeat,
    Setext,
    Endings,
    Bom,
    FinalNewline,
}

/// All of them.
pub(crate) const ACTS: [Act; 20] = [
    Act::Nothing,
    Act::Paragraph,
    Act::Insert,
    Act::Delete,
    Act::DeleteSection,
    Act::MoveSection,
    Act::TableRow,
    Act::NewTableRow,
    Act::TableColumn,
    Act::ListItem,
    Act::NewListItem,
    Act::Code,
    Act::NewFence,
    Act::FrontMatter,
    Act::LongLine,
    Act::Repeat,
    Act::Setext,
    Act::Endings,
    Act::Bom,
    Act::FinalNewline,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Front,
    Heading,
    Setext,
    Paragraph,
    Row,
    Item,
    Code,
    Long,
    Mark,
}

#[derive(Debug, Clone)]
struct Line {
    origin: u64,
    part: Part,
    text: String,
    ending: &'static str,
}

/// A document as the lines it has, each with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    lines: Vec<Line>,
    next: u64,
    bom: bool,
    closed: bool,
}

/// A base and what two people made of it.
pub(crate) struct Story {
    pub(crate) base: Document,
    pub(crate) local: Document,
    pub(crate) remote: Document,
}

impl Story {
    pub(crate) fn texts(&self) -> Triple {
        Triple { base: self.base.text(), local: self.local.text(), remote: self.remote.text() }
    }
}

/// What happened in `seed`, where one side did `local` and the other `remote`.
pub(crate) fn story(seed: u64, local: &[Act], remote: &[Act]) -> Story {
    let rng = &mut Seeded::new(seed);
    let base = Document::new(rng);
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    (mine.next, theirs.next) = (1_000_000, 2_000_000);
    local.iter().for_each(|act| mine.act(*act, "mine", rng));
    remote.iter().for_each(|act| theirs.act(*act, "theirs", rng));
    Story { base, local: mine, remote: theirs }
}

impl Document {
    fn new(rng: &mut Seeded) -> Self {
        let ending = if rng.chance(20) { "\r\n" } else { "\n" };
        let mut made = Self { lines: Vec::new(), next: 0, bom: rng.chance(10), closed: rng.chance(90) };
        if rng.chance(60) {
            made.push(Part::Mark, "---");
            made.push(Part::Front, &format!("id: OPS-{:03}", rng.below(999)));
            made.push(Part::Front, "state: DRAFT");
            made.push(Part::Front, "owner: platform");
            made.push(Part::Mark, "---");
            made.push(Part::Mark, "");
        }
        made.push(Part::Heading, "# Retry failed exports");
        for section in 0..2 + rng.below(5) {
            made.section(section, rng);
        }
        for line in &mut made.lines {
            line.ending = ending;
        }
        if rng.chance(10) {
            for line in &mut made.lines {
                line.ending = if rng.chance(50) { "\n" } else { "\r\n" };
            }
        }
        made
    }

    fn section(&mut self, section: usize, rng: &mut Seeded) {
        self.push(Part::Mark, "");
        if rng.chance(30) {
            self.push(Part::Setext, &format!("Section {section}"));
            self.push(Part::Mark, "-----------");
        } else {
            self.push(Part::Heading, &format!("## Section {section}"));
        }
        for block in 0..1 + rng.below(4) {
            self.push(Part::Mark, "");
            match rng.below(6) {
                0 => self.table(section, rng),
                1 => (0..2 + rng.below(4)).for_each(|n| {
                    let done = if rng.chance(50) { 'x' } else { ' ' };
                    self.push(Part::Item, &format!("- [{done}] item {section}.{block}.{n}"));
                }),
                2 => {
                    self.push(Part::Mark, "```sh");
                    (0..1 + rng.below(3))
                        .for_each(|n| self.push(Part::Code, &format!("run --step {section}.{block}.{n}")));
                    self.push(Part::Mark, "```");
                }
                3 if rng.chance(40) => {
                    let words: Vec<_> = (0..600).map(|n| format!("{section}w{n}")).collect();
                    self.push(Part::Long, &words.join(" "));
                }
                _ => (0..1 + rng.below(4)).for_each(|n| {
                    self.push(Part::Paragraph, &format!("Sentence {section}.{block}.{n} says something."));
                }),
            }
        }
    }

    fn table(&mut self, section: usize, rng: &mut Seeded) {
        self.push(Part::Row, "| name | value |");
        self.push(Part::Mark, "|---|---|");
        (0..2 + rng.below(5)).for_each(|n| self.push(Part::Row, &format!("| key {section}.{n} | {n} |")));
    }

    fn line(&mut self, part: Part, text: &str) -> Line {
        self.next += 1;
        let ending = self.lines.first().map_or("\n", |line| line.ending);
        Line { origin: self.next, part, text: text.to_owned(), ending }
    }

    fn push(&mut self, part: Part, text: &str) {
        let line = self.line(part, text);
        self.lines.push(line);
    }

    fn insert(&mut self, at: usize, part: Part, text: &str) {
        let line = self.line(part, text);
        self.lines.insert(at, line);
    }

    /// One of the lines of a part, if there are any.
    fn some(&self, part: Part, rng: &mut Seeded) -> Option<usize> {
        let of: Vec<_> = (0..self.lines.len()).filter(|&n| self.lines[n].part == part).collect();
        (!of.is_empty()).then(|| of[rng.below(of.len())])
    }

    fn change(&mut self, part: Part, who: &str, rng: &mut Seeded) {
        if let Some(at) = self.some(part, rng) {
            let old = self.lines[at].text.clone();
            // In a third of the cases both make the same of it.
            let text = match rng.below(3) {
                0 => format!("{old}, again"),
                _ => format!("{old} ({who} {})", rng.below(9)),
            };
            let ending = self.lines[at].ending;
            self.lines[at] = Line { ending, ..self.line(part, &text) };
        }
    }

    /// The lines of a section chosen by chance.
    fn some_section(&self, rng: &mut Seeded) -> std::ops::Range<usize> {
        let head = |line: &Line| matches!(line.part, Part::Heading | Part::Setext);
        let heads: Vec<_> = (1..self.lines.len()).filter(|&n| head(&self.lines[n])).collect();
        match heads.is_empty() {
            true => 0..0,
            false => {
                let n = rng.below(heads.len());
                heads[n]..heads.get(n + 1).copied().unwrap_or(self.lines.len())
            }
        }
    }

    fn act(&mut self, act: Act, who: &str, rng: &mut Seeded) {
        match act {
            Act::Nothing => {}
            Act::Paragraph => self.change(Part::Paragraph, who, rng),
            Act::TableRow => self.change(Part::Row, who, rng),
            Act::Code => self.change(Part::Code, who, rng),
            Act::FrontMatter => self.change(Part::Front, who, rng),
            Act::LongLine => self.change(Part::Long, who, rng),
            Act::Setext => self.change(Part::Setext, who, rng),
            Act::ListItem => self.change(Part::Item, who, rng),
            Act::Insert => {
                let at = self.lines.len() / 2;
                self.insert(at, Part::Paragraph, &format!("A new sentence of {who}."));
                if rng.chance(50) {
                    self.insert(at, Part::Mark, "");
                }
            }
            Act::Delete => {
                let from = rng.below(self.lines.len());
                let to = (from + 1 + rng.below(4)).min(self.lines.len());
                self.lines.drain(from..to);
            }
            Act::DeleteSection => drop(self.lines.drain(self.some_section(rng))),
            Act::MoveSection => {
                let moved: Vec<_> = self.lines.drain(self.some_section(rng)).collect();
                let target = self.some_section(rng).end;
                self.lines.splice(target..target, moved);
            }
            Act::NewTableRow | Act::NewListItem => {
                let part = if act == Act::NewTableRow { Part::Row } else { Part::Item };
                if let Some(at) = self.some(part, rng) {
                    let text = if act == Act::NewTableRow { "| new by" } else { "- [ ] new by" };
                    self.insert(at + 1, part, &format!("{text} {who} | {} |", rng.below(9)));
                }
            }
            Act::TableColumn => {
                for at in 0..self.lines.len() {
                    let line = &self.lines[at];
                    if line.part == Part::Row || line.text.starts_with("|--") {
                        let (part, text) = (line.part, format!("{} {who} |", line.text));
                        let ending = line.ending;
                        self.lines[at] = Line { ending, ..self.line(part, &text) };
                    }
                }
            }
            Act::NewFence => {
                let at = rng.below(self.lines.len() + 1);
                for (part, text) in
                    [(Part::Mark, "```"), (Part::Code, &*format!("code of {who}")), (Part::Mark, "```")]
                {
                    self.insert(at, part, text);
                }
            }
            Act::Repeat => {
                let at = rng.below(self.lines.len());
                let text = ["---", "", "- [ ] todo", "text text"][rng.below(4)];
                for _ in 0..1 + rng.below(3) {
                    self.insert(at, Part::Mark, text);
                }
            }
            Act::Endings => {
                let ending = if self.lines.first().is_some_and(|l| l.ending == "\n") { "\r\n" } else { "\n" };
                for at in 0..self.lines.len() {
                    let line = self.lines[at].clone();
                    self.lines[at] = Line { ending, ..self.line(line.part, &line.text) };
                }
            }
            Act::Bom => self.bom = !self.bom,
            Act::FinalNewline => self.closed = !self.closed,
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        if self.bom {
            out.push('\u{feff}');
        }
        for (n, line) in self.lines.iter().enumerate() {
            out.push_str(&line.text);
            // An empty last line without an ending would be no line.
            if self.closed || n + 1 < self.lines.len() || line.text.is_empty() {
                out.push_str(line.ending);
            }
        }
        out
    }

    fn origins(&self) -> HashSet<u64> {
        self.lines.iter().map(|line| line.origin).collect()
    }
}

/// How often each line must at least be in a clean merge: base lines that both sides still have,
/// wherever they moved them, and for lines that are new, what the side with more of them added.
pub(crate) fn owed(story: &Story) -> BTreeMap<&str, usize> {
    let (base, local, remote) = (story.base.origins(), story.local.origins(), story.remote.origins());
    let mut owed: BTreeMap<&str, usize> = BTreeMap::new();
    for line in story.base.lines.iter().filter(|l| local.contains(&l.origin) && remote.contains(&l.origin)) {
        *owed.entry(&line.text).or_default() += 1;
    }
    let added = |side: &'_ Document| -> BTreeMap<String, usize> {
        let mut added = BTreeMap::new();
        for line in side.lines.iter().filter(|line| !base.contains(&line.origin)) {
            *added.entry(line.text.clone()).or_default() += 1;
        }
        added
    };
    let (mine, theirs) = (added(&story.local), added(&story.remote));
    for line in story.local.lines.iter().chain(&story.remote.lines) {
        let more = mine.get(&line.text).max(theirs.get(&line.text)).copied().unwrap_or(0);
        if more > 0 && !story.base.lines.iter().any(|l| l.text == line.text) {
            owed.insert(&line.text, more);
        }
    }
    owed
}
