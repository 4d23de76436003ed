//! Taking back: each kind of operation, with and without later edits and pushes, and what holds for
//! any history.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::bench::*;
use crate::id::{ContentHash, OperationId, Seq, Text, Timestamp, Version};
use crate::ports::{Cause, Operation, PushOutcome, Recorded, Triple, Versions};
use crate::sync::next::{ConflictStrategy, Next, Waits, next};
use crate::sync::resolve::{Take, resolve};
use crate::sync::undo::{CannotUndo, Now, Unit, latest, undo, unit, was_pushed};
use crate::sync::{BroughtBack, Event, Policy, ResolvedBase, Step};

const BASE: &str = "1\n2\n3\n4\n5\n";
const MINE: &str = "1\n2\n3\n4\n5 mine\n";
const THEIRS: &str = "1 theirs\n2\n3\n4\n5\n";
const BOTH: &str = "1 theirs\n2\n3\n4\n5 mine\n";

/// The texts that the tests below have in their cache, by what they hash to.
fn texts(all: &[&str]) -> HashMap<ContentHash, Arc<str>> {
    all.iter().map(|text| (hash(text), Arc::from(*text))).collect()
}

fn of(cause: Cause, before: (&str, &str), after: (&str, &str)) -> Unit {
    let side = |text: &str| (!text.is_empty()).then(|| hash(text));
    let triple = |sides: (&str, &str)| Triple { base: side(sides.0), local: side(sides.1), remote: None };
    Unit {
        key: key("A-1"),
        id: OperationId(1),
        last: OperationId(1),
        cause,
        before: triple(before),
        after: triple(after),
        base_version: Some(Version(1)),
    }
}

fn text(side: &str) -> Option<Text> {
    (!side.is_empty()).then(|| Text::new(side))
}

/// Base and local after undoing; `""` is absent.
fn undone(unit: &Unit, now: (&str, &str), was_pushed: bool) -> Result<(String, String), CannotUndo> {
    let known = texts(&[BASE, MINE, THEIRS, BOTH]);
    let remote = Some(hash("remote\n"));
    let now = Now { base: text(now.0), base_version: Version(9), local: text(now.1), remote, was_pushed };
    let done = undo(unit, &now, &|hash| known.get(&hash).cloned())?;
    let shown = |side: Option<Text>| side.map_or(String::new(), |text| text.as_str().to_owned());
    Ok((shown(done.base.map_or(now.base, |(base, _)| base)), shown(done.local)))
}

#[test]
fn each_kind_goes_back_to_what_was_before() {
    let table = [
        (Cause::Merged, (BASE, MINE), (THEIRS, BOTH)),
        (Cause::Updated, (BASE, BASE), (THEIRS, THEIRS)),
        (Cause::Resolved, (BASE, MINE), (THEIRS, MINE)),
        (Cause::Saved, (BASE, BASE), (BASE, MINE)),
        (Cause::Saved, ("", ""), ("", MINE)),
        (Cause::Deleted, (BASE, BASE), (BASE, "")),
        (Cause::Updated, (BASE, BASE), ("", "")),
        (Cause::Restored, (BASE, BASE), (BASE, MINE)),
        (Cause::Undone, (THEIRS, BOTH), (BASE, MINE)),
    ];
    for (cause, before, after) in table {
        let got = undone(&of(cause, before, after), after, false);
        assert_eq!(got, Ok((before.0.into(), before.1.into())), "{cause:?}");
        // What was pushed is undone by an edit: the base stays.
        let got = undone(&of(cause, before, after), after, true);
        let expected = match before.1 == after.1 {
            true => Err(CannotUndo::Nothing),
            false => Ok((after.0.into(), before.1.into())),
        };
        assert_eq!(got, expected, "{cause:?}, pushed");
    }
}

