use proptest::prelude::*;

use super::*;

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

#[test]
fn lines_break_where_the_protocol_says_and_nowhere_else() {
    for (text, lines) in [
        ("", vec![]),
        ("a", vec!["a"]),
        ("a\n", vec!["a\n"]),
        ("\n\n", vec!["\n", "\n"]),
        ("a\r\nb\rc\nd", vec!["a\r\n", "b\r", "c\n", "d"]),
        ("\r\r\n\n", vec!["\r", "\r\n", "\n"]),
        ("a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f", vec!["a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f"]),
    ] {
        assert_eq!(split_lines(text), lines, "{text:?}");
    }
}

#[test]
fn an_editor_sees_a_line_after_the_last_terminator() {
    for (text, count) in [("", 1), ("a", 1), ("a\n", 2), ("a\r", 2), ("a\r\nb", 2), ("\n\n", 3)] {
        assert_eq!(LineIndex::new(text).line_count(), count, "{text:?}");
    }
}

#[test]
fn each_encoding_counts_its_own_units() {
    // A family of four, joined by zero-width joiners, and a letter after it.
    let text = "x\n\u{1f468}\u{200d}\u{1f469}é!\r\n";
    let at = text.find('!').unwrap();
    let index = LineIndex::new(text);
    for (encoding, character) in ENCODINGS.into_iter().zip([13, 6, 4]) {
        let position = Position { line: 1, character };
        assert_eq!(index.position(text, at, encoding), position);
        assert_eq!(index.offset(text, position, encoding), at);
    }
}

#[test]
fn positions_outside_are_clamped() {
    let text = "ab\r\n\u{1f600}c\rd";
    let index = LineIndex::new(text);
    let offset = |line, character| index.offset(text, Position { line, character }, Encoding::Utf16);
    assert_eq!(offset(0, 99), 2, "before the terminator");
    assert_eq!(offset(1, 1), 4, "between surrogates");
    assert_eq!(offset(1, 99), 9);
    assert_eq!(offset(2, 99), text.len());
    assert_eq!(offset(99, 0), text.len());
    assert_eq!(index.position(text, 3, Encoding::Utf16), Position { line: 0, character: 2 });
    assert_eq!(index.position(text, 6, Encoding::Utf16), Position { line: 1, character: 0 });
    assert_eq!(index.position(text, 999, Encoding::Utf16), Position { line: 2, character: 1 });
}

#[test]
fn only_a_leading_byte_order_mark_is_dropped() {
    assert_eq!(without_bom("\u{feff}# T"), "# T");
    assert_eq!(without_bom("# \u{feff}T"), "# \u{feff}T");
}

/// Texts dense in what breaks lines and what looks as if it did.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "\n",
        "\r\n",
        "\r",
        "\u{2028}",
        "\u{85}",
        "\u{b}",
        "é",
        "漢",
        "\u{1f600}",
        "\u{200d}",
        "\u{301}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn lines_join_to_the_text(text in texts()) {
        prop_assert_eq!(split_lines(&text).concat(), text);
    }

    #[test]
    fn offsets_survive_the_round_trip(text in texts()) {
        let index = LineIndex::new(&text);
        for encoding in ENCODINGS {
            for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let inside_crlf = at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n');
                let position = index.position(&text, at, encoding);
                let back = index.offset(&text, position, encoding);
                prop_assert_eq!(back, if inside_crlf { at - 1 } else { at });
                prop_assert!(index.line_start(position.line as usize) <= at);
            }
        }
    }

    #[test]
    fn any_position_is_a_character_boundary(text in texts(), line in 0u32..50, character in 0u32..50) {
        let index = LineIndex::new(&text);
        for encoding in ENCODINGS {
            let at = index.offset(&text, Position { line, character }, encoding);
            prop_assert!(text.is_char_boundary(at));
        }
    }

    #[test]
    fn index_and_lines_agree(text in texts()) {
        let index = LineIndex::new(&text);
        let mut start = 0;
        for (n, line) in split_lines(&text).into_iter().enumerate() {
            prop_assert_eq!(index.line_start(n), start);
            prop_assert_eq!(index.line_of(start), n);
            start += line.len();
        }
    }
}
