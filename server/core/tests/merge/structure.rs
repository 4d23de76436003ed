//! What the merge does inside Markdown's structures. It merges lines and knows no Markdown; these are
//! the consequences, decided on and held: what is clean, what one conflict covers, and what *accept
//! both* leaves.

use std::sync::Arc;

use agent_core::merge::markers::{MarkerOptions, render};
use agent_core::merge::{Choice, Merge, Which};

fn merge(base: &str, local: &str, remote: &str) -> Merge {
    Merge::of(&Arc::from(base), &Arc::from(local), &Arc::from(remote))
}

/// The conflicts as (local, remote).
fn conflicts(merge: &Merge) -> Vec<(&str, &str)> {
    let of = |r: &agent_core::merge::Region| {
        (merge.local_lines(r.local.clone()), merge.remote_lines(r.remote.clone()))
    };
    merge.conflicts().map(|(_, region)| of(region)).collect()
}

fn both(merge: &Merge) -> String {
    merge.resolve(Which::All, Choice::LocalThenRemote).local
}

const FRONT: &str = "---\nid: OPS-1\nstate: DRAFT\nowner: ops\n---\n\n# Title\n";

#[test]
fn front_matter_keys_with_a_key_between_merge() {
    let (mine, theirs) = (FRONT.replace("OPS-1", "OPS-2"), FRONT.replace("owner: ops", "owner: web"));
    let merged = merge(FRONT, &mine, &theirs).text();
    assert_eq!(merged.as_deref(), Some("---\nid: OPS-2\nstate: DRAFT\nowner: web\n---\n\n# Title\n"));
}

#[test]
fn one_front_matter_key_changed_twice_is_a_conflict_of_that_line() {
    let merge = merge(FRONT, &FRONT.replace("DRAFT", "OPEN"), &FRONT.replace("DRAFT", "APPROVED"));
    assert_eq!(conflicts(&merge), [("state: OPEN\n", "state: APPROVED\n")]);
}

#[test]
fn front_matter_added_by_both_keeps_its_fences_outside_the_conflict() {
    let (mine, theirs) = ("---\nstate: OPEN\n---\n# T\n", "---\nstate: DRAFT\n---\n# T\n");
    let merge = merge("# T\n", mine, theirs);
    assert_eq!(conflicts(&merge), [("state: OPEN\n", "state: DRAFT\n")]);
    let kept = merge.resolve(Which::All, Choice::Local).local;
    assert_eq!(kept, mine);
}

const TABLE: &str = "| a | b |\n|---|---|\n| 1 | x |\n| 2 | y |\n| 3 | z |\n";

#[test]
fn table_rows_with_a_row_between_merge() {
    let merge = merge(TABLE, &TABLE.replace('x', "X"), &TABLE.replace('z', "Z"));
    assert_eq!(merge.text().as_deref(), Some("| a | b |\n|---|---|\n| 1 | X |\n| 2 | y |\n| 3 | Z |\n"));
}

/// Without an unchanged line between two changes nobody can say that they are independent.
#[test]
fn neighbouring_table_rows_conflict() {
    let merge = merge(TABLE, &TABLE.replace('x', "X"), &TABLE.replace('y', "Y"));
    assert_eq!(conflicts(&merge), [("| 1 | X |\n| 2 | y |\n", "| 1 | x |\n| 2 | Y |\n")]);
}

#[test]
fn rows_and_items_added_at_one_place_are_kept_by_accept_both() {
    let merge = merge(TABLE, &format!("{TABLE}| 4 | mine |\n"), &format!("{TABLE}| 4 | theirs |\n"));
    assert_eq!(conflicts(&merge), [("| 4 | mine |\n", "| 4 | theirs |\n")]);
    assert_eq!(both(&merge), format!("{TABLE}| 4 | mine |\n| 4 | theirs |\n"));
}

/// Two separators are alike by accident: the tables stay whole.
#[test]
fn two_tables_at_one_place_are_one_conflict() {
    let (mine, theirs) = ("| a |\n|---|\n| 1 |\n", "| b |\n|---|\n| 2 |\n");
    let merge = merge("# T\n", &format!("# T\n{mine}"), &format!("# T\n{theirs}"));
    assert_eq!(conflicts(&merge), [(mine, theirs)]);
    assert_eq!(both(&merge), format!("# T\n{mine}{theirs}"));
}

#[test]
fn changes_inside_and_outside_a_fence_merge() {
    let text = "text\n\n```sh\nrun a\nrun b\nrun c\n```\n\nmore\n";
    let mine = text.replace("run a", "run A").replace("more", "MORE");
    let merge = merge(text, &mine, &text.replace("run c", "run C"));
    assert_eq!(merge.text().as_deref(), Some("text\n\n```sh\nrun A\nrun b\nrun C\n```\n\nMORE\n"));
}

