//! Changes of working files, and what became of them.

use std::collections::VecDeque;

use agent_core::id::{ArtifactKey, ArtifactPath, Text, Timestamp};
use agent_core::ports::{FileProblem, Files, Replaced, Store};
use agent_core::sync::next::Next;
use agent_core::sync::{Event, FileDone, FileEffect, FileStat, Found, Step};

use super::{Engine, Failed, Outcome, is_settled, outline};

impl<S: Store, F: Files> Engine<S, F> {
    /// Forgets why files could not be written that were read again, or need not be written any more.
    pub(super) fn forget_cured(&mut self, read: &[ArtifactKey], step: &Step) {
        if self.write_problems.is_empty() {
            return;
        }
        let is_done = |key: &&ArtifactKey| {
            let entry = self.machine.entry(key);
            entry.is_none_or(|entry| matches!(self.next_of(entry), Next::Nothing | Next::Settle | Next::Push))
        };
        let known = step.touched().filter(|key| self.write_problems.contains_key(*key));
        let done: Vec<_> = known.filter(is_done).chain(read).cloned().collect();
        done.iter().for_each(|key| drop(self.write_problems.remove(key)));
    }

    /// Tries again what could not be written for a reason that may have passed: space that was
    /// freed, a permission that was given.
    ///
    /// # Errors
    /// What the cache says.
    pub fn retry_writes(&mut self, now: Timestamp) -> Result<Outcome, Failed> {
        let may_pass = |problem: &FileProblem| matches!(problem, FileProblem::Io(_) | FileProblem::NotAFile);
        let failed = self.write_problems.iter().filter(|(_, (_, problem))| may_pass(problem));
        let entries = failed.filter_map(|(key, _)| self.machine.entry(key));
        let files: Vec<_> = entries.map(|entry| (entry.key.clone(), entry.path.clone())).collect();
        let found: Vec<_> = files.iter().filter_map(|(key, path)| self.look_at(key, path, now)).collect();
        match found.is_empty() {
            true => Ok(self.nothing_new()),
            false => self.handle(Event::Found(found), now),
        }
    }

    pub(super) fn run_files(
        &mut self,
        effects: Vec<FileEffect>,
        now: Timestamp,
        queue: &mut VecDeque<Event>,
    ) {
        let mut done = Vec::new();
        for effect in effects {
            let key = effect.key().clone();
            match self.run_file(&effect) {
                Ok(Some((stat, outline))) => {
                    self.write_problems.remove(&key);
                    done.push(FileDone { effect, stat: stat.filter(|stat| is_settled(stat, now)), outline });
                }
                Ok(None) => queue.push_back(match self.found_instead(&effect, now) {
                    Some(found) => Event::Found(vec![found]),
                    None => Event::FileFailed(key),
                }),
                Err(problem) => {
                    let path = effect_path(&effect).clone();
                    tracing::warn!(artifact = %key, %path, %problem, "the file was not written");
                    self.write_problems.insert(key.clone(), (path, problem));
                    queue.push_back(Event::FileFailed(key));
                }
            }
        }
        if !done.is_empty() {
            queue.push_back(Event::FilesDone(done));
        }
    }

    /// What the file of an effect held instead of what was expected; `None` when that is no news.
    fn found_instead(&mut self, effect: &FileEffect, now: Timestamp) -> Option<Found> {
        let (path, expect) = match effect {
            FileEffect::Replace { path, expect, .. } => (path, *expect),
            FileEffect::Move { from, expect, .. } => (from, Some(*expect)),
        };
        let found = self.look_at(effect.key(), path, now)?;
        (found.text.as_ref().map(Text::hash) != expect).then_some(found)
    }

    /// A row of the remote must not place a file where the artifact cannot be.
    pub(crate) fn check_place(&self, key: &ArtifactKey, path: &ArtifactPath) -> Result<(), FileProblem> {
        match self.kinds.key_of(path) {
            Some(Ok(found)) if found == *key => Ok(()),
            _ => Err(FileProblem::BadName(format!(
                "{path} is no place for {key} in this project; see sync.kinds"
            ))),
        }
    }

    /// Does one file effect; `None` when the file held something else by now.
    #[expect(clippy::type_complexity, reason = "used once, right above")]
    fn run_file(
        &self,
        effect: &FileEffect,
    ) -> Result<Option<(Option<FileStat>, (Option<String>, Option<String>))>, FileProblem> {
        let target = effect_path(effect);
        self.check_place(effect.key(), target)?;
        let (replaced, text) = match effect {
            FileEffect::Move { from, to, expect, .. } => (self.files.rename(from, to, *expect)?, None),
            FileEffect::Replace { path, expect, content, .. } => {
                let text = content.map(|hash| self.text(hash)).transpose()?;
                (self.files.replace(path, *expect, text.as_ref().map(Text::as_str))?, text)
            }
        };
        let outline = text.map_or((None, None), |text| outline(target, text.as_str()));
        Ok(match replaced {
            Replaced::Done(stat) => Some((stat, outline)),
            Replaced::Changed => None,
        })
    }
}

fn effect_path(effect: &FileEffect) -> &ArtifactPath {
    match effect {
        FileEffect::Replace { path, .. } => path,
        FileEffect::Move { to, .. } => to,
    }
}
