//! Working files in memory, with the guards of the real disk, a clock as coarse as some file systems
//! have, and a memory of who has what open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use agent_core::id::{ArtifactPath, ContentHash, Text, Timestamp};
use agent_core::ports::{FileProblem, Files, FoundFile, Listing, Replaced};
use agent_core::sync::FileStat;

use crate::fuse::{Fuse, lock};
use crate::run::breach;
use crate::words::{Planted, Promise};

/// A content the engine put in another's place.
#[derive(Debug, Clone)]
pub(crate) struct Overwritten {
    pub(crate) path: ArtifactPath,
    pub(crate) old: Text,
    pub(crate) new: Option<Text>,
}

#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<ArtifactPath, (Text, FileStat)>,
    now: Timestamp,
    is_fine: bool,
    writes: i64,
    overwritten: Vec<Overwritten>,
    /// Every text that somebody meant to be in a file.
    meant: BTreeSet<ContentHash>,
    /// Which life of a process said that it has which document open, and until when that counts.
    open: BTreeMap<(ArtifactPath, u64), Timestamp>,
    half_files: u32,
    full: bool,
    planted: Option<Planted>,
}

/// One workspace's files, as one process sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryFiles {
    disk: Arc<Mutex<Disk>>,
    fuse: Fuse,
    life: u64,
    /// The next write finds the disk unwilling.
    fails_once: Arc<Mutex<bool>>,
    /// A person asked for the write under way.
    asked: Arc<Mutex<bool>>,
    leaves_half: Arc<Mutex<bool>>,
}

impl MemoryFiles {
    /// A new disk; its times are to the nanosecond, or to the second.
    pub(crate) fn new(is_fine: bool, planted: Option<Planted>) -> Self {
        let files = Self::default();
        let mut disk = lock(&files.disk);
        disk.is_fine = is_fine;
        disk.planted = planted;
        drop(disk);
        files
    }

    /// The same files, for a new process.
    pub(crate) fn for_process(&self, fuse: Fuse, life: u64) -> Self {
        Self { disk: Arc::clone(&self.disk), fuse, life, ..Self::default() }
    }

    pub(crate) fn set_now(&self, now: Timestamp) {
        lock(&self.disk).now = now;
    }

    /// This process has heard that a document is open, or closed.
    pub(crate) fn set_open(&self, path: &ArtifactPath, until: Option<Timestamp>) {
        let mut disk = lock(&self.disk);
        let of = (path.clone(), self.life);
        match until {
            Some(until) => disk.open.insert(of, until),
            None => disk.open.remove(&of),
        };
    }

    /// The process is dead, and with it its editor.
    pub(crate) fn forget_life(&self) {
        lock(&self.disk).open.retain(|(_, life), _| *life != self.life);
    }

    pub(crate) fn fail_next_write(&self, fail: bool) {
        *lock(&self.fails_once) = fail;
    }

    pub(crate) fn set_full(&self, full: bool) {
        lock(&self.disk).full = full;
    }

    /// A kill in the middle of a write leaves its temporary file behind.
    pub(crate) fn leave_half(&self) {
        *lock(&self.leaves_half) = true;
    }

    /// A person asked for what is written until this is taken back.
    pub(crate) fn set_asked(&self, asked: bool) {
        *lock(&self.asked) = asked;
    }

    /// What somebody wrote behind the engine's back.
    pub(crate) fn put(&self, path: &ArtifactPath, text: Option<&str>) {
        let text = text.map(Text::new);
        let mut disk = lock(&self.disk);
        disk.meant.extend(text.as_ref().map(Text::hash));
        put(&mut disk, path, text);
    }

    pub(crate) fn get(&self, path: &ArtifactPath) -> Option<Text> {
        lock(&self.disk).files.get(path).map(|(text, _)| text.clone())
    }

    pub(crate) fn all(&self) -> Vec<(ArtifactPath, Text)> {
        lock(&self.disk).files.iter().map(|(path, (text, _))| (path.clone(), text.clone())).collect()
    }

    pub(crate) fn half_files(&self) -> u32 {
        lock(&self.disk).half_files
    }

    pub(crate) fn take_overwritten(&self) -> Vec<Overwritten> {
        std::mem::take(&mut lock(&self.disk).overwritten)
    }

