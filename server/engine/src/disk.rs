//! The working files on a real disk: [`Files`] with guarded, atomic writes. Which files are
//! artifacts, and what to write, is decided elsewhere.

mod rehearsed;

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use agent_core::id::{ArtifactPath, ContentHash, Text};
use agent_core::ports::{FileProblem, Files, FoundFile, Listing, Replaced};
use agent_core::sync::FileStat;
use tempfile::NamedTempFile;
use walkdir::WalkDir;

use self::rehearsed::Rehearsed;

/// The files of one project.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    max_size: u64,
    rehearsed: Option<Rehearsed>,
}

impl Disk {
    /// The files below `root`; larger ones than `max_size` bytes are not taken.
    pub fn new(root: impl Into<PathBuf>, max_size: u64) -> Self {
        Self { root: root.into(), max_size, rehearsed: None }
    }

    /// The same files, but what is written to them is only remembered, and read from there.
    #[must_use]
    pub fn rehearsed(&self) -> Self {
        Self { rehearsed: Some(Rehearsed::default()), ..self.clone() }
    }

    fn at(&self, path: &ArtifactPath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// Refuses a path that leaves the project through a symbolic link to a folder.
    fn check_parents(&self, path: &ArtifactPath) -> Result<(), FileProblem> {
        let mut folder = self.root.clone();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                break;
            }
            folder.push(part);
            match fs::symlink_metadata(&folder) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => return Err(FileProblem::NotAFile),
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(io(&error)),
            }
        }
        Ok(())
    }

    /// Whether a folder on the way is a link: what is behind one, be it nothing, says nothing about
    /// the artifact.
    fn is_below_link(&self, path: &ArtifactPath) -> bool {
        let folders = Path::new(path.as_str()).ancestors().skip(1);
        folders
            .filter(|folder| !folder.as_os_str().is_empty())
            .any(|folder| self.root.join(folder).is_symlink())
    }

    /// Whether the file still holds what it must.
    fn holds(&self, path: &ArtifactPath, expect: Option<ContentHash>) -> Result<bool, FileProblem> {
        match fs::symlink_metadata(self.at(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(expect.is_none()),
            Err(error) => Err(io(&error)),
            Ok(meta) if !meta.is_file() => Err(FileProblem::NotAFile),
            Ok(_) => {
                let bytes = fs::read(self.at(path)).map_err(|error| io(&error))?;
                Ok(expect == Some(ContentHash::of(&bytes)))
            }
        }
    }

    /// The content in a durable file beside the one it shall replace, so that a crash leaves the old
    /// or the new content and never a part.
    fn prepare(&self, path: &ArtifactPath, text: &str) -> Result<NamedTempFile, FileProblem> {
        let target = self.at(path);
        let folder = target.parent().unwrap_or(&self.root);
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::Builder::new().prefix(".agent-").suffix(".tmp").tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            match fs::metadata(&target) {
                Ok(meta) => file.as_file().set_permissions(meta.permissions())?,
                Err(_) => set_default_permissions(file.as_file())?,
            }
            file.as_file().sync_all()?;
            Ok(file)
        };
        write().map_err(|error| io(&error))
    }

    /// Puts a prepared file, or none, in the place of what is there, if that is what it must be.
    /// Nothing slow is between the look and the deed, so that nobody else's write is lost.
    fn put(
        &self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        prepared: Option<NamedTempFile>,
    ) -> Result<Replaced, FileProblem> {
        let target = self.at(path);
        if !self.holds(path, expect)? {
            return Ok(Replaced::Changed);
        }
        let Some(prepared) = prepared else {
            return match fs::remove_file(&target) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&error)),
                _ => Ok(Replaced::Done(None)),
            };
        };
        let put = match expect {
            Some(_) => prepared.persist(&target),
            None => prepared.persist_noclobber(&target).or_else(|failed| match failed.error.kind() {
                ErrorKind::AlreadyExists => Err(failed),
                // Not every file system can.
                _ => failed.file.persist(&target),
            }),
        };
        match put {
            Ok(file) => Ok(Replaced::Done(Some(stat_of(&file.metadata().map_err(|error| io(&error))?)))),
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Ok(Replaced::Changed),
            Err(failed) => Err(io(&failed.error)),
        }
    }
}

