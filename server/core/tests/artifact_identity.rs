//! Which files are artifacts, and which artifact each is.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use agent_core::artifact::identity::{InvalidKinds, KindRule, Kinds, leading_id};
use agent_core::id::{ArtifactPath, Kind};
use proptest::prelude::*;

fn key(path: &str) -> Option<String> {
    let path = ArtifactPath::new(path).unwrap();
    Kinds::standard().key_of(&path).map(|key| key.unwrap().to_string())
}

fn rule(kind: &str, folders: &[&str], extensions: &[&str]) -> KindRule {
    let owned = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect();
    KindRule { kind: Kind::new(kind).unwrap(), folders: owned(folders), extensions: owned(extensions) }
}

#[test]
fn a_file_is_the_artifact_its_folder_and_name_say() {
    for (path, expected) in [
        (".agent/cache/stories/INFRA/INFRA-040-title.md", "story/INFRA-040"),
        (".agent/stories/WEB-1.md", "story/WEB-1"),
        (".agent/cache/plans/X2-003_a.MD", "plan/X2-003"),
        (".agent/cache/runbooks/INFRA/INFRA-040-runbook.md", "runbook/INFRA-040"),
        (".agent/adrs/ADR-001.1-x.md", "adr/ADR-001"),
        (".agent/cache/adrs/decision.v2.md", "adr/decision.v2"),
        (".agent/cache/journeys/JRN-007.yaml", "journey/JRN-007"),
        (".agent/journeys/JRN-007.yml", "journey/JRN-007"),
        (".agent/journeys/JRN-007.md", "journey/JRN-007"),
        (".agent/plans/INFRA-40x.md", "plan/INFRA-40x"),
        (".agent/plans/infra-40.md", "plan/infra-40"),
        (".agent/plans/Überblick.md", "plan/Überblick"),
    ] {
        assert_eq!(key(path).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn other_files_are_no_artifacts() {
    for path in [
        "README.md",
        ".agent/plans",
        ".agent/plansX/A-1.md",
        ".agent/other/A-1.md",
        "sub/.agent/plans/A-1.md",
        ".agent/plans/A-1.yaml",
        ".agent/plans/A-1",
        ".agent/plans/A-1.md~",
        ".agent/plans/.A-1.md.swp",
        ".agent/plans/.#A-1.md",
        ".agent/plans/#A-1.md",
        ".agent/plans/~A-1.md",
        ".agent/plans/A-1~.md",
        ".agent/plans/.hidden.md",
        ".agent/plans/.git/A-1.md",
        ".agent/plans/README.md",
        ".agent/plans/INFRA/readme.md",
    ] {
        assert_eq!(key(path), None, "{path}");
    }
}

#[test]
fn an_impossible_id_is_an_error_rather_than_no_artifact() {
    let path = ArtifactPath::new(&format!(".agent/plans/{}.md", "x".repeat(201))).unwrap();
    assert!(Kinds::standard().key_of(&path).unwrap().is_err());
}

#[test]
fn kinds_are_checked() {
    type Check = fn(&InvalidKinds) -> bool;
    let cases: [(Vec<KindRule>, Check); 9] = [
        (vec![rule("a", &["x"], &["md"]), rule("a", &["y"], &["md"])], |e| {
            matches!(e, InvalidKinds::DuplicateKind(_))
        }),
        (vec![rule("a", &[], &["md"])], |e| matches!(e, InvalidKinds::Unreachable(_))),
        (vec![rule("a", &["x"], &[])], |e| matches!(e, InvalidKinds::Unreachable(_))),
        (vec![rule("a", &["/x"], &["md"])], |e| matches!(e, InvalidKinds::Folder { .. })),
        (vec![rule("a", &["x/../.."], &["md"])], |e| matches!(e, InvalidKinds::Folder { .. })),
        (vec![rule("a", &["x"], &[".md"])], |e| matches!(e, InvalidKinds::Extension { .. })),
        (vec![rule("a", &["x"], &["md"]), rule("b", &["x/y"], &["md"])], |e| {
            matches!(e, InvalidKinds::Overlap { .. })
        }),
        (vec![rule("a", &["x/y"], &["md"]), rule("b", &["x"], &["md"])], |e| {
            matches!(e, InvalidKinds::Overlap { .. })
        }),
        (vec![rule("a", &["x", "x"], &["md"])], |e| matches!(e, InvalidKinds::Overlap { .. })),
    ];
    for (rules, is_expected) in cases {
        let error = Kinds::new(rules.clone()).unwrap_err();
        assert!(is_expected(&error), "{rules:?}: {error}");
    }
    assert!(Kinds::new(vec![rule("a", &["x"], &["md"]), rule("b", &["xy"], &["md"])]).is_ok());
}

#[test]
fn the_standard_kinds_pass_their_own_checks() {
    let standard = Kinds::standard();
    assert_eq!(standard.rules().len(), 5);
    assert_eq!(standard.folders().count(), 10);
    assert_eq!(Kinds::new(standard.rules().to_vec()), Ok(standard));
}

proptest! {
    #[test]
    fn an_id_is_the_head_of_the_name(prefix in "[A-Z][A-Z0-9]{0,5}", number in "[0-9]{1,5}", rest in "([-_. ].{0,9})?") {
        let id = format!("{prefix}-{number}");
        let name = format!("{id}{rest}");
        prop_assert_eq!(leading_id(&name), Some(id.as_str()));
    }

    #[test]
    fn any_name_is_fine_to_ask_about(name in ".{0,30}") {
        if let Some(id) = leading_id(&name) {
            prop_assert!(name.starts_with(id));
        }
    }
}
