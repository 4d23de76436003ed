//! What others say to the loop, and what it says to them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use agent_core::create::renumber::Renumbering;
use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Text, Version};
use agent_core::ports::{LiveEvent, RemoteError};
use agent_core::presence::{Person, SectionName};
use agent_core::sync::undo::{Reversal, Unit};
use agent_core::sync::{Event, ResolvedBase};
use tokio::sync::mpsc::UnboundedSender;

use super::Driver;
use super::asked::{self, Listed, Revision, RevisionError, Sides, Told};
use super::past::UndoAsk;
use crate::create::{CreateError, Created, New};
use crate::history::BringBackError;
use crate::opened::SavedBase;
use crate::resolve::{Ask, ResolveError};
use crate::rules::Fetched;
use crate::session::Session;
use crate::view::Views;

/// What the editor's side hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// These artifacts' views changed.
    Changed(Vec<ArtifactPath>),
    /// The connection or the queue changed.
    Link,
    /// These files became, or are no longer, ones that are not taken.
    Problems(Vec<String>),
    /// Something people should read.
    Warning(String),
    /// The first scan is done.
    Scanned,
    /// What the team's server lets one do is known, or changed.
    Rules,
    /// An id takes a provisional one's place: open documents that name it are left to their editor.
    Renumber(Renumber),
    /// Who else is there changed.
    Presence,
}

/// An open document's part in the replacement of a provisional id.
#[derive(Debug, Clone)]
pub struct Renumber {
    /// Where the file is that names the id.
    pub path: ArtifactPath,
    /// The replacement.
    pub change: Renumbering,
    /// Where the file belongs then, when it is the renumbered artifact's own.
    pub to: Option<ArtifactPath>,
}

pub(super) type Made = Box<dyn FnOnce(Result<Created, CreateError>) + Send>;
type Answer = Box<dyn FnOnce(Result<(), ResolveError>) + Send>;
pub(super) type Found = Box<dyn FnOnce(Vec<Option<Arc<str>>>) + Send>;
pub(super) type Undone = Box<dyn FnOnce(Result<Reversal, BringBackError>) + Send>;

pub(super) enum Command {
    Begin,
    Opened(ArtifactPath, Arc<str>),
    Closed(ArtifactPath),
    Saved(ArtifactPath, SavedBase),
    Touched(Vec<PathBuf>),
    Answered(Event),
    Live(LiveEvent),
    SeenIn(ArtifactPath, Option<SectionName>),
    Meet(Vec<Person>),
    Do(Event),
    UserChanged,
    Resolve(Ask, Answer),
    Rules(Result<Fetched, RemoteError>),
    Allocated(ArtifactKey, Result<String, RemoteError>),
    Create(New, Made),
    Created(New, Made, Result<(String, Option<String>), RemoteError>),
    Texts(Vec<ContentHash>, Found),
    PreviewUndo(Box<UndoAsk>, Undone),
    List(asked::Answer<Vec<Listed>>),
    Sides(ArtifactKey, asked::Answer<Option<Sides>>),
    History(ArtifactKey, asked::Answer<Told>),
    Revision(ArtifactKey, Version, asked::Answer<Result<Revision, RevisionError>>),
    Scan(Box<dyn FnOnce() + Send>),
    Stop(Sender<()>),
}

/// Talks to the loop. Nothing here waits.
#[derive(Clone)]
pub struct Handle {
    commands: Sender<Command>,
    views: Arc<Views>,
}

impl Handle {
    fn send(&self, command: Command) {
        // The loop is gone only while the process ends.
        let _ = self.commands.send(command);
    }

    /// The pictures of the session's state.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Starts the work, once what is open already was said: nothing is read or written before.
    pub fn begin(&self) {
        self.send(Command::Begin);
    }

    /// The editor opened a document with this text.
    pub fn opened(&self, path: ArtifactPath, text: Arc<str>) {
        self.send(Command::Opened(path, text));
    }

    /// The editor closed a document.
    pub fn closed(&self, path: ArtifactPath) {
        self.send(Command::Closed(path));
    }

    /// Somebody is in this section of an open document; `None`: above the first heading.
    pub fn seen_in(&self, path: ArtifactPath, section: Option<SectionName>) {
        self.send(Command::SeenIn(path, section));
    }

    /// The editor saved a document, whose text was made out of this base.
    pub fn saved(&self, path: ArtifactPath, base: SavedBase) {
        self.send(Command::Saved(path, base));
    }

    /// Files changed, by absolute path; an empty list means any may have.
    pub fn touched(&self, paths: Vec<PathBuf>) {
        self.send(Command::Touched(paths));
    }