#[test]
fn what_the_remote_did_is_not_taken_back() {
    for cause in [Cause::Received, Cause::Pushed, Cause::Rebased, Cause::Refused] {
        assert_eq!(
            undone(&of(cause, (BASE, MINE), (MINE, MINE)), (MINE, MINE), false),
            Err(CannotUndo::Fact)
        );
    }
    let moved = of(Cause::Moved, (BASE, BASE), (BASE, BASE));
    assert_eq!(undone(&moved, (BASE, BASE), false), Err(CannotUndo::Moved));
}

#[test]
fn later_edits_stay() {
    let merged = of(Cause::Merged, (BASE, MINE), (THEIRS, BOTH));
    let later = BOTH.replace("3\n", "3 later\n");
    let expected = MINE.replace("3\n", "3 later\n");
    assert_eq!(undone(&merged, (THEIRS, &later), false), Ok((BASE.into(), expected)));
}

#[test]
fn later_edits_of_the_same_lines_are_said_and_nothing_changes() {
    let merged = of(Cause::Merged, (BASE, MINE), (THEIRS, BOTH));
    let later = BOTH.replace("1 theirs", "1 theirs and more");
    assert_eq!(undone(&merged, (THEIRS, &later), false), Err(CannotUndo::Conflict));
    assert_eq!(undone(&merged, (THEIRS, ""), false), Err(CannotUndo::Conflict));
    let deleted = of(Cause::Deleted, (BASE, BASE), (BASE, ""));
    assert_eq!(undone(&deleted, (BASE, MINE), false), Err(CannotUndo::Conflict));
}

#[test]
fn what_is_gone_already_is_said() {
    let merged = of(Cause::Merged, (BASE, MINE), (THEIRS, BOTH));
    assert_eq!(undone(&merged, (BASE, MINE), false), Err(CannotUndo::Nothing));
    let lost = of(Cause::Saved, (BASE, "unknown\n"), (BASE, MINE));
    assert_eq!(undone(&lost, (BASE, MINE), false), Err(CannotUndo::TextMissing));
}

fn recorded(id: u64, rev: u64, cause: Cause, before: (&str, &str), after: (&str, &str)) -> Recorded {
    let Unit { key, before, after, .. } = of(cause, before, after);
    let versions = Some((Versions { base: Version(id), remote: Version(id) }, Versions::default()));
    let operation = Operation {
        at: Timestamp(0),
        key,
        cause,
        before,
        after,
        remote_version: Version(0),
        author: None,
        versions,
        paths: None,
        undoes: None,
    };
    Recorded { id: OperationId(id), rev: Some(crate::id::Rev(rev)), operation }
}

#[test]
fn one_commit_is_taken_back_as_one() {
    let all = [
        recorded(4, 3, Cause::Settled, (BASE, BOTH), (THEIRS, BOTH)),
        recorded(3, 3, Cause::Saved, (BASE, MINE), (BASE, BOTH)),
        recorded(2, 3, Cause::Resolved, (BASE, MINE), (BASE, MINE)),
        recorded(1, 2, Cause::Saved, (BASE, BASE), (BASE, MINE)),
    ];
    for target in &all[..3] {
        let unit = unit(target, &all);
        assert_eq!((unit.cause, unit.id, unit.last), (Cause::Resolved, OperationId(2), OperationId(4)));
        assert_eq!((unit.before, unit.after), (all[2].operation.before, all[0].operation.after));
        assert_eq!(unit.base_version, Some(Version(2)));
    }
    assert_eq!(latest(&all).map(|unit| unit.id), Some(OperationId(2)));
    assert_eq!(latest(&all[3..]), None, "a plain save is undone only when it is named");
    // Records of older programs stand alone.
    let old = Recorded { rev: None, ..all[0].clone() };
    assert_eq!(unit(&old, &all[1..]).before, old.operation.before);
}

impl Bench {
    fn newest_first(&self) -> Vec<Recorded> {
        self.store.operations.iter().rev().cloned().collect()
    }

    fn side(&self, hash: Option<ContentHash>) -> Option<Text> {
        hash.map(|hash| Text::new(Arc::clone(&self.store.texts[&hash])))
    }

