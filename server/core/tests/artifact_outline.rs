//! What is read from an artifact's text, in all the forms people write it.

use agent_core::artifact::parse::{Format, Outline, canonical_state, parse, state_word};
use proptest::prelude::*;

fn markdown(text: &str) -> Outline {
    parse(text, Format::Markdown)
}

fn state(text: &str) -> Option<String> {
    markdown(text).state.map(|state| state.text)
}

fn title(text: &str, format: Format) -> Option<String> {
    parse(text, format).title.map(|title| title.text)
}

#[test]
fn the_format_follows_from_the_name() {
    for (name, format) in [
        ("JRN-1.yaml", Format::Yaml),
        ("JRN-1.YML", Format::Yaml),
        ("JRN-1.md", Format::Markdown),
        ("yaml", Format::Markdown),
    ] {
        assert_eq!(Format::of_file(name), format, "{name}");
    }
}

#[test]
fn the_title_is_the_first_heading_of_level_one() {
    for (text, expected) in [
        ("# A-1: Title\n# Other\n", Some("A-1: Title")),
        ("text\n\nTitle\n=====\n", Some("Title")),
        ("# The `code` and *more* #\n", Some("The code and more")),
        ("## Section\n", None),
        ("```\n# Comment\n```\n", None),
        ("> # Quoted\n", None),
        ("# State: DRAFT\n# Title\n", Some("Title")),
        ("---\ntitle: \"Front: it\"\n---\ntext\n", Some("Front: it")),
        ("---\ntitle: Front\n---\n# Heading\n", Some("Heading")),
        ("\u{feff}# Marked\r\n", Some("Marked")),
        ("#\n", None),
        ("", None),
    ] {
        assert_eq!(title(text, Format::Markdown).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn the_state_is_read_in_every_form() {
    for text in [
        "# T\n\nStatus: DRAFT\n",
        "# T\n\nstate: DRAFT\n",
        "# T\n\nSTATUS : DRAFT\n",
        "# T\n\n**Status**: DRAFT\n",
        "# T\n\n**Status:** DRAFT\n",
        "# T\n\n**Status:**DRAFT\n",
        "# T\n\n__State__: `DRAFT`\n",
        "# T\n\n- Status: DRAFT\n",
        "# T\n\n* **State:** **DRAFT**\r\n",
        "# T\n\n> Status: DRAFT\n",
        "# State: DRAFT\n",
        "# T\n\n## State\n\nDRAFT\n\n## Next\n",
        "# T\n\n## Status:\n- **DRAFT**\n",
        "# T\r\n\r\n## Status\r\n\r\nStatus: DRAFT\r\n",
        "---\nstatus: DRAFT # soon\n---\n# T\n",
        "---\nid: 1\nState: 'DRAFT'\n---\n",
        "# T\n\n## A\n\nState: DRAFT\n",
        "\u{feff}Status: DRAFT",
    ] {
        assert_eq!(state(text).as_deref(), Some("DRAFT"), "{text:?}");
    }
}

#[test]
fn what_only_looks_like_a_state_is_none() {
    for text in [
        "# T\n\nstateful: yes\n",
        "# T\n\nThe status: unknown\n",
        "# T\n\n## State\n\n## Next\n\ntext\n",
        "# T\n\n## Problem Statement\n\ntext\n",
        "# T\n\n```\nStatus: DRAFT\n```\n",
        "# T\n\n    Status: DRAFT\n",
        "# T\n\n## A\n\n- **Status**: the check is blocked\n",
        "Status:\n",
        "# T\n\n---\nstatus\n",
    ] {
        assert_eq!(state(text), None, "{text:?}");
    }
}

#[test]
fn the_more_deliberate_form_of_a_state_wins() {
    let body = "# T\n\n## A\n\nStatus: three\n\n## State\n\ntwo\n";
    assert_eq!(state(body).as_deref(), Some("two"));
    let head = body.replacen("# T\n", "# T\n\nState: one\n", 1);
    assert_eq!(state(&head).as_deref(), Some("one"));
    assert_eq!(state(&format!("---\nstate: zero\n---\n{head}")).as_deref(), Some("zero"));
}

#[test]
fn a_state_keeps_its_whole_value_and_its_place() {
    let text = "\u{feff}# T\r\n\r\n**Status:** **COMMITTED** (pending é)\r\n";
    let state = markdown(text).state.unwrap();
    assert_eq!(state.text, "COMMITTED (pending é)");
    assert_eq!(&text[state.range], "COMMITTED** (pending é)");
}

#[test]
fn a_states_name_is_its_leading_words() {
    for (value, word, canonical) in [
        ("COMMITTED (pending review)", "COMMITTED", "COMMITTED"),
        ("Accepted", "Accepted", "ACCEPTED"),
        ("IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS"),
        ("In Progress, since Monday", "In Progress", "IN_PROGRESS"),
        ("in-progress", "in-progress", "IN_PROGRESS"),
        ("Superseded by ADR-012", "Superseded", "SUPERSEDED"),
        ("COMMITTED-002-002", "COMMITTED", "COMMITTED"),
        ("DONE - finally", "DONE", "DONE"),
        ("", "", ""),
        ("(none)", "", ""),
    ] {
        assert_eq!(state_word(value), word, "{value:?}");
        assert_eq!(canonical_state(value), canonical, "{value:?}");
    }
}

#[test]
fn sections_end_where_the_next_of_their_level_starts() {
    let text = "# T\na\n## One\nb\n### Deep\nc\n## Two\n- # in a list\n";
    let found: Vec<_> = markdown(text)
        .sections
        .into_iter()
        .map(|s| (s.level, s.title, &text[s.range], &text[s.body]))
        .collect();
    let expected = [
        (1, "T", "# T", text),
        (2, "One", "## One", "## One\nb\n### Deep\nc\n"),
        (3, "Deep", "### Deep", "### Deep\nc\n"),
        (2, "Two", "## Two", "## Two\n- # in a list\n"),
    ];
    assert_eq!(found, expected.map(|(level, title, range, body)| (level, title.to_owned(), range, body)));
}

#[test]
fn a_rule_is_no_front_matter_and_swallows_nothing() {
    let text = "# T\n\n---\nSecond\n---\n\n---\n\n## Third\n";
    let titles: Vec<_> = markdown(text).sections.into_iter().map(|s| s.title).collect();
    assert_eq!(titles, ["T", "Second", "Third"]);
    assert_eq!(state("---\n\nstate: DRAFT\n\n---\n").as_deref(), Some("DRAFT"));
}

#[test]
fn references_are_found_outside_of_code_blocks() {
    let text = "---\nparent: A-1\n---\n# B-2: T\n\nSee **C-3**, `D-4` and [x](../E-5-slug.md); not F-6x, \
                fG-7, H-I-8, J-, k-9 or 1-2.\n\n```\nL-10\n```\n\n    M-11\n\nN-12\n\n[x]: ./O-13.md\n";
    let found = markdown(text).references;
    let ids: Vec<_> = found.iter().map(|found| found.text.as_str()).collect();
    assert_eq!(ids, ["A-1", "B-2", "C-3", "D-4", "E-5", "N-12", "O-13"]);
    assert!(found.iter().all(|found| text[found.range.clone()] == found.text));
}

#[test]
fn links_have_their_targets() {
    let text = "# [T](a.md)\n\n[x](<b c.md> \"t\") <https://e.org> [r]\n\n[r]: d.md#s\n";
    let found: Vec<_> = markdown(text).links.into_iter().map(|l| (l.target, &text[l.range])).collect();
    let expected = [
        ("a.md", "[T](a.md)"),
        ("b c.md", "[x](<b c.md> \"t\")"),
        ("https://e.org", "<https://e.org>"),
        ("d.md#s", "[r]"),
    ];
    assert_eq!(found, expected.map(|(target, range)| (target.to_owned(), range)));
}

#[test]
fn journeys_are_read_by_line_also_when_broken() {
    for (text, expected_title, expected_state) in [
        ("id: J-1\ntitle: A title # not this\nstate: \"DRAFT\"\n", Some("A title"), Some("DRAFT")),
        ("\u{feff}name: 'N: n'\r\nstatus: OPEN\r\n", Some("N: n"), Some("OPEN")),
        ("name: N\ntitle: T\n", Some("T"), None),
        ("title: >-\n\n  Folded\n  on\nstate: X\n", Some("Folded"), Some("X")),
        ("steps:\n  - title: inner\n    state: inner\n", None, None),
        ("title:\nstate: ~\n", None, None),
        ("title: \"open\nstate: {{[\nstate: X", None, Some("{{[")),
        ("titles: no\ntitle:no\n", None, None),
        ("title: |\nstate: X\n", None, Some("X")),
    ] {
        let outline = parse(text, Format::Yaml);
        assert_eq!(outline.title.map(|t| t.text).as_deref(), expected_title, "{text:?}");
        assert_eq!(outline.state.map(|s| s.text).as_deref(), expected_state, "{text:?}");
    }
}

/// Texts that are nearly artifacts, and ones that are nothing at all.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "# ",
        "## State",
        "Status",
        ":",
        "**",
        "_",
        "`",
        "```",
        "\n",
        "\r\n",
        "\r",
        "---\n",
        "- ",
        "> ",
        "    ",
        "title: ",
        "state: ",
        "\"",
        "'",
        "|",
        ">",
        "#",
        "é",
        "\u{feff}",
        "\u{1f600}",
        "AB-12",
        "-",
        "[x](",
        ")",
        "<",
        "===",
        "\u{2028}",
        "\0",
        "~",
    ]);
    prop_oneof![prop::collection::vec(piece, 0..40).prop_map(|p| p.concat()), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_text_has_an_outline_with_ranges_between_characters(text in texts()) {
        for format in [Format::Markdown, Format::Yaml] {
            let outline = parse(&text, format);
            let spans = outline.title.iter().chain(&outline.state).chain(&outline.references);
            let sections = outline.sections.iter().flat_map(|s| [&s.range, &s.body]);
            let ranges = spans.map(|s| &s.range).chain(sections).chain(outline.links.iter().map(|l| &l.range));
            for range in ranges {
                prop_assert!(text.get(range.clone()).is_some(), "{range:?}");
            }
            if let Some(state) = &outline.state {
                let _ = canonical_state(&state.text);
            }
        }
    }

    #[test]
    fn a_byte_order_mark_changes_nothing_but_the_places(text in texts()) {
        let mut plain = markdown(&text);
        let marked = markdown(&format!("\u{feff}{text}"));
        prop_assume!(!text.starts_with('\u{feff}'));
        for span in plain.title.iter_mut().chain(&mut plain.state).chain(&mut plain.references) {
            span.range = span.range.start + 3..span.range.end + 3;
        }
        prop_assert_eq!((plain.title, plain.state, plain.references), (marked.title, marked.state, marked.references));
    }
}