    /// No file holds a part of a text.
    pub(crate) fn check_whole(&self) {
        let disk = lock(&self.disk);
        let torn = |(path, (text, _)): &(&ArtifactPath, &(Text, FileStat))| {
            !path.file_name().ends_with(".tmp") && !disk.meant.contains(&text.hash())
        };
        if let Some((path, (text, _))) = disk.files.iter().find(torn) {
            breach(Promise::NoTornFile, format!("{path} holds what nobody wrote: {:?}", text.as_str()));
        }
    }

    fn change(&self, path: &ArtifactPath, now: Timestamp) -> Result<(), FileProblem> {
        let disk = lock(&self.disk);
        if !*lock(&self.asked) {
            let holds = |((open, life), until): (&(ArtifactPath, u64), &Timestamp)| {
                open == path && (*life == self.life || *until > now)
            };
            if disk.open.iter().any(holds) {
                breach(Promise::NoWriteOverUnsaved, format!("{path} is written while an editor has it open"));
            }
        }
        let is_full = disk.full;
        drop(disk);
        let problem = |what: &str| Err(FileProblem::Io(what.to_owned()));
        if !self.fuse.holds() {
            return problem("the process is dead");
        }
        match std::mem::take(&mut *lock(&self.fails_once)) || is_full {
            true => problem("disk full"),
            false => Ok(()),
        }
    }

    /// What a kill between writing the temporary file and renaming it leaves.
    fn leave_half_file(&self, path: &ArtifactPath, text: Option<&str>) {
        let Some(text) = text.filter(|_| std::mem::take(&mut *lock(&self.leaves_half))) else { return };
        let mut disk = lock(&self.disk);
        disk.half_files += 1;
        let folder = path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = format!("{folder}/.agent-{}.tmp", disk.half_files);
        let half = text.get(..text.len() / 2).unwrap_or_default();
        let stat = FileStat { size: half.len() as u64, mtime: 0 };
        disk.files.insert(ArtifactPath::new(&name).expect("a valid path"), (Text::new(half), stat));
    }
}

fn put(disk: &mut Disk, path: &ArtifactPath, text: Option<Text>) -> Option<FileStat> {
    let Some(text) = text else {
        disk.files.remove(path);
        return None;
    };
    disk.writes += 1;
    let mtime = match disk.is_fine {
        true => disk.now.0 * 1_000_000 + disk.writes,
        false => disk.now.0.div_euclid(1000) * 1_000_000_000,
    };
    let stat = FileStat { size: text.as_str().len() as u64, mtime };
    disk.files.insert(path.clone(), (text, stat));
    Some(stat)
}

fn holds(disk: &Disk, path: &ArtifactPath, expect: Option<ContentHash>) -> bool {
    disk.planted == Some(Planted::ReplaceUnguarded)
        || disk.files.get(path).map(|(text, _)| text.hash()) == expect
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
        Ok(disk.files.get(path).map(|(text, stat)| FoundFile { text: text.clone(), stat: *stat }))
    }

    fn replace(
        &self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        text: Option<&str>,
    ) -> Result<Replaced, FileProblem> {
        let now = lock(&self.disk).now;
        if let Err(problem) = self.change(path, now) {
            self.leave_half_file(path, text);
            return Err(problem);
        }
        let mut disk = lock(&self.disk);
        if !holds(&disk, path, expect) {
            return Ok(Replaced::Changed);
        }
        let text = text.map(Text::new);
        disk.meant.extend(text.as_ref().map(Text::hash));
        if disk.planted == Some(Planted::TornWrite) && disk.writes % 7 == 3 {
            let half = text.as_ref().and_then(|text| text.as_str().get(..text.as_str().len() / 2));
            put(&mut disk, path, half.map(Text::new));
            return Err(FileProblem::Io("interrupted".to_owned()));
        }
        if let Some((old, _)) = disk.files.get(path).cloned()
            && !*lock(&self.asked)
        {
            disk.overwritten.push(Overwritten { path: path.clone(), old, new: text.clone() });
        }
        Ok(Replaced::Done(put(&mut disk, path, text)))
    }

    fn rename(
        &self,
        from: &ArtifactPath,
        to: &ArtifactPath,
        expect: ContentHash,
    ) -> Result<Replaced, FileProblem> {
        let now = lock(&self.disk).now;
        self.change(from, now)?;
        let mut disk = lock(&self.disk);
        if !holds(&disk, from, Some(expect)) || disk.files.contains_key(to) {
            return Ok(Replaced::Changed);
        }
        let Some((text, stat)) = disk.files.remove(from) else { return Ok(Replaced::Changed) };
        disk.files.insert(to.clone(), (text, stat));
        Ok(Replaced::Done(Some(stat)))
    }
}
