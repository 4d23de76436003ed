//! The world: teammates, the network between them and the server, and the means by which anything
//! happens in it. What happens is drawn in `people` and `trouble`; what must hold is in `checks`.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath, Seq, Timestamp};
use agent_core::ports::{LiveEvent, Store as _};
use agent_core::sync::Event;

use crate::coverage::Coverage;
use crate::network::{Hint, Message};
use crate::plan::{Plan, rng_of};
use crate::process::{Command, Process};
use crate::replica::Replica;
use crate::run::Setup;
use crate::server::Server;
use crate::store::SharedCache;
use crate::text::Writer;
use crate::words::{Fault, Planted};

/// Tells what happens, when somebody wants to know.
macro_rules! note {
    ($world:expr, $($what:tt)*) => {
        if $world.tells {
            $world.log.push(format!($($what)*));
        }
    };
}
pub(crate) use note;

pub(crate) struct World {
    pub(crate) rng: fastrand::Rng,
    pub(crate) plan: Plan,
    pub(crate) kinds: Kinds,
    pub(crate) keys: Vec<ArtifactKey>,
    pub(crate) now: Timestamp,
    pub(crate) server: Server,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) network: Vec<Message>,
    pub(crate) hints: Vec<Hint>,
    pub(crate) writer: Writer,
    pub(crate) coverage: Coverage,
    pub(crate) without: BTreeSet<Fault>,
    pub(crate) planted: Option<Planted>,
    pub(crate) tells: bool,
    pub(crate) log: Vec<String>,
    seed: u64,
    lives: u64,
}

impl World {
    pub(crate) fn new(setup: &Setup) -> Self {
        let plan = Plan::of(setup.seed, setup.teammates);
        let key = |n: usize| ArtifactKey::new("story", &format!("INFRA-{:03}", n + 1)).expect("a valid key");
        let planted = setup.planted;
        let mut world = Self {
            rng: rng_of(setup.seed, usize::MAX - 1),
            kinds: Kinds::standard(),
            keys: (0..plan.artifacts).map(key).collect(),
            now: Timestamp(1_700_000_000_000),
            server: Server::new(plan.teammates, planted),
            replicas: (0..plan.teammates).map(|n| Replica::new(&plan, n, planted)).collect(),
            network: Vec::new(),
            hints: Vec::new(),
            writer: Writer::default(),
            coverage: Coverage::default(),
            without: setup.without.clone(),
            planted,
            tells: setup.tells,
            log: Vec::new(),
            seed: setup.seed,
            lives: 0,
            plan,
        };
        note!(world, "{:?}", world.plan);
        for n in 0..world.plan.teammates {
            for p in 0..world.plan.processes {
                world.start(n, p);
            }
        }
        if world.plan.is_large() {
            for key in world.keys.clone() {
                let (path, text) = (world.any_path(&key), world.writer.fresh(&mut world.rng, &key));
                world.write(0, &path, Some(&text));
            }
            world.turn(0, 0);
            world.tell(0, 0, Command::Scan);
        }
        if world.plan.skew.iter().take(world.plan.teammates).any(|skew| *skew != 0) {
            world.coverage.fault(Fault::SkewClock);
        }
        world
    }

    /// The next step draws from a generator of its own.
    pub(crate) fn begin_step(&mut self, step: usize) {
        self.rng = rng_of(self.seed, step);
        self.coverage.steps += 1;
        note!(self, "-- step {step}");
    }

    /// Whether this kind of trouble may happen; it counts as having happened.
    pub(crate) fn may(&mut self, fault: Fault) -> bool {
        let may = !self.without.contains(&fault);
        if may {
            self.coverage.fault(fault);
            note!(self, "   ({})", fault.as_str());
        }
        may
    }

    pub(crate) fn any_replica(&mut self) -> usize {
        self.rng.usize(0..self.replicas.len())
    }

    pub(crate) fn any_process(&mut self, n: usize) -> usize {
        self.rng.usize(0..self.replicas[n].processes.len())
    }

    pub(crate) fn any_key(&mut self) -> ArtifactKey {
        self.keys[self.rng.usize(0..self.keys.len())].clone()
    }

    /// What a teammate's clock says.
    pub(crate) fn clock(&self, n: usize) -> Timestamp {
        self.now.plus(self.replicas[n].skew)
    }

    /// Starts a process, in the place of an earlier one if there was one.
    pub(crate) fn start(&mut self, n: usize, p: usize) {
        self.lives += 1;
        let (seed, now) = (self.seed.wrapping_mul(0x1_0001) ^ (self.lives << 20), self.clock(n));
        self.replicas[n].files.set_now(now);
        let process = Process::start(&self.replicas[n], &self.plan, self.lives, seed, now, self.planted);
        let processes = &mut self.replicas[n].processes;
        match p < processes.len() {
            true => processes[p] = process,
            false => processes.push(process),
        }
        self.with(n, p, |_, _| {});
    }

