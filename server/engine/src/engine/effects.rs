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
        let (mut done, mut is_gone) = (Vec::new(), false);
        for effect in self.without_open(effects, now, queue) {
            let key = effect.key().clone();
            match self.run_file(&effect) {
                Ok(Some((stat, outline))) => {
                    self.write_problems.remove(&key);
                    done.push(FileDone { effect, stat: stat.filter(|stat| is_settled(stat, now)), outline });
                }
                Ok(None) => match self.found_instead(&effect, now) {
                    Some(found) if found.text.is_none() => is_gone = true,
                    Some(found) => queue.push_back(Event::Found(vec![found])),
                    None => queue.push_back(Event::FileFailed(key)),
                },
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
        if is_gone {
            // It may have been moved, or be one of many that are gone: only all files tell.
            queue.push_back(Event::Looked(self.compare(now)));
        }
    }

    /// What may be written now. An editor may have opened a document since other processes were looked at
    /// last, and would not see its file change; the machine is told then, and decides anew.
    fn without_open(
        &mut self,
        mut effects: Vec<FileEffect>,
        now: Timestamp,
        queue: &mut VecDeque<Event>,
    ) -> Vec<FileEffect> {
        if effects.is_empty() {
            return effects;
        }
        match self.store.open_elsewhere(&self.holder, now) {
            Ok(keys) if self.machine.is_open_elsewhere(&keys) => {}
            Ok(keys) => {
                effects.retain(|effect| !keys.contains(effect.key()));
                queue.push_back(Event::OpenElsewhere(keys.into_iter().collect()));
            }
            Err(error) => {
                tracing::warn!(%error, "no file was written: it is not known which documents are open");
                queue.extend(effects.drain(..).map(|effect| Event::FileFailed(effect.key().clone())));
            }
        }
        effects
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
