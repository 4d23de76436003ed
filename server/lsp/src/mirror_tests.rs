use super::*;
use crate::types::Range;

/// One character typed into the first line.
fn typed(at: u32, text: &str) -> Vec<TextDocumentContentChangeEvent> {
    let here = Position { line: 0, character: at };
    let range = Some(Range { start: here, end: here });
    vec![TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() }]
}

/// "days" typed after a character of four bytes, in this order of the versions 2 to 5.
fn in_order(versions: [i32; 4]) -> Mirror {
    let mut mirror = Mirror::new(1, "𝄞!\n");
    for version in versions {
        let key = &"days"[version as usize - 2..][..1];
        mirror.change(version, typed(4 + version as u32 - 2, key), Encoding::Utf8);
    }
    mirror
}

#[test]
fn changes_that_arrive_crosswise_are_made_in_the_order_of_their_versions() {
    for versions in [[2, 3, 4, 5], [3, 2, 4, 5], [2, 5, 3, 4], [5, 4, 3, 2], [4, 2, 5, 3]] {
        let mirror = in_order(versions);
        assert_eq!(mirror.rope().to_string(), "𝄞days!\n", "{versions:?}");
        assert_eq!(mirror.version(), 5, "{versions:?}");
    }
}

#[test]
fn a_text_that_replaces_all_hides_what_came_before_it_even_if_it_arrives_later() {
    let mut mirror = in_order([2, 3, 4, 5]);
    let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "new\n".to_owned() };
    mirror.change(7, vec![whole], Encoding::Utf8);
    mirror.change(6, typed(8, "x"), Encoding::Utf8);
    assert_eq!(mirror.rope().to_string(), "new\n");
}

#[test]
fn versions_may_have_gaps_and_repeat() {
    let mut mirror = Mirror::new(1, "\n");
    mirror.change(10, typed(0, "a"), Encoding::Utf8);
    mirror.change(10, typed(1, "b"), Encoding::Utf8);
    mirror.change(30, typed(2, "c"), Encoding::Utf8);
    assert_eq!(mirror.rope().to_string(), "abc\n");
}

#[test]
fn only_the_newest_changes_are_remembered() {
    let mut mirror = Mirror::new(0, "\n");
    for version in 1..=200 {
        mirror.change(version, typed(0, "a"), Encoding::Utf8);
    }
    assert_eq!(mirror.recent.len(), REMEMBERED);
    assert_eq!(mirror.rope().len_chars(), 201);
}
