//! A machine over a cache that is a few maps, driven one event at a time. Every step is checked for
//! what must always hold.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::id::{
    ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, OperationId, Rev, Seq, Text, Timestamp, Version,
};
use crate::ports::{PullPage, PushOutcome, PushReply, Recorded, RemoteRow, Snapshot, Triple, Write};
use crate::sync::next::ConflictStrategy;
use crate::sync::{
    Chance, Entry, Event, FileDone, FileEffect, FileStat, Found, Machine, PendingChange, Policy, Request,
    Step,
};

/// What the real cache promises, in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    pub(super) texts: HashMap<ContentHash, Arc<str>>,
    pub(super) entries: BTreeMap<ArtifactKey, Entry>,
    pub(super) open: BTreeMap<ArtifactKey, PendingChange>,
    pub(super) cursor: Seq,
    pub(super) rev: Rev,
    pub(super) operations: Vec<Recorded>,
}

impl Map {
    fn commit(&mut self, writes: &[Write]) -> Option<Rev> {
        if writes.is_empty() {
            return None;
        }
        self.rev.0 += 1;
        for write in writes {
            match write {
                Write::Blob(text) => drop(self.texts.insert(text.hash(), text.shared())),
                Write::Entry(entry) => {
                    let before = self.entries.get(&entry.key).map_or(Rev(0), |entry| entry.rev);
                    assert_eq!(entry.rev, before, "{} is written on top of what was read", entry.key);
                    drop(self.entries.insert(entry.key.clone(), Entry { rev: self.rev, ..*entry.clone() }));
                }
                Write::Queue(key, change) => {
                    assert_eq!(self.open.insert(key.clone(), change.clone()), None, "{key}: one open change");
                }
                Write::Close(id, _) => self.open.retain(|_, change| change.change_id != *id),
                Write::Rewind => self.cursor = Seq(0),
                Write::Cursor(seq) => self.cursor = self.cursor.max(*seq),
                Write::Erase(erasure) => {
                    let authors =
                        self.operations.iter_mut().filter_map(|line| line.operation.author.as_mut());
                    let theirs = authors.filter(|known| erasure.is_about(&known.id));
                    theirs.for_each(|known| known.clone_from(&erasure.pseudonym));
                }
                Write::Operation(operation) => {
                    let id = OperationId(self.operations.len() as u64 + 1);
                    let rev = Some(self.rev);
                    self.operations.push(Recorded { id, rev, operation: (**operation).clone() });
                }
            }
        }
        self.check();
        Some(self.rev)
    }

    /// Every content that a row or the history names was kept, and what is in the outbox is known.
    fn check(&self) {
        for Recorded { operation, .. } in &self.operations {
            let sides = |side: &Triple| [side.base, side.local, side.remote].into_iter().flatten();
            let mut sides = sides(&operation.before).chain(sides(&operation.after));
            assert!(sides.all(|hash| self.texts.contains_key(&hash)), "a text is missing for {operation:?}");
        }
        for entry in self.entries.values() {
            let mut sides = [entry.base, entry.local, entry.remote_hash()].into_iter().flatten();
            assert!(sides.all(|hash| self.texts.contains_key(&hash)), "a text is missing for {entry:?}");
            assert_eq!(
                entry.pending.as_ref(),
                self.open.get(&entry.key),
                "{}: the outbox differs",
                entry.key
            );
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { entries: self.entries.values().cloned().collect(), cursor: self.cursor, rev: self.rev }
    }
}

/// Change ids 1, 2, 3 … and no jitter.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(pub(super) u128);

impl Chance for Count {
    fn change_id(&mut self) -> ChangeId {
        self.0 += 1;
        change_id(self.0)
    }

    fn jitter(&mut self) -> f64 {
        0.5
    }
}

pub(super) fn change_id(n: u128) -> ChangeId {
    ChangeId(uuid::Uuid::from_u128(n))
}

pub(super) const POLICY: Policy =
    Policy { auto_push: true, may_write: true, strategy: ConflictStrategy::Manual };

pub(super) struct Bench {
    pub(super) machine: Machine,
    pub(super) store: Map,
    pub(super) chance: Count,
    pub(super) now: Timestamp,
}

impl Bench {
    /// A machine that may use the network and has pulled everything there was, which was nothing.
    pub(super) fn new() -> Self {
        let mut bench = Self::idle(POLICY);
        bench.take(Event::Leads(true));
        bench.pulled(vec![]);
        bench
    }

    /// A machine that may not use the network.
    pub(super) fn idle(policy: Policy) -> Self {
        Self {
            machine: Machine::new(policy),
            store: Map::default(),
            chance: Count::default(),
            now: Timestamp(1_000),
        }
    }

    /// Another one that stands where this one does, on the cache as it is.
    pub(super) fn clone_of(&self) -> Self {
        let mut other = Self {
            store: self.store.clone(),
            chance: self.chance.clone(),
            now: self.now,
            ..Self::idle(POLICY)
        };
        let snapshot = other.store.snapshot();
        other.take(Event::Reloaded(snapshot));
        other.take(Event::Leads(true));
        other.pulled(vec![]);
        other
    }

