//! The world: teammates, the network between them and the remote, and one random step after another.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::id::{ArtifactKey, Seq, Timestamp};
use agent_core::ports::LiveEvent;
use agent_core::sync::next::ConflictStrategy;
use agent_core::sync::{Event, Policy, Request};

use crate::network::{Body, Message};
use crate::remote::ModelRemote;
use crate::replica::{Process, Replica};
use crate::store::SharedCache;

pub(crate) const IDS: [&str; 3] = ["INFRA-001", "INFRA-002", "INFRA-003"];

/// What kinds of trouble a run has, besides the network's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) replicas: usize,
    pub(crate) processes: usize,
    pub(crate) policy: Policy,
    pub(crate) loses_caches: bool,
}

impl Plan {
    /// Each seed has its own mixture.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
        let strategy = match rng.u8(0..6) {
            0 => ConflictStrategy::LocalWins,
            1 => ConflictStrategy::RemoteWins,
            _ => ConflictStrategy::Manual,
        };
        let (auto_push, may_write) = (rng.u8(0..4) > 0, rng.u8(0..4) > 0);
        Self {
            replicas: rng.usize(2..=3),
            processes: rng.usize(1..=2),
            policy: Policy { auto_push, may_write, strategy },
            loses_caches: rng.u8(0..6) == 0,
        }
    }
}

