//! From files to artifacts: which files there are, which changed since they were last read, which
//! are gone, and which cannot be taken. Nothing is written to a file here.

use std::collections::BTreeMap;

use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};
use agent_core::ports::{FileProblem, Files, Listing, Store};
use agent_core::sync::{Event, FileStat, Found, ResolvedBase};

use crate::engine::{Engine, Failed, Outcome, is_settled, outline};

type Candidates = BTreeMap<ArtifactKey, Vec<(ArtifactPath, FileStat)>>;

impl<S: Store, F: Files> Engine<S, F> {
    /// Compares all files with what the cache knows, and takes in what changed.
    ///
    /// # Errors
    /// What the cache says.
    pub fn scan(&mut self, now: Timestamp) -> Result<Outcome, Failed> {
        self.scan_for(None, now)
    }

    /// Compares all files. `saved` is a resolution and the file whose save makes it durable.
    fn scan_for(
        &mut self,
        saved: Option<(ArtifactKey, ArtifactPath, ResolvedBase)>,
        now: Timestamp,
    ) -> Result<Outcome, Failed> {
        let mut found = self.compare(now);
        if let Some(event) = self.attach(saved, &mut found) {
            self.owed.push_back(event);
        }
        self.handle(Event::Looked(found), now)
    }

    /// What all files are that are not as the cache has them.
    pub(crate) fn compare(&mut self, now: Timestamp) -> Vec<Found> {
        self.scan_problems.clear();
        let (candidates, unlisted) = self.candidates();
        // What could not be looked at is not gone: a folder that cannot be read, or that is a link.
        let is_hidden = |path: &ArtifactPath| unlisted.iter().any(|above| is_at_or_below(path, above));
        let mut found = Vec::new();
        let mut seen = BTreeMap::new();
        for (key, files) in candidates {
            if let Some((path, stat)) = self.choose(&key, &files) {
                found.extend(self.read(&key, &path, Some(stat), now));
            }
            seen.insert(key, ());
        }
        let gone =
            self.machine.entries().filter(|entry| entry.local.is_some() && !seen.contains_key(&entry.key));
        found.extend(
            gone.filter(|entry| !self.is_problem(&entry.path) && !is_hidden(&entry.path))
                .map(|e| gone_file(&e.key, &e.path)),
        );
        found
    }

    /// Gives a resolution to what was found of its artifact. Where nothing was, the file was moved
    /// after the save and read at its new place before the save was heard of: the resolution follows
    /// as an event. It is dropped only with a save that is not taken, because another file has the id.
    fn attach(
        &self,
        saved: Option<(ArtifactKey, ArtifactPath, ResolvedBase)>,
        found: &mut [Found],
    ) -> Option<Event> {
        let (key, _, base) = saved.filter(|(_, path, _)| !self.is_problem(path))?;
        match found.iter_mut().find(|found| found.key == key) {
            Some(found) => {
                found.resolved = Some(base);
                None
            }
            None => Some(Event::Resolved { key, base }),
        }
    }

    /// Reads files that were changed, created or deleted, as one step. `resolved` belongs to the
    /// only file.
    ///
    /// # Errors
    /// What the cache says.
    pub fn files_changed(
        &mut self,
        paths: &[ArtifactPath],
        resolved: Option<ResolvedBase>,
        now: Timestamp,
    ) -> Result<Outcome, Failed> {
        let mut found = Vec::new();
        for path in paths {
            let Some(Ok(key)) = self.kinds.key_of(path) else { continue };
            self.scan_problems.remove(path.as_str());
            let other = self.machine.entry(&key).filter(|e| e.path != *path && e.local.is_some());
            if other.is_some() {
                // Either a move or a second file with one id; the whole folder tells which.
                return self.scan_for(resolved.map(|base| (key, path.clone(), base)), now);
            }
            found.extend(self.read(&key, path, None, now));
        }
        if let [single] = found.as_mut_slice() {
            single.resolved = resolved;
        }
        match found.is_empty() {
            true => Ok(self.nothing_new()),
            false => self.handle(Event::Found(found), now),
        }
    }

    /// The files that may be artifacts, and the places that could not be looked at.
    fn candidates(&mut self) -> (Candidates, Vec<String>) {
        let folders: Vec<String> = self.kinds.folders().map(str::to_owned).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let Listing { files, problems } = self.files.list(&folders);
        let (kinds, machine) = (&self.kinds, &self.machine);
        // A link, or a name that cannot travel, matters only where an artifact is or could be meant.
        let matters = |shown: &str, problem: &FileProblem| {
            let hides = || machine.entries().any(|e| e.local.is_some() && is_at_or_below(&e.path, shown));
            match ArtifactPath::new(shown) {
                Ok(path) => kinds.key_of(&path).is_some() || matches!(problem, FileProblem::Io(_)) || hides(),
                Err(_) => true,
            }
        };
        let unlisted = problems.iter().map(|(shown, _)| shown.clone()).collect();
        self.scan_problems.extend(problems.into_iter().filter(|(shown, problem)| matters(shown, problem)));
        let mut candidates = Candidates::new();
        for (path, stat) in files {
            match self.kinds.key_of(&path) {
                None => {}
                Some(Ok(key)) => candidates.entry(key).or_default().push((path, stat)),
                Some(Err(problem)) => {
                    let problem = FileProblem::BadName(problem.to_string());
                    self.scan_problems.insert(path.as_str().to_owned(), problem);
                }
            }
        }
        (candidates, unlisted)
    }

