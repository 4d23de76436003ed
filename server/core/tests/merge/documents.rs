//! Generated documents and what two people did to them: nothing is lost, hunks are small, and Git
//! says the same. What was deleted, moved and added is known from the generator and not from a diff.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent_core::merge::Merge;
use agent_core::merge::markers::{Favor, Style};
use agent_core::text::{split_lines, without_terminator};

use crate::git::{self, Agreement};
use crate::markdown::{ACTS, Story, owed, story};
use crate::texts::Triple;

fn merge(texts: &Triple) -> Merge {
    let side = |text: &String| Arc::from(text.as_str());
    Merge::of(&side(&texts.base), &side(&texts.local), &side(&texts.remote))
}

/// Every act against every other, `rounds` times, and twice as many of several acts each.
fn stories(rounds: u64) -> impl Iterator<Item = (String, Story)> {
    let pairs = (0..rounds).flat_map(|round| {
        ACTS.iter().enumerate().flat_map(move |(m, &mine)| {
            ACTS.iter().enumerate().map(move |(t, &theirs)| {
                let seed = round * 1000 + (m * ACTS.len() + t) as u64;
                (format!("seed {seed}: {mine:?}, {theirs:?}"), story(seed, &[mine], &[theirs]))
            })
        })
    });
    let count = 2 * rounds * (ACTS.len() * ACTS.len()) as u64;
    let many = (0..count).map(|seed| {
        let act = |n: u64| ACTS[(seed.wrapping_mul(2_654_435_761).wrapping_shr(n as u32 * 7) % 20) as usize];
        let (mine, theirs) = ([act(0), act(1), act(2)], [act(3), act(4), act(5)]);
        (format!("seed {seed}: {mine:?}, {theirs:?}"), story(seed, &mine, &theirs))
    });
    pairs.chain(many)
}

fn counted(text: &str) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in split_lines(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        *counts.entry(without_terminator(line)).or_default() += 1;
    }
    counts
}

#[test]
fn a_clean_merge_has_every_line_that_no_side_deleted_and_none_that_no_side_has() {
    let (mut clean, mut changed) = (0, 0);
    for (name, story) in stories(4) {
        let texts = story.texts();
        let Some(merged) = merge(&texts).text() else { continue };
        let (merged, local, remote) = (counted(&merged), counted(&texts.local), counted(&texts.remote));
        for (line, owed) in owed(&story) {
            let got = merged.get(line).copied().unwrap_or(0);
            assert!(got >= owed, "{name}: {got} of {owed} times {line:?}");
        }
        for (line, count) in &merged {
            let most = [&local, &remote].iter().filter_map(|side| side.get(line)).sum::<usize>();
            assert!(*count <= most, "{name}: {line:?} came from nowhere");
        }
        clean += 1;
        changed += usize::from(texts.local != texts.base && texts.remote != texts.base);
    }
    println!("{clean} clean, {changed} of them changed by both");
    assert!(changed > 1500, "{changed} of {clean}");
}

/// Whether a line can tell two places apart; blank lines and rules match by accident.
fn tells(line: &str) -> bool {
    line.contains(char::is_alphanumeric)
}

#[test]
fn a_conflict_neither_begins_nor_ends_with_a_line_that_both_have() {
    let mut conflicts = 0;
    for (name, story) in stories(4) {
        let texts = story.texts();
        let merge = merge(&texts);
        for (_, region) in merge.conflicts() {
            let mine = split_lines(merge.local_lines(region.local.clone()));
            let theirs = split_lines(merge.remote_lines(region.remote.clone()));
            if let (Some(a), Some(b)) = (mine.first(), theirs.first()) {
                assert_ne!(a, b, "{name}: the first line of {region:?}");
            }
            if let (Some(a), Some(b)) = (mine.last(), theirs.last()) {
                assert_ne!(a, b, "{name}: the last line of {region:?}");
            }
            conflicts += 1;
        }
    }
    println!("{conflicts} conflicts");
    assert!(conflicts > 2000);
}

/// A diff gives up looking for the shortest answer in repetitive texts, so a few are left.
#[test]
fn a_conflict_is_cut_at_every_line_both_have_that_can_tell_places_apart() {
    let (mut conflicts, mut shared) = (0, 0);
    for (_, story) in stories(4) {
        let merge = merge(&story.texts());
        for (_, region) in merge.conflicts() {
            let mine = split_lines(merge.local_lines(region.local.clone()));
            let theirs = split_lines(merge.remote_lines(region.remote.clone()));
            conflicts += 1;
            shared += usize::from(mine.iter().any(|line| tells(line) && theirs.contains(line)));
        }
    }
    println!("{shared} of {conflicts} conflicts have a line on both sides");
    assert!(conflicts > 2000 && shared * 500 <= conflicts, "{shared} of {conflicts}");
}

/// Bounds a little below what was measured over all 1,200: one other verdict, eight other texts.
#[test]
fn git_says_the_same() {
    let (mut all, folder) = (Agreement::default(), git::folder("documents"));
    for (name, story) in stories(1) {
        let texts = story.texts();
        let Some((theirs, clean_theirs)) = git::git(&folder, &texts, &[]) else {
            println!("skipped: git merge-file does not run here");
            return;
        };
        let (text, clean) = git::ours(&texts, Style::Merge, Favor::None);
        all.count(&name, (&text, clean), (&theirs, clean_theirs));
    }
    println!("{all:?}");
    assert!(all.conflicted > 400 && all.clean_in_both > 600, "{all:?}");
    assert!(all.verdict * 1000 >= all.cases * 998, "{all:?}");
    assert!(all.text * 1000 >= all.cases * 990, "{all:?}");
}
