use super::*;

fn story() -> Table {
    let t = |from: Option<&str>, to: &str, role| Transition {
        from: from.map(str::to_owned),
        to: to.to_owned(),
        role,
    };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Table::new(
        names(&["DRAFT", "OPEN", "COMMITTED", "APPROVED", "SUPERSEDED"]),
        names(&["APPROVED"]),
        vec![
            t(None, "DRAFT", Role::Editor),
            t(None, "OPEN", Role::Editor),
            t(Some("DRAFT"), "OPEN", Role::Editor),
            t(Some("OPEN"), "DRAFT", Role::Editor),
            t(Some("OPEN"), "COMMITTED", Role::Editor),
            t(Some("COMMITTED"), "APPROVED", Role::Approver),
            t(Some("COMMITTED"), "DRAFT", Role::Approver),
            t(Some("APPROVED"), "DRAFT", Role::Approver),
            t(Some("APPROVED"), "SUPERSEDED", Role::Admin),
        ],
    )
}

fn names<'t>(moves: &[Move<'t>]) -> Vec<&'t str> {
    moves.iter().map(|found| found.to).collect()
}

#[test]
fn what_may_follow_for_each_role() {
    use Role::{Admin, Approver, Editor, Viewer};
    let table = story();
    let expected: [(Option<&str>, Role, &[&str]); 12] = [
        (None, Viewer, &[]),
        (None, Editor, &["DRAFT", "OPEN"]),
        (Some("DRAFT"), Editor, &["OPEN"]),
        (Some("OPEN"), Editor, &["DRAFT", "COMMITTED"]),
        (Some("COMMITTED"), Editor, &[]),
        (Some("COMMITTED"), Approver, &["DRAFT", "APPROVED"]),
        (Some("committed (pending review)"), Admin, &["DRAFT", "APPROVED"]),
        (Some("APPROVED"), Approver, &["DRAFT"]),
        (Some("APPROVED"), Admin, &["DRAFT", "SUPERSEDED"]),
        (Some("SUPERSEDED"), Admin, &[]),
        (Some(""), Editor, &["DRAFT", "OPEN"]),
        (Some("WEIRD"), Editor, &["DRAFT", "OPEN"]),
    ];
    for (from, role, states) in expected {
        assert_eq!(names(&table.may_follow(from, role)), states, "{from:?} {role:?}");
    }
}

#[test]
fn what_a_move_amounts_to() {
    let table = story();
    let steps = |from| -> Vec<Step> { table.may_follow(from, Role::Admin).iter().map(|m| m.step).collect() };
    assert_eq!(steps(Some("COMMITTED")), [Step::SendBack, Step::Approve]);
    assert_eq!(steps(Some("APPROVED")), [Step::SendBack, Step::Move]);
    assert_eq!(steps(Some("OPEN")), [Step::SendBack, Step::Move]);
    assert_eq!(steps(None), [Step::Move, Step::Move]);
}

#[test]
fn a_state_is_known_by_its_name_however_it_is_written() {
    let table = story();
    let values = [
        ("COMMITTED", Some("COMMITTED")),
        ("committed", Some("COMMITTED")),
        ("COMMITTED (pending review)", Some("COMMITTED")),
        ("Committed, since Monday", Some("COMMITTED")),
        ("COMMIT", None),
        ("", None),
        ("✅", None),
    ];
    for (value, expected) in values {
        assert_eq!(table.known(value), expected, "{value:?}");
    }
    assert!(table.is_approved("Approved (by two)") && !table.is_approved("OPEN"));
}

#[test]
fn names_are_offered_for_what_is_none() {
    let table = story();
    assert_eq!(table.resembling("COMMIT"), ["COMMITTED"]);
    assert_eq!(table.resembling("aproved")[0], "APPROVED");
    assert_eq!(table.resembling("Drafted")[0], "DRAFT");
    assert_eq!(table.resembling("✅").len(), 5, "nothing is like it, so all are offered");
}

#[test]
fn a_table_is_read_in_any_spelling() {
    let table = Table::new(
        vec!["in progress".into()],
        vec!["In-Progress".into()],
        vec![Transition { from: None, to: "In Progress".into(), role: Role::Editor }],
    );
    assert_eq!(table.known("In Progress"), Some("IN_PROGRESS"));
    assert!(table.is_approved("IN_PROGRESS"));
    assert_eq!(names(&table.may_follow(None, Role::Editor)), ["IN_PROGRESS"]);
}

#[test]
fn roles_include_those_below() {
    assert!(Role::Admin > Role::Approver && Role::Approver > Role::Editor && Role::Editor > Role::Viewer);
    assert_eq!(Role::named("approver"), Some(Role::Approver));
    assert_eq!(Role::named("owner"), None);
}
