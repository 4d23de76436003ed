//! What holds for every merge, whatever the three texts. The texts repeat few lines often, because
//! that is where alignments become ambiguous.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use agent_core::merge::{Choice, Edit, Merge, Region, RegionKind, Resolution, Which};
use agent_core::text::{split_lines, without_terminator};
use proptest::prelude::*;

use crate::texts::{Triple, triple};

const CHOICES: [Choice; 4] =
    [Choice::Local, Choice::Remote, Choice::LocalThenRemote, Choice::RemoteThenLocal];

/// The three sides.
type Texts = (Arc<str>, Arc<str>, Arc<str>);

fn merge((base, local, remote): &Texts) -> Merge {
    Merge::of(base, local, remote)
}

/// The merge that follows a resolution, with the same remote.
fn again(resolution: &Resolution, remote: &Arc<str>) -> Merge {
    Merge::of(&resolution.base.as_str().into(), &resolution.local.as_str().into(), remote)
}

fn line() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => prop::sample::select(vec!["", "a", "b", "---", "- x"]),
        2 => prop::sample::select(vec!["# T", "one", "two", "three", "four", "five", "six", "é漢\u{1f600}"]),
    ]
}

/// Lines `at..at + taken` replaced by `put`.
type Change = (prop::sample::Index, usize, Vec<&'static str>);

fn change() -> impl Strategy<Value = Change> {
    (any::<prop::sample::Index>(), 0usize..4, prop::collection::vec(line(), 0..4))
}

fn changed(base: &[&'static str], changes: &[Change]) -> Vec<&'static str> {
    let mut lines = base.to_vec();
    for (at, taken, put) in changes {
        let at = at.index(lines.len() + 1);
        let end = (at + taken).min(lines.len());
        lines.splice(at..end, put.iter().copied());
    }
    lines
}

fn text(lines: &[&str], ending: &str, closed: bool) -> Arc<str> {
    let mut text = lines.join(ending);
    if closed && !lines.is_empty() {
        text.push_str(ending);
    }
    text.into()
}

fn texts() -> impl Strategy<Value = Texts> {
    let ending = || prop_oneof![6 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let side = || (prop::collection::vec(change(), 0..4), prop::bool::weighted(0.9), ending());
    (prop::collection::vec(line(), 0..16), side(), side(), any::<bool>(), prop::bool::weighted(0.9)).prop_map(
        |(base, local, remote, closed, one_ending)| {
            let make = |(changes, closed, ending): &(Vec<Change>, bool, &'static str)| {
                let ending = if one_ending { local.2 } else { ending };
                text(&changed(&base, changes), ending, *closed)
            };
            (text(&base, local.2, closed), make(&local), make(&remote))
        },
    )
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let lines = split_lines(text);
    let mut out = String::new();
    let mut at = 0;
    for edit in edits {
        out.push_str(&lines[at..edit.lines.start].concat());
        out.push_str(&edit.text);
        at = edit.lines.end;
    }
    out + &lines[at..].concat()
}

/// How often each line occurs, terminators aside: an inserted terminator changes no line.
fn counted(text: &str) -> BTreeMap<&str, isize> {
    let mut counts = BTreeMap::new();
    for line in split_lines(text) {
        *counts.entry(without_terminator(line)).or_default() += 1;
    }
    counts
}

fn count(counts: &BTreeMap<&str, isize>, line: &str) -> isize {
    counts.get(line).copied().unwrap_or(0)
}

/// What must hold of a clean merge however its lines were aligned. Of a line that repeats, one side
/// may have taken away the first and the other the second, so only the others are counted on.
fn loses_no_line((base, local, remote): &Texts, merged: &str) -> Result<(), TestCaseError> {
    let [base, local, remote, merged] = [base, local, remote, merged].map(counted);
    for line in local.keys().chain(remote.keys()) {
        let is_new = count(&base, line) == 0;
        let is_kept = count(&base, line) == 1 && count(&local, line) > 0 && count(&remote, line) > 0;
        prop_assert!(!(is_new || is_kept) || count(&merged, line) > 0, "{line:?} is lost");
    }
    for line in merged.keys() {
        prop_assert!(count(&local, line) + count(&remote, line) > 0, "{line:?} came from nowhere");
    }
    for line in base.keys() {
        let is_gone = count(&local, line) == 0 && count(&remote, line) == 0;
        prop_assert!(!is_gone || count(&merged, line) == 0, "{line:?} came back");
    }
    Ok(())
}

/// Lines of which the last ends, so that others can follow.
fn ended(lines: &str) -> String {
    let closed = lines.is_empty() || lines.ends_with(['\n', '\r']);
    if closed { lines.to_owned() } else { format!("{lines}\n") }
}

fn tiles(ranges: impl Iterator<Item = Range<usize>>, len: usize) -> bool {
    let mut at = 0;
    let contiguous = ranges.into_iter().all(|range| {
        let follows = range.start == at && range.end >= range.start;
        at = range.end;
        follows
    });
    contiguous && at == len
}

fn conflict_texts(merge: &Merge) -> (String, String) {
    let lines = |of: &dyn Fn(&Region) -> String| merge.conflicts().map(|(_, region)| of(region)).collect();
    (
        lines(&|region| merge.local_lines(region.local.clone()).to_owned()),
        lines(&|region| merge.remote_lines(region.remote.clone()).to_owned()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_text_merged_with_itself_is_itself(texts in texts()) {
        let one = merge(&(texts.1.clone(), texts.1.clone(), texts.1.clone()));
        prop_assert!(one.holds_all_remote());
        prop_assert_eq!(one.text(), Some(texts.1.to_string()));
    }

    #[test]
    fn with_one_side_unchanged_the_other_is_the_result((base, local, _) in texts()) {
        for texts in [(base.clone(), local.clone(), base.clone()), (base.clone(), base.clone(), local.clone())] {
            prop_assert_eq!(merge(&texts).text(), Some(local.to_string()));
        }
        prop_assert!(merge(&(base.clone(), local.clone(), base)).holds_all_remote());
    }

    #[test]
    fn the_same_change_on_both_sides_is_no_conflict((base, local, _) in texts()) {
        let both = merge(&(base, local.clone(), local.clone()));
        prop_assert!(both.holds_all_remote());
        prop_assert_eq!(both.text(), Some(local.to_string()));
    }

    #[test]
    fn regions_tile_all_three_sides(texts in texts()) {
        let merge = merge(&texts);
        let lines = |text: &str| split_lines(text).len();
        prop_assert!(tiles(merge.regions().iter().map(|r| r.base.clone()), lines(&texts.0)));
        prop_assert!(tiles(merge.regions().iter().map(|r| r.local.clone()), lines(&texts.1)));
        prop_assert!(tiles(merge.regions().iter().map(|r| r.remote.clone()), lines(&texts.2)));
    }

    #[test]
    fn a_region_is_what_it_says(texts in texts()) {
        let merge = merge(&texts);
        for region in merge.regions() {
            let base = merge.base_lines(region.base.clone());
            let local = merge.local_lines(region.local.clone());
            let remote = merge.remote_lines(region.remote.clone());
            let says = match region.kind {
                RegionKind::Stable => base == local && base == remote && !base.is_empty(),
                RegionKind::Local => base == remote && local != base,
                RegionKind::Remote => base == local && remote != base,
                RegionKind::Same => local == remote,
                RegionKind::Conflict => local != remote,
            };
            prop_assert!(says, "{region:?}");
        }
    }

    #[test]
    fn sides_are_treated_alike(texts in texts()) {
        let (base, local, remote) = texts.clone();
        let (there, back) = (merge(&texts), merge(&(base, remote, local)));
        prop_assert_eq!(there.is_clean(), back.is_clean());
        prop_assert_eq!(there.text(), back.text());
        let mirrored = |region: &Region| match region.kind {
            RegionKind::Local => RegionKind::Remote,
            RegionKind::Remote => RegionKind::Local,
            kind => kind,
        };
        let kinds: Vec<_> = there.regions().iter().map(mirrored).collect();
        prop_assert_eq!(kinds, back.regions().iter().map(|r| r.kind).collect::<Vec<_>>());
    }

    #[test]
    fn a_clean_merge_loses_no_line(texts in texts()) {
        if let Some(merged) = merge(&texts).text() {
            loses_no_line(&texts, &merged)?;
        }
    }

    /// Exact, however lines repeat: a clean result has of each line what the base has and what each side
    /// made more or fewer of it, with what both did alike counted once.
    #[test]
    fn a_clean_merge_has_each_line_as_often_as_the_edits_say(texts in texts()) {
        let merge = merge(&texts);
        let Some(merged) = merge.text() else { return Ok(()) };
        let [base, local, remote, merged] = [&*texts.0, &*texts.1, &*texts.2, &*merged].map(counted);
        let of_same = |lines: &dyn Fn(&Region) -> String| -> String {
            merge.regions().iter().filter(|r| r.kind == RegionKind::Same).map(|r| ended(&lines(r))).collect()
        };
        let alike = of_same(&|region| merge.local_lines(region.local.clone()).to_owned());
        let before = of_same(&|region| merge.base_lines(region.base.clone()).to_owned());
        let (alike, before) = (counted(&alike), counted(&before));
        for line in base.keys().chain(local.keys()).chain(remote.keys()).chain(merged.keys()) {
            let sides = count(&local, line) + count(&remote, line) - count(&base, line);
            let twice = count(&alike, line) - count(&before, line);
            prop_assert_eq!(count(&merged, line), sides - twice, "{:?}", line);
        }
    }

    #[test]
    fn edits_make_the_new_local_text(texts in texts(), at in any::<prop::sample::Index>()) {
        let merge = merge(&texts);
        let region = at.index(merge.regions().len() + 1);
        for choice in CHOICES {
            for which in [Which::All, Which::Region(region)] {
                let resolution = merge.resolve(which, choice);
                prop_assert_eq!(apply(&texts.1, &resolution.edits), resolution.local);
                let apart = resolution.edits.windows(2).all(|two| two[0].lines.end < two[1].lines.start);
                prop_assert!(apart, "edits must not touch");
            }
        }
    }

    #[test]
    fn deciding_all_leaves_nothing_open(texts in texts()) {
        for choice in CHOICES {
            let resolution = merge(&texts).resolve(Which::All, choice);
            prop_assert!(again(&resolution, &texts.2).holds_all_remote());
            prop_assert_eq!(&*resolution.base, &*texts.2, "the artifact is ahead");
            match choice {
                Choice::Remote => prop_assert_eq!(&*resolution.local, &*texts.2),
                Choice::Local => prop_assert_eq!(&*resolution.local, &*texts.1),
                _ => {}
            }
        }
    }

    #[test]
    fn keeping_both_keeps_every_line_of_every_conflict(texts in texts()) {
        let merge = merge(&texts);
        let (mine, theirs) = conflict_texts(&merge);
        for choice in [Choice::LocalThenRemote, Choice::RemoteThenLocal] {
            let kept = merge.resolve(Which::All, choice).local;
            let kept = counted(&kept);
            let (mine, theirs) = (counted(&mine), counted(&theirs));
            for line in mine.keys().chain(theirs.keys()) {
                prop_assert!(count(&kept, line) >= count(&mine, line) + count(&theirs, line), "{:?}", line);
            }
        }
    }

    #[test]
    fn taking_what_comes_in_leaves_only_conflicts(texts in texts()) {
        let merge = merge(&texts);
        let taken = merge.take_incoming();
        let after = again(&taken, &texts.2);
        prop_assert_eq!(after.incoming().count(), 0);
        prop_assert_eq!(after.is_clean(), merge.is_clean());
        prop_assert_eq!(apply(&texts.1, &taken.edits), taken.local);
    }

    #[test]
    fn deciding_one_region_touches_no_other_line(texts in texts(), at in any::<prop::sample::Index>()) {
        let merge = merge(&texts);
        prop_assume!(!merge.regions().is_empty());
        let n = at.index(merge.regions().len());
        let lines = merge.regions()[n].local.clone();
        for choice in CHOICES {
            let local = merge.resolve(Which::Region(n), choice).local;
            prop_assert!(local.starts_with(merge.local_lines(0..lines.start)));
            prop_assert!(local.ends_with(merge.local_lines(lines.end..usize::MAX)));
        }
    }

    #[test]
    fn deciding_one_after_the_other_ends(texts in texts(), picks in prop::collection::vec(0usize..4, 40)) {
        let mut now = merge(&texts);
        let bound = now.conflicts().count() + 4;
        for (step, pick) in picks.into_iter().enumerate() {
            let Some((n, _)) = now.conflicts().next() else { break };
            prop_assert!(step < bound, "still open after {step} decisions");
            now = again(&now.resolve(Which::Region(n), CHOICES[pick]), &texts.2);
        }
        prop_assert!(again(&now.take_incoming(), &texts.2).holds_all_remote());
    }
}

/// Line alignment cannot promise this for texts that repeat a few lines over and over; this is how
/// close to always it is on such texts.
#[test]
fn a_decision_almost_always_leaves_fewer_conflicts_and_the_others_as_they_were() {
    let (mut decided, mut fewer, mut taken, mut kept) = (0, 0, 0, 0);
    for seed in 0..1500 {
        let Triple { base, local, remote } = triple(seed);
        let texts = (base.into(), local.into(), remote.into());
        let before = merge(&texts);
        let conflicts: Vec<_> = before.conflicts().map(|(n, _)| n).collect();
        for (n, choice) in conflicts.iter().flat_map(|&n| CHOICES.map(|choice| (n, choice))) {
            let after = again(&before.resolve(Which::Region(n), choice), &texts.2);
            decided += 1;
            fewer += usize::from(after.conflicts().count() < conflicts.len());
        }
        if before.incoming().next().is_some() {
            taken += 1;
            let after = again(&before.take_incoming(), &texts.2);
            kept += usize::from(conflict_texts(&after) == conflict_texts(&before));
        }
    }
    println!("fewer conflicts after {fewer} of {decided} decisions; the same after {kept} of {taken} takes");
    assert!(decided > 1000 && fewer * 1000 >= decided * 995);
    assert!(taken > 500 && kept * 1000 >= taken * 995);
}
