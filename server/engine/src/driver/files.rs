//! Files that changed behind the editor's back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use agent_core::id::{ArtifactKey, ArtifactPath, Timestamp};

use super::Driver;
use super::handle::Command;
use crate::chance::now;
use crate::scan::is_at_or_below;
use crate::watch::{Watch, watch};

/// How long file events are gathered, so that a `git checkout` is one scan.
const GATHER_MILLIS: i64 = 30;
/// How long a file that our own editor has open is left unread after it changed: most likely that editor
/// saved it, and will say so, and what the save was based on, in a moment.
const HOLD_MILLIS: i64 = 1_000;
/// More changed files than this are found faster by a scan.
const MANY_FILES: usize = 64;

impl Driver {
    pub(super) fn start_watch(&mut self) {
        let folders: Vec<String> = self.session.engine.kinds().folders().map(str::to_owned).collect();
        let commands = self.commands.clone();
        self.watch = watch(self.session.workspace.root(), &folders, move |paths| {
            let _ = commands.send(Command::Touched(paths));
        });
    }

    /// Watches folders that were made meanwhile, and takes in what is in them already.
    pub(super) fn watch_new_folders(&mut self) {
        if self.watch.as_ref().is_some_and(Watch::is_outdated) {
            self.start_watch();
            self.scan();
        }
    }

    pub(super) fn scan(&mut self) {
        let outcome = self.session.engine.scan(now());
        self.carry_on(outcome);
    }

    /// No path at all means that events were lost.
    pub(super) fn gather(&mut self, paths: Vec<PathBuf>) {
        let (_, gathered) = self.gathered.get_or_insert_with(|| (now().plus(GATHER_MILLIS), Vec::new()));
        match paths.is_empty() {
            true => gathered.push(PathBuf::new()),
            false => gathered.extend(paths),
        }
    }

    pub(super) fn files_touched(&mut self, paths: Vec<PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        let root = self.session.workspace.root().to_owned();
        let kinds = self.session.engine.kinds();
        let folders: Vec<PathBuf> = kinds.folders().map(|folder| root.join(folder)).collect();
        let is_lost = |path: &PathBuf| path.as_os_str().is_empty();
        // A folder that is watched may be another one by now.
        let watch_anew = paths.iter().any(|path| folders.iter().any(|folder| folder.starts_with(path)));
        if watch_anew || paths.iter().any(is_lost) {
            self.start_watch();
            return self.scan();
        }
        let in_folder = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder));
        let paths: Vec<_> = paths.into_iter().filter(in_folder).collect();
        let relative = |path: &PathBuf| {
            let inside = path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            ArtifactPath::new(&inside).ok()
        };
        let is_folder =
            |path: &PathBuf| path.is_dir() || relative(path).is_some_and(|at| self.was_folder(&at));
        if paths.len() > MANY_FILES || paths.iter().any(is_folder) {
            return self.scan();
        }
        // An editor of another process is about to say the base of what it saved, too.
        let (kinds, machine) = (self.session.engine.kinds(), self.session.engine.machine());
        let is_in_editor = |key: &ArtifactKey| self.open.contains_key(key) || machine.circumstances(key).open;
        let is_open = |path: &ArtifactPath| matches!(kinds.key_of(path), Some(Ok(key)) if is_in_editor(&key));
        let (open, closed): (Vec<_>, Vec<_>) = paths.iter().filter_map(relative).partition(is_open);
        for path in open {
            self.held.entry(path).or_insert_with(|| now().plus(HOLD_MILLIS));
        }
        let outcome = self.session.engine.files_changed(&closed, None, now());
        self.carry_on(outcome);
    }

    /// Reads the files that were held back long enough: another program changed them.
    pub(super) fn read_held(&mut self, at: Timestamp) {
        let due: Vec<_> =
            self.held.iter().filter(|(_, due)| **due <= at).map(|(path, _)| path.clone()).collect();
        if due.is_empty() {
            return;
        }
        self.held.retain(|_, due| *due > at);
        self.see_open(at);
        let outcome = self.session.engine.files_changed(&due, None, at);
        self.carry_on(outcome);
    }

    /// Whether artifacts are known to be below a path.
    fn was_folder(&self, path: &ArtifactPath) -> bool {
        let engine = &self.session.engine;
        engine.kinds().key_of(path).is_none()
            && engine.machine().entries().any(|entry| is_at_or_below(&entry.path, path.as_str()))
    }
}
