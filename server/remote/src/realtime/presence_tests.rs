use super::*;

fn here(title: &str) -> Here {
    let key = ArtifactKey::new("plan", "A-1").unwrap();
    let section = Some(SectionName::told(title, 0));
    Here { user: "u-ann".into(), name: "ann".into(), spots: vec![Spot { key, section }] }
}

fn entry(reference: &str, name: &str, title: &str) -> Value {
    json!({
        "phx_ref": reference, "user": format!("u-{name}"), "name": name,
        "open": [{ "kind": "plan", "id": "A-1", "section": title }],
    })
}

fn of(key: &str, metas: &[Value]) -> Value {
    json!({ key: { "metas": metas } })
}

fn diff(joins: Value, leaves: Value) -> Value {
    json!({ "joins": joins, "leaves": leaves })
}

fn shown(people: Option<Vec<Person>>) -> Vec<String> {
    let title = |person: &Person| {
        let section = person.spots.first().and_then(|spot| spot.section.as_ref());
        format!("{} {}", person.name, section.map_or("-", |section| &section.title))
    };
    people.expect("news").iter().map(title).collect()
}

fn joined() -> Presence {
    let mut presence = Presence::new("own".into());
    presence.want(here("One"));
    presence
}

#[test]
fn who_is_there_follows_state_and_diffs_and_updates_and_leaves_out_ourselves() {
    let mut presence = joined();
    let none = json!({});
    // A change that overtakes the state is not lost.
    assert!(presence.diff(&diff(of("k2", &[entry("r2", "cleo", "One")]), none.clone())).is_none());
    let state = json!({
        "own": { "metas": [entry("r0", "ann", "One")] }, "k1": { "metas": [entry("r1", "bob", "One")] },
    });
    assert_eq!(shown(presence.state(&state)), ["bob One", "cleo One"]);
    let moved = diff(of("k1", &[entry("r3", "bob", "Two")]), of("k1", &[entry("r1", "bob", "One")]));
    assert_eq!(shown(presence.diff(&moved)), ["bob Two", "cleo One"]);
    assert!(presence.diff(&moved).is_none(), "no news");
    assert_eq!(
        shown(presence.diff(&diff(none.clone(), of("k2", &[entry("r2", "cleo", "One")])))),
        ["bob Two"]
    );
    assert_eq!(presence.gone(), Some(Vec::new()), "without a channel nobody is known to be there");
    assert_eq!(presence.gone(), None);
}

#[test]
fn it_is_told_once_then_to_somebody_and_below_the_limit() {
    let mut presence = joined();
    let told = presence.say(0).unwrap();
    assert_eq!(told["event"], "track");
    let open = json!([{ "kind": "plan", "id": "A-1", "section": "One" }]);
    assert_eq!(told["payload"], json!({ "user": "u-ann", "name": "ann", "open": open }), "and nothing else");
    presence.state(&of("own", &[entry("r0", "ann", "One")]));
    presence.want(here("Two"));
    assert_eq!(presence.due(10), None, "alone");
    presence.diff(&diff(of("k1", &[entry("r1", "bob", "One")]), json!({})));
    assert_eq!(presence.say(20).unwrap()["payload"]["open"][0]["section"], "Two");
    for (at, title) in [(30, "Three"), (40, "Four")] {
        presence.want(here(title));
        assert!(presence.say(at).is_some());
    }
    presence.want(here("Five"));
    assert!(presence.say(50).is_none());
    presence.want(here("Six"));
    assert_eq!(presence.due(60), Some(30_000));
    assert_eq!(presence.say(30_000).unwrap()["payload"]["open"][0]["section"], "Six", "the newest alone");
    presence.want(Here::default());
    assert_eq!(presence.say(30_020).unwrap()["event"], "untrack");
    assert_eq!(presence.due(40_000), None);
}

#[test]
fn a_rejoin_tells_it_again() {
    let mut presence = joined();
    presence.say(0).unwrap();
    assert_eq!(presence.due(1), None);
    presence.gone();
    assert!(presence.say(1).is_some());
}

#[test]
fn nonsense_from_others_is_somebody_with_nothing_open() {
    let mut presence = joined();
    let odd = json!({
        "k1": { "metas": [{ "phx_ref": "r1", "anything": [1] }] },
        "k2": { "metas": [{ "phx_ref": "r2", "user": "u", "name": "e\u{1b}[2Jve", "open": [
            { "kind": "../etc", "id": "x" }, { "kind": "plan", "id": "A-2", "section": "a\nb" },
        ] }] },
        "k3": 7, "k4": { "metas": "x" }, "k5": { "metas": [{}] },
    });
    let people = presence.state(&odd).unwrap();
    assert_eq!(people.len(), 2);
    let eve = people.iter().find(|person| person.user == "u").unwrap();
    assert_eq!((eve.name.as_str(), eve.spots.len()), ("e[2Jve", 1));
    assert_eq!(eve.spots[0].section.as_ref().unwrap().title, "ab");
}
