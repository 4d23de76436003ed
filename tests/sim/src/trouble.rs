//! What goes wrong besides the network's messages: machines, disks, clocks, rights, and programs that
//! change files behind everybody's back.

use std::collections::BTreeSet;

use agent_core::id::ArtifactKey;
use agent_core::ports::{LiveEvent, PushOutcome, RemoteError};
use agent_core::sync::{Entry, Event};

use crate::network::Hint;
use crate::process::Command;
use crate::store::SharedCache;
use crate::text::{REFUSED, formatted};
use crate::words::{Fault, Planted};
use crate::world::{World, note};

impl World {
    /// One misfortune.
    pub(crate) fn trouble(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        match self.rng.u8(0..26) {
            0 if self.may(Fault::Crash) => self.crash(n, p),
            1..=2 if self.may(Fault::CrashInside) => self.doom(n, p),
            3 if self.plan.loses_caches && self.rng.u8(0..3) == 0 && self.may(Fault::LoseCache) => {
                note!(self, "lose the cache of {n}");
                let empty = SharedCache::new(self.plan.rolls_back, self.planted);
                self.replace_cache(n, empty);
            }
            4 if self.plan.rolls_back => self.roll_back(n),
            5 => self.fill_disk(n, p),
            6 if self.plan.clocks_jump && self.may(Fault::JumpClock) => {
                let by = [-3_600_000, -5_000, 20_000, 3_600_000][self.rng.usize(0..4)];
                note!(self, "the clock of {n} jumps by {by}");
                self.replicas[n].skew += by;
                (0..self.replicas[n].processes.len())
                    .for_each(|p| self.with(n, p, crate::process::Process::timers));
            }
            7..=8 => self.delete(n, key),
            9..=10 => self.rename(n, key),
            11 if self.may(Fault::Partition) => {
                let millis = self.rng.i64(1_000..200_000);
                note!(self, "{n} is offline for {millis}");
                self.replicas[n].offline_until = self.now.plus(millis);
            }
            12 => self.change_session(n),
            13 => self.change_role(n),
            14 => self.change_limits(),
            15 => self.refusable(n, key),
            16 => self.format(n, key),
            17 => self.check_out(n),
            18 => self.agent_writes(n),
            19 | 25 if self.plan.is_large() => self.mass_deletion(n, p),
            20..=22 => self.edit_file(n, key),
            23 => self.tell(n, p, Command::Scan),
            24 if self.planted == Some(Planted::Overflow) => {
                let steps = u8::try_from(self.coverage.steps.min(255)).unwrap_or(u8::MAX);
                assert!(u8::MAX - steps > 200, "an overflow, as checked arithmetic reports it");
            }
            _ => {}
        }
    }

    /// The process dies after so many more writes.
    fn doom(&mut self, n: usize, p: usize) {
        let changes = self.rng.u32(0..6);
        note!(self, "doom {n}.{p} in {changes}");
        let process = &self.replicas[n].processes[p];
        if !self.without.contains(&Fault::HalfFile) {
            process.files.leave_half();
        }
        process.fuse.light(changes);
        self.with(n, p, |_, _| {});
    }

    fn roll_back(&mut self, n: usize) {
        let commits = self.rng.usize(1..4);
        let Some(older) = self.replicas[n].cache.without_last(commits) else { return };
        if self.may(Fault::RollBackCache) {
            note!(self, "the cache of {n} is without its last {commits} commits");
            self.replace_cache(n, older);
        }
    }

    fn fill_disk(&mut self, n: usize, p: usize) {
        match self.rng.u8(0..6) {
            0 if self.may(Fault::CacheFull) => self.replicas[n].cache.set_full(true),
            1 if self.may(Fault::DiskFull) => self.replicas[n].files.set_full(true),
            2 if self.may(Fault::CacheFull) => {
                self.replicas[n].processes[p].store.fail_next_commit(true);
            }
            3 if self.may(Fault::DiskFull) => self.replicas[n].processes[p].files.fail_next_write(true),
            _ => {
                self.replicas[n].cache.set_full(false);
                self.replicas[n].files.set_full(false);
            }
        }
    }