    /// One event, through to memory; file effects and requests are left to the test.
    pub(super) fn take(&mut self, event: Event) -> Step {
        let step = self.prepared(event);
        let busy = step.requests.iter().filter(|request| !matches!(request, Request::FindBase(..))).count();
        assert!(busy <= 1, "one request at a time: {:?}", step.requests);
        if step.looks { self.looked(step) } else { step }
    }

    /// The same, and nobody looks at any file.
    pub(super) fn prepared(&mut self, event: Event) -> Step {
        let texts = self.store.texts.clone();
        let step = self.machine.prepare(event, self.now, &mut self.chance, &|hash| texts.get(&hash).cloned());
        let rev = self.store.commit(&step.writes);
        self.machine.apply(&step, rev);
        step
    }

    /// A step that asks for a look at all files, and what follows once nothing more was found.
    fn looked(&mut self, mut step: Step) -> Step {
        let then = self.take(Event::Looked(Vec::new()));
        step.writes.extend(then.writes);
        step.files.extend(then.files);
        step.requests.extend(then.requests);
        step.wake_at = then.wake_at;
        step
    }

    pub(super) fn entry(&self, id: &str) -> &Entry {
        self.machine.entry(&key(id)).expect("known")
    }

    pub(super) fn save(&mut self, id: &str, text: &str) -> Step {
        self.take(Event::Found(vec![found(id, &at(id), Some(text))]))
    }

    pub(super) fn delete(&mut self, id: &str) -> Step {
        self.take(Event::Found(vec![found(id, &at(id), None)]))
    }

    pub(super) fn pulled(&mut self, rows: Vec<RemoteRow>) -> Step {
        let mut page = page(rows);
        page.newest_seq = page.newest_seq.max(self.machine.cursor);
        page.cursor = page.newest_seq;
        self.take(Event::Pulled(Box::new(page)))
    }

    /// The remote answers what is in flight, each change in turn.
    pub(super) fn answer(&mut self, outcomes: Vec<PushOutcome>) -> Step {
        let sent = self.machine.link.in_flight.clone();
        assert_eq!(sent.len(), outcomes.len(), "one answer for each change");
        let newest = |seq: Seq, outcome: &PushOutcome| match outcome {
            PushOutcome::Applied(_, applied) => seq.max(*applied),
            _ => seq,
        };
        let newest_seq = outcomes.iter().fold(self.machine.cursor, newest);
        let outcomes = sent.into_iter().zip(outcomes).collect();
        self.take(Event::Pushed(Box::new(PushReply { outcomes, newest_seq })))
    }

    /// An artifact that all sides have, as version and seq 1 (the first one) or as told.
    pub(super) fn agreed(&mut self, id: &str, text: &str, seq: u64) {
        self.save(id, text);
        self.answer(vec![PushOutcome::Applied(Version(1), Seq(seq))]);
    }

    /// The files do what they were told.
    pub(super) fn done(&mut self, step: &Step) -> Step {
        let done = |effect: &FileEffect| FileDone {
            effect: effect.clone(),
            stat: Some(FileStat { size: 1, mtime: 1 }),
            outline: (None, None),
        };
        self.take(Event::FilesDone(step.files.iter().map(done).collect()))
    }
}

pub(super) fn key(id: &str) -> ArtifactKey {
    ArtifactKey::new("story", id).expect("a valid id")
}

pub(super) fn at(id: &str) -> ArtifactPath {
    ArtifactPath::new(&format!(".agent/stories/{id}.md")).expect("a valid path")
}

pub(super) fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

pub(super) fn found(id: &str, path: &ArtifactPath, text: Option<&str>) -> Found {
    Found {
        key: key(id),
        path: path.clone(),
        text: text.map(Text::new),
        stat: text.map(|text| FileStat { size: text.len() as u64, mtime: 5 }),
        title: None,
        state: None,
        resolved: None,
    }
}

pub(super) fn row(id: &str, version: u64, seq: u64, text: Option<&str>) -> RemoteRow {
    RemoteRow {
        key: key(id),
        version: Version(version),
        seq: Seq(seq),
        path: at(id),
        title: None,
        state: None,
        content: text.map(Text::new),
        author: Author { id: "u2".into(), name: "ann@example.com".into() },
        change_id: None,
        at: Timestamp(7),
    }
}

pub(super) fn page(rows: Vec<RemoteRow>) -> PullPage {
    let newest = rows.iter().map(|row| row.seq).max().unwrap_or_default();
    PullPage {
        rows,
        unreadable: Vec::new(),
        erasures: Vec::new(),
        cursor: newest,
        newest_seq: newest,
        more: false,
    }
}

/// The ids of the artifacts that a push carries; empty when there is none.
pub(super) fn pushed(step: &Step) -> Vec<String> {
    let push = step.requests.iter().find_map(|request| match request {
        Request::Push(batch) => Some(batch),
        _ => None,
    });
    push.into_iter().flatten().map(|(key, _)| key.id.as_str().to_owned()).collect()
}
