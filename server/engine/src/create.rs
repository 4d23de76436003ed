//! New artifacts: their id, their text from a template, their file. The file is written as every
//! other one is, guarded; what is pushed then is the machine's.

use std::io::ErrorKind;

use agent_core::create::naming::{self, Known};
use agent_core::create::provisional;
use agent_core::create::template::{self, Fields};
use agent_core::id::{ArtifactKey, ArtifactPath, ContentHash, Kind, Timestamp};
use agent_core::ports::{FileProblem, Files, RemoteError, Replaced, Store};

use crate::engine::{Engine, Failed, Outcome};
use crate::remote::AnyRemote;
use crate::workspace::Workspace;

/// A new artifact that somebody wants.
#[derive(Debug, Clone)]
pub struct New {
    /// Its kind.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// Its id; `None`: the team's server gives one out.
    pub id: Option<String>,
    /// What its id begins with; `None`: as most of its kind.
    pub prefix: Option<String>,
    /// Where its file goes; `None`: where those like it are.
    pub path: Option<ArtifactPath>,
    /// The day, as `2026-01-31`.
    pub date: String,
    /// Who makes it; a session that runs puts down who it works for.
    pub author: String,
}

/// A new artifact that is there.
#[derive(Debug, Clone)]
pub struct Created {
    /// What it is.
    pub key: ArtifactKey,
    /// Where its file is.
    pub path: ArtifactPath,
    /// Its text.
    pub text: String,
    /// Why its id is provisional, if it is.
    pub provisional: Option<String>,
}