    fn change_session(&mut self, n: usize) {
        let signed_out = (0..self.replicas.len()).find(|n| self.replicas[*n].signed_out);
        if let Some(n) = signed_out {
            note!(self, "{n} signs in");
            self.replicas[n].signed_out = false;
        } else if self.may(Fault::ExpireSession) {
            self.replicas[n].signed_out = true;
        }
    }

    fn change_role(&mut self, n: usize) {
        match self.rng.u8(0..4) {
            0 if self.may(Fault::TakeRole) => self.server.set_role(n, Some("viewer")),
            1 if self.may(Fault::TakeMembership) => self.server.set_role(n, None),
            _ => self.server.set_role(n, Some("editor")),
        }
    }

    fn change_limits(&mut self) {
        self.server.most_changes = 0;
        if self.rng.bool() && self.may(Fault::TooMuch) {
            self.server.most_changes = 1;
        }
    }

    /// Why the server does not do what is asked now, if so.
    pub(crate) fn unwilling(&mut self, n: usize) -> Option<RemoteError> {
        if self.replicas[n].signed_out {
            return Some(RemoteError::SignedOut("the session has expired".to_owned()));
        }
        let is_busy = self.plan.network != u8::MAX && self.rng.u8(0..60) == 0 && self.may(Fault::Busy);
        is_busy.then(|| RemoteError::Busy { detail: "starting".to_owned(), retry_after: Some(900) })
    }

    /// The server leaves a conflict undecided, as when it has shown enough of others.
    pub(crate) fn defer_some(&mut self, index: usize) {
        let may = self.plan.network != u8::MAX && self.rng.u8(0..4) == 0;
        let Some(Event::Pushed(reply)) = &mut self.network[index].answer else { return };
        let conflicts = |outcome: &PushOutcome| matches!(outcome, PushOutcome::Conflict(_));
        let many = reply.outcomes.len() > 1;
        let Some((_, outcome)) = reply.outcomes.iter_mut().rev().find(|(_, outcome)| conflicts(outcome))
        else {
            return;
        };
        if may && many && !self.without.contains(&Fault::Defer) {
            *outcome = PushOutcome::Deferred;
            self.coverage.fault(Fault::Defer);
            self.coverage.outcome(&PushOutcome::Deferred);
        }
    }

    /// The live channel: late, twice, not at all, wrong, broken.
    pub(crate) fn some_announcement(&mut self) {
        let n = self.any_replica();
        match self.rng.u8(0..24) {
            0 if self.may(Fault::FalseNotice) => {
                let to = agent_core::id::Seq(self.server.newest_seq().0 + 5);
                self.announce(Hint { replica: n, event: LiveEvent::Moved { from: to, to } });
            }
            1 if self.may(Fault::LoseLive) => {
                self.announce(Hint { replica: n, event: LiveEvent::Lost("reset".to_owned()) });
                self.hints.push(Hint { replica: n, event: LiveEvent::Ready });
            }
            _ if self.hints.is_empty() => {}
            kind => {
                let index = self.rng.usize(0..self.hints.len());
                let hint = self.hints[index].clone();
                let is_news = matches!(hint.event, LiveEvent::Moved { .. });
                if kind == 2 && is_news && self.may(Fault::DuplicateNotice) {
                    return self.announce(hint);
                }
                self.hints.swap_remove(index);
                if !(kind == 3 && is_news && self.may(Fault::DropNotice)) {
                    self.announce(hint);
                }
            }
        }
    }

    fn delete(&mut self, n: usize, key: &ArtifactKey) {
        let Some((path, text)) = self.first_file(n, key) else { return };
        if !self.replicas[n].is_open(key) && self.may(Fault::Delete) {
            self.replicas[n].see(text.as_str());
            self.write(n, &path, None);
            self.tell_of(n, &[path]);
        }
    }

    fn rename(&mut self, n: usize, key: &ArtifactKey) {
        let to = self.any_path(key);
        let Some((from, text)) = self.first_file(n, key) else { return };
        let is_free = from != to && self.replicas[n].files.get(&to).is_none();
        if is_free && !self.replicas[n].is_open(key) && self.may(Fault::Rename) {
            self.write(n, &from, None);
            self.write(n, &to, Some(text.as_str()));
            let paths = if self.rng.bool() { [from, to] } else { [to, from] };
            self.tell_of(n, &paths);
        }
    }

