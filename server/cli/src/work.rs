//! An open workspace as the commands use it: the session, what it had to say when it was opened,
//! and the questions several commands ask of it.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use agent_core::id::{ArtifactKey, ContentHash};
use agent_core::merge::Merge;
use agent_core::ports::Store as _;
use agent_core::sync::next::{Circumstances, Next, next};
use agent_core::sync::{Entry, Event, Policy};
use agent_engine::workspace::Workspace;
use agent_engine::{AnyRemote, Session};
use anyhow::{Context as _, bail};

use crate::args::DryRun;
use crate::place;

/// An open workspace.
pub(crate) struct Work {
    /// The session.
    pub(crate) session: Session,
    /// What the user should know, whatever the command finds.
    pub(crate) notes: Vec<String>,
}

impl Work {
    /// Opens the workspace around the present folder.
    pub(crate) fn open() -> anyhow::Result<Self> {
        Self::open_at(place::workspace()?)
    }

    /// Opens this workspace.
    pub(crate) fn open_at(workspace: Workspace) -> anyhow::Result<Self> {
        let database = workspace.database();
        if database.is_dir() {
            bail!(
                "{}: a folder is where the cache belongs; move it away, nothing was changed",
                database.display()
            );
        }
        let session = Session::open(workspace, place::home()?, &place::env, place::CLIENT)?;
        let notes = session.rebuilt.clone().into_iter().collect();
        Ok(Self { session, notes })
    }

    /// The same, but with a dry run nothing is changed from here on, whatever the command does.
    pub(crate) fn rehearsing(mut self, dry_run: &DryRun) -> anyhow::Result<Self> {
        if dry_run.dry_run {
            self.session.rehearse()?;
        }
        Ok(self)
    }

    /// Compares the files with the cache; writes none.
    pub(crate) fn scan(&mut self) -> anyhow::Result<()> {
        self.session.scan()?;
        Ok(())
    }

    /// Lets this command do other things than the configuration does unasked.
    pub(crate) fn set_policy(&mut self, change: impl FnOnce(&mut Policy)) -> anyhow::Result<()> {
        let mut policy = self.session.config.sync.policy;
        change(&mut policy);
        let engine = &mut self.session.engine;
        engine.machine_mut().set_policy(policy);
        // What is left to do for each artifact was derived under the configured policy.
        let snapshot = engine.machine().snapshot();
        engine.handle(Event::Reloaded(snapshot), place::now())?;
        Ok(())
    }

    /// Everything there is, by key.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.session.engine.machine().entries().cloned().collect()
    }

    /// One artifact.
    pub(crate) fn entry(&self, key: &ArtifactKey) -> Option<&Entry> {
        self.session.engine.machine().entry(key)
    }

    /// A content of the cache.
    pub(crate) fn text(&self, hash: ContentHash) -> Option<Arc<str>> {
        self.session.engine.store().text(hash).ok().flatten()
    }

    /// What comes next with an artifact when files may be written, as `pull` may.
    pub(crate) fn next_of(&self, entry: &Entry) -> Next {
        let given = self.session.engine.machine().circumstances(&entry.key);
        next(entry, Circumstances { may_write: true, ..given }, &|hash| self.text(hash))
    }

    /// The merge of an artifact's sides; `None` where one is absent or its text is missing.
    pub(crate) fn merge_of(&self, entry: &Entry) -> Option<Merge> {
        let base = match entry.base {
            Some(hash) => self.text(hash)?,
            None => Arc::from(""),
        };
        Some(Merge::of(&base, &self.text(entry.local?)?, &self.text(entry.remote_hash()?)?))
    }

    /// The artifact somebody named: `kind/id`, an id, or a file.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<Entry> {
        if let Some(entry) = self.find_file(name)? {
            return Ok(entry);
        }
        let (kind, id) = match name.split_once('/') {
            Some((kind, id)) => (Some(kind), id),
            None => (None, name),
        };
        let fits = |entry: &&Entry| {
            entry.key.id.as_str() == id && kind.is_none_or(|kind| entry.key.kind.as_str() == kind)
        };
        let found: Vec<&Entry> = self.session.engine.machine().entries().filter(fits).collect();
        match found.as_slice() {
            [only] => Ok((*only).clone()),
            [] => bail!("{name}: no such artifact here; agent sync status --all lists them"),
            several => {
                let keys: Vec<String> = several.iter().map(|entry| entry.key.to_string()).collect();
                bail!("{name}: there are several: {}; name one of them", keys.join(", "))
            }
        }
    }

    /// Like [`Self::find`], also for an artifact of which nothing is left on any side.
    pub(crate) fn find_past(&self, name: &str) -> anyhow::Result<Entry> {
        let Err(error) = self.find(name) else { return self.find(name) };
        let (kind, id) = match name.split_once('/') {
            Some((kind, id)) => (Some(kind), id),
            None => (None, name),
        };
        let past = self.session.engine.machine().snapshot().entries;
        let named = |entry: &Entry| {
            let key = &entry.key;
            key.id.as_str() == id && kind.is_none_or(|kind| key.kind.as_str() == kind)
        };
        let shown = place::here().ok().map(|here| flatten(&here.join(name)));
        let root = std::path::absolute(self.session.workspace.root())?;
        let is_file = |entry: &Entry| shown.as_ref() == Some(&flatten(&root.join(entry.path.as_str())));
        let mut found =
            past.into_iter().filter(|entry| entry.is_absent() && (named(entry) || is_file(entry)));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(error),
        }
    }

    fn find_file(&self, name: &str) -> anyhow::Result<Option<Entry>> {
        let path = flatten(&place::here()?.join(name));
        let root = self.session.workspace.root();
        let root = std::path::absolute(root).with_context(|| root.display().to_string())?;
        let Ok(inside) = path.strip_prefix(flatten(&root)) else { return Ok(None) };
        let shown = inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let at = |entry: &&Entry| entry.path.as_str() == shown;
        Ok(self.session.engine.machine().entries().find(at).cloned())
    }

    /// Fails where no request can be made at all; `so` says what that means for the user.
    pub(crate) fn check_remote(&self, so: &str) -> anyhow::Result<()> {
        match &self.session.remote {
            AnyRemote::Supabase(_) => Ok(()),
            AnyRemote::Missing(problem) => {
                bail!("{}: {problem}; {so}", self.session.workspace.config_file().display())
            }
        }
    }

    /// How many requests were sent to the remote.
    pub(crate) fn requests(&self) -> u64 {
        match &self.session.remote {
            AnyRemote::Supabase(remote) => remote.counts().requests,
            AnyRemote::Missing(_) => 0,
        }
    }

    /// Who is signed in, as stored on this machine.
    pub(crate) fn user(&self) -> Option<agent_remote::User> {
        self.session.auth.as_ref().and_then(agent_remote::Auth::user)
    }
}

/// A path without `.` and `..`, by its text alone: the file may be gone.
fn flatten(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(flat.pop()),
            part => flat.push(part),
        }
    }
    flat
}
