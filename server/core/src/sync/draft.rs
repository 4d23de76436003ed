//! A step in the making: artifacts copied on first change, the writes that record each move of a
//! triple, and the effects. Knows how to record a change, not when one is due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::id::{ArtifactKey, ArtifactPath, Author, ContentHash, OperationId, Seq, Text, Timestamp};
use crate::ports::{Cause, Operation, Paths, Triple, Versions, Write};
use crate::sync::event::{FileEffect, Memory, Request, Step};
use crate::sync::link::Link;
use crate::sync::machine::{Machine, Todo};
use crate::sync::next::{Circumstances, Texts};
use crate::sync::{Entry, RemoteSide};

pub(super) struct Draft<'a> {
    pub(super) machine: &'a Machine,
    pub(super) now: Timestamp,
    stored: Texts<'a>,
    fresh: HashMap<ContentHash, Arc<str>>,
    entries: BTreeMap<ArtifactKey, Entry>,
    reloaded: BTreeMap<ArtifactKey, Entry>,
    writes: Vec<Write>,
    files: Vec<FileEffect>,
    requests: Vec<Request>,
    memory: Vec<Memory>,
    todo: BTreeMap<ArtifactKey, Option<Todo>>,
    wake_at: Option<Timestamp>,
    pub(super) looks: bool,
    pub(super) link: Link,
    pub(super) touched: BTreeSet<ArtifactKey>,
    pub(super) leads: bool,
    pub(super) cursor: Seq,
    opened: Option<(ArtifactKey, bool)>,
    elsewhere: Option<BTreeSet<ArtifactKey>>,
    searched: BTreeMap<ArtifactKey, bool>,
    doubted: BTreeMap<ArtifactKey, ContentHash>,
    unblocked: BTreeSet<ArtifactKey>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(machine: &'a Machine, now: Timestamp, stored: Texts<'a>) -> Self {
        Self {
            machine,
            now,
            stored,
            fresh: HashMap::new(),
            entries: BTreeMap::new(),
            reloaded: BTreeMap::new(),
            writes: Vec::new(),
            files: Vec::new(),
            requests: Vec::new(),
            memory: Vec::new(),
            todo: BTreeMap::new(),
            wake_at: None,
            looks: false,
            link: machine.link.clone(),
            touched: machine.undecided.clone(),
            leads: machine.leads,
            cursor: machine.cursor,
            opened: None,
            elsewhere: None,
            searched: BTreeMap::new(),
            doubted: BTreeMap::new(),
            unblocked: BTreeSet::new(),
        }
    }

    /// The artifact as this step leaves it so far.
    pub(super) fn get(&self, key: &ArtifactKey) -> Option<&Entry> {
        self.entries.get(key).or_else(|| self.machine.entries.get(key))
    }

    /// All artifacts as this step leaves them so far.
    pub(super) fn all(&self) -> impl Iterator<Item = &Entry> {
        let unchanged = self.machine.entries.values().filter(|entry| !self.entries.contains_key(&entry.key));
        unchanged.chain(self.entries.values())
    }

    /// The artifact, to be changed; a new one is placed at `path`.
    pub(super) fn entry(&mut self, key: &ArtifactKey, path: &ArtifactPath) -> &mut Entry {
        self.touched.insert(key.clone());
        let known = &self.machine.entries;
        self.entries.entry(key.clone()).or_insert_with(|| {
            known.get(key).cloned().unwrap_or_else(|| Entry::new(key.clone(), path.clone()))
        })
    }

    /// The artifact, to be changed, if it is known.
    pub(super) fn known(&mut self, key: &ArtifactKey) -> Option<&mut Entry> {
        let path = self.get(key)?.path.clone();
        Some(self.entry(key, &path))
    }

    /// Changes an artifact and, if that moves its triple, records the operation.
    pub(super) fn shift(
        &mut self,
        key: &ArtifactKey,
        cause: Cause,
        author: Option<Author>,
        change: impl FnOnce(&mut Entry),
    ) {
        self.shift_undoing(key, cause, author, None, change);
    }

    /// The same for what takes an earlier operation back.
    pub(super) fn shift_undoing(
        &mut self,
        key: &ArtifactKey,
        cause: Cause,
        author: Option<Author>,
        undoes: Option<OperationId>,
        change: impl FnOnce(&mut Entry),
    ) {
        let at = self.now;
        let Some(entry) = self.known(key) else { return };
        let (before, versions_before, from) = (triple(entry), versions(entry), entry.path.clone());
        change(entry);
        let (after, to) = (triple(entry), entry.path.clone());
        let versions = Some((versions_before, versions(entry)));
        let paths = (from != to).then_some(Paths { from, to });
        let noted = before != after || matches!(cause, Cause::Moved | Cause::Refused);
        let remote_version = entry.remote_version();
        if noted {
            let key = key.clone();
            self.writes.push(Write::Operation(Box::new(Operation {
                at,
                key,
                cause,
                before,
                after,
                remote_version,
                author,
                versions,
                paths,
                undoes,
            })));
        }
    }

    /// Keeps a text, once per step.
    pub(super) fn keep(&mut self, text: &Text) {
        if self.fresh.insert(text.hash(), text.shared()).is_none() {
            self.writes.push(Write::Blob(text.clone()));
        }
    }

    pub(super) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(super) fn file(&mut self, effect: FileEffect) {
        self.files.push(effect);
    }

    pub(super) fn request(&mut self, request: Request) {
        self.requests.push(request);
    }

    pub(super) fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    pub(super) fn text(&self, hash: ContentHash) -> Option<Arc<str>> {
        self.fresh.get(&hash).cloned().or_else(|| (self.stored)(hash))
    }

    /// Replaces the artifact by what another process wrote; not a change of this step's own.
    pub(super) fn reload(&mut self, entry: Entry) {
        self.touched.insert(entry.key.clone());
        self.reloaded.insert(entry.key.clone(), entry.clone());
        self.entries.insert(entry.key.clone(), entry);
    }

    pub(super) fn circumstances(&self, key: &ArtifactKey) -> Circumstances {
        let mut given = self.machine.circumstances(key);
        if self.opened.is_some() || self.elsewhere.is_some() {
            let here = match &self.opened {
                Some((opened, is_open)) if opened == key => *is_open,
                _ => self.machine.open.contains(key),
            };
            given.open =
                here || self.elsewhere.as_ref().unwrap_or(&self.machine.open_elsewhere).contains(key);
        }
        given.base_searched = self.searched.get(key).copied().unwrap_or(given.base_searched);
        given
    }

    /// Whether a conflict may be one with oneself: something else than this program, as `git pull` does,
    /// may have put a revision of the remote's into the file that lies between the base and the newest.
    pub(super) fn may_be_own(&self, key: &ArtifactKey) -> bool {
        let Some(entry) = self.get(key) else { return false };
        let has_between = entry.base_version.0 + 1 < entry.remote_version().0;
        let doubted = self.doubted.get(key).or_else(|| self.machine.doubted.get(key));
        entry.base.is_some() && entry.local.is_some() && has_between && doubted != entry.local.as_ref()
    }

    pub(super) fn is_blocked(&self, key: &ArtifactKey) -> bool {
        self.machine.file_blocked.contains(key) && !self.unblocked.contains(key)
    }

    pub(super) fn remember(&mut self, memory: Memory) {
        match &memory {
            Memory::Open(key, open) => self.opened = Some((key.clone(), *open)),
            Memory::OpenElsewhere(keys) => self.elsewhere = Some(keys.iter().cloned().collect()),
            Memory::BaseSearched(key, is_searched) => drop(self.searched.insert(key.clone(), *is_searched)),
            Memory::Doubted(key, hash) => drop(self.doubted.insert(key.clone(), *hash)),
            Memory::FileBlocked(key, false) => drop(self.unblocked.insert(key.clone())),
            Memory::Leads(leads) => self.leads = *leads,
            Memory::Rewind => self.cursor = Seq(0),
            Memory::Cursor(seq) => self.cursor = self.cursor.max(*seq),
            _ => {}
        }
        self.memory.push(memory);
    }

    /// Notes what is left to do for an artifact.
    pub(super) fn set_todo(&mut self, key: ArtifactKey, todo: Option<Todo>) {
        self.todo.insert(key, todo);
    }

    /// What is left to do for each artifact, with what this step found out.
    pub(super) fn todo(&self) -> BTreeMap<ArtifactKey, Todo> {
        let mut todo = self.machine.todo.clone();
        for (key, what) in &self.todo {
            match what {
                Some(what) => drop(todo.insert(key.clone(), *what)),
                None => drop(todo.remove(key)),
            }
        }
        todo
    }

    /// How many searches for a base are under way.
    pub(super) fn searching(&self) -> usize {
        let ended = |memory: &&Memory| matches!(memory, Memory::Searching(_, false));
        self.machine.searching.len().saturating_sub(self.memory.iter().filter(ended).count())
    }

    pub(super) fn finish(mut self) -> Step {
        for (key, todo) in std::mem::take(&mut self.todo) {
            if self.machine.todo.get(&key).copied() != todo {
                self.memory.push(Memory::Todo(key, todo));
            }
        }
        let mut written = BTreeSet::new();
        for (key, entry) in &self.entries {
            let before = self.reloaded.get(key).or_else(|| self.machine.entries.get(key));
            if before != Some(entry) {
                written.insert(key.clone());
                self.writes.push(Write::Entry(Box::new(entry.clone())));
            }
        }
        Step {
            writes: self.writes,
            files: self.files,
            requests: self.requests,
            wake_at: self.wake_at,
            looks: self.looks,
            entries: self.entries.into_values().collect(),
            written,
            link: self.link,
            memory: self.memory,
        }
    }
}

fn versions(entry: &Entry) -> Versions {
    Versions { base: entry.base_version, remote: entry.remote_version() }
}

pub(super) fn triple(entry: &Entry) -> Triple {
    Triple { base: entry.base, local: entry.local, remote: entry.remote_hash() }
}

/// The base follows the remote: both sides agree on its content, and on the path if that is equal.
pub(super) fn agree(entry: &mut Entry) {
    entry.base = entry.remote_hash();
    entry.base_version = entry.remote_version();
    if let Some(RemoteSide { path, .. }) = &entry.remote
        && *path == entry.path
    {
        entry.base_path = Some(path.clone());
    }
}
