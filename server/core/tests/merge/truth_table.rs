//! The merge's truth table: what each kind of change on each side comes to.

use std::sync::Arc;

use agent_core::merge::{Choice, Merge, RegionKind, Which};

fn merge(base: &str, local: &str, remote: &str) -> Merge {
    Merge::of(&base.into(), &local.into(), &Arc::from(remote))
}

/// The kinds of a merge's regions, in letters: `.` stable, `L`, `R`, `=` same, `!` conflict.
fn kinds(merge: &Merge) -> String {
    merge
        .regions()
        .iter()
        .map(|region| match region.kind {
            RegionKind::Stable => '.',
            RegionKind::Local => 'L',
            RegionKind::Remote => 'R',
            RegionKind::Same => '=',
            RegionKind::Conflict => '!',
        })
        .collect()
}

#[test]
fn every_combination_of_changes_has_its_kinds() {
    for (base, local, remote, expected) in [
        ("", "", "", ""),
        ("a\n", "a\n", "a\n", "."),
        ("a\n", "b\n", "a\n", "L"),
        ("a\n", "a\n", "b\n", "R"),
        ("a\n", "b\n", "b\n", "="),
        ("a\n", "b\n", "c\n", "!"),
        ("a\n", "", "b\n", "!"),
        ("a\n", "", "", "="),
        ("", "a\n", "b\n", "!"),
        ("", "a\nx\nb\n", "c\nx\nd\n", "!=!"),
        ("", "a\n", "a\n", "="),
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "L.R"),
        ("a\nb\n", "A\nb\n", "a\nB\n", "!"),
        ("a\nb\nc\n", "A\nb\nC\n", "1\nb\n2\n", "!.!"),
        // A blank line matches by accident: the two paragraphs stay one hunk.
        ("a\n\nc\n", "A\n\nC\n", "1\n\n2\n", "!"),
        // Endings are content.
        ("a\n", "a\r\n", "a\n", "L"),
        ("a\n", "a\r\n", "a", "!"),
        ("a", "a\n", "a", "L"),
        ("\u{feff}a\n", "a\n", "\u{feff}a\n", "L"),
    ] {
        assert_eq!(kinds(&merge(base, local, remote)), expected, "{base:?} {local:?} {remote:?}");
    }
}

#[test]
fn a_choice_keeps_what_was_chosen_and_moves_the_base() {
    let (base, local, remote) = ("t\na\nz\n", "t\nl\nz\n", "t\nr\nz\n");
    for (choice, expected) in [
        (Choice::Local, "t\nl\nz\n"),
        (Choice::Remote, "t\nr\nz\n"),
        (Choice::LocalThenRemote, "t\nl\nr\nz\n"),
        (Choice::RemoteThenLocal, "t\nr\nl\nz\n"),
    ] {
        for which in [Which::All, Which::Region(1)] {
            let resolution = merge(base, local, remote).resolve(which, choice);
            assert_eq!(resolution.local, expected);
            assert_eq!(resolution.base, remote);
        }
    }
}

#[test]
fn keeping_both_sides_keeps_their_lines_apart() {
    for (local, remote, local_first, remote_first) in [
        ("l", "r", "l\r\nr", "r\r\nl"),
        ("l", "r\n", "l\nr\n", "r\nl"),
        ("l\r\n", "r", "l\r\nr", "r\r\nl\r\n"),
        ("x\r\nl", "x\r\nr", "x\r\nl\r\nr", "x\r\nr\r\nl"),
    ] {
        let merge = merge("x\r\n", local, remote);
        assert_eq!(merge.resolve(Which::All, Choice::LocalThenRemote).local, local_first);
        assert_eq!(merge.resolve(Which::All, Choice::RemoteThenLocal).local, remote_first);
    }
}

#[test]
fn an_edit_is_no_larger_than_the_change() {
    let merge = merge("a\nb\nc\n", "a\nl\nc\n", "a\nr\nc\n");
    let resolution = merge.resolve(Which::Region(1), Choice::LocalThenRemote);
    assert_eq!(resolution.edits.len(), 1);
    assert_eq!((resolution.edits[0].lines.clone(), resolution.edits[0].text.as_str()), (2..2, "r\n"));
}

#[test]
fn a_change_only_one_side_made_can_be_turned_down() {
    let incoming = merge("t\na\nz\n", "t\na\nz\n", "t\nr\nz\n");
    let kept = incoming.resolve(Which::Region(1), Choice::Local);
    assert_eq!((kept.base.as_str(), kept.local.as_str()), ("t\nr\nz\n", "t\na\nz\n"));
    for choice in [Choice::Remote, Choice::LocalThenRemote, Choice::RemoteThenLocal] {
        assert_eq!(incoming.resolve(Which::Region(1), choice).local, "t\nr\nz\n");
    }
    let mine = merge("t\na\nz\n", "t\nl\nz\n", "t\na\nz\n");
    assert_eq!(mine.resolve(Which::Region(1), Choice::Remote).local, "t\na\nz\n");
    assert_eq!(mine.resolve(Which::Region(9), Choice::Remote).local, "t\nl\nz\n");
}

#[test]
fn deciding_a_part_of_a_conflict_leaves_the_other_parts_open() {
    let merge = merge("", "a\nshared line\nb\n", "c\nshared line\nd\n");
    let resolution = merge.resolve(Which::Region(0), Choice::Remote);
    assert_eq!(resolution.local, "c\nshared line\nb\n");
    let next = self::merge(&resolution.base, &resolution.local, "c\nshared line\nd\n");
    assert_eq!(kinds(&next), ".!");
}

#[test]
fn large_texts_with_changes_everywhere_merge() {
    let text = |every: usize, mark: &str| -> String {
        (0..10_000)
            .map(|n| if n % every == 0 { format!("{mark} {n}\n") } else { format!("line {}\n", n % 50) })
            .collect()
    };
    let merge = merge(&text(10_001, "x"), &text(3, "l"), &text(4, "r"));
    assert!(merge.conflicts().count() > 500);
    let taken = merge.resolve(Which::All, Choice::Remote);
    assert_eq!(taken.local, text(4, "r"));
}