    /// Takes a unit back as the engine does: recorded before and after the file is written.
    fn undo(&mut self, unit: &Unit) -> Result<Step, CannotUndo> {
        let entry = self.machine.entry(&unit.key).expect("known").clone();
        let now = Now {
            base: self.side(entry.base),
            base_version: entry.base_version,
            local: self.side(entry.local),
            remote: entry.remote_hash(),
            was_pushed: was_pushed(unit, &self.newest_first()),
        };
        let done = undo(unit, &now, &|hash| self.store.texts.get(&hash).cloned())?;
        let base = done
            .base
            .map(|(to, version)| (ResolvedBase { from: entry.base, to, undoes: Some(unit.id) }, version));
        let file = found(entry.key.id.as_str(), &entry.path, done.local.as_ref().map(Text::as_str));
        let (cause, undoes) = (Cause::Undone, Some(unit.id));
        let back = BroughtBack { file, seen: entry.local, base, cause, undoes };
        let step = self.take(Event::BroughtBack(Box::new(back.clone())));
        let before = self.store.operations.len();
        self.take(Event::BroughtBack(Box::new(BroughtBack { base: None, ..back })));
        assert_eq!(self.store.operations.len(), before, "recorded once");
        Ok(step)
    }

    fn sides(&self) -> (Option<ContentHash>, Option<ContentHash>) {
        let entry = self.entry("A-1");
        (entry.base, entry.local)
    }

    fn next(&self) -> Next {
        let entry = self.entry("A-1");
        next(entry, self.machine.circumstances(&entry.key), &|hash| self.store.texts.get(&hash).cloned())
    }
}

/// A closed file that was merged with what the remote had, and not pushed yet.
fn merged() -> Bench {
    let mut bench = Bench::idle(Policy { auto_push: false, ..POLICY });
    bench.take(Event::Leads(true));
    bench.pulled(vec![row("A-1", 1, 1, Some(BASE))]);
    bench.save("A-1", BASE);
    bench.save("A-1", MINE);
    let step = bench.pulled(vec![row("A-1", 2, 2, Some(THEIRS))]);
    bench.done(&step);
    assert_eq!(bench.sides(), (Some(hash(THEIRS)), Some(hash(BOTH))));
    bench
}

#[test]
fn an_undone_merge_is_not_merged_again_unasked() {
    let mut bench = merged();
    let unit = latest(&bench.newest_first()).expect("a merge");
    let step = bench.undo(&unit).expect("can be undone");
    assert!(step.files.is_empty(), "{:?}", step.files);
    assert_eq!(bench.sides(), (Some(hash(BASE)), Some(hash(MINE))));
    assert_eq!(bench.next(), Next::Wait(Waits::Mergeable));
    // Neither by another pull, nor by a newer revision, nor after a restart.
    let newer = THEIRS.replace("1 theirs", "1 theirs again");
    let step = bench.pulled(vec![row("A-1", 3, 3, Some(&newer))]);
    assert!(step.files.is_empty(), "{:?}", step.files);
    bench.machine = crate::sync::Machine::new(bench.machine.policy);
    let snapshot = bench.store.snapshot();
    bench.take(Event::Reloaded(snapshot));
    assert!(bench.take(Event::Leads(true)).files.is_empty());
    assert_eq!(bench.next(), Next::Wait(Waits::Mergeable));
    // Somebody takes it after all.
    let base = ResolvedBase { from: Some(hash(BASE)), to: Some(Text::new(newer.as_str())), undoes: None };
    let mut file = found("A-1", &at("A-1"), Some(&BOTH.replace("1 theirs", "1 theirs again")));
    file.resolved = Some(base);
    bench.take(Event::Found(vec![file]));
    assert!(!bench.entry("A-1").undone);
    assert_eq!(bench.next(), Next::Push);
}

#[test]
fn undoing_an_undo_brings_the_merge_back() {
    let mut bench = merged();
    let first = latest(&bench.newest_first()).expect("a merge");
    bench.undo(&first).expect("can be undone");
    let second = latest(&bench.newest_first()).expect("an undo");
    assert_eq!((second.cause, second.id), (Cause::Undone, OperationId(bench.store.operations.len() as u64)));
    bench.undo(&second).expect("can be undone");
    assert_eq!(bench.sides(), (Some(hash(THEIRS)), Some(hash(BOTH))));
    assert!(!bench.entry("A-1").undone);
    assert_eq!(bench.entry("A-1").base_version, Version(2));
}

