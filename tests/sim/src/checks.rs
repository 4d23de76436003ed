//! What must hold after every step, and once everything is healed.

use std::collections::BTreeMap;

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath};
use agent_core::ports::FileProblem;
use agent_core::sync::Event;
use agent_core::sync::next::{ConflictStrategy, Next, Waits};
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;

use crate::remote::Accepted;
use crate::replica::tokens;
use crate::world::World;

/// More rounds than this of everybody pulling and pushing means that they never agree.
const MOST_ROUNDS: usize = 25;
/// More messages than this in one round means that somebody asks without end.
const MOST_MESSAGES: usize = 400;

impl World {
    /// Remote text never takes the place of text the team does not have.
    pub(crate) fn check_overwritten(&mut self, n: usize) {
        for written in self.replicas[n].files.take_overwritten() {
            assert!(self.replicas[n].knows(&written.old), "{} was replaced unseen", written.path);
            if self.plan.policy.strategy == ConflictStrategy::RemoteWins {
                continue;
            }
            let new = written.new.unwrap_or_default();
            for token in tokens(&written.old).filter(|token| !tokens(&new).any(|kept| kept == *token)) {
                let mut sent = self.remote.history.iter().filter_map(|change| change.content.as_deref());
                let is_sent = sent.any(|text| tokens(text).any(|known| known == token));
                assert!(is_sent, "{token} of {} was replaced before it was sent: {new:?}", written.path);
            }
        }
    }

    /// Nobody takes the place of a text they never had before them.
    pub(crate) fn check_not_blind(&self, n: usize, change: &Accepted) {
        let replica = &self.replicas[n];
        let is_wanted = self.plan.policy.strategy == ConflictStrategy::LocalWins;
        if is_wanted || replica.chosen.contains(&change.key) {
            return;
        }
        let mut older = self.remote.history.iter().rev();
        let before = older.find(|other| other.key == change.key && other.version < change.version);
        let (old, new) = (before.and_then(|before| before.content.as_deref()), change.content.as_deref());
        for token in tokens(old.unwrap_or_default()) {
            let is_kept = tokens(new.unwrap_or_default()).any(|kept| kept == token);
            assert!(is_kept || replica.seen.contains(token), "{token} overwritten blindly: {change:?}");
        }
    }

    /// Where one teammate alone ever changed an artifact, nobody has to choose.
    pub(crate) fn check_no_false_conflict(&self) {
        if self.replicas.iter().any(|replica| !replica.lost.is_empty()) {
            return;
        }
        for (n, replica) in self.replicas.iter().enumerate() {
            for process in &replica.processes {
                for entry in process.entries() {
                    let next = process.engine.next_of(&entry);
                    assert_ne!(next, Next::Wait(Waits::TextMissing), "{n}: {entry:?}");
                    let alone = self.editors.get(&entry.key).is_none_or(|editors| editors.len() < 2);
                    let chooses = matches!(
                        next,
                        Next::Wait(
                            Waits::Conflict | Waits::Mergeable | Waits::DeletedHere | Waits::DeletedThere
                        )
                    );
                    assert!(!(alone && chooses), "{n}: a false {next:?} {entry:?}");
                }
            }
        }
    }

    /// Ends all trouble and lets everybody finish. People leave their editors; what conflicts takes
    /// the remote's side.
    pub(crate) fn heal(&mut self) {
        self.note("heal".to_owned());
        self.remote.forbidden.clear();
        self.remote.most_changes = 0;
        let fresh = self.rng.bool();
        for n in 0..self.replicas.len() {
            for p in 0..self.replicas[n].processes.len() {
                let process = &self.replicas[n].processes[p];
                process.store.fail_next_commit(false);
                process.files.fail_next_write(false);
                process.fuse.mend();
                let keys: Vec<_> = process.buffers.keys().cloned().collect();
                for key in keys {
                    self.with(n, p, |process, now| process.close(&key, now));
                }
                if fresh {
                    self.crash(n, p);
                }
            }
        }
        let mut before = Vec::new();
        for _ in 0..MOST_ROUNDS {
            self.round();
            let after = self.picture();
            if after == before {
                return;
            }
            before = after;
        }
        panic!("they never agree");
    }

