//! What `agent sync watch` tells. What was done with artifacts is read from the cache's history, so that
//! it is told whichever process on the workspace did it; conflicts, the connection and people are read
//! from the session's pictures.

use std::collections::BTreeMap;

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, ArtifactPath, OperationId};
use agent_core::ports::{Cause, History as _, OperationQuery, Recorded, RemoteError};
use agent_core::sync::Entry;
use agent_core::sync::next::{Next, Waits};
use agent_engine::{Handle, LinkState, Notice, Session};
use serde::Serialize;
use serde_json::json;

use crate::output::FORMAT;
use crate::place::now;
use crate::show::{count, moment};

/// An event. The fields are those of docs/cli.md.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    /// The files were compared with the cache; changes from now on are seen as they happen.
    Ready { artifacts: usize },
    /// From now on this process pushes, listens and writes closed files; another one did before, or nobody.
    Leading,
    /// The file here was changed, moved, deleted or brought back.
    Edited(Happened),
    /// The team has a newer version.
    Received(Happened),
    /// The file here took the team's version, alone or merged.
    Pulled(Happened),
    /// The team has the version from here.
    Pushed(Happened),
    /// Both sides turned out to agree.
    Settled(Happened),
    /// Somebody chose a side.
    Resolved(Happened),
    /// The team's server did not take it.
    Refused {
        #[serde(flatten)]
        what: Happened,
        code: Option<String>,
        message: Option<String>,
    },
    /// Both sides changed the same, or one deleted what the other changed; somebody has to choose.
    Conflict {
        kind: String,
        id: String,
        path: String,
        remote_version: u64,
        author: Option<String>,
        reason: &'static str,
    },
    /// The project cannot be reached or does not answer.
    Offline { since: String, problem: String },
    /// Changes arrive as they are made.
    Online,
    /// Nobody is signed in, or the session is over.
    SignedOut { since: String, problem: String },
    /// Who else has what open.
    Presence { people: Vec<Person> },
    /// Files that cannot be taken as they are.
    NotTaken { path: String, reason: String },
    /// Something people should read.
    Warning { message: String },
}