#[test]
fn a_merge_that_was_pushed_is_undone_by_an_edit() {
    let mut bench = merged();
    bench.take(Event::PushWanted { retry_refused: true });
    bench.answer(vec![PushOutcome::Applied(Version(3), Seq(3))]);
    let unit = latest(&bench.newest_first()).expect("a merge");
    bench.undo(&unit).expect("can be undone");
    assert_eq!(bench.sides(), (Some(hash(BOTH)), Some(hash(MINE))));
    assert_eq!(bench.next(), Next::Push);
}

#[test]
fn a_process_that_stops_before_the_file_is_written_finds_the_merge_again() {
    let mut bench = merged();
    let unit = latest(&bench.newest_first()).expect("a merge");
    bench.undo(&unit).expect("can be undone");
    bench.save("A-1", BOTH);
    assert_eq!(bench.sides(), (Some(hash(THEIRS)), Some(hash(BOTH))));
    assert!(!bench.entry("A-1").undone);
}

#[test]
fn a_file_that_was_changed_meanwhile_is_left_alone() {
    let mut bench = merged();
    let file = found("A-1", &at("A-1"), Some(MINE));
    let seen = Some(hash(MINE));
    let back = BroughtBack { file, seen, base: None, cause: Cause::Restored, undoes: None };
    let step = bench.take(Event::BroughtBack(Box::new(back)));
    assert!(step.writes.is_empty(), "{:?}", step.writes);
}

#[test]
fn what_was_deleted_there_long_ago_comes_back_to_stay() {
    let mut bench = Bench::idle(POLICY);
    bench.take(Event::Leads(true));
    bench.pulled(vec![row("A-1", 4, 4, None)]);
    let back = BroughtBack {
        file: found("A-1", &at("A-1"), Some(BASE)),
        seen: None,
        base: None,
        cause: Cause::Restored,
        undoes: None,
    };
    let step = bench.take(Event::BroughtBack(Box::new(back)));
    assert_eq!(pushed(&step), ["A-1"], "nobody looks for a base that would delete it again");
}

#[derive(Debug, Clone)]
enum Act {
    Save(u8),
    Delete,
    Theirs(Option<u8>),
    Files,
    Push(bool),
    Take(Take),
    Undo,
}

fn lines(n: u8) -> String {
    let line = |at: u8| if n & (1 << at) == 0 { format!("{at}\n\n") } else { format!("{at} of {n}\n\n") };
    (0..3).map(line).collect()
}

fn act() -> impl Strategy<Value = Act> {
    let take = prop::sample::select(vec![Take::WholeLocal, Take::WholeRemote, Take::Incoming]);
    prop_oneof![
        4 => (0..8_u8).prop_map(Act::Save),
        1 => Just(Act::Delete),
        4 => prop::option::weighted(0.9, 0..8_u8).prop_map(Act::Theirs),
        4 => Just(Act::Files),
        2 => any::<bool>().prop_map(Act::Push),
        2 => take.prop_map(Act::Take),
        3 => Just(Act::Undo),
    ]
}

