//! What must hold after every step, and once everything is healed.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::id::{ArtifactKey, ArtifactPath, Text, Version};
use agent_core::sync::Entry;
use agent_core::sync::next::{ConflictStrategy, Next, Waits};
use agent_core::sync::status::Status;

use crate::model::Revision;
use crate::run::breach;
use crate::server::person;
use crate::text::tokens;
use crate::words::{Fault, Promise};
use crate::world::World;

/// Which artifact is where, with which text.
pub(crate) type Picture = BTreeMap<ArtifactKey, (ArtifactPath, Text)>;

impl World {
    /// What a process made of the artifacts it just dealt with.
    pub(crate) fn look(&mut self, n: usize, p: usize) {
        for key in std::mem::take(&mut self.replicas[n].processes[p].touched) {
            let process = &self.replicas[n].processes[p];
            let Some(entry) = process.engine.machine().entry(&key).cloned() else { continue };
            let next = process.engine.next_of(&entry);
            self.coverage.status(entry.status(), &next);
            if next == Next::Wait(Waits::TextMissing) {
                breach(Promise::StatusDerivable, format!("{n}.{p}: a text of {key} is missing: {entry:?}"));
            }
            if entry.older_base.is_some() {
                // An editor has it open as it was before somebody else's change.
                self.replicas[n].apart(&key).there = true;
            }
            self.note_saved(n, &entry);
            if self.is_behind_its_cache(n, p) {
                continue; // another process went on: what this one thinks is not what is shown next
            }
            self.check_no_false_conflict(n, &entry, &next);
            self.note_sync(n, p, &entry);
        }
    }

    fn is_behind_its_cache(&self, n: usize, p: usize) -> bool {
        let process = &self.replicas[n].processes[p];
        process.engine.machine().rev() < process.store.rev()
    }

    /// What is in the file and what the program has taken in of it.
    fn note_saved(&mut self, n: usize, entry: &Entry) {
        let replica = &mut self.replicas[n];
        let Some(text) = replica.files.get(&entry.path) else { return };
        if entry.local == Some(text.hash()) {
            replica.saved.entry(text.hash()).or_insert(text);
        }
    }

    /// Where one side is unchanged nobody has to choose.
    fn check_no_false_conflict(&mut self, n: usize, entry: &Entry, next: &Next) {
        let Next::Wait(waits) = next else { return };
        let chooses =
            matches!(waits, Waits::Conflict | Waits::Mergeable | Waits::DeletedHere | Waits::DeletedThere);
        let apart = *self.replicas[n].apart(&entry.key);
        if chooses && !(apart.here && apart.there) {
            breach(Promise::NoFalseConflict, format!("{n}: a false {waits:?}, {apart:?}: {entry:?}"));
        }
    }

    fn note_sync(&mut self, n: usize, p: usize, entry: &Entry) {
        let newest = self.server.current(&entry.key).map_or(Version(0), |revision| revision.version);
        let replica = &mut self.replicas[n];
        let local = replica.files.get(&entry.path).map(|text| text.hash());
        let mut files = replica.files_of(&self.kinds, &entry.key).into_iter();
        let is_quiet = replica.processes[p].commands.is_empty() && !replica.is_open(&entry.key);
        // A file of it at another place may not have been noticed yet.
        let is_quiet = is_quiet && files.all(|(path, _)| path == entry.path);
        // While a change is under way, what was deleted here since may still be there.
        let is_quiet = is_quiet && entry.pending.is_none();
        if entry.status() != Status::InSync || entry.local != local || !is_quiet {
            return;
        }
        let apart = replica.apart(&entry.key);
        apart.here = false;
        // Another program's text that lacks what came in since is taken for that editor's.
        if entry.remote_version() == newest && entry.older_base.is_none() {
            apart.there = false;
        }
    }