/// What both begin and end alike is outside the conflict, so no choice leaves a fence open.
#[test]
fn fences_added_at_one_place_stay_closed_whatever_is_chosen() {
    for (open, expected) in [("```sh\n", "```sh\na\nb\n```\n"), ("```\n", "```\na\nb\n```\n")] {
        let fence = |line: &str| format!("T\n\n{open}{line}\n```\n");
        let merge = merge("T\n\n", &fence("a"), &fence("b"));
        assert_eq!(conflicts(&merge), [("a\n", "b\n")]);
        assert_eq!(both(&merge), format!("T\n\n{expected}"));
    }
    let (mine, theirs) = ("```sh\na\n```\n", "```sql\nb\n```\n");
    let merge = merge("T\n\n", &format!("T\n\n{mine}"), &format!("T\n\n{theirs}"));
    assert_eq!(conflicts(&merge), [("```sh\na\n", "```sql\nb\n")]);
}

/// The one way a clean merge can leave a fence open: both closed theirs with the same line.
#[test]
fn a_closing_line_that_both_added_is_added_once() {
    let merge = merge("a\nb\nc\nd\n", "```\na\nb\nc\nd\n```\n", "a\nb\n```\nc\nd\n```\n");
    assert_eq!(merge.text().as_deref(), Some("```\na\nb\n```\nc\nd\n```\n"));
}

#[test]
fn a_setext_underline_is_no_marker() {
    let text = |title: &str, end: &str| format!("{title}\n=======\n\ntext\n\n{end}\n");
    let merge = merge(&text("T", "e"), &text("Mine", "e"), &text("Theirs", "E"));
    assert_eq!(conflicts(&merge), [("Mine\n", "Theirs\n")]);
    let taken = merge.resolve(Which::All, Choice::Remote).local;
    assert_eq!(taken, text("Theirs", "E"));
}

#[test]
fn a_section_that_moved_takes_no_change_of_the_other_side_with_it_unasked() {
    let (a, b, c) = ("# A\n\none\n\n", "# B\n\ntwo\n\n", "# C\n\nthree\n");
    let moved = format!("{b}{c}{a}");
    // Changed elsewhere: clean. Changed in the moved section: a person decides.
    let clean = merge(&format!("{a}{b}{c}"), &moved, &format!("{a}{}{c}", b.replace("two", "TWO")));
    assert_eq!(clean.text(), Some(format!("{}{c}{a}", b.replace("two", "TWO"))));
    let open = merge(&format!("{a}{b}{c}"), &moved, &format!("{}{b}{c}", a.replace("one", "ONE")));
    assert_eq!(conflicts(&open), [("", "# A\n\nONE\n\n")]);
}

#[test]
fn a_change_to_every_line_ending_conflicts_only_where_the_other_side_wrote() {
    let text = "a\nb\nc\nd\n";
    let windows = text.replace('\n', "\r\n");
    let merge = merge(text, &windows, &text.replace('c', "C"));
    assert!(!merge.is_clean());
    assert_eq!(merge.resolve(Which::All, Choice::Local).local, windows);
}

#[test]
fn the_byte_order_mark_is_part_of_the_first_line() {
    let merge = merge("\u{feff}# T\n\na\n", "# T\n\na\n", "\u{feff}# T\n\nb\n");
    assert_eq!(merge.text().as_deref(), Some("# T\n\nb\n"));
}

/// Git joins conflicts with three lines or fewer between them; in an editor each is its own hunk.
#[test]
fn hunks_are_smaller_than_git_shows_them() {
    let merge = merge("a\nkeep\nb\n", "1\nkeep\n2\n", "3\nkeep\n4\n");
    assert_eq!(conflicts(&merge), [("1\n", "3\n"), ("2\n", "4\n")]);
    let (text, shown) = render(&merge, &MarkerOptions::default());
    assert_eq!((text.as_str(), shown), ("<<<<<<<\n1\nkeep\n2\n=======\n3\nkeep\n4\n>>>>>>>\n", 1));
}

/// A line of other letters than English ones separates two conflicts as well as any.
#[test]
fn letters_of_every_language_tell_lines_apart() {
    let between = |a: &str, b: &str| format!("{a}\n漢字\nдоклад\n{b}\n");
    let merge = merge(&between("a", "b"), &between("1", "2"), &between("3", "4"));
    assert_eq!(conflicts(&merge), [("1\n", "3\n"), ("2\n", "4\n")]);
}

/// Git sees one line here, and therefore a conflict.
#[test]
fn a_lone_carriage_return_ends_a_line() {
    let merge = merge("a\rb\rc\r", "A\rb\rc\r", "a\rb\rC\r");
    assert_eq!(merge.text().as_deref(), Some("A\rb\rC\r"));
}

#[test]
fn very_long_lines_are_lines() {
    let long = |word: &str| format!("{}{word}\n", "lorem ipsum ".repeat(20_000));
    let text = format!("{}middle\n{}", long("a"), long("b"));
    let mine = format!("{}middle\n{}", long("A"), long("b"));
    let theirs = format!("{}middle\n{}", long("a"), long("B"));
    assert_eq!(merge(&text, &mine, &theirs).text(), Some(format!("{}middle\n{}", long("A"), long("B"))));
}
