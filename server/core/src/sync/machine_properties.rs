//! What holds after any sequence of events, also of those that no sane world would send.

use proptest::prelude::*;

use super::*;
use crate::ports::{LiveEvent, PushOutcome, PushReply};
use crate::sync::next::ConflictStrategy;

const IDS: [&str; 3] = ["A-1", "A-2", "A-3"];

/// A text, small enough in number that equal ones are common; some merge, some do not.
fn text(n: u8) -> String {
    let line = |at: u8| if n & (1 << at) == 0 { format!("{at}\n\n") } else { format!("{at} of {n}\n\n") };
    (0..3).map(line).collect()
}

/// What happens, in terms of small numbers that are made fit when it happens.
#[derive(Debug, Clone)]
enum Act {
    Save(usize, u8),
    Delete(usize),
    Move(usize, u8),
    /// Artifact, by how much its version grows, its text, whether it answers what is in the outbox.
    Pull(Vec<(usize, u64, Option<u8>, bool)>, bool),
    Answer(Vec<u8>),
    LateAnswer(u8),
    PushFails(bool),
    PullFails,
    Open(usize, bool),
    OpenElsewhere(Vec<usize>),
    Files(bool),
    BaseFound(usize, Option<u8>),
    SearchFails(usize),
    PushWanted(bool),
    PullWanted,
    Hint(u64),
    Leads(bool),
    Wait(i64),
    Resolve(usize, Option<u8>),
    /// Artifact, text, and the base that comes back with it.
    BringBack(usize, Option<u8>, Option<u8>),
    Reload,
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    let id = 0..IDS.len();
    let row = (id.clone(), 0..3_u64, prop::option::weighted(0.8, 0..8_u8), any::<bool>());
    prop_oneof![
        12 => (id.clone(), 0..8_u8).prop_map(|(id, n)| Act::Save(id, n)),
        3 => id.clone().prop_map(Act::Delete),
        2 => (id.clone(), 0..2_u8).prop_map(|(id, to)| Act::Move(id, to)),
        8 => (prop::collection::vec(row, 0..3), any::<bool>()).prop_map(|(rows, more)| Act::Pull(rows, more)),
        8 => prop::collection::vec(0..5_u8, 3).prop_map(Act::Answer),
        1 => (0..5_u8).prop_map(Act::LateAnswer),
        2 => any::<bool>().prop_map(Act::PushFails),
        1 => Just(Act::PullFails),
        3 => (id.clone(), any::<bool>()).prop_map(|(id, open)| Act::Open(id, open)),
        1 => prop::collection::vec(id.clone(), 0..3).prop_map(Act::OpenElsewhere),
        6 => any::<bool>().prop_map(Act::Files),
        2 => (id.clone(), prop::option::of(0..8_u8)).prop_map(|(id, n)| Act::BaseFound(id, n)),
        1 => id.clone().prop_map(Act::SearchFails),
        1 => any::<bool>().prop_map(Act::PushWanted),
        1 => Just(Act::PullWanted),
        1 => (0..30_u64).prop_map(Act::Hint),
        1 => any::<bool>().prop_map(Act::Leads),
        3 => (0..70_000_i64).prop_map(Act::Wait),
        3 => (id.clone(), prop::option::of(0..8_u8)).prop_map(|(id, n)| Act::Resolve(id, n)),
        2 => (id, prop::option::of(0..8_u8), prop::option::of(0..8_u8))
            .prop_map(|(id, n, base)| Act::BringBack(id, n, base)),
        1 => Just(Act::Reload),
        1 => Just(Act::Crash),
    ]
}

