use proptest::prelude::*;

use super::*;
use crate::artifact::parse::{Format, parse};

fn key(id: &str) -> ArtifactKey {
    ArtifactKey::new("plan", id).unwrap()
}

fn spot(id: &str, title: Option<&str>) -> Spot {
    Spot { key: key(id), section: title.map(|title| SectionName::told(title, 0)) }
}

fn person(user: &str, name: &str, spots: &[Spot]) -> Person {
    Person { user: user.to_owned(), name: name.to_owned(), spots: spots.to_vec() }
}

const TEXT: &str = "intro\n\n# Plan\n\nbody\n\n## Steps\n\none\n\n### Detail\n\ntwo\n\n## Steps\n\nagain\n";

#[test]
fn a_position_is_in_the_innermost_section_and_the_section_is_found_again() {
    let outline = parse(TEXT, Format::Markdown);
    let rows = [
        ("intro", None),
        ("# Plan", Some(("Plan", 0))),
        ("body", Some(("Plan", 0))),
        ("one", Some(("Steps", 0))),
        ("two", Some(("Detail", 0))),
        ("again", Some(("Steps", 1))),
    ];
    for (at, expected) in rows {
        let byte = TEXT.find(at).unwrap();
        let found = section_at(&outline, byte);
        assert_eq!(found, expected.map(|(title, nth)| SectionName::told(title, nth)), "{at}");
        if let Some(name) = found {
            let section = section_named(&outline, &name).unwrap();
            assert!(section.range.start <= byte, "{at}");
            assert_eq!(section_at(&outline, section.range.start), Some(name), "{at}");
        }
    }
    assert_eq!(section_at(&outline, TEXT.len()), Some(SectionName::told("Steps", 1)));
    assert!(section_named(&outline, &SectionName::told("Steps", 2)).is_none());
    assert!(section_named(&outline, &SectionName::told("Gone", 0)).is_none());
}

#[test]
fn what_is_told_forgets_sections_that_nobody_was_in_for_long_and_has_a_limit() {
    let seen = |title: &str, at| Some((SectionName::told(title, 0), Timestamp(at)));
    let now = Timestamp(IDLE_MILLIS + 100);
    let open = [(key("A-2"), seen("Old", 100)), (key("A-1"), seen("New", 101)), (key("A-3"), None)];
    let expected = [spot("A-1", Some("New")), spot("A-2", None), spot("A-3", None)];
    assert_eq!(told(open, now), expected);

    let many = (0..50).map(|n| (key(&format!("B-{n:03}")), seen("S", 1000 + n)));
    let told = told(many, Timestamp(1100));
    assert_eq!(told.len(), MOST_SPOTS);
    assert_eq!(told[0].key, key("B-030"), "those touched last");
}

#[test]
fn others_are_named_once_for_each_section_and_oneself_never() {
    let people = [
        person("b", "bob", &[spot("A-1", Some("Steps")), spot("A-2", None)]),
        person("b", "bob", &[spot("A-1", Some("Steps"))]),
        person("c", "cleo", &[spot("A-1", None)]),
        person("me", "ann", &[spot("A-1", Some("Steps"))]),
    ];
    let steps = SectionName::told("Steps", 0);
    assert_eq!(others_in(&people, Some("me"), &key("A-1")), [("bob", Some(&steps)), ("cleo", None)]);
    assert_eq!(others_in(&people, Some("me"), &key("A-2")), [("bob", None)]);
    assert!(others_in(&people, Some("me"), &key("A-9")).is_empty());
}

#[test]
fn being_there_is_told_at_once_and_changes_only_to_somebody() {
    let (here, there) = ([spot("A-1", Some("One"))], [spot("A-1", Some("Two"))]);
    type Row<'a> = (&'a [Spot], Option<&'a [Spot]>, bool, Say);
    let rows: [Row<'_>; 9] = [
        (&[], None, true, Say::Nothing),
        (&[], None, false, Say::Nothing),
        (&here, None, true, Say::Track),
        (&here, None, false, Say::Track),
        (&here, Some(&here), false, Say::Nothing),
        (&there, Some(&here), true, Say::Nothing),
        (&there, Some(&here), false, Say::Track),
        (&[], Some(&here), true, Say::Untrack),
        (&[], Some(&here), false, Say::Untrack),
    ];
    for (wanted, said, is_alone, expected) in rows {
        assert_eq!(to_say(wanted, said, is_alone), expected, "{wanted:?} after {said:?}, alone: {is_alone}");
    }
}

#[test]
fn what_others_tell_is_made_harmless() {
    let name = SectionName::told(&format!("a\u{1b}[31m\n{}", "x".repeat(500)), 3);
    assert!(name.title.chars().count() == 120 && !name.title.contains(char::is_control), "{name:?}");
}

proptest! {
    /// Whatever is wanted when, no window of 30 s has more than four messages, and none waits for ever.
    #[test]
    fn the_throttle_keeps_below_the_platforms_limit(pauses in prop::collection::vec(0_u64..40_000, 1..60)) {
        let (mut throttle, mut now, mut sent) = (Throttle::default(), 0, Vec::new());
        for pause in pauses {
            now += pause;
            let due = throttle.due(now);
            prop_assert!(due >= now && due <= now + WINDOW_MILLIS);
            now = due;
            throttle.sent(now);
            sent.push(now);
        }
        for (first, at) in sent.iter().enumerate() {
            let within = sent[first..].iter().filter(|other| **other < at + WINDOW_MILLIS).count();
            prop_assert!(within <= MESSAGES, "{within} from {at}");
        }
    }
}
