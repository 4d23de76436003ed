//! Files that changed behind the editor's back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use agent_core::id::ArtifactPath;

use super::Driver;
use super::handle::Command;
use crate::chance::now;
use crate::watch::watch;

/// How long file events are gathered, so that a `git checkout` is one scan.
const GATHER_MILLIS: i64 = 30;
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

    pub(super) fn gather(&mut self, paths: Vec<PathBuf>) {
        let (_, gathered) = self.gathered.get_or_insert_with(|| (now().plus(GATHER_MILLIS), Vec::new()));
        match paths.is_empty() {
            // Events were lost: pretend many.
            true => gathered.resize(MANY_FILES + 1, PathBuf::new()),
            false => gathered.extend(paths),
        }
    }

    pub(super) fn files_touched(&mut self, paths: Vec<PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        let root = self.session.workspace.root().to_owned();
        let relative = |path: &PathBuf| {
            let inside = path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            ArtifactPath::new(&inside).ok()
        };
        let folder_changed = paths.iter().any(|path| path.is_dir() || path.extension().is_none());
        if folder_changed {
            self.start_watch();
        }
        if folder_changed || paths.len() > MANY_FILES {
            let outcome = self.session.engine.scan(now());
            return self.carry_on(outcome);
        }
        let paths: Vec<_> = paths.iter().filter_map(relative).collect();
        let outcome = self.session.engine.files_changed(&paths, None, now());
        self.carry_on(outcome);
    }
}