fn event(bench: &mut Bench, files: &mut Vec<FileEffect>, act: &Act) -> Option<Event> {
    let id = |n: &usize| IDS[*n];
    Some(match act {
        Act::Save(n, text_n) => {
            let path = bench.machine.entry(&key(id(n))).map_or_else(|| at(id(n)), |e| e.path.clone());
            Event::Found(vec![found(id(n), &path, Some(&text(*text_n)))])
        }
        Act::Delete(n) => Event::Found(vec![found(id(n), &at(id(n)), None)]),
        Act::Move(n, to) => {
            let path = ArtifactPath::new(&format!(".agent/stories/{to}/{}.md", id(n))).expect("a valid path");
            let local = bench.machine.entry(&key(id(n)))?.local?;
            let text = bench.store.texts[&local].to_string();
            Event::Found(vec![found(id(n), &path, Some(&text))])
        }
        Act::Pull(rows, more) => {
            let mut seq = bench.machine.cursor().0;
            let rows = rows.iter().map(|(n, grows, text_n, own)| {
                seq += 1;
                let entry = bench.machine.entry(&key(id(n)));
                let version = entry.map_or(0, |entry| entry.remote_version().0) + grows;
                let mut row = row(id(n), version.max(1), seq, text_n.map(text).as_deref());
                let pending = entry.and_then(|entry| entry.pending.as_ref()).filter(|_| *own);
                row.change_id = pending.map(|pending| pending.change_id);
                row
            });
            let mut page = page(rows.collect());
            page.more = *more;
            Event::Pulled(Box::new(page))
        }
        Act::Answer(kinds) => {
            let sent = bench.machine.link.in_flight.clone();
            let outcomes = sent.into_iter().zip(kinds.iter().cycle());
            let outcomes: Vec<_> = outcomes.map(|(id, kind)| (id, outcome(bench, *kind))).collect();
            Event::Pushed(Box::new(PushReply { outcomes, newest_seq: bench.machine.cursor() }))
        }
        Act::LateAnswer(kind) => {
            let outcomes = vec![(change_id(1), outcome(bench, *kind))];
            Event::Pushed(Box::new(PushReply { outcomes, newest_seq: bench.machine.cursor() }))
        }
        Act::PushFails(true) => Event::PushFailed(RemoteError::TooMuch("too much".into())),
        Act::PushFails(false) => Event::PushFailed(RemoteError::Unreachable("gone".into())),
        Act::PullFails => Event::PullFailed(RemoteError::SignedOut("expired".into())),
        Act::Open(n, true) => Event::Opened(key(id(n))),
        Act::Open(n, false) => Event::Closed(key(id(n))),
        Act::OpenElsewhere(ids) => Event::OpenElsewhere(ids.iter().map(|n| key(id(n))).collect()),
        Act::Files(done) => {
            let effect = files.pop()?;
            match done {
                true => {
                    let stat = None;
                    Event::FilesDone(vec![crate::sync::FileDone { effect, stat, outline: (None, None) }])
                }
                false => Event::FileFailed(effect.key().clone()),
            }
        }
        Act::BaseFound(n, text_n) => {
            let base = text_n.map(|text_n| (hash(&text(text_n)), Version(1)));
            Event::BaseFound { key: key(id(n)), base }
        }
        Act::SearchFails(n) => Event::SearchFailed(key(id(n)), RemoteError::Unreachable("gone".into())),
        Act::PushWanted(retry_refused) => Event::PushWanted { retry_refused: *retry_refused },
        Act::PullWanted => Event::PullWanted,
        Act::Hint(to) => Event::Live(LiveEvent::Moved { from: Seq(*to), to: Seq(*to) }),
        Act::Leads(leads) => Event::Leads(*leads),
        Act::Wait(millis) => {
            bench.now = bench.now.plus(*millis);
            Event::Tick
        }
        Act::Resolve(n, text_n) => {
            let from = bench.machine.entry(&key(id(n)))?.base;
            let to = text_n.map(|text_n| Text::new(text(text_n)));
            Event::Resolved { key: key(id(n)), base: ResolvedBase { from, to, undoes: None } }
        }
        Act::BringBack(n, text_n, base) => {
            let entry = bench.machine.entry(&key(id(n)))?;
            let base = base.map(|base| {
                let (from, to) = (entry.base, Some(Text::new(text(base))));
                (ResolvedBase { from, to, undoes: None }, Version(1))
            });
            let file = found(id(n), &entry.path, text_n.map(text).as_deref());
            let (seen, cause) = (entry.local, crate::ports::Cause::Undone);
            Event::BroughtBack(Box::new(crate::sync::BroughtBack { file, seen, base, cause, undoes: None }))
        }
        Act::Reload => Event::Reloaded(bench.store.snapshot()),
        Act::Crash => {
            bench.machine = Machine::new(bench.machine.policy);
            files.clear();
            let snapshot = bench.store.snapshot();
            bench.take(Event::Reloaded(snapshot));
            Event::Leads(true)
        }
    })
}