    /// Compares all files with the cache; `done` is called from the loop's thread.
    pub fn scan(&self, done: impl FnOnce() + Send + 'static) {
        self.send(Command::Scan(Box::new(done)));
    }

    /// Push now, also what was refused.
    pub fn push(&self) {
        self.send(Command::Do(Event::PushWanted { retry_refused: true }));
    }

    /// Push also the many artifacts that went back to earlier contents at once.
    pub fn allow_reversions(&self) {
        self.send(Command::Do(Event::ReversionsAllowed));
        self.send(Command::Do(Event::PushWanted { retry_refused: false }));
    }

    /// Pull now.
    pub fn pull(&self) {
        self.send(Command::Do(Event::PullWanted));
    }

    /// Somebody signed in or out: what waited goes out at once, as who is signed in now.
    pub fn user_changed(&self) {
        self.send(Command::UserChanged);
    }

    /// Moves an artifact's base without changing its text.
    pub fn move_base(&self, key: ArtifactKey, base: ResolvedBase) {
        self.send(Command::Do(Event::Resolved { key, base }));
    }

    /// Chooses sides on disk; `answer` is called from the loop's thread.
    pub fn resolve(&self, ask: Ask, answer: impl FnOnce(Result<(), ResolveError>) + Send + 'static) {
        self.send(Command::Resolve(ask, Box::new(answer)));
    }

    /// Makes a new artifact, with an id of the team's if its server can be asked; `answer` is called
    /// from the loop's thread.
    pub fn create(&self, wanted: New, answer: impl FnOnce(Result<Created, CreateError>) + Send + 'static) {
        self.send(Command::Create(wanted, Box::new(answer)));
    }

    /// Reads contents of the cache, each `None` where it has none; `answer` is called from the loop's
    /// thread.
    pub fn texts(
        &self,
        hashes: Vec<ContentHash>,
        answer: impl FnOnce(Vec<Option<Arc<str>>>) + Send + 'static,
    ) {
        self.send(Command::Texts(hashes, Box::new(answer)));
    }

    /// What taking a unit back makes of a buffer with this base and text; `answer` is called from the
    /// loop's thread.
    pub fn preview_undo(
        &self,
        unit: Unit,
        base: Option<Text>,
        local: Text,
        answer: impl FnOnce(Result<Reversal, BringBackError>) + Send + 'static,
    ) {
        self.send(Command::PreviewUndo(Box::new(UndoAsk { unit, base, local }), Box::new(answer)));
    }

    /// Every artifact, by kind and id; `answer` is called from the loop's thread.
    pub fn list(&self, answer: impl FnOnce(Vec<Listed>) + Send + 'static) {
        self.send(Command::List(Box::new(answer)));
    }

    /// An artifact's sides, `None` when it is unknown; `answer` is called from the loop's thread.
    pub fn sides(&self, key: ArtifactKey, answer: impl FnOnce(Option<Sides>) + Send + 'static) {
        self.send(Command::Sides(key, Box::new(answer)));
    }

    /// What happened to an artifact on this machine; `answer` is called from the loop's thread.
    pub fn history(&self, key: ArtifactKey, answer: impl FnOnce(Told) + Send + 'static) {
        self.send(Command::History(key, Box::new(answer)));
    }

    /// One version of an artifact, from the cache, else from the remote; `answer` is called from the loop's
    /// thread or from a task of the runtime.
    pub fn revision(
        &self,
        key: ArtifactKey,
        version: Version,
        answer: impl FnOnce(Result<Revision, RevisionError>) + Send + 'static,
    ) {
        self.send(Command::Revision(key, version, Box::new(answer)));
    }

    /// Ends the loop, after what was sent before, and waits at most this long for it.
    pub fn stop(&self, at_most: Duration) {
        let (done, wait) = mpsc::channel();
        self.send(Command::Stop(done));
        let _ = wait.recv_timeout(at_most);
    }
}

/// Starts the loop on a thread of its own; it waits for [`Handle::begin`].
pub fn start(session: Session, runtime: tokio::runtime::Handle, notices: UnboundedSender<Notice>) -> Handle {
    let (commands, received) = mpsc::channel();
    let mut driver = Driver::new(session, runtime, notices, commands);
    let handle = driver.handle();
    std::thread::spawn(move || driver.run(&received));
    handle
}

impl Driver {
    pub(super) fn handle(&self) -> Handle {
        Handle { commands: self.commands.clone(), views: Arc::clone(&self.views) }
    }
}
