//! `agent search`, `export` and the `import-*` commands.

use std::fs;

use crate::support::Project;

const PLAN: &str = ".agent/plans/INFRA-001 Deploy.md";
const ODD: &str = "\u{feff}# INFRA-001 Déploy\r\n\r\nStatus: DRAFT\r\n\r\nno last line ending";

fn project() -> Project {
    Project::with(&[
        (PLAN, ODD),
        (".agent/stories/APP-7.md", "# Login\n\nStatus: OPEN (soon)\n\nDeploy at noon.\n"),
    ])
}

#[test]
fn an_export_is_byte_stable_and_importing_it_changes_nothing() {
    let project = project();
    project.run(&["export", "--all", "--output", "out"]).says(0, &["Exported 2 artifacts", "2 created"]);
    assert_eq!(project.read(&format!("out/{PLAN}")), ODD);
    project.run(&["export", "--all", "-o", "out"]).says(0, &["2 same"]);
    project.run(&["import-plan", "out/.agent/plans"]).says(0, &["same     .agent/plans/INFRA-001 Deploy.md"]);
    assert_eq!(project.read(PLAN), ODD);
    let again = project.run(&["export", "--all", "--json"]).says(0, &[]).json();
    assert!(
        again["artifacts"].as_array().expect("a list").iter().all(|row| row["result"] == "same"),
        "{again}"
    );
}

#[test]
fn an_export_replaces_nothing_unasked() {
    let project = project();
    project.write(&format!("out/{PLAN}"), "somebody's own notes\n");
    let dry = project.run(&["export", "--all", "-o", "out", "--dry-run"]);
    dry.says(1, &["Would export", "1 created, 1 left", "another content is there"]);
    assert!(!project.path("out/.agent/stories").exists());
    project.run(&["export", "INFRA-001", "-o", "out"]).says(1, &["1 left", "--force replaces it"]);
    assert_eq!(project.read(&format!("out/{PLAN}")), "somebody's own notes\n");
    project.run(&["export", "INFRA-001", "-o", "out", "--force"]).says(0, &["1 updated"]);
    assert_eq!(project.read(&format!("out/{PLAN}")), ODD);
    project.run(&["export", "INFRA-009"]).says(128, &["no such artifact"]);
    project.run(&["export", "--all", "-o", PLAN]).says(128, &["is no folder; nothing was written"]);
}

#[test]
fn imported_files_become_artifacts_under_their_own_names() {
    let project = project();
    project.write("in/APP-8 Logout.md", "# Logout\r\n");
    project.write("in/notes.txt", "not Markdown\n");
    project.run(&["import-story", "in", "--dry-run"]).says(0, &["Would import 1 artifact", "created"]);
    assert!(!project.path(".agent/cache/stories").exists());
    project
        .run(&["import-story", "in"])
        .says(0, &["created  .agent/cache/stories/APP-8 Logout.md", "agent sync push"]);
    assert_eq!(project.read(".agent/cache/stories/APP-8 Logout.md"), "# Logout\r\n");
    project.run(&["sync", "status", "--short"]).says(0, &["AP .agent/cache/stories/APP-8 Logout.md"]);
    project.run(&["import-story", "in/APP-8 Logout.md"]).says(0, &["same "]);
}

#[test]
fn standard_input_takes_its_id_from_the_title_or_the_flag() {
    let project = project();
    let read = |args: &[&str], text: &str| project.run_reading(args, &[], text);
    read(&["import-adr", "-"], "# ADR-12: Use SQLite\n").says(0, &["created  .agent/adrs/ADR-12.md"]);
    read(&["import-adr", "-"], "# Use SQLite\n")
        .says(128, &["standard input: no id", "--id", "Nothing was changed"]);
    read(&["import-adr", "-", "--id", "ADR-13"], "# Use SQLite\n")
        .says(0, &["created  .agent/adrs/ADR-13.md"]);
    read(&["import-adr", "-", "--id", "../../x"], "# X\n").says(128, &["Nothing was changed"]);
    read(&["import-adr", "-", "--id", "x/y"], "# X\n").says(128, &["Nothing was changed"]);
}

#[test]
fn nothing_is_imported_when_one_of_the_files_cannot_be() {
    let project = project();
    project.write("ok/APP-9.md", "# Fine\n");
    project.write("bad/APP-10.md", b"\xff\xfe");
    project.write("twice/APP-9 again.md", "# Other\n");
    project.write("taken/APP-7.md", "# Another login\n");
    for (files, words) in [
        ("ok,bad/APP-10.md", "bad/APP-10.md: not UTF-8"),
        ("ok,nowhere.md", "nowhere.md: cannot be read"),
        ("ok, twice", "twice/APP-9 again.md: would be the same artifact as ok/APP-9.md"),
        ("ok,taken", "APP-7.md holds something else; --force"),
        ("ok,.agent/etc/sync.yaml", "files of this kind end in .md"),
    ] {
        project.run(&["import-story", files]).says(128, &[words, "Nothing was changed"]);
        assert!(!project.path(".agent/cache/stories").exists(), "{files}");
    }
    project.run(&["import-story", "taken", "--force"]).says(0, &["updated  .agent/stories/APP-7.md"]);
    assert_eq!(project.read(".agent/stories/APP-7.md"), "# Another login\n");
    project.run(&["import-story", "ok", "taken", "--id", "APP-1"]).says(128, &["--id names one artifact"]);
}

#[test]
fn a_search_finds_lines_by_words_kind_and_state() {
    let project = project();
    let found = ".agent/stories/APP-7.md:5:Deploy at noon.\n";
    assert_eq!(project.run(&["search", "noon", "deploy"]).says(0, &[]).out, found);
    assert_eq!(project.run(&["search", "Deploy", "--kind", "story"]).says(0, &[]).out, found);
    assert_eq!(project.run(&["search", "deploy", "--state", "open"]).says(0, &[]).out, found);
    assert_eq!(project.run(&["search", "-l", "status"]).says(0, &[]).out.lines().count(), 2);
    project.run(&["search", "DEPLOY"]).says(1, &[]);
    let json = project.run(&["search", "login", "--json"]).says(0, &[]).json();
    assert_eq!(json["artifacts"][0]["lines"][0]["line"], 1, "{json}");
    fs::remove_file(project.path(".agent/stories/APP-7.md")).expect("removed");
    project.run(&["search", "noon"]).says(1, &[]);
}
