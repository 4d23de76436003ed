use proptest::prelude::*;

use super::missing::find;
use super::naming::*;
use super::renumber::Renumbering;
use super::template::{Fields, render, standard};
use super::*;
use crate::artifact::identity::{Kinds, leading_id};
use crate::artifact::parse::{Format, parse};
use crate::id::{ArtifactKey, ArtifactPath, Kind};

fn files(paths: &[&str]) -> Vec<(ArtifactKey, ArtifactPath)> {
    let kinds = Kinds::standard();
    let file = |path: &&str| {
        let path = ArtifactPath::new(path).expect("a path");
        (kinds.key_of(&path).expect("an artifact").expect("a key"), path)
    };
    paths.iter().map(file).collect()
}

fn known(files: &[(ArtifactKey, ArtifactPath)]) -> impl Iterator<Item = Known<'_>> + Clone {
    files.iter().map(|(key, path)| (key, path))
}

fn new_path(files: &[(ArtifactKey, ArtifactPath)], key: &str, title: &str) -> String {
    let key: ArtifactKey = key.parse().expect("a key");
    path(&Kinds::standard(), &key, title, known(files)).map_or_else(String::new, |path| path.to_string())
}

#[test]
fn a_new_file_goes_where_those_like_it_are() {
    let real = files(&[
        ".agent/cache/stories/INFRA/INFRA-009-old.md",
        ".agent/cache/stories/INFRA/INFRA-010-older.md",
        ".agent/cache/stories/WEB/WEB-001-other.md",
        ".agent/adrs/ADR-028-typer.md",
    ]);
    let table = [
        ("story/INFRA-011", "Fix the Login!", ".agent/cache/stories/INFRA/INFRA-011-fix-the-login.md"),
        ("story/WEB-002", "x", ".agent/cache/stories/WEB/WEB-002-x.md"),
        ("story/MOBILE-001", "x", ".agent/cache/stories/MOBILE/MOBILE-001-x.md"),
        ("adr/ADR-029", "", ".agent/adrs/ADR-029.md"),
        ("plan/INFRA-011", "Über alles", ".agent/cache/plans/INFRA-011-über-alles.md"),
        (
            "story/INFRA-draft-0abcdefg",
            "Not in the name",
            ".agent/cache/stories/INFRA/INFRA-draft-0abcdefg.md",
        ),
        ("epic/E-1", "No such kind", ""),
    ];
    for (key, title, path) in table {
        assert_eq!(new_path(&real, key, title), path);
    }
    assert_eq!(new_path(&[], "story/S-1", "x"), ".agent/cache/stories/S-1-x.md");
    let flat = files(&[".agent/stories/S-001-a.md"]);
    assert_eq!(new_path(&flat, "story/S-002", "x"), ".agent/stories/S-002-x.md");
}

#[test]
fn prefix_and_number_come_from_what_is_there() {
    let real = files(&[
        ".agent/stories/INFRA-009-a.md",
        ".agent/stories/INFRA-010-b.md",
        ".agent/stories/WEB-100-c.md",
        ".agent/stories/INFRA-20260131120000-by-date.md",
        ".agent/plans/INFRA-040-plan.md",
        ".agent/stories/notes.md",
    ]);
    let kind = |name| Kind::new(name).expect("a kind");
    assert_eq!(usual_prefix(&kind("story"), known(&real)), "INFRA");
    assert_eq!(usual_prefix(&kind("adr"), known(&real)), "ADR");
    assert_eq!(highest_number("INFRA", known(&real)), 40);
    assert_eq!(highest_number("NONE", known(&real)), 0);
    assert_eq!(bare_title("INFRA-009: Fix it", "INFRA-009"), "Fix it");
    assert_eq!(bare_title("INFRA-0091 Fix it", "INFRA-009"), "INFRA-0091 Fix it");
    assert!(is_prefix("A1") && !is_prefix("a") && !is_prefix("") && !is_prefix("A-B"));
}

#[test]
fn placeholders_are_filled_once() {
    let fields = Fields {
        id: "S-1".into(),
        title: "A {{date}} b".into(),
        date: "2026-01-31".into(),
        author: "ann".into(),
    };
    assert_eq!(
        render("{{id}} {{ title }} {{author}} {{other}} {{", &fields),
        "S-1 A {{date}} b ann {{other}} {{"
    );
    for kind in ["story", "plan", "runbook", "adr", "journey", "other"] {
        let text = render(standard(&Kind::new(kind).expect("a kind")), &fields);
        let outline = parse(&text, Format::Markdown);
        assert_eq!(outline.title.map(|title| title.text).as_deref(), Some("S-1: A {{date}} b"), "{kind}");
        assert_eq!(outline.state.is_some(), kind != "other", "{kind}");
    }
}