    /// The process dies and is started again. Its editor may be another program, which lives on and
    /// opens its documents again.
    pub(crate) fn crash(&mut self, n: usize, p: usize) {
        note!(self, "crash {n}.{p}");
        let editor_lives = self.rng.bool();
        self.check_derivable(n, p);
        self.replicas[n].files.check_whole();
        let dead = &mut self.replicas[n].processes[p];
        let mut editors = std::mem::take(&mut dead.editors);
        let (life, holder) = (dead.life, dead.holder().clone());
        dead.files.forget_life();
        self.replicas[n].lease.end(life);
        // Its sign ends with it, and so does what it had open.
        let _ = self.replicas[n].cache.release(&holder);
        if self.planted == Some(Planted::ActBeforePersist)
            && let Some(older) = self.replicas[n].cache.without_last(1)
        {
            self.replicas[n].cache = older;
        }
        self.start(n, p);
        if !editor_lives {
            return;
        }
        let process = &mut self.replicas[n].processes[p];
        for (key, editor) in &mut editors {
            editor.reopen();
            let text = Arc::clone(editor.text());
            process.commands.push_back(Command::Opened(key.clone(), editor.path.clone(), text));
        }
        process.editors = editors;
    }

    /// The workspace goes on with another cache; all its processes start on it.
    pub(crate) fn replace_cache(&mut self, n: usize, cache: SharedCache) {
        let keys = self.keys.clone();
        let old = std::mem::replace(&mut self.replicas[n].cache, cache);
        self.replicas[n].lost.push(old);
        self.replicas[n].forget_agreements(&keys);
        for p in 0..self.replicas[n].processes.len() {
            let life = self.replicas[n].processes[p].life;
            self.replicas[n].processes[p].files.forget_life();
            self.replicas[n].lease.end(life);
            self.start(n, p);
        }
    }

    /// Lets a process do something, sends what it asks for, looks at what it did, and buries it if it
    /// died of it.
    pub(crate) fn with(&mut self, n: usize, p: usize, act: impl FnOnce(&mut Process, Timestamp)) {
        let now = self.clock(n);
        let replica = &mut self.replicas[n];
        replica.files.set_now(now);
        let process = &mut replica.processes[p];
        act(process, now);
        let life = process.life;
        for body in process.outbox.drain(..) {
            let (answer, abandoned) = (None, false);
            self.network.push(Message { replica: n, process: p, life, body, answer, abandoned });
        }
        if std::mem::take(&mut process.wants_join) {
            self.hints.push(Hint { replica: n, event: LiveEvent::Ready });
        }
        let is_dead = process.fuse.is_burnt();
        self.check_overwritten(n);
        self.look(n, p);
        if is_dead {
            self.crash(n, p);
        }
    }

    /// A process does what was said to it and what is due.
    pub(crate) fn turn(&mut self, n: usize, p: usize) {
        self.with(n, p, Process::turn);
    }

    /// Says something to a loop, which mostly does it at once.
    pub(crate) fn tell(&mut self, n: usize, p: usize, command: Command) {
        self.replicas[n].processes[p].commands.push_back(command);
        if self.rng.u8(0..5) == 0 && self.may(Fault::LateLoop) {
            return;
        }
        self.turn(n, p);
    }

    /// A message gets one step further, or is lost.
    pub(crate) fn progress(&mut self, index: usize, faulty: bool) {
        self.coverage.messages += 1;
        let fails = faulty && self.plan.network != u8::MAX && self.rng.u8(0..self.plan.network) == 0;
        let kind = self.rng.u8(0..3);
        let message = &self.network[index];
        let (n, p, is_answer) = (message.replica, message.process, message.answer.is_some());
        let waits = !message.abandoned && message.life == self.replicas[n].processes[p].life;
        if self.now < self.replicas[n].offline_until {
            return self.silence(index, waits);
        }
        match (is_answer, fails, kind) {
            (true, true, _) if self.may(Fault::DropReply) => self.silence(index, waits),
            (true, ..) => {
                let message = self.network.swap_remove(index);
                if let (true, Some(event)) = (waits, message.answer) {
                    self.with(n, p, |process, now| process.hears(event, now));
                }
            }
            (false, true, 0) if self.may(Fault::DropRequest) => self.silence(index, waits),
            (false, true, 1) if waits && self.may(Fault::LateRequest) => {
                let message = &mut self.network[index];
                message.abandoned = true;
                let event = message.body.timed_out();
                self.with(n, p, |process, now| process.hears(event, now));
            }
            (false, ..) => {
                let twice = fails && kind == 2 && self.may(Fault::DuplicateRequest);
                self.carry_out(index, twice);
            }
        }
    }