fn outcome(bench: &Bench, kind: u8) -> PushOutcome {
    let newest = bench.machine.entries().map(|entry| entry.remote_version().0).max().unwrap_or(0) + 1;
    let seq = bench.machine.cursor().0 + 1;
    match kind {
        0 => PushOutcome::Applied(Version(newest), Seq(seq)),
        1 => PushOutcome::Duplicate(Version(newest), Seq(seq)),
        2 => PushOutcome::Conflict(Some(Box::new(row(IDS[0], newest, seq, Some(&text(7)))))),
        3 => PushOutcome::Conflict(None),
        _ => PushOutcome::Rejected { code: "forbidden".into(), message: "no".into() },
    }
}

/// Nothing is asked, written or sent twice: time alone, without passing, leads to nothing.
fn check_quiet(bench: &mut Bench) {
    let texts = bench.store.texts.clone();
    let step = bench
        .machine
        .prepare(Event::Tick, bench.now, &mut bench.chance.clone(), &|hash| texts.get(&hash).cloned());
    assert!(step.requests.is_empty(), "asked twice: {:?}", step.requests);
    assert!(step.writes.is_empty() && step.files.is_empty(), "{:?} {:?}", step.writes, step.files);
}

/// Memory holds nothing that the cache does not, and a process that starts on that cache has the
/// same left to do.
fn check_restart(bench: &Bench) {
    let written: Vec<_> = bench.store.entries.values().cloned().collect();
    assert_eq!(bench.machine.snapshot().entries, written);
    assert_eq!(bench.machine.cursor(), bench.store.cursor);
    for keeps_what_rests in [false, true] {
        let fresh = restarted(bench, keeps_what_rests);
        assert_eq!(fresh.machine.snapshot().entries, written);
        assert_eq!(fresh.machine.todo, bench.machine.todo);
    }
}

/// Another process on the same cache, which decides about each artifact or takes what is at rest as it is.
fn restarted(bench: &Bench, keeps_what_rests: bool) -> Bench {
    let mut fresh = Bench {
        machine: Machine::new(bench.machine.policy),
        store: bench.store.clone(),
        chance: bench.chance.clone(),
        now: bench.now,
    };
    // What a new process learns from its editor, from the others and from the remote.
    bench.machine.open.iter().for_each(|key| drop(fresh.take(Event::Opened(key.clone()))));
    fresh.take(Event::OpenElsewhere(bench.machine.open_elsewhere.iter().cloned().collect()));
    fresh.machine.doubted.clone_from(&bench.machine.doubted);
    fresh.machine.searched.clone_from(&bench.machine.searched);
    let mut snapshot = fresh.store.snapshot();
    if keeps_what_rests {
        snapshot = fresh.machine.load(snapshot);
    }
    let step = fresh.take(Event::Reloaded(snapshot));
    assert!(step.writes.is_empty(), "nothing was left half done: {:?}", step.writes);
    fresh
}

fn policy() -> impl Strategy<Value = Policy> {
    use ConflictStrategy::{LocalWins, Manual, RemoteWins};
    let strategy = prop_oneof![4 => Just(Manual), 1 => Just(LocalWins), 1 => Just(RemoteWins)];
    let made = |(auto_push, may_write, strategy)| Policy { auto_push, may_write, strategy };
    (any::<bool>(), any::<bool>(), strategy).prop_map(made)
}

fn check(policy: Policy, acts: &[Act]) {
    let mut bench = Bench::idle(policy);
    bench.take(Event::Leads(true));
    let mut files = Vec::new();
    for act in acts {
        let Some(event) = event(&mut bench, &mut files, act) else { continue };
        files.extend(bench.take(event).files);
        check_quiet(&mut bench);
        check_restart(&bench);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_leave_a_cache_that_a_new_process_carries_on_from(
        policy in policy(),
        acts in prop::collection::vec(act(), 1..40),
    ) {
        check(policy, &acts);
    }
}