#[test]
fn references_to_nothing_are_found_and_nothing_else() {
    let real = files(&[
        ".agent/stories/INFRA-009-a.md",
        ".agent/plans/INFRA-009-plan.md",
        ".agent/adrs/ADR-001-x.md",
    ]);
    let list: Vec<Known<'_>> = known(&real).collect();
    let text = "# INFRA-009\n\nSee INFRA-010, ADR-001, ADR-002 and UTF-8; `INFRA-009`.\n\n\
                [there](INFRA-009-a.md) [missing](../plans/INFRA-011-plan.md#x) [out](../../../../x.md) \
                [site](https://example.com/INFRA-012.md) [no artifact](../notes/x.md)\n";
    let path = ArtifactPath::new(".agent/stories/INFRA-009-a.md").expect("a path");
    let found = find(text, &path, &Kinds::standard(), &list);
    let shown: Vec<String> = found
        .iter()
        .map(|m| format!("{} {}", m.key, m.path.as_ref().map_or("-", ArtifactPath::as_str)))
        .collect();
    assert_eq!(
        shown,
        [
            "plan/INFRA-010 -",
            "story/INFRA-010 -",
            "adr/ADR-002 -",
            "plan/INFRA-011 .agent/plans/INFRA-011-plan.md"
        ]
    );
}

#[test]
fn a_provisional_id_is_known_by_its_form() {
    for other in [
        "INFRA-041",
        "INFRA-draft-rollback",
        "INFRA-draft-02026111",
        "draft-0abcdefg",
        "I-draft-0ABCDEFG",
        "I-draft-0abcdefgh",
    ] {
        assert!(!provisional::is_provisional(other), "{other}");
    }
    assert_eq!(provisional::prefix("INFRA-draft-0abcdefg"), Some("INFRA"));
}

#[test]
fn mentions_and_file_names_take_the_new_id() {
    let from = "INFRA-draft-0abcdefg";
    let change =
        Renumbering::new(from, "INFRA-041", "INFRA-draft-0abcdefg.md", Some("INFRA-draft-0abcdefg: Fix it"));
    assert_eq!(change.to_file, "INFRA-041-fix-it.md");
    let text =
        format!("# {from}: Fix it\r\n_{from}_ [x](../stories/{from}.md#a) x{from} {from}x {from}.mdx {from}");
    let expected = format!(
        "# INFRA-041: Fix it\r\n_INFRA-041_ [x](../stories/INFRA-041-fix-it.md#a) x{from} {from}x INFRA-041.mdx INFRA-041"
    );
    assert_eq!(change.apply(&text).as_deref(), Some(expected.as_str()));
    assert_eq!(change.apply(&expected.replace(from, "")), None);
}

proptest! {
    #[test]
    fn provisional_ids_are_never_read_as_others(random in any::<u64>(), prefix in "[A-Z][A-Z0-9]{0,6}", slug in "(-[a-z0-9]{1,5})?") {
        let id = provisional::id(&prefix, random);
        prop_assert_eq!(provisional::prefix(&id), Some(prefix.as_str()));
        let name = format!("{id}{slug}");
        prop_assert_eq!(leading_id(&name), None);
        let key = ArtifactKey::new("story", &id).expect("a key");
        let path = path(&Kinds::standard(), &key, "Title", std::iter::empty());
        prop_assert_eq!(Kinds::standard().key_of(&path.expect("a path")), Some(Ok(key)));
    }

    /// No mention is left, and with both names blanked out the texts are equal.
    #[test]
    fn nothing_but_the_mentions_changes(pieces in prop::collection::vec("([a-zé ._#()\\[\\]/\r\n-]{0,6})", 1..8), random in any::<u64>()) {
        let from = provisional::id("ABC", random);
        let file = format!("{from}.md");
        let change = Renumbering::new(&from, "ABC-7", &file, Some("A title"));
        let joints = [from.clone(), file, format!("{from}-x"), format!("_{from}_")];
        let mut text = String::new();
        for (n, piece) in pieces.iter().enumerate() {
            text.push_str(piece);
            text.push(' ');
            text.push_str(&joints[n % joints.len()]);
            text.push('\n');
        }
        let after = change.apply(&text).expect("a change");
        prop_assert!(!after.contains(&from), "{after:?}");
        prop_assert_eq!(change.apply(&after), None);
        let blank = |text: &str| text.replace(&change.from_file, "*").replace(&change.to_file, "*").replace(&from, "*").replace("ABC-7", "*");
        prop_assert_eq!(blank(&text), blank(&after));
    }

    #[test]
    fn every_title_makes_a_file_name(title in "\\PC{0,80}") {
        let key = ArtifactKey::new("story", "S-001").expect("a key");
        let path = path(&Kinds::standard(), &key, &title, std::iter::empty()).expect("a path");
        prop_assert!(path.file_name().len() < 255);
        prop_assert_eq!(Kinds::standard().key_of(&path), Some(Ok(key)));
    }
}
