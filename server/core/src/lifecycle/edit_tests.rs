use proptest::prelude::*;

use super::*;

fn moved(text: &str, state: &str) -> String {
    set_state(text, Format::Markdown, state).map_or_else(|| text.to_owned(), |edit| edit.apply(text))
}

#[test]
fn only_the_name_is_replaced_in_every_form() {
    let table = [
        ("# T\n\nState: DRAFT\n\nx\n", "# T\n\nState: OPEN\n\nx\n"),
        ("# T\n\n**Status**: DRAFT (why)\n", "# T\n\n**Status**: OPEN (why)\n"),
        ("# T\n\n**Status: DRAFT**\n", "# T\n\n**Status: OPEN**\n"),
        ("# T\n\nStatus: **DRAFT** (why)\n", "# T\n\nStatus: **OPEN** (why)\n"),
        (
            "# T\r\n\r\n## State\r\n\r\nDRAFT\r\n\r\n## More\r\n",
            "# T\r\n\r\n## State\r\n\r\nOPEN\r\n\r\n## More\r\n",
        ),
        ("# T\n\n## Status\n\n- In Progress, since Monday\n", "# T\n\n## Status\n\n- OPEN, since Monday\n"),
        ("---\ntitle: x\nstate: \"DRAFT\"\n---\n# T\n", "---\ntitle: x\nstate: \"OPEN\"\n---\n# T\n"),
        ("\u{feff}# T\n\nState: DRAFT\n", "\u{feff}# T\n\nState: OPEN\n"),
        ("# T\n\nState: ✅ DONE\n", "# T\n\nState: OPEN\n"),
        ("# State: DRAFT", "# State: OPEN"),
    ];
    for (before, after) in table {
        assert_eq!(moved(before, "OPEN"), after);
        assert_eq!(moved(after, "OPEN"), after, "nothing is left to do");
    }
}

#[test]
fn a_text_without_a_state_gets_a_line_that_says_it() {
    let table = [
        ("# T\n\nbody\n", "# T\n\nState: OPEN\n\nbody\n"),
        ("# T", "# T\n\nState: OPEN"),
        ("# T\r\n\r\nbody\r\n", "# T\r\n\r\nState: OPEN\r\n\r\nbody\r\n"),
        ("body\n", "State: OPEN\n\nbody\n"),
        ("", "State: OPEN\n\n"),
        ("---\ntitle: x\n---\n# T\n", "---\nstate: OPEN\ntitle: x\n---\n# T\n"),
        (
            "\u{feff}---\r\ntitle: x\r\n---\r\n# T\r\n",
            "\u{feff}---\r\nstate: OPEN\r\ntitle: x\r\n---\r\n# T\r\n",
        ),
        ("---\n\nA rule above.\n", "State: OPEN\n\n---\n\nA rule above.\n"),
    ];
    for (before, after) in table {
        assert_eq!(moved(before, "OPEN"), after);
    }
    let yaml = set_state("name: x\n", Format::Yaml, "OPEN").map(|edit| edit.apply("name: x\n"));
    assert_eq!(yaml.as_deref(), Some("state: OPEN\nname: x\n"));
}

#[test]
fn where_a_state_is_or_could_be_written() {
    let at = |marked: &str| {
        let offset = marked.find('|').expect("a cursor");
        let text = marked.replacen('|', "", 1);
        state_at(&text, Format::Markdown, offset).map(|range| text[range].to_owned())
    };
    assert_eq!(at("# T\n\nState: DR|AFT\n").as_deref(), Some("DRAFT"));
    assert_eq!(at("# T\n\nState: DRAFT|\n").as_deref(), Some("DRAFT"));
    assert_eq!(at("# T\n\nState: |\n").as_deref(), Some(""));
    assert_eq!(at("# T\n\n## State\n\n|\n\n## Next\n").as_deref(), Some(""));
    assert_eq!(at("---\nstate: |\n---\n# T\n").as_deref(), Some(""));
    assert_eq!(at("# T|\n\nState: DRAFT\n"), None);
    assert_eq!(at("# T\n\nbody |\n"), None);
}

proptest! {
    /// Whatever the text, the edit leads to the state and touches nothing outside of its range.
    #[test]
    fn the_edit_leads_to_the_state(
        head in "(---\n(title: x\n)?(state: [a-z]{1,5}\n)?---\n)?(# [A-Za-z ]{1,8}\n\n)?",
        line in "((\\*\\*)?(State|status)(\\*\\*)?: ?(\\*\\*)?[A-Za-z ✅()-]{0,12}\n)?",
        body in "(## State\n\n[A-Z]{0,6}( \\(x\\))?\n\n)?(## [A-Z]\n\n)?[a-z#:`\n -]{0,30}",
        crlf in any::<bool>(),
    ) {
        let text = format!("{head}{line}{body}");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let after = moved(&text, "SUPERSEDED");
        let state = parse(&after, Format::Markdown).state;
        let state = state.map(|state| canonical_state(&state.text)).unwrap_or_default();
        prop_assert_eq!(state.as_str(), "SUPERSEDED", "{:?}", after);
        prop_assert_eq!(moved(&after, "SUPERSEDED"), after);
    }
}