    /// A message, or its answer, is gone; the client notices after a while.
    fn silence(&mut self, index: usize, waits: bool) {
        let message = self.network.swap_remove(index);
        if waits && self.planted != Some(Planted::WaitForEver) {
            let event = message.body.timed_out();
            self.with(message.replica, message.process, |process, now| process.hears(event, now));
        }
    }

    fn carry_out(&mut self, index: usize, twice: bool) {
        let before = self.server.newest_seq();
        let n = self.network[index].replica;
        let rows = self.rng.i32(1..=4);
        let unwilling = self.unwilling(n);
        let message = &mut self.network[index];
        message.answer = Some(match unwilling {
            Some(error) => message.body.failed(error),
            None => {
                let first = message.body.carry_out(&mut self.server, n, self.now, rows);
                match twice {
                    true => message.body.carry_out(&mut self.server, n, self.now, rows),
                    false => first,
                }
            }
        });
        if let Some(Event::Pushed(reply)) = &mut message.answer {
            reply.outcomes.iter().for_each(|(_, outcome)| self.coverage.outcome(outcome));
        }
        self.defer_some(index);
        self.accepted_since(before);
    }

    /// What follows from what the server accepted: promises are looked at, teammates are told.
    fn accepted_since(&mut self, before: Seq) {
        let accepted = self.server.since(before).to_vec();
        let Some(last) = accepted.last() else { return };
        let newest = last.seq;
        for revision in &accepted {
            self.coverage.revisions += 1;
            note!(
                self,
                "   accepted {} v{} seq {} of {:x}: {:?}",
                revision.key,
                revision.version.0,
                revision.seq.0,
                revision.author.as_u128(),
                revision.content.as_ref().map(|text| text.as_str().replace("line ", ""))
            );
            self.check_accepted(revision);
        }
        let event = LiveEvent::Moved { from: Seq(before.0 + 1), to: newest };
        let hint = |replica| Hint { replica, event: event.clone() };
        self.hints.extend((0..self.replicas.len()).map(hint));
    }

    /// A live announcement arrives, if anybody listens.
    pub(crate) fn announce(&mut self, hint: Hint) {
        let n = hint.replica;
        if self.now < self.replicas[n].offline_until && hint.event == LiveEvent::Ready {
            return self.hints.push(hint);
        }
        let Some(p) = self.replicas[n].leader() else { return };
        if self.now < self.replicas[n].offline_until {
            return;
        }
        let is_joined = self.replicas[n].processes[p].is_joined;
        if is_joined || hint.event == LiveEvent::Ready {
            self.with(n, p, |process, now| process.hears(Event::Live(hint.event), now));
        }
    }

    pub(crate) fn pass_time(&mut self, millis: i64) {
        self.now = self.now.plus(millis);
        for n in 0..self.replicas.len() {
            for p in 0..self.replicas[n].processes.len() {
                // A loop that is late is late with everything: what it was told comes before what is due.
                if self.replicas[n].processes[p].commands.is_empty() {
                    self.with(n, p, Process::timers);
                }
            }
        }
    }

    /// Somebody puts a text into a file, by a program of their own.
    pub(crate) fn write(&mut self, n: usize, path: &ArtifactPath, text: Option<&str>) {
        self.write_from(n, None, path, text);
    }

    /// The same, out of the editor of a process, if any.
    pub(crate) fn write_from(
        &mut self,
        n: usize,
        saver: Option<usize>,
        path: &ArtifactPath,
        text: Option<&str>,
    ) {
        note!(self, "write {n} {path} {:?}", text.map(|text| text.replace("line ", "")));
        let now = self.clock(n);
        let replica = &mut self.replicas[n];
        replica.files.set_now(now);
        if let Some(old) = replica.files.get(path) {
            replica.older.push((path.clone(), old));
        }
        replica.files.put(path, text);
        replica.see(text.unwrap_or_default());
        if let Some(Ok(key)) = self.kinds.key_of(path) {
            let is_under_buffer = self.replicas[n].is_open_beside(&key, saver);
            let is_gone_version = text.is_some_and(|text| self.server.was_deleted_with(&key, text));
            let apart = self.replicas[n].apart(&key);
            apart.here = true;
            // Two programs of one person that change one file are two sides: the buffer keeps the base
            // it was edited out of, or an older one.
            apart.there |= is_under_buffer;
            // An old version of what the team deleted is taken for that, not for a new artifact.
            apart.there |= is_gone_version;
            let braked = &mut self.replicas[n].braked;
            braked.remove(&key);
            // The program may not have looked yet, and sees no more than a few that are gone.
            if braked.len() < 10 {
                braked.clear();
            }
        }
    }
}