    fn round(&mut self) {
        for n in 0..self.replicas.len() {
            self.pass_time(120_000);
            for p in 0..self.replicas[n].processes.len() {
                self.with(n, p, |process, now| process.look_around(now));
                self.scan(n, p);
                self.remove_twins(n, p);
            }
            let leader = self.replicas[n].leader;
            self.with(n, leader, |process, now| process.handle(Event::PullWanted, now));
            self.drain();
            self.with(n, leader, |process, now| {
                process.handle(Event::PushWanted { retry_refused: true }, now)
            });
            self.drain();
            self.decide(n, leader);
            self.drain();
        }
    }

    fn drain(&mut self) {
        for _ in 0..MOST_MESSAGES {
            if self.network.is_empty() {
                return;
            }
            self.progress(0, false);
        }
        panic!("requests without end: {:?}", self.network);
    }

    /// Somebody looks at every artifact that waits for a person.
    fn decide(&mut self, n: usize, p: usize) {
        for entry in self.replicas[n].processes[p].entries() {
            let take = match self.replicas[n].processes[p].engine.next_of(&entry) {
                Next::Wait(Waits::Moved) => {
                    let Some(remote) = entry.remote else { continue };
                    let files = self.replicas[n].files_of(&entry.key);
                    let Some((from, text)) = files.first() else { continue };
                    self.write(n, from, None);
                    self.write(n, &remote.path, Some(text));
                    self.scan(n, p);
                    continue;
                }
                Next::Wait(Waits::Mergeable) => Take::Incoming,
                Next::Wait(Waits::Refused) | Next::Nothing | Next::Push => continue,
                _ => Take::WholeRemote,
            };
            self.choose(n, p, &Ask { key: entry.key, take, seen: None, even_open: false });
        }
    }

    /// Two files with one id: somebody removes the one that is not taken.
    fn remove_twins(&mut self, n: usize, p: usize) {
        for (path, problem) in self.replicas[n].processes[p].engine.problems() {
            if matches!(problem, FileProblem::SameId(_)) {
                let path = ArtifactPath::new(&path).expect("a listed path");
                self.write(n, &path, None);
                self.scan(n, p);
            }
        }
    }

    /// The remote and every workspace: which artifact is where, with which text.
    fn picture(&self) -> Vec<BTreeMap<ArtifactKey, (ArtifactPath, String)>> {
        let kinds = Kinds::standard();
        let key_of = |path: &ArtifactPath| kinds.key_of(path).and_then(Result::ok);
        let rows = self.remote.rows.values();
        let there = rows.filter_map(|row| {
            let text = row.content.as_ref()?.as_str().to_owned();
            Some((row.key.clone(), (row.path.clone(), text)))
        });
        let mut pictures = vec![there.collect()];
        for replica in &self.replicas {
            let files = replica.files.all().into_iter();
            let here = files.filter_map(|(path, text)| Some((key_of(&path)?, (path, text.to_string()))));
            pictures.push(here.collect());
        }
        pictures
    }

    pub(crate) fn check_healed(&self) {
        let pictures = self.picture();
        for (n, picture) in pictures.iter().enumerate().skip(1) {
            assert_eq!(*picture, pictures[0], "replica {} differs from the remote", n - 1);
        }
        for replica in &self.replicas {
            for process in &replica.processes {
                for entry in process.entries() {
                    assert_eq!(entry.pending, None, "{} has a stuck queue", replica.name);
                    assert_eq!(process.engine.next_of(&entry), Next::Nothing, "{}: {entry:?}", replica.name);
                    assert_eq!(entry.waiting_since, None, "{}: {entry:?}", replica.name);
                }
            }
        }
        for text in &self.saved {
            let sent = self.remote.history.iter().any(|change| change.content.as_ref() == Some(text));
            assert!(sent || self.replicas.iter().any(|replica| replica.knows(text)), "lost: {text:?}");
        }
        let mut newest = BTreeMap::new();
        for change in &self.remote.history {
            let content = (change.content.as_ref(), change.content.as_ref().map(|_| &change.path));
            let before = newest.insert(&change.key, content);
            assert_ne!(before.unwrap_or((None, None)), content, "{change:?} changes nothing");
        }
        for change in &self.remote.history {
            let same = |other: &&crate::remote::Accepted| other.change_id == change.change_id;
            assert_eq!(self.remote.history.iter().filter(same).count(), 1, "{change:?} twice");
        }
    }
}
