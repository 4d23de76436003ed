//! Afterwards: all trouble ends, people finish what they have open, look at what waits for them, and
//! everybody pulls and pushes until nothing changes any more.

use agent_core::id::ArtifactPath;
use agent_core::ports::{FileProblem, LiveEvent};
use agent_core::sync::next::{Next, Waits};
use agent_core::sync::resolve::Take;
use agent_core::sync::{Event, MASS_DELETION};
use agent_engine::resolve::Ask;

use crate::network::Hint;
use crate::plan::rng_of;
use crate::process::Command;
use crate::run::breach;
use crate::text::REFUSED;
use crate::words::{Planted, Promise};
use crate::world::{World, note};

/// More rounds than this of everybody pulling and pushing means that they never agree.
const MOST_ROUNDS: usize = 30;
/// More messages than this in one round means that somebody asks without end.
const MOST_MESSAGES: usize = 600;
/// Longer than any clock jumps, in milliseconds.
const A_DAY: i64 = 86_400_000;

impl World {
    /// Ends all trouble and lets everybody finish.
    pub(crate) fn heal(&mut self, seed: u64) {
        note!(self, "-- heal");
        self.rng = rng_of(seed, usize::MAX - 2);
        self.server.most_changes = 0;
        self.server.refuses = self.plan.refusals_stay;
        self.plan.network = u8::MAX;
        self.without.extend([crate::Fault::LateLoop]);
        let fresh = self.rng.bool();
        for n in 0..self.replicas.len() {
            self.server.set_role(n, Some("editor"));
            let replica = &mut self.replicas[n];
            replica.signed_out = false;
            replica.offline_until = self.now;
            replica.cache.set_full(false);
            replica.files.set_full(false);
            for p in 0..self.replicas[n].processes.len() {
                let process = &self.replicas[n].processes[p];
                process.store.fail_next_commit(false);
                process.files.fail_next_write(false);
                process.fuse.mend();
                self.leave_editors(n, p);
                if fresh {
                    self.crash(n, p);
                    self.leave_editors(n, p);
                }
            }
        }
        // Longer than any clock was set back: what killed editors had open does not count any more.
        self.pass_time(A_DAY);
        let mut before = None;
        for _ in 0..MOST_ROUNDS {
            self.round();
            let after = Some(self.picture());
            if after == before {
                return;
            }
            before = after;
        }
        breach(Promise::Convergence, "they never agree".to_owned());
    }

    /// People save what they have, or not, and close it.
    fn leave_editors(&mut self, n: usize, p: usize) {
        let keys: Vec<_> = self.replicas[n].processes[p].editors.keys().cloned().collect();
        for key in keys {
            if self.replicas[n].processes[p].editors[&key].is_dirty() && self.rng.bool() {
                self.save(n, p, &key);
            }
            self.close(n, p, &key);
        }
    }

    fn round(&mut self) {
        for n in 0..self.replicas.len() {
            self.pass_time(1_100);
            self.pass_time(120_000);
            for p in 0..self.replicas[n].processes.len() {
                self.with(n, p, |process, now| {
                    process.turn(now);
                    process.look_around(now);
                });
                self.tell(n, p, Command::Scan);
                self.remove_twins(n, p);
            }
            let Some(leader) = self.replicas[n].leader() else { continue };
            let events =
                [Event::Live(LiveEvent::Ready), Event::PullWanted, Event::PushWanted { retry_refused: true }];
            for event in events {
                self.with(n, leader, |process, now| process.hears(event, now));
                self.drain();
            }
            self.decide(n, leader);
            self.drain();
        }
    }

    fn drain(&mut self) {
        for _ in 0..MOST_MESSAGES {
            if let Some(hint) = self.hints.pop() {
                self.announce(Hint { ..hint });
            } else if !self.network.is_empty() {
                self.progress(0, false);
            } else {
                return;
            }
        }
        let promise = match self.planted {
            Some(Planted::DeferForEver) => Promise::NoStuckQueue,
            _ => Promise::NoPanic,
        };
        breach(promise, format!("requests without end: {:?}", self.network));
    }

    /// Somebody looks at every artifact that waits for a person.
    fn decide(&mut self, n: usize, p: usize) {
        for entry in self.replicas[n].processes[p].entries() {
            let next = self.replicas[n].processes[p].engine.next_of(&entry);
            let take = match next {
                Next::Wait(Waits::Moved) => {
                    let Some(remote) = entry.remote else { continue };
                    let Some((from, text)) = self.first_file(n, &entry.key) else { continue };
                    self.write(n, &from, None);
                    self.write(n, &remote.path, Some(text.as_str()));
                    self.tell(n, p, Command::Scan);
                    continue;
                }
                Next::Wait(Waits::Refused) => {
                    let code = entry.parked.as_ref().map(|parked| parked.code.clone());
                    self.mind_refusal(n, p, &entry, code.as_deref());
                    continue;
                }
                Next::Wait(Waits::Mergeable) => Take::Incoming,
                Next::Nothing | Next::Push => continue,
                _ => Take::WholeRemote,
            };
            let seen = Some((entry.base, entry.remote_version()));
            self.choose(n, p, Ask { key: entry.key, take, seen, even_open: false });
        }
    }

    fn mind_refusal(&mut self, n: usize, p: usize, entry: &agent_core::sync::Entry, code: Option<&str>) {
        if code == Some(MASS_DELETION) {
            self.replicas[n].braked.clear();
            if self.rng.bool() {
                return self.tell(n, p, Command::Do(Event::DeletionsAllowed));
            }
            // Somebody fetches the file back.
            let text = entry.base.and_then(|hash| {
                agent_core::ports::Store::text(&self.replicas[n].cache, hash).ok().flatten()
            });
            if let Some(text) = text {
                self.write(n, &entry.path, Some(&text));
                self.tell(n, p, Command::Touched(vec![entry.path.clone()]));
            }
            return;
        }
        if self.plan.refusals_stay {
            return;
        }
        let Some((path, text)) = self.first_file(n, &entry.key) else { return };
        let cured = text.as_str().replace(REFUSED, "state: fine");
        if cured != text.as_str() {
            self.replicas[n].see(text.as_str());
            self.write(n, &path, Some(&cured));
            self.tell(n, p, Command::Touched(vec![path]));
        }
    }

    /// Two files with one id: somebody removes the one that is not taken.
    fn remove_twins(&mut self, n: usize, p: usize) {
        for (path, problem) in self.replicas[n].processes[p].engine.problems() {
            if matches!(problem, FileProblem::SameId(_)) {
                let path = ArtifactPath::new(&path).expect("a listed path");
                let text = self.replicas[n].files.get(&path);
                self.replicas[n].see(text.as_ref().map_or("", |text| text.as_str()));
                self.write(n, &path, None);
                self.tell(n, p, Command::Scan);
            }
        }
    }
}