    /// Remote text never takes the place of text that is nowhere else.
    pub(crate) fn check_overwritten(&mut self, n: usize) {
        for written in self.replicas[n].files.take_overwritten() {
            let path = &written.path;
            if !self.replicas[n].has(written.old.hash()) {
                breach(
                    Promise::NoWriteOverUnsynced,
                    format!("{path} was replaced unseen: {:?}", written.old.as_str()),
                );
            }
            if self.plan.policy.strategy == ConflictStrategy::RemoteWins {
                continue;
            }
            let new = written.new.as_ref().map_or("", Text::as_str);
            for token in tokens(written.old.as_str()).filter(|token| !tokens(new).any(|kept| kept == *token))
            {
                let mut sent = self.server.history().filter_map(|revision| revision.content.as_ref());
                if !sent.any(|text| tokens(text.as_str()).any(|known| known == token)) {
                    let what = format!("{token} of {path} was replaced before it was sent: {new:?}");
                    breach(Promise::NoWriteOverUnsynced, what);
                }
            }
        }
    }

    /// What the server took in: nobody's unseen text is replaced, and no deletion that waits for a
    /// person went out.
    pub(crate) fn check_accepted(&mut self, revision: &Revision) {
        let Some(n) = (0..self.replicas.len()).find(|n| person(*n) == revision.author) else { return };
        for (other, replica) in self.replicas.iter_mut().enumerate() {
            if other != n {
                replica.apart(&revision.key).there = true;
            }
        }
        let replica = &self.replicas[n];
        if revision.content.is_none() && replica.braked.contains(&revision.key) {
            breach(Promise::Brake, format!("{} was deleted for everybody unasked", revision.key));
        }
        if self.plan.policy.strategy == ConflictStrategy::LocalWins {
            return;
        }
        let mut older = self.server.history().rev();
        let before = older.find(|other| other.key == revision.key && other.version < revision.version);
        let text = |revision: &Revision| revision.content.as_ref().map(|text| text.as_str().to_owned());
        let old = before.and_then(text).unwrap_or_default();
        let new = text(revision).unwrap_or_default();
        for token in tokens(&old) {
            let is_kept = tokens(&new).any(|kept| kept == token);
            if !is_kept && !replica.seen.contains(token) {
                breach(
                    Promise::NoBlindOverwrite,
                    format!("{token} went unseen: {old:?} became {revision:?}"),
                );
            }
        }
    }

    /// What a process knows is in the cache.
    pub(crate) fn check_derivable(&self, n: usize, p: usize) {
        let process = &self.replicas[n].processes[p];
        let (memory, cache) = (process.engine.machine().snapshot(), process.store.snapshot());
        if memory.rev > cache.rev {
            breach(
                Promise::StatusDerivable,
                format!("{n}.{p} knows {:?}, its cache {:?}", memory.rev, cache.rev),
            );
        }
        if memory.rev < cache.rev {
            return; // another process went on
        }
        let known: BTreeMap<_, _> = cache.entries.iter().map(|entry| (&entry.key, entry)).collect();
        for entry in &memory.entries {
            if known.get(&entry.key).copied() != Some(entry) {
                let stored = known.get(&entry.key);
                breach(Promise::StatusDerivable, format!("{n}.{p} knows {entry:?}, its cache {stored:?}"));
            }
        }
    }

    /// The server and every workspace.
    pub(crate) fn picture(&self) -> (Picture, Vec<Picture>) {
        let there = self.server.newest().filter_map(|revision| {
            let text = revision.content.clone()?;
            Some((revision.key.clone(), (revision.path.clone(), text)))
        });
        let here = |n: usize| {
            let files = self.replicas[n].files.all().into_iter();
            let files = files.filter_map(|(path, text)| match self.kinds.key_of(&path) {
                Some(Ok(key)) => Some((key, (path, text))),
                _ => None,
            });
            files.collect()
        };
        (there.collect(), (0..self.replicas.len()).map(here).collect())
    }

