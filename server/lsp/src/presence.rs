//! Who else is where, in the editor: a code lens on the section somebody is in, an information where
//! two people are in one section, and `agent/presence` for user interfaces (docs/lsp-extensions.md).
//! The protocol tells no cursor: a document's own section is that of its last edit, or of the last
//! position the client asked something about.

use std::collections::BTreeMap;

use agent_core::artifact::parse::{Format, Outline, parse};
use agent_core::presence::{SectionName, others_in, section_at, section_named};
use agent_core::text::{Encoding, LineIndex};
use serde::{Deserialize, Serialize};

use crate::diagnostics::{self, Context};
use crate::documents::{Documents, Snapshot};
use crate::folders::{Folder, Folders};
use crate::types::notification::Notification;
use crate::types::{CodeLens, Command, Diagnostic, Position, Range};

/// The request's and the notification's method.
pub(crate) const PRESENCE: &str = "agent/presence";

/// The notification `agent/presence`, sent to clients that declare `experimental.agentPresence`.
pub(crate) enum PresenceNotification {}

impl Notification for PresenceNotification {
    type Params = Presence;
    const METHOD: &'static str = PRESENCE;
}

/// Who else is in a workspace folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presence {
    /// The folder.
    uri: String,
    people: Vec<Someone>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Someone {
    name: String,
    open: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    kind: String,
    id: String,
    /// The document, where it is open here.
    uri: Option<String>,
    /// The section's heading.
    section: Option<String>,
}

impl Presence {
    /// Everybody in every folder.
    pub(crate) fn all(folders: &Folders, documents: &Documents) -> Vec<Self> {
        folders.all().iter().map(|folder| Self::of(folder, documents)).collect()
    }

    pub(crate) fn of(folder: &std::sync::Arc<Folder>, documents: &Documents) -> Self {
        let open = documents.of_folder(folder);
        let uri_of = |key: &agent_core::id::ArtifactKey| {
            let is_it = |path| matches!(folder.kinds.key_of(path), Some(Ok(of_path)) if of_path == *key);
            open.iter().find(|(path, _)| is_it(path)).map(|(_, uri)| uri.as_str().to_owned())
        };
        let place = |spot: &agent_core::presence::Spot| Place {
            kind: spot.key.kind.as_str().to_owned(),
            id: spot.key.id.as_str().to_owned(),
            uri: uri_of(&spot.key),
            section: spot.section.as_ref().map(|section| section.title.clone()),
        };
        let people = folder.handle.views().people();
        let people = people.iter().map(|person| Someone {
            name: person.name.clone(),
            open: person.spots.iter().map(place).collect(),
        });
        let uri = folder.uri("").map_or_else(String::new, |uri| uri.as_str().to_owned());
        Self { uri, people: people.collect() }
    }
}

/// The section that somebody works in here, as far as it is known.
pub(crate) fn section_of(document: &Snapshot) -> Option<SectionName> {
    section_in(document, &outline_of(document))
}

fn section_in(document: &Snapshot, outline: &Outline) -> Option<SectionName> {
    let line = document.cursor? as usize;
    let index = LineIndex::new(&document.text);
    section_at(outline, index.line_start(line.min(index.line_count().saturating_sub(1))))
}

fn outline_of(document: &Snapshot) -> Outline {
    let name = document.place.as_ref().map_or("", |place| place.path.file_name());
    parse(&document.text, Format::of_file(name))
}

/// A lens on each section that somebody else is in; on the first line for those who are somewhere
/// that this text does not have.
pub(crate) fn lenses(document: &Snapshot, encoding: Encoding) -> Vec<CodeLens> {
    let Some(place) = &document.place else { return Vec::new() };
    let people = place.folder.handle.views().people();
    let others = others_in(&people, None, &place.key);
    if others.is_empty() {
        return Vec::new();
    }
    let outline = outline_of(document);
    let mut by_start: BTreeMap<(usize, bool), Vec<&str>> = BTreeMap::new();
    for (name, section) in others {
        let section = section.and_then(|section| section_named(&outline, section));
        let at = section.map_or((0, false), |section| (section.range.start, true));
        let names = by_start.entry(at).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let index = LineIndex::new(&document.text);
    let lens = |((start, is_section), names): ((usize, bool), Vec<&str>)| {
        let at = index.position(&document.text, start, encoding);
        let position = Position::new(at.line, at.character);
        let verb = if names.len() == 1 { "is" } else { "are" };
        let title = match is_section {
            true => format!("{} {verb} here", names.join(", ")),
            false => {
                format!("{} {} this open", names.join(", "), if names.len() == 1 { "has" } else { "have" })
            }
        };
        // No command: it is there to be read.
        let command = Some(Command { title, command: String::new(), arguments: None });
        CodeLens { range: Range::new(position, position), command, data: None }
    };
    by_start.into_iter().map(lens).collect()
}

/// Somebody else is in the section that is worked in here.
pub(crate) fn same_section(context: &Context<'_>, document: &Snapshot) -> Option<Diagnostic> {
    let place = document.place.as_ref()?;
    let people = place.folder.handle.views().people();
    let others = others_in(&people, None, &place.key);
    if others.is_empty() {
        return None;
    }
    let outline = outline_of(document);
    let mine = section_in(document, &outline)?;
    let names: Vec<_> =
        others.iter().filter(|(_, section)| *section == Some(&mine)).map(|(name, _)| *name).collect();
    if names.is_empty() {
        return None;
    }
    let section = section_named(&outline, &mine)?;
    Some(diagnostics::same_section(context, &document.text, section, &names.join(", ")))
}