    /// A content that the server will not take.
    fn refusable(&mut self, n: usize, key: &ArtifactKey) {
        let Some((path, text)) = self.first_file(n, key) else { return };
        if !self.replicas[n].is_open(key) && !text.as_str().contains(REFUSED) && self.may(Fault::Refuse) {
            self.replicas[n].see(text.as_str());
            let text = format!("{}\n{REFUSED}\n", text.as_str());
            self.write(n, &path, Some(&text));
            self.tell_of(n, &[path]);
        }
    }

    fn format(&mut self, n: usize, key: &ArtifactKey) {
        let Some((path, text)) = self.first_file(n, key) else { return };
        let new = formatted(text.as_str());
        if new != text.as_str() && self.may(Fault::Formatter) {
            self.replicas[n].see(text.as_str());
            self.write(n, &path, Some(&new));
            self.tell_of(n, &[path]);
        }
    }

    /// Older contents come back, of one file or of several.
    fn check_out(&mut self, n: usize) {
        let files = self.rng.usize(1..3);
        let mut paths = Vec::new();
        for _ in 0..files {
            if self.replicas[n].older.is_empty() {
                return;
            }
            let index = self.rng.usize(0..self.replicas[n].older.len());
            let (path, text) = self.replicas[n].older[index].clone();
            let there = self.replicas[n].files.get(&path);
            let Some(there) = there.filter(|there| *there != text) else { continue };
            if !self.may(Fault::Checkout) {
                return;
            }
            self.replicas[n].see(there.as_str());
            self.write(n, &path, Some(text.as_str()));
            paths.push(path);
        }
        self.tell_of(n, &paths);
    }

    fn agent_writes(&mut self, n: usize) {
        if !self.may(Fault::AgentWrites) {
            return;
        }
        let mut paths = Vec::new();
        for _ in 0..self.rng.usize(2..4) {
            let key = self.any_key();
            let (path, text) = match self.first_file(n, &key) {
                Some((path, text)) => {
                    self.replicas[n].see(text.as_str());
                    (path, self.writer.changed(&mut self.rng, text.as_str()))
                }
                None => (self.any_path(&key), self.writer.fresh(&mut self.rng, &key)),
            };
            self.write(n, &path, Some(&text));
            paths.push(path);
        }
        self.tell_of(n, &paths);
    }

    /// A folder is moved away, or another branch is checked out.
    fn mass_deletion(&mut self, n: usize, p: usize) {
        let replica = &self.replicas[n];
        let entries = replica.processes[p].entries();
        let here: Vec<_> = entries.iter().filter(|entry| entry.local.is_some()).collect();
        // What was never in sync is not deleted with its file, and another file of it takes its place.
        let is_only = |entry: &Entry| {
            let files = replica.files_of(&self.kinds, &entry.key);
            files.len() == 1 && files[0].0 == entry.path
        };
        let is_known = |entry: &Entry| entry.base.is_some() && is_only(entry);
        let gone: Vec<_> = here
            .iter()
            .filter(|entry| !replica.is_open(&entry.key) && is_known(entry))
            .map(|entry| (entry.key.clone(), entry.path.clone()))
            .collect();
        // A deletion that was sent before the file came back has no answer yet: it may be done already.
        let is_sent = |entry: &&&Entry| entry.pending.as_ref().is_some_and(|pending| pending.hash.is_none());
        let sent: BTreeSet<_> = here.iter().filter(is_sent).map(|entry| entry.key.clone()).collect();
        let is_many = gone.len() >= 10 && gone.len() * 5 > here.len();
        if !is_many || !self.may(Fault::MassDeletion) {
            return;
        }
        for (_, path) in &gone {
            let text = self.replicas[n].files.get(path);
            self.replicas[n].see(text.as_ref().map_or("", |text| text.as_str()));
            self.write(n, path, None);
        }
        self.replicas[n]
            .braked
            .extend(gone.into_iter().map(|(key, _)| key).filter(|key| !sent.contains(key)));
        for p in 0..self.replicas[n].processes.len() {
            self.tell(n, p, Command::Scan);
            if self.planted == Some(Planted::NoBrake) {
                self.tell(n, p, Command::Do(Event::DeletionsAllowed));
            }
        }
    }
}