/// Why nothing was made, or written.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No such kind here.
    #[error("there is no kind {0:?} here; the kinds are: {1}")]
    Kind(String, String),
    /// An id or prefix that is none.
    #[error("{0:?} is no {1}: it begins with a capital letter, capital letters and digits follow{2}")]
    Name(String, &'static str, &'static str),
    /// It is there already.
    #[error("{0} is there already: {1}")]
    Exists(ArtifactKey, ArtifactPath),
    /// A file is in its place.
    #[error("{0}: a file is there already; nothing was made")]
    Taken(ArtifactPath),
    /// The file changed since it was read.
    #[error("{0}: the file changed meanwhile, or an editor has it open; nothing was written")]
    Changed(ArtifactPath),
    /// The team's template cannot be used.
    #[error("{file}: {problem}; nothing was made")]
    Template {
        /// The template.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server refused an id.
    #[error("no id: {0}")]
    Remote(RemoteError),
    /// The file cannot be written.
    #[error("{0}: {1}")]
    File(ArtifactPath, FileProblem),
    /// The cache cannot be written; the file was.
    #[error(transparent)]
    Store(#[from] Failed),
}

/// The present day in UTC, as templates have it.
pub fn today() -> String {
    let now = jiff::Timestamp::from_millisecond(crate::chance::now().0).unwrap_or_default();
    now.strftime("%Y-%m-%d").to_string()
}

/// Whether a failure to get an id means that one makes do with a provisional one: the server cannot
/// be asked now, by this person, or at all.
fn is_offline(error: &RemoteError) -> bool {
    !matches!(error, RemoteError::Forbidden(_))
}

/// Asks the server for an id; a provisional one, and why, when it cannot be asked.
///
/// # Errors
/// The refusal, when the server answers that one may not.
pub async fn allocate(
    remote: &AnyRemote,
    kind: &Kind,
    prefix: &str,
    after: u64,
) -> Result<(String, Option<String>), RemoteError> {
    let asked = match remote.get() {
        Ok(remote) => remote.allocate_id(kind, prefix, after).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(id) => Ok((id, None)),
        Err(error) if is_offline(&error) => {
            Ok((provisional::id(prefix, fastrand::u64(..)), Some(error.to_string())))
        }
        Err(error) => Err(error),
    }
}

impl<S: Store, F: Files> Engine<S, F> {
    fn known(&self) -> impl Iterator<Item = Known<'_>> {
        self.machine.entries().map(|entry| (&entry.key, &entry.path))
    }

    /// Which id to ask the server for: with which prefix, greater than which number. `None` when the
    /// artifact has one.
    ///
    /// # Errors
    /// A kind, id or prefix that cannot be.
    pub fn wanted_id(&self, wanted: &New) -> Result<Option<(String, u64)>, CreateError> {
        if !self.kinds.rules().iter().any(|rule| rule.kind == wanted.kind) {
            let known: Vec<&str> = self.kinds.rules().iter().map(|rule| rule.kind.as_str()).collect();
            return Err(CreateError::Kind(wanted.kind.as_str().to_owned(), known.join(", ")));
        }
        if let Some(id) = &wanted.id {
            return match naming::parts(id) {
                Some(_) => Ok(None),
                None => Err(CreateError::Name(id.clone(), "id", ", then a hyphen and a number")),
            };
        }
        let prefix = match &wanted.prefix {
            Some(prefix) if !naming::is_prefix(prefix) => {
                return Err(CreateError::Name(prefix.clone(), "prefix", ""));
            }
            Some(prefix) => prefix.clone(),
            None => naming::usual_prefix(&wanted.kind, self.known()),
        };
        let after = naming::highest_number(&prefix, self.known());
        Ok(Some((prefix, after)))
    }

    /// What would be made under this id, and where.
    ///
    /// # Errors
    /// When it cannot be, or is there already.
    pub fn draft(&self, workspace: &Workspace, wanted: &New, id: &str) -> Result<Created, CreateError> {
        let name = || CreateError::Name(id.to_owned(), "id", ", then a hyphen and a number");
        let key = ArtifactKey::new(wanted.kind.as_str(), id).map_err(|_| name())?;
        if let Some(entry) = self.machine.entry(&key).filter(|entry| !entry.is_absent()) {
            return Err(CreateError::Exists(key, entry.path.clone()));
        }
        let path = match &wanted.path {
            Some(path) => Some(path.clone()),
            None => naming::path(&self.kinds, &key, &wanted.title, self.known()),
        };
        let path = path.ok_or_else(name)?;
        let template = template_of(workspace, &wanted.kind)?;
        let fields = Fields {
            id: id.to_owned(),
            title: wanted.title.clone(),
            date: wanted.date.clone(),
            author: wanted.author.clone(),
        };
        Ok(Created { key, path, text: template::render(&template, &fields), provisional: None })
    }

    /// Writes the file of a new artifact and takes it in.
    ///
    /// # Errors
    /// When something is in its place, or it cannot be written.
    pub fn create(&mut self, created: &Created, now: Timestamp) -> Result<Outcome, CreateError> {
        match self.write(&created.path, None, &created.text, now) {
            Err(CreateError::Changed(path)) => Err(CreateError::Taken(path)),
            other => other,
        }
    }

    /// Gives a file that no editor has open another text, if it holds what is expected, and takes
    /// that in as a save.
    ///
    /// # Errors
    /// When it holds something else, or cannot be written.
    pub fn write(
        &mut self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        text: &str,
        now: Timestamp,
    ) -> Result<Outcome, CreateError> {
        let is_open = match self.kinds.key_of(path) {
            Some(Ok(key)) => self.machine.circumstances(&key).open,
            _ => false,
        };
        if is_open {
            return Err(CreateError::Changed(path.clone()));
        }
        let replaced = self.files.replace(path, expect, Some(text));
        match replaced.map_err(|problem| CreateError::File(path.clone(), problem))? {
            Replaced::Done(_) => Ok(self.files_changed(std::slice::from_ref(path), None, now)?),
            Replaced::Changed => Err(CreateError::Changed(path.clone())),
        }
    }
}

/// The team's own template for a kind, else the standard one.
fn template_of(workspace: &Workspace, kind: &Kind) -> Result<String, CreateError> {
    let file = workspace.template(kind);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(template::standard(kind).to_owned()),
        Err(error) => Err(CreateError::Template {
            file: file.display().to_string(),
            problem: format!("cannot be read: {error}"),
        }),
    }
}