/// Something that was done with an artifact.
#[derive(Debug, Serialize)]
pub(super) struct Happened {
    operation: u64,
    cause: &'static str,
    kind: String,
    id: String,
    path: Option<String>,
    remote_version: u64,
    author: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Person {
    name: String,
    open: Vec<Spot>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Spot {
    kind: String,
    id: String,
    section: Option<String>,
}

/// What is left when it ends; the last line.
#[derive(Debug, Serialize)]
pub(super) struct Ended {
    event: &'static str,
    at: String,
    waiting: usize,
    behind: usize,
    conflicts: usize,
    refused: usize,
    remote_problem: Option<String>,
}

impl Ended {
    /// Whether somebody or something has to do more.
    pub(super) fn is_left(&self) -> bool {
        self.waiting + self.behind + self.conflicts + self.refused > 0 || self.remote_problem.is_some()
    }

    pub(super) fn text(&self) -> String {
        let counts = [
            (self.waiting, "waiting to be pushed"),
            (self.behind, "behind"),
            (self.conflicts, "in conflict"),
            (self.refused, "refused"),
        ];
        let mut left: Vec<String> = (counts.into_iter())
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", count(n, "artifact")))
            .collect();
        left.extend(self.remote_problem.clone());
        let left = if left.is_empty() { "in sync".to_owned() } else { left.join(", ") };
        format!("{} ended        {left}\n", self.at)
    }
}

/// How the connection stood when it was last told.
#[derive(Debug, PartialEq)]
enum Told {
    Nothing,
    Online,
    Offline,
    SignedOut,
}

/// Turns what the session says into events, each told once.
pub(super) struct Teller {
    /// A connection of its own: the session's belongs to its loop.
    cache: Cache,
    last: OperationId,
    conflicts: BTreeMap<ArtifactPath, &'static str>,
    link: Told,
    leads: bool,
    people: Vec<Person>,
}

impl Teller {
    /// Tells what happens from now on.
    pub(super) fn new(session: &Session) -> anyhow::Result<Self> {
        let cache = Cache::open(&session.workspace.database())?;
        let newest = cache.recorded(&OperationQuery { limit: Some(1), ..OperationQuery::default() })?;
        let last = newest.first().map_or(OperationId(0), |recorded| recorded.id);
        Ok(Self {
            cache,
            last,
            conflicts: BTreeMap::new(),
            link: Told::Nothing,
            leads: false,
            people: Vec::new(),
        })
    }

    /// What a notice means.
    pub(super) fn hear(&mut self, handle: &Handle, notice: Notice) -> anyhow::Result<Vec<Event>> {
        let mut events = self.catch_up(handle)?;
        match notice {
            Notice::Changed(paths) => {
                events.extend(paths.iter().filter_map(|path| self.conflict(handle, path)))
            }
            Notice::Link => events.extend(self.link(&handle.views().link())),
            Notice::Problems(paths) => events.extend(problems(handle, paths)),
            Notice::Presence => events.extend(self.presence(handle)),
            Notice::Warning(message) => events.push(Event::Warning { message }),
            Notice::Scanned => {
                let link = handle.views().link();
                events.push(Event::Ready { artifacts: link.artifacts });
            }
            // What may follow which state is shown in editors; no documents are open here.
            Notice::Rules | Notice::Renumber(_) => {}
        }
        Ok(events)
    }

    /// What was done since it was last asked.
    pub(super) fn catch_up(&mut self, handle: &Handle) -> anyhow::Result<Vec<Event>> {
        let from = Some(OperationId(self.last.0 + 1));
        let mut new = self.cache.recorded(&OperationQuery { from, ..OperationQuery::default() })?;
        new.reverse();
        let Some(last) = new.last() else { return Ok(Vec::new()) };
        self.last = last.id;
        let index: BTreeMap<ArtifactKey, ArtifactPath> = handle.views().index().into_iter().collect();
        Ok(new.iter().map(|recorded| done(handle, &index, recorded)).collect())
    }

    /// An artifact that came into conflict.
    fn conflict(&mut self, handle: &Handle, path: &ArtifactPath) -> Option<Event> {
        let view = handle.views().get(path);
        let reason = view.as_ref().and_then(|view| reason(&view.next));
        let (Some(view), Some(reason)) = (view, reason) else {
            self.conflicts.remove(path);
            return None;
        };
        let is_new = self.conflicts.insert(path.clone(), reason) != Some(reason);
        is_new.then(|| in_conflict(&view.entry, reason))
    }

    fn link(&mut self, link: &LinkState) -> Vec<Event> {
        let began = link.leads && !std::mem::replace(&mut self.leads, link.leads);
        let mut events: Vec<Event> = began.then_some(Event::Leading).into_iter().collect();
        let (told, event) = match &link.trouble {
            Some((since, error @ RemoteError::SignedOut(_))) => {
                let (since, problem) = (moment(*since), error.to_string());
                (Told::SignedOut, Event::SignedOut { since, problem })
            }
            Some((since, error)) => {
                let (since, problem) = (moment(*since), error.to_string());
                (Told::Offline, Event::Offline { since, problem })
            }
            None if link.live || self.link != Told::Nothing => (Told::Online, Event::Online),
            None => return events,
        };
        if std::mem::replace(&mut self.link, told) != self.link {
            events.push(event);
        }
        events
    }

    fn presence(&mut self, handle: &Handle) -> Option<Event> {
        let people: Vec<Person> = handle.views().people().iter().map(person).collect();
        let is_new = self.people != people;
        self.people.clone_from(&people);
        is_new.then_some(Event::Presence { people })
    }

    /// What is left.
    pub(super) fn end(&self, handle: &Handle) -> Ended {
        let link = handle.views().link();
        Ended {
            event: "ended",
            at: moment(now()),
            waiting: link.waiting,
            behind: link.behind,
            conflicts: link.conflicts,
            refused: link.refused,
            remote_problem: link.trouble.as_ref().map(|(_, error)| error.to_string()),
        }
    }
}

/// An operation as an event.
fn done(handle: &Handle, index: &BTreeMap<ArtifactKey, ArtifactPath>, recorded: &Recorded) -> Event {
    let operation = &recorded.operation;
    let path = index.get(&operation.key);
    let what = Happened {
        operation: recorded.id.0,
        cause: operation.cause.as_str(),
        kind: operation.key.kind.as_str().to_owned(),
        id: operation.key.id.as_str().to_owned(),
        path: path.map(ToString::to_string),
        remote_version: operation.remote_version.0,
        author: operation.author.as_ref().map(|author| author.name.clone()).filter(|name| !name.is_empty()),
    };
    match operation.cause {
        Cause::Saved | Cause::Deleted | Cause::Moved | Cause::Restored | Cause::Undone => Event::Edited(what),
        Cause::Received => Event::Received(what),
        Cause::Updated | Cause::Merged => Event::Pulled(what),
        Cause::Pushed => Event::Pushed(what),
        Cause::Settled | Cause::Rebased => Event::Settled(what),
        Cause::Resolved => Event::Resolved(what),
        Cause::Refused => {
            let parked =
                path.and_then(|path| handle.views().get(path)).and_then(|view| view.entry.parked.clone());
            let (code, message) = parked.map(|parked| (parked.code, parked.message)).unzip();
            Event::Refused { what, code, message }
        }
    }
}

/// Files that came to be ones that are not taken.
fn problems(handle: &Handle, paths: Vec<String>) -> Vec<Event> {
    let problems = handle.views().problems();
    let of = |path: String| {
        problems.get(&path).map(|problem| Event::NotTaken { reason: problem.to_string(), path })
    };
    paths.into_iter().filter_map(of).collect()
}

/// Why somebody has to choose.
fn reason(next: &Next) -> Option<&'static str> {
    match next {
        Next::Wait(Waits::Conflict) => Some("conflict"),
        Next::Wait(Waits::DeletedHere) => Some("deleted-here"),
        Next::Wait(Waits::DeletedThere) => Some("deleted-there"),
        _ => None,
    }
}

fn in_conflict(entry: &Entry, reason: &'static str) -> Event {
    Event::Conflict {
        kind: entry.key.kind.as_str().to_owned(),
        id: entry.key.id.as_str().to_owned(),
        path: entry.path.to_string(),
        remote_version: entry.remote_version().0,
        author: entry
            .remote
            .as_ref()
            .map(|remote| remote.author.name.clone())
            .filter(|name| !name.is_empty()),
        reason,
    }
}

fn person(person: &agent_core::presence::Person) -> Person {
    let open = person.spots.iter().map(|spot| Spot {
        kind: spot.key.kind.as_str().to_owned(),
        id: spot.key.id.as_str().to_owned(),
        section: spot.section.as_ref().map(|section| section.title.clone()),
    });
    Person { name: person.name.clone(), open: open.collect() }
}

impl Happened {
    fn text(&self) -> String {
        let path = self.path.as_ref().map_or_else(String::new, |path| format!("  {path}"));
        let version = match self.remote_version {
            0 => String::new(),
            version => format!("  version {version}"),
        };
        let by = self.author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
        format!("{}/{}{path}{version}{by}", self.kind, self.id)
    }
}

impl Event {
    /// One JSON object: when, and which event.
    pub(super) fn json(&self) -> String {
        let mut line = json!({ "version": FORMAT, "at": moment(now()) });
        if let (Some(line), Ok(serde_json::Value::Object(fields))) =
            (line.as_object_mut(), serde_json::to_value(self))
        {
            line.extend(fields);
        }
        format!("{line}\n")
    }

