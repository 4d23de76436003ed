//! Working files in memory, with the guards of the real disk and a clock as coarse as some file
//! systems have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use agent_core::id::{ArtifactPath, ContentHash, Text, Timestamp};
use agent_core::ports::{FileProblem, Files, FoundFile, Listing, Replaced};
use agent_core::sync::FileStat;

use crate::{Fuse, lock};

/// A content the engine put in another's place.
#[derive(Debug, Clone)]
pub(crate) struct Overwritten {
    pub(crate) path: ArtifactPath,
    pub(crate) old: String,
    pub(crate) new: Option<String>,
}

#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<ArtifactPath, (Arc<str>, FileStat)>,
    now: Timestamp,
    overwritten: Vec<Overwritten>,
}

/// One workspace's files, as one process sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryFiles {
    disk: Arc<Mutex<Disk>>,
    fuse: Fuse,
    /// What an editor of this process has open: no write may reach it.
    open: Arc<Mutex<BTreeSet<ArtifactPath>>>,
    /// The next write finds the disk unwilling.
    broken: Arc<Mutex<bool>>,
}

impl MemoryFiles {
    /// The same files, for a new process.
    pub(crate) fn for_process(&self, fuse: Fuse) -> Self {
        Self { disk: Arc::clone(&self.disk), fuse, open: Arc::default(), broken: Arc::default() }
    }

    pub(crate) fn set_now(&self, now: Timestamp) {
        lock(&self.disk).now = now;
    }

    pub(crate) fn set_open(&self, path: &ArtifactPath, open: bool) {
        let mut opened = lock(&self.open);
        match open {
            true => opened.insert(path.clone()),
            false => opened.remove(path),
        };
    }

    pub(crate) fn fail_next_write(&self, fail: bool) {
        *lock(&self.broken) = fail;
    }

    /// What somebody wrote behind the engine's back.
    pub(crate) fn put(&self, path: &ArtifactPath, text: Option<&str>) {
        put(&mut lock(&self.disk), path, text);
    }

    pub(crate) fn all(&self) -> BTreeMap<ArtifactPath, Arc<str>> {
        lock(&self.disk).files.iter().map(|(path, (text, _))| (path.clone(), Arc::clone(text))).collect()
    }

    pub(crate) fn take_overwritten(&self) -> Vec<Overwritten> {
        std::mem::take(&mut lock(&self.disk).overwritten)
    }

    pub(crate) fn forget_overwritten(&self) {
        lock(&self.disk).overwritten.clear();
    }

    fn change(&self, path: &ArtifactPath) -> Result<(), FileProblem> {
        assert!(!lock(&self.open).contains(path), "{path} is open in an editor of this very process");
        let problem = |what: &str| Err(FileProblem::Io(what.to_owned()));
        if std::mem::take(&mut *lock(&self.broken)) {
            return problem("no space left");
        }
        if self.fuse.holds() { Ok(()) } else { problem("the process is dead") }
    }
}

fn put(disk: &mut Disk, path: &ArtifactPath, text: Option<&str>) -> Option<FileStat> {
    let Some(text) = text else {
        disk.files.remove(path);
        return None;
    };
    let seconds = disk.now.0.div_euclid(1000);
    let stat = FileStat { size: text.len() as u64, mtime: seconds * 1_000_000_000 };
    disk.files.insert(path.clone(), (text.into(), stat));
    Some(stat)
}

fn holds(disk: &Disk, path: &ArtifactPath, expect: Option<ContentHash>) -> bool {
    disk.files.get(path).map(|(text, _)| ContentHash::of(text.as_bytes())) == expect
}

impl Files for MemoryFiles {
    fn list(&self, folders: &[&str]) -> Listing {
        let disk = lock(&self.disk);
        let inside = |path: &ArtifactPath| folders.iter().any(|folder| path.as_str().starts_with(folder));
        let files = disk.files.iter().filter(|(path, _)| inside(path));
        Listing {
            files: files.map(|(path, (_, stat))| (path.clone(), *stat)).collect(),
            problems: Vec::new(),
        }
    }

    fn read(&self, path: &ArtifactPath) -> Result<Option<FoundFile>, FileProblem> {
        let disk = lock(&self.disk);
        let found = disk.files.get(path);
        Ok(found.map(|(text, stat)| FoundFile { text: Text::new(Arc::clone(text)), stat: *stat }))
    }

    fn replace(
        &self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        text: Option<&str>,
    ) -> Result<Replaced, FileProblem> {
        self.change(path)?;
        let mut disk = lock(&self.disk);
        if !holds(&disk, path, expect) {
            return Ok(Replaced::Changed);
        }
        if let Some((old, _)) = disk.files.get(path).cloned() {
            let (old, new) = (old.to_string(), text.map(str::to_owned));
            disk.overwritten.push(Overwritten { path: path.clone(), old, new });
        }
        Ok(Replaced::Done(put(&mut disk, path, text)))
    }

    fn rename(
        &self,
        from: &ArtifactPath,
        to: &ArtifactPath,
        expect: ContentHash,
    ) -> Result<Replaced, FileProblem> {
        self.change(from)?;
        let mut disk = lock(&self.disk);
        if !holds(&disk, from, Some(expect)) || !holds(&disk, to, None) {
            return Ok(Replaced::Changed);
        }
        let Some((text, stat)) = disk.files.remove(from) else { return Ok(Replaced::Changed) };
        disk.files.insert(to.clone(), (text, stat));
        Ok(Replaced::Done(Some(stat)))
    }
}
