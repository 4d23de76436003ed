//! Who has which artifact open, and in which section: what is told of oneself, when, and what is made
//! of what others tell. Pure; the channel that carries it and the places it is shown are elsewhere.

use std::collections::VecDeque;

use crate::artifact::parse::{Outline, Section};
use crate::id::{ArtifactKey, Timestamp};

/// The most artifacts told of at once; those touched last count.
pub const MOST_SPOTS: usize = 20;
/// The longest title told or believed, in characters.
const LONGEST_TITLE: usize = 120;
/// How long after its last sign of life somebody still is in a section, in milliseconds.
pub const IDLE_MILLIS: i64 = 5 * 60_000;
/// How many messages a client sends in a window. Supabase closes the channel of one that sends more
/// than five in 30 s; one is left for the rejoin.
const MESSAGES: usize = 4;
/// The window, in milliseconds.
const WINDOW_MILLIS: u64 = 30_000;

/// A section by its heading, as it is told: byte positions differ between texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionName {
    /// The heading's text.
    pub title: String,
    /// Which of the sections with this title, from 0.
    pub nth: u32,
}

impl SectionName {
    /// A name as somebody else told it: one line, not too long.
    pub fn told(title: &str, nth: u32) -> Self {
        let title = title.chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect();
        Self { title, nth }
    }
}

/// An open artifact, and where in it somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Which artifact.
    pub key: ArtifactKey,
    /// The section; `None` above the first heading, and when nobody has been there for a while.
    pub section: Option<SectionName>,
}

/// Somebody else, as one of their programs tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's id.
    pub user: String,
    /// What they are called.
    pub name: String,
    /// What they have open.
    pub spots: Vec<Spot>,
}

/// The innermost section that a byte lies in; `None` above the first heading.
pub fn section_at(outline: &Outline, byte: usize) -> Option<SectionName> {
    let index = outline.sections.iter().rposition(|section| section.range.start <= byte)?;
    let title = &outline.sections[index].title;
    let nth = outline.sections[..index].iter().filter(|other| other.title == *title).count();
    Some(SectionName::told(title, u32::try_from(nth).unwrap_or(u32::MAX)))
}

/// The section somebody named, where this text has it.
pub fn section_named<'a>(outline: &'a Outline, name: &SectionName) -> Option<&'a Section> {
    let is_it = |section: &&Section| SectionName::told(&section.title, 0).title == name.title;
    outline.sections.iter().filter(is_it).nth(usize::try_from(name.nth).ok()?)
}

/// What to tell of the artifacts open here: `open` has each with where somebody was in it last, and
/// when. In a fixed order, so that the same is told in the same words.
pub fn told(
    open: impl IntoIterator<Item = (ArtifactKey, Option<(SectionName, Timestamp)>)>,
    now: Timestamp,
) -> Vec<Spot> {
    let mut open: Vec<_> = open.into_iter().collect();
    let touched = |seen: &Option<(SectionName, Timestamp)>| seen.as_ref().map(|(_, at)| *at);
    open.sort_by(|(a, seen_a), (b, seen_b)| touched(seen_b).cmp(&touched(seen_a)).then_with(|| a.cmp(b)));
    open.truncate(MOST_SPOTS);
    let is_there = |at: Timestamp| now.0.saturating_sub(at.0) < IDLE_MILLIS;
    let spot = |(key, seen): (ArtifactKey, Option<(SectionName, Timestamp)>)| {
        let section = seen.filter(|(_, at)| is_there(*at)).map(|(section, _)| section);
        Spot { key, section }
    };
    let mut spots: Vec<_> = open.into_iter().map(spot).collect();
    spots.sort_by(|a, b| a.key.cmp(&b.key));
    spots
}

/// Who else has an artifact open, by name, each once for each section. `me` is the user's own id:
/// one's other machine is nobody else.
pub fn others_in<'a>(
    people: &'a [Person],
    me: Option<&str>,
    key: &ArtifactKey,
) -> Vec<(&'a str, Option<&'a SectionName>)> {
    let mut found: Vec<_> = people
        .iter()
        .filter(|person| me != Some(person.user.as_str()))
        .flat_map(|person| person.spots.iter().map(|spot| (person.name.as_str(), spot)))
        .filter(|(_, spot)| spot.key == *key)
        .map(|(name, spot)| (name, spot.section.as_ref()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What to do about what others know of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// Nothing: it is right, or nobody is there to see it.
    Nothing,
    /// Tell what there is now.
    Track,
    /// Tell that there is nothing any more.
    Untrack,
}

/// Whether there is something to tell. Who comes is told what was told first, and then notices us by
/// coming; so being there is told at once, and changes only while somebody else is.
pub fn to_say(wanted: &[Spot], said: Option<&[Spot]>, is_alone: bool) -> Say {
    match said {
        None if wanted.is_empty() => Say::Nothing,
        None => Say::Track,
        Some(_) if wanted.is_empty() => Say::Untrack,
        Some(said) if said == wanted || is_alone => Say::Nothing,
        Some(_) => Say::Track,
    }
}

/// Keeps below the platform's limit of messages per client. Moments are milliseconds since any start.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    sent: VecDeque<u64>,
}

impl Throttle {
    /// When the next message may be sent: now, or later.
    pub fn due(&self, now: u64) -> u64 {
        match self.sent.len() < MESSAGES {
            true => now,
            false => self.sent.front().map_or(now, |oldest| now.max(oldest.saturating_add(WINDOW_MILLIS))),
        }
    }

    /// Counts a message.
    pub fn sent(&mut self, now: u64) {
        self.sent.push_back(now);
        while self.sent.len() > MESSAGES {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