fn play(bench: &mut Bench, files: &mut Vec<crate::sync::FileEffect>, act: &Act) {
    let version = bench.machine.entry(&key("A-1")).map_or(0, |entry| entry.remote_version().0) + 1;
    let step = match act {
        Act::Save(n) => bench.save("A-1", &lines(*n)),
        Act::Delete => bench.delete("A-1"),
        Act::Theirs(n) => bench.pulled(vec![row("A-1", version, version + 20, n.map(lines).as_deref())]),
        Act::Files => match files.pop() {
            None => return,
            Some(effect) => {
                let done = crate::sync::FileDone { effect, stat: None, outline: (None, None) };
                bench.take(Event::FilesDone(vec![done]))
            }
        },
        Act::Push(is_answered) => {
            let step = bench.take(Event::PushWanted { retry_refused: true });
            match bench.machine.link.in_flight.len() {
                1 if *is_answered => {
                    bench.answer(vec![PushOutcome::Applied(Version(version), Seq(version + 20))])
                }
                _ => step,
            }
        }
        Act::Take(take) => {
            let Some(entry) = bench.machine.entry(&key("A-1")).cloned() else { return };
            let side = |hash: Option<ContentHash>| bench.side(hash).map(|text| text.shared());
            let (base, local, remote) = (side(entry.base), side(entry.local), side(entry.remote_hash()));
            let Ok(sides) = resolve(base.as_ref(), local.as_ref(), remote.as_ref(), *take) else { return };
            let mut file = found("A-1", &entry.path, sides.local.as_deref());
            let to = sides.base.map(Text::new);
            file.resolved = Some(ResolvedBase { from: entry.base, to, undoes: None });
            bench.take(Event::Found(vec![file]))
        }
        Act::Undo => return check_undo(bench),
    };
    // Only the newest effects are still to be done; older ones were decided for another triple.
    *files = step.files;
}

/// Undoes what "undo" means now, and undoes that.
fn check_undo(bench: &mut Bench) {
    let Some(unit) = latest(&bench.newest_first()) else { return };
    let before = bench.entry("A-1").clone();
    let was_pushed = was_pushed(&unit, &bench.newest_first());
    if bench.undo(&unit).is_err() {
        assert_eq!(*bench.entry("A-1"), before, "what is not undone changes nothing");
        return;
    }
    let after = bench.entry("A-1").clone();
    assert_eq!(after.remote, before.remote, "the remote is not ours to undo");
    let is_settled = after.base == after.remote_hash();
    assert!(!was_pushed || after.base == before.base || is_settled, "a base went behind what was pushed");
    let again = latest(&bench.newest_first()).expect("the undo");
    assert_eq!((again.cause, again.before), (Cause::Undone, crate::sync::draft::triple(&before)));
    // The local text had all of the remote's, so that the base follows at once, whatever it was.
    let is_only_settled = is_settled && after.local == before.local;
    if is_only_settled && after.base == before.base {
        return;
    }
    match bench.undo(&again) {
        Err(CannotUndo::Nothing) if is_only_settled => return,
        redone => drop(redone.expect("an undo can be undone")),
    }
    let back = bench.entry("A-1");
    assert_eq!(back.local, before.local, "redone");
    let is_settled = back.base == back.remote_hash();
    assert!(back.base == before.base || is_settled, "{:?} is not {:?}", back.base, before.base);
}

/// Histories that the search below found once.
#[test]
fn what_was_found_once_is_undone_and_redone() {
    let theirs = |n| Act::Theirs(Some(n));
    let an_undo_that_settles_again =
        vec![theirs(5), Act::Files, theirs(0), Act::Files, Act::Save(5), Act::Undo, Act::Save(2), Act::Undo];
    let nothing_left_while_a_push_is_under_way = vec![
        Act::Save(1),
        theirs(2),
        Act::Take(Take::WholeLocal),
        Act::Push(true),
        Act::Save(2),
        theirs(0),
        Act::Undo,
    ];
    for (auto_push, acts) in
        [(false, an_undo_that_settles_again), (true, nothing_left_while_a_push_is_under_way)]
    {
        play_all(auto_push, &acts);
    }
}

fn play_all(auto_push: bool, acts: &[Act]) {
    let policy = Policy { auto_push, may_write: true, strategy: ConflictStrategy::Manual };
    let mut bench = Bench::idle(policy);
    bench.take(Event::Leads(true));
    let mut files = Vec::new();
    acts.iter().for_each(|act| play(&mut bench, &mut files, act));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_undone_and_redone(
        auto_push in any::<bool>(),
        acts in prop::collection::vec(act(), 1..30),
    ) {
        play_all(auto_push, &acts);
    }
}