pub(crate) struct World {
    pub(crate) rng: fastrand::Rng,
    pub(crate) plan: Plan,
    pub(crate) now: Timestamp,
    pub(crate) remote: ModelRemote,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) network: Vec<Message>,
    pub(crate) hints: Vec<(usize, Seq)>,
    /// Who ever changed an artifact.
    pub(crate) editors: BTreeMap<ArtifactKey, BTreeSet<usize>>,
    /// Everything the program ever said it has taken in.
    pub(crate) saved: BTreeSet<String>,
    pub(crate) tokens: u32,
    pub(crate) log: Vec<String>,
    lives: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let plan = Plan::of(seed);
        let mut world = Self {
            rng: fastrand::Rng::with_seed(seed),
            plan,
            now: Timestamp(1_700_000_000_000),
            remote: ModelRemote::default(),
            replicas: Vec::new(),
            network: Vec::new(),
            hints: Vec::new(),
            editors: BTreeMap::new(),
            saved: BTreeSet::new(),
            tokens: 0,
            log: vec![format!("{plan:?}")],
            lives: 0,
        };
        for n in 0..plan.replicas {
            world.replicas.push(Replica::new(format!("r{n}"), plan.policy));
            for p in 0..plan.processes {
                world.start(n, p);
            }
        }
        world
    }

    pub(crate) fn note(&mut self, line: String) {
        self.log.push(line);
    }

    /// What happened, and where it ended.
    pub(crate) fn story(&self) -> String {
        let mut story = self.log.clone();
        for replica in &self.replicas {
            for process in &replica.processes {
                for entry in process.entries() {
                    let next = process.engine.next_of(&entry);
                    story.push(format!("{} {} {next:?} {entry:?}", replica.name, process.life));
                }
                story.push(format!("{:?}", process.engine.problems()));
            }
        }
        story.extend(self.remote.history.iter().map(|change| format!("{change:?}")));
        story.join("\n")
    }

    /// Starts a process, in the place of an earlier one if there was one.
    pub(crate) fn start(&mut self, n: usize, p: usize) {
        self.lives += 1;
        let seed = self.rng.u64(..);
        let process = Process::start(&self.replicas[n], self.lives, seed, self.now);
        let processes = &mut self.replicas[n].processes;
        match p < processes.len() {
            true => processes[p] = process,
            false => processes.push(process),
        }
        self.with(n, p, |process, now| process.handle(Event::Tick, now));
        self.scan(n, p);
        if self.replicas[n].leader == p {
            self.with(n, p, |process, now| process.handle(Event::Leads(true), now));
            self.with(n, p, |process, now| process.handle(Event::Live(LiveEvent::Ready), now));
        }
    }

    /// The process dies; another one of the workspace leads then, and it is started again.
    pub(crate) fn crash(&mut self, n: usize, p: usize) {
        self.note(format!("crash {n}.{p}"));
        let others = self.replicas[n].processes.len();
        if self.replicas[n].leader == p && others > 1 {
            let next = (p + 1) % others;
            self.replicas[n].leader = next;
            self.with(n, next, |process, now| process.handle(Event::Leads(true), now));
        }
        self.start(n, p);
    }

    /// The workspace's cache is gone; all its processes start on an empty one.
    pub(crate) fn lose_cache(&mut self, n: usize) {
        self.note(format!("lose the cache of {n}"));
        let old = std::mem::replace(&mut self.replicas[n].cache, SharedCache::new());
        self.replicas[n].lost.push(old);
        for p in 0..self.replicas[n].processes.len() {
            self.start(n, p);
        }
    }

    /// Lets a process do something, sends what it asks for, and buries it if it died of it.
    pub(crate) fn with(
        &mut self,
        n: usize,
        p: usize,
        act: impl FnOnce(&mut Process, Timestamp) -> Vec<Request>,
    ) {
        let now = self.now;
        let replica = &mut self.replicas[n];
        replica.files.set_now(now);
        let process = &mut replica.processes[p];
        for request in act(process, now) {
            let body = Body::of(&process.engine, request);
            let (life, answer, abandoned) = (process.life, None, false);
            self.network.push(Message { replica: n, process: p, life, body, answer, abandoned });
        }
        let is_dead = process.fuse.is_burnt();
        replica.look();
        self.check_overwritten(n);
        if is_dead {
            self.crash(n, p);
        }
    }

    pub(crate) fn scan(&mut self, n: usize, p: usize) {
        self.with(n, p, |process, now| {
            let outcome = process.engine.scan(now);
            process.carry_on(outcome)
        });
        self.note_saved(n, p);
    }

    /// What is in the files and what the program has taken in of it.
    pub(crate) fn note_saved(&mut self, n: usize, p: usize) {
        let entries = self.replicas[n].processes[p].entries();
        for (path, text) in self.replicas[n].files.all() {
            let hash = agent_core::id::ContentHash::of(text.as_bytes());
            if entries.iter().any(|entry| entry.path == path && entry.local == Some(hash)) {
                self.saved.insert(text.to_string());
            }
        }
    }

    /// A message gets one step further, or is lost.
    pub(crate) fn progress(&mut self, index: usize, faulty: bool) {
        let fault = if faulty { self.rng.u8(0..20) } else { u8::MAX };
        let message = &mut self.network[index];
        let (n, p) = (message.replica, message.process);
        let waits = !message.abandoned && message.life == self.replicas[n].processes[p].life;
        if message.answer.is_some() {
            let message = self.network.swap_remove(index);
            let event = match fault {
                0 | 1 => message.body.timed_out(),
                _ => message.answer.unwrap_or(Event::Tick),
            };
            if waits {
                self.with(n, p, |process, now| process.handle(event, now));
            }
            return;
        }
        match fault {
            0 => {
                let message = self.network.swap_remove(index);
                if waits {
                    self.with(n, p, |process, now| process.handle(message.body.timed_out(), now));
                }
            }
            1 if waits => {
                message.abandoned = true;
                let event = message.body.timed_out();
                self.with(n, p, |process, now| process.handle(event, now));
            }
            _ => self.carry_out(index, fault == 2),
        }
    }

    fn carry_out(&mut self, index: usize, twice: bool) {
        let before = self.remote.newest_seq();
        let message = &mut self.network[index];
        let who = &self.replicas[message.replica].name;
        let first = message.body.carry_out(&mut self.remote, who);
        message.answer = Some(match twice {
            true => message.body.carry_out(&mut self.remote, who),
            false => first,
        });
        let (n, newest) = (message.replica, self.remote.newest_seq());
        for change in self.remote.history.iter().filter(|change| change.seq > before) {
            self.check_not_blind(n, change);
        }
        if newest > before {
            self.hints.extend((0..self.replicas.len()).map(|n| (n, newest)));
        }
    }

    pub(crate) fn hint(&mut self, n: usize, to: Seq) {
        let p = self.replicas[n].leader;
        let event = Event::Live(LiveEvent::Moved { from: to, to });
        self.with(n, p, |process, now| process.handle(event, now));
    }

    pub(crate) fn pass_time(&mut self, millis: i64) {
        self.now = self.now.plus(millis);
        for n in 0..self.replicas.len() {
            for p in 0..self.replicas[n].processes.len() {
                let process = &mut self.replicas[n].processes[p];
                if process.wake_at.is_some_and(|at| at <= self.now) {
                    process.wake_at = None;
                    self.with(n, p, |process, now| process.handle(Event::Tick, now));
                }
            }
        }
    }
}