    /// The one file that is the artifact. Where several claim its id, the one known already stays;
    /// if none is known, none is taken, since any pick would be a guess.
    fn choose(
        &mut self,
        key: &ArtifactKey,
        files: &[(ArtifactPath, FileStat)],
    ) -> Option<(ArtifactPath, FileStat)> {
        let [single] = files else {
            let known = self.machine.entry(key).filter(|entry| entry.local.is_some());
            let known = known.and_then(|entry| files.iter().find(|(path, _)| *path == entry.path)).cloned();
            let first = files.first().map(|(path, _)| path.clone())?;
            for (path, _) in files {
                let twin = match &known {
                    Some((kept, _)) if kept == path => continue,
                    Some((kept, _)) => kept.clone(),
                    None if *path == first => files.get(1).map(|(path, _)| path.clone())?,
                    None => first.clone(),
                };
                self.scan_problems.insert(path.as_str().to_owned(), FileProblem::SameId(twin));
            }
            return known;
        };
        Some(single.clone())
    }

    /// What was found, without files whose artifact another process has taken from elsewhere meanwhile:
    /// as in a scan, the one that is known stays while it is there. Else the second file would pass for
    /// the first one, moved and edited, and replace a text that it never was made out of.
    pub(crate) fn without_twins(&mut self, event: Event) -> Event {
        let (mut files, all) = match event {
            Event::Found(files) => (files, false),
            Event::Looked(files) => (files, true),
            _ => return event,
        };
        files.retain(|found| {
            let known = self.machine.entry(&found.key).filter(|entry| entry.local.is_some());
            let other = known.map(|entry| &entry.path).filter(|path| **path != found.path);
            let Some(other) = other.filter(|_| found.text.is_some()) else { return true };
            let is_gone = matches!(self.files.read(other), Ok(None));
            if !is_gone {
                let problem = FileProblem::SameId(other.clone());
                self.scan_problems.insert(found.path.as_str().to_owned(), problem);
            }
            is_gone
        });
        if all { Event::Looked(files) } else { Event::Found(files) }
    }

    /// What to report of a file; `None` when it is as known, or cannot be taken.
    fn read(
        &mut self,
        key: &ArtifactKey,
        path: &ArtifactPath,
        stat: Option<FileStat>,
        now: Timestamp,
    ) -> Option<Found> {
        let known = self.machine.entry(key).filter(|entry| entry.path == *path && entry.local.is_some());
        if stat.is_some() && known.is_some_and(|entry| entry.stat == stat) {
            return None;
        }
        let is_known = known.is_some();
        self.look_at(key, path, now).filter(|found| is_known || found.text.is_some())
    }

    /// What is at a path now, be it nothing; `None` when it cannot be taken.
    pub(crate) fn look_at(
        &mut self,
        key: &ArtifactKey,
        path: &ArtifactPath,
        now: Timestamp,
    ) -> Option<Found> {
        match self.files.read(path) {
            Ok(Some(file)) => {
                let (title, state) = outline(path, file.text.as_str());
                let stat = Some(file.stat).filter(|stat| is_settled(stat, now));
                let (key, path) = (key.clone(), path.clone());
                Some(Found { key, path, text: Some(file.text), stat, title, state, resolved: None })
            }
            Ok(None) => Some(gone_file(key, path)),
            Err(problem) => {
                self.scan_problems.insert(path.as_str().to_owned(), problem);
                None
            }
        }
    }

    /// Whether the file is there but cannot be taken; it is not deleted then.
    fn is_problem(&self, path: &ArtifactPath) -> bool {
        self.scan_problems.contains_key(path.as_str())
    }
}

/// Whether a path is this one, or below it; everything is below the empty one.
pub(crate) fn is_at_or_below(path: &ArtifactPath, above: &str) -> bool {
    let below = path.as_str().strip_prefix(above);
    below.is_some_and(|rest| above.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

fn gone_file(key: &ArtifactKey, path: &ArtifactPath) -> Found {
    Found {
        key: key.clone(),
        path: path.clone(),
        text: None,
        stat: None,
        title: None,
        state: None,
        resolved: None,
    }
}