    /// One line for people.
    pub(super) fn text(&self) -> String {
        let (word, rest) = self.words();
        format!("{} {word:12} {rest}\n", moment(now()))
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Ready { artifacts } => ("ready", count(*artifacts, "artifact")),
            Self::Leading => ("leading", "this process pushes, listens and writes closed files".to_owned()),
            Self::Edited(what) => ("edited", what.text()),
            Self::Received(what) => ("received", what.text()),
            Self::Pulled(what) => ("pulled", what.text()),
            Self::Pushed(what) => ("pushed", what.text()),
            Self::Settled(what) => ("settled", what.text()),
            Self::Resolved(what) => ("resolved", what.text()),
            Self::Refused { what, message, .. } => {
                let message = message.as_deref().unwrap_or("agent sync status says why");
                ("refused", format!("{}  {message}", what.text()))
            }
            Self::Conflict { kind, id, path, remote_version, author, reason } => {
                let by = author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
                ("conflict", format!("{kind}/{id}  {path}  {reason} with version {remote_version}{by}"))
            }
            Self::Offline { problem, .. } => ("offline", problem.clone()),
            Self::Online => ("online", String::new()),
            Self::SignedOut { problem, .. } => ("signed-out", problem.clone()),
            Self::Presence { people } => ("presence", present(people)),
            Self::NotTaken { path, reason } => ("not-taken", format!("{path}: {reason}")),
            Self::Warning { message } => ("warning", message.clone()),
        }
    }
}

fn present(people: &[Person]) -> String {
    let one = |person: &Person| {
        let spots = person.open.iter().map(|spot| {
            let section = spot.section.as_ref().map_or_else(String::new, |section| format!(" in {section}"));
            format!("{}/{}{section}", spot.kind, spot.id)
        });
        let spots: Vec<String> = spots.collect();
        format!(
            "{}: {}",
            person.name,
            if spots.is_empty() { "nothing open".to_owned() } else { spots.join(", ") }
        )
    };
    match people.is_empty() {
        true => "nobody else is here".to_owned(),
        false => people.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}