impl Files for Disk {
    fn list(&self, folders: &[&str]) -> Listing {
        let mut listing = Listing::default();
        for folder in folders {
            let top = self.root.join(folder);
            match fs::metadata(&top) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => {
                    listing.problems.push(((*folder).to_owned(), FileProblem::NotAFile));
                    continue;
                }
                Err(error) if is_absent(&error) && !top.is_symlink() => continue,
                Err(error) => {
                    listing.problems.push(((*folder).to_owned(), io(&error)));
                    continue;
                }
            }
            for entry in WalkDir::new(&top).sort_by_file_name() {
                match self.listed(entry) {
                    Ok(Some(file)) => listing.files.push(file),
                    Ok(None) => {}
                    Err(problem) => listing.problems.push(problem),
                }
            }
        }
        match &self.rehearsed {
            Some(rehearsed) => rehearsed.list(listing, folders),
            None => listing,
        }
    }

    fn read(&self, path: &ArtifactPath) -> Result<Option<FoundFile>, FileProblem> {
        if let Some(found) = self.rehearsed.as_ref().and_then(|rehearsed| rehearsed.read(path)) {
            return Ok(found);
        }
        let full = self.at(path);
        let meta = match fs::symlink_metadata(&full) {
            Ok(meta) => meta,
            Err(error) if is_absent(&error) => {
                return if self.is_below_link(path) { Err(FileProblem::NotAFile) } else { Ok(None) };
            }
            Err(error) => return Err(io(&error)),
        };
        self.check_parents(path)?;
        if !meta.is_file() {
            return Err(FileProblem::NotAFile);
        }
        if meta.len() > self.max_size {
            return Err(FileProblem::TooLarge { size: meta.len(), limit: self.max_size });
        }
        // The file may have grown since: read one byte more than allowed, never all of it.
        let mut bytes = Vec::new();
        let file = match File::open(&full) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&error)),
        };
        file.take(self.max_size.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| io(&error))?;
        if bytes.len() as u64 > self.max_size {
            return Err(FileProblem::TooLarge { size: bytes.len() as u64, limit: self.max_size });
        }
        let text =
            String::from_utf8(bytes).map_err(|e| FileProblem::NotUtf8(e.utf8_error().valid_up_to()))?;
        if let Some(offset) = text.find('\0') {
            return Err(FileProblem::Nul(offset));
        }
        Ok(Some(FoundFile { text: Text::new(text), stat: stat_of(&meta) }))
    }

    fn replace(
        &self,
        path: &ArtifactPath,
        expect: Option<ContentHash>,
        text: Option<&str>,
    ) -> Result<Replaced, FileProblem> {
        self.check_parents(path)?;
        if let Some(rehearsed) = &self.rehearsed {
            return rehearsed.replace(path, self.hash_of(path)?, expect, text);
        }
        // For nothing, no folder is made and nothing written.
        if !self.holds(path, expect)? {
            return Ok(Replaced::Changed);
        }
        let prepared = text.map(|text| self.prepare(path, text)).transpose()?;
        self.put(path, expect, prepared)
    }

    fn rename(
        &self,
        from: &ArtifactPath,
        to: &ArtifactPath,
        expect: ContentHash,
    ) -> Result<Replaced, FileProblem> {
        self.check_parents(from)?;
        self.check_parents(to)?;
        if let Some(rehearsed) = &self.rehearsed {
            return self.rehearse_move(rehearsed, from, to, expect);
        }
        let is_free = || Ok(self.holds(from, Some(expect))? && self.holds(to, None)?);
        if !is_free()? {
            return Ok(Replaced::Changed);
        }
        let target = self.at(to);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|error| io(&error))?;
        }
        if !is_free()? {
            return Ok(Replaced::Changed);
        }
        fs::rename(self.at(from), &target).map_err(|error| io(&error))?;
        let meta = fs::metadata(&target).map_err(|error| io(&error))?;
        Ok(Replaced::Done(Some(stat_of(&meta))))
    }
}

impl Disk {
    /// The content of a file whatever it is, as far as a rehearsal knows.
    fn hash_of(&self, path: &ArtifactPath) -> Result<Option<ContentHash>, FileProblem> {
        match self.rehearsed.as_ref().and_then(|rehearsed| rehearsed.read(path)) {
            Some(found) => Ok(found.map(|found| found.text.hash())),
            None if self.holds(path, None)? => Ok(None),
            None => fs::read(self.at(path)).map(|bytes| Some(ContentHash::of(&bytes))).map_err(|e| io(&e)),
        }
    }

    fn rehearse_move(
        &self,
        rehearsed: &Rehearsed,
        from: &ArtifactPath,
        to: &ArtifactPath,
        expect: ContentHash,
    ) -> Result<Replaced, FileProblem> {
        let is_free = self.hash_of(from)? == Some(expect) && self.hash_of(to)?.is_none();
        let Some(found) = self.read(from)?.filter(|_| is_free) else { return Ok(Replaced::Changed) };
        rehearsed.replace(from, Some(expect), Some(expect), None)?;
        rehearsed.replace(to, None, None, Some(found.text.as_str()))
    }
}

type Listed = Result<Option<(ArtifactPath, FileStat)>, (String, FileProblem)>;

impl Disk {
    fn listed(&self, entry: walkdir::Result<walkdir::DirEntry>) -> Listed {
        let entry = entry.map_err(|error| {
            let path = error.path().map_or_else(String::new, |path| self.shown(path));
            let cause = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
            (path, FileProblem::Io(cause))
        })?;
        if entry.file_type().is_dir() {
            return Ok(None);
        }
        let shown = self.shown(entry.path());
        if !entry.file_type().is_file() {
            return Err((shown, FileProblem::NotAFile));
        }
        let path = ArtifactPath::new(&shown)
            .map_err(|problem| (shown.clone(), FileProblem::BadName(problem.to_string())))?;
        let meta = entry.metadata().map_err(|error| (shown, FileProblem::Io(error.to_string())))?;
        Ok(Some((path, stat_of(&meta))))
    }

    fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let text = inside.to_string_lossy();
        if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace('\\', "/") }
    }
}

/// Whether there is nothing at a path, not even something in the place of a folder above it.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn io(error: &std::io::Error) -> FileProblem {
    FileProblem::Io(error.to_string())
}

fn stat_of(meta: &fs::Metadata) -> FileStat {
    let since =
        meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    FileStat { size: meta.len(), mtime: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX) }
}

/// A temporary file is private; an artifact is as readable as any new file of the project.
#[cfg(unix)]
fn set_default_permissions(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_default_permissions(_: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