    /// Everything that must hold once all is healed.
    pub(crate) fn check_healed(&mut self) {
        let parked = self.check_queues();
        self.check_converged(&parked);
        for n in 0..self.replicas.len() {
            self.replicas[n].files.check_whole();
            (0..self.replicas[n].processes.len()).for_each(|p| self.check_derivable(n, p));
            for status in self.replicas[n].cache.statuses_left() {
                *self.coverage.statuses.entry(status.as_str()).or_default() += 1;
            }
            let half = u64::from(self.replicas[n].files.half_files());
            if half > 0 {
                *self.coverage.faults.entry(Fault::HalfFile.as_str()).or_default() += half;
            }
        }
        self.check_history();
        self.check_kept();
    }

    /// Nothing waits but for a person, and says why; answers what is parked, by teammate.
    fn check_queues(&self) -> BTreeSet<(usize, ArtifactKey)> {
        let mut parked = BTreeSet::new();
        for (n, replica) in self.replicas.iter().enumerate() {
            for process in &replica.processes {
                for entry in process.entries() {
                    let next = process.engine.next_of(&entry);
                    if next == Next::Wait(Waits::Refused) && self.plan.refusals_stay {
                        parked.insert((n, entry.key));
                        continue;
                    }
                    let is_done =
                        entry.pending.is_none() && next == Next::Nothing && entry.waiting_since.is_none();
                    if !is_done {
                        breach(Promise::NoStuckQueue, format!("{n}: {next:?}: {entry:?}"));
                    }
                }
            }
        }
        parked
    }

    fn check_converged(&self, parked: &BTreeSet<(usize, ArtifactKey)>) {
        let (there, here) = self.picture();
        for (n, picture) in here.iter().enumerate() {
            for key in there.keys().chain(picture.keys()) {
                if parked.contains(&(n, key.clone())) || there.get(key) == picture.get(key) {
                    continue;
                }
                let (theirs, ours) = (show(there.get(key)), show(picture.get(key)));
                breach(Promise::Convergence, format!("{key}: {n} has {ours}, the server {theirs}"));
            }
        }
    }

    /// The server's history is whole, and has one row for each change.
    fn check_history(&self) {
        let mut newest: BTreeMap<&ArtifactKey, &Revision> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for revision in self.server.history() {
            if !ids.insert(revision.change_id) {
                breach(Promise::ExactlyOnce, format!("{revision:?} twice"));
            }
            let before = newest.insert(&revision.key, revision);
            let version = before.map_or(0, |before| before.version.0);
            if revision.version.0 != version + 1 {
                breach(Promise::NoLoss, format!("before {revision:?} a version is missing"));
            }
            let content = |revision: &Revision| {
                revision.content.as_ref().map(|text| (text.hash(), revision.path.clone()))
            };
            if before.and_then(content) == content(revision) {
                breach(Promise::ExactlyOnce, format!("{revision:?} changes nothing"));
            }
        }
    }

    /// Every content that the program took in can be found in the server's history or in that of the
    /// workspace it was saved in.
    fn check_kept(&self) {
        let sent: BTreeSet<_> =
            self.server.history().filter_map(|r| r.content.as_ref()).map(Text::hash).collect();
        for (n, replica) in self.replicas.iter().enumerate() {
            let mut known = replica.cache.known();
            replica.lost.iter().for_each(|cache| known.append(&mut cache.known()));
            let lost = |hash: &&agent_core::id::ContentHash| !sent.contains(hash) && !known.contains(hash);
            if let Some(hash) = replica.saved.keys().find(lost) {
                breach(Promise::NoLoss, format!("{n} has lost {:?}", replica.saved[hash].as_str()));
            }
        }
    }
}

fn show(side: Option<&(ArtifactPath, Text)>) -> String {
    side.map_or("nothing".to_owned(), |(path, text)| format!("{path} {:?}", text.as_str()))
}
