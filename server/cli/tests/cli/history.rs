//! `agent sync log`, `show`, `diff`, `restore` and `undo`, without a network.

use serde_json::{Value, json};

use crate::resolve::{ADR, BASE, LOCAL, REMOTE, receive};
use crate::support::Project;

/// A file that was changed here and, at another place, there; then merged.
const THERE: &str = "# One there\n\ntwo\n\nthree\n\nfour\n\nfive\n";
const HERE: &str = "# One\n\ntwo\n\nthree\n\nfour\n\nfive here\n";
const BOTH: &str = "# One there\n\ntwo\n\nthree\n\nfour\n\nfive here\n";

fn merged() -> Project {
    let project = Project::with(&[(ADR, BASE)]);
    receive(&project, 1, Some(BASE));
    project.write(ADR, HERE);
    receive(&project, 2, Some(THERE));
    project.run(&["sync", "resolve", "ADR-1", "--merge"]).says(0, &["Resolved"]);
    assert_eq!(project.read(ADR), BOTH);
    project
}

fn json(project: &Project, args: &[&str]) -> Value {
    project.run(args).says(0, &[]).json()
}

fn row(project: &Project) -> Value {
    json(project, &["sync", "status", "--all", "--json"])["artifacts"][0].clone()
}

#[test]
fn the_log_says_who_did_what_from_which_version_to_which() {
    let project = merged();
    project.run(&["sync", "log"]).says(0, &["resolved, by hand", "version 1 → 2", "adr/ADR-1"]);
    project.run(&["sync", "log", "--oneline", "-n", "2"]).says(0, &["resolved", "→"]);
    let offline =
        project.run(&["sync", "log", "ADR-1"]).says(0, &["received", "only what this machine knows"]);
    assert!(offline.out.contains("anna@example.com"), "{offline:?}");
    let log = json(&project, &["sync", "log", "ADR-1", "--offline", "--json"]);
    let received =
        log["operations"].as_array().expect("a list").iter().find(|line| line["cause"] == "received");
    let received = received.expect("the newest revision").clone();
    assert_eq!(received["from"], json!({ "base": 1, "remote": 1 }));
    assert_eq!(received["to"], json!({ "base": 1, "remote": 2 }));
    assert_eq!((&received["by_hand"], &received["author"]), (&json!(false), &json!("anna@example.com")));
    let none = json(&project, &["sync", "log", "--since", "2099-01-01", "--json"]);
    assert_eq!(none["operations"], json!([]));
    let all = json(&project, &["sync", "log", "--since", "3000 days", "--json"]);
    assert_eq!(all["operations"], log["operations"]);
    project.run(&["sync", "log", "--since", "sometime"]).says(129, &["neither a date"]);
}

#[test]
fn show_has_every_text_and_every_operation() {
    let project = merged();
    for (what, text) in
        [("ADR-1", BOTH), ("ADR-1@local", BOTH), ("adr/ADR-1@1", BASE), ("ADR-1@remote", THERE)]
    {
        assert_eq!(project.run(&["sync", "show", what]).says(0, &[]).out, text, "{what}");
    }
    let shown = json(&project, &["sync", "show", "ADR-1@2", "--json"]);
    assert_eq!((&shown["content"], &shown["revision"]), (&json!(THERE), &json!(2)));
    let newest = json(&project, &["sync", "log", "-n", "3", "--json"])["operations"].clone();
    let saved = newest.as_array().expect("a list").iter().find(|line| line["cause"] == "saved");
    let number = saved.expect("the merged text")["operation"].to_string();
    let shown = project.run(&["sync", "show", &number]).says(0, &["saved", "+# One there", "-# One\n"]);
    assert!(!shown.out.contains('\u{1b}'), "colours are for terminals");
    project.run(&["sync", "show", "999"]).says(128, &["no operation 999"]);
    project.run(&["sync", "show", "ADR-1@9"]).says(128, &["version 9 is not in the cache"]);
}

#[test]
fn diff_shows_what_was_changed_here_as_git_applies_it() {
    let project = merged();
    let expected = "diff --git a/.agent/adrs/ADR-1.md b/.agent/adrs/ADR-1.md\n--- a/.agent/adrs/ADR-1.md\n\
                    +++ b/.agent/adrs/ADR-1.md\n@@ -6,4 +6,4 @@\n \n four\n \n-five\n+five here\n";
    assert_eq!(project.run(&["sync", "diff"]).says(0, &[]).out, expected);
    assert_eq!(project.run(&["sync", "diff", "ADR-1", "--remote"]).says(0, &[]).out, expected);
    project.run(&["sync", "diff", "--exit-code"]).says(1, &["+five here"]);
    project.run(&["sync", "diff", "ADR-1", "--version", "1"]).says(0, &["+# One there", "+five here"]);
    project.run(&["sync", "diff", "--stat"]).says(0, &["2 +-", "1 insertion(+), 1 deletion(-)"]);
    let report = json(&project, &["sync", "diff", "--json"]);
    assert_eq!((&report["against"], &report["artifacts"][0]["diff"]), (&json!("base"), &json!(expected)));
    // What Git makes of it: applied backwards, it takes the change back.
    project.write("change.patch", expected);
    let mut git = project.command("git", &["apply", "--reverse", "change.patch"]);
    assert!(git.status().expect("runs").success());
    assert_eq!(project.read(ADR), THERE);
    assert_eq!(project.run(&["sync", "diff", "--exit-code"]).says(0, &[]).out, "");
}

#[test]
fn restore_brings_any_earlier_text_back_as_an_edit() {
    let project = merged();
    project
        .run(&["sync", "restore", "ADR-1", "--version", "1", "--dry-run"])
        .says(0, &["Would restore", "-# One there"]);
    assert_eq!(project.read(ADR), BOTH);
    project.run(&["sync", "restore", "ADR-1", "--version", "1"]).says(0, &["Restored"]);
    assert_eq!(project.read(ADR), BASE);
    assert_eq!((&row(&project)["status"], &row(&project)["next"]), (&json!("ahead"), &json!("push")));
    let restored = json(&project, &["sync", "log", "-n", "1", "--json"])["operations"][0].clone();
    assert_eq!((&restored["cause"], &restored["by_hand"]), (&json!("restored"), &json!(true)));
    project.run(&["sync", "restore", "ADR-1", "--version", "1"]).says(1, &["exactly this already"]);
    project.run(&["sync", "restore", "ADR-1", "--version", "8"]).says(128, &["not in the cache"]);
    project.run(&["sync", "restore", "ADR-1"]).says(129, &["--version"]);
    // The text before is in the history, under the operation before.
    let before = json(&project, &["sync", "log", "--json"])["operations"][1]["operation"].to_string();
    project.run(&["sync", "restore", "ADR-1", "--operation", &before]).says(0, &["Restored"]);
    assert_eq!(project.read(ADR), BOTH);
}

#[test]
fn a_deleted_file_is_restored() {
    let project = merged();
    std::fs::remove_file(project.path(ADR)).expect("removed");
    project.run(&["sync", "restore", "ADR-1", "--version", "2"]).says(0, &["Restored"]);
    assert_eq!(project.read(ADR), THERE);
    assert_eq!(row(&project)["status"], json!("in-sync"));
}

#[test]
fn what_both_sides_deleted_is_restored_to_stay() {
    let project = Project::with(&[(ADR, BASE)]);
    receive(&project, 1, Some(BASE));
    std::fs::remove_file(project.path(ADR)).expect("removed");
    receive(&project, 2, None);
    project.run(&["sync", "status", "--json"]).says(0, &["\"artifacts\":[]"]);
    project.run(&["sync", "restore", ADR, "--version", "1"]).says(0, &["Restored"]);
    assert_eq!(project.read(ADR), BASE);
    assert_eq!((&row(&project)["status"], &row(&project)["next"]), (&json!("ahead"), &json!("push")));
}

#[test]
fn an_undone_merge_stays_undone_until_it_is_redone() {
    let project = merged();
    project.run(&["sync", "undo", "--dry-run"]).says(0, &["Would undo", "-# One there"]);
    assert_eq!(project.read(ADR), BOTH);
    project.run(&["sync", "undo"]).says(0, &["Undone", "resolved", "not taken again"]);
    assert_eq!(project.read(ADR), HERE);
    let after = row(&project);
    assert_eq!((&after["status"], &after["next"]), (&json!("diverged"), &json!("undone")));
    project.run(&["sync", "status"]).says(0, &["Undone here", "--merge"]);
    receive(&project, 3, Some(&THERE.replace("three", "three there")));
    assert_eq!(project.read(ADR), HERE);
    project.run(&["sync", "undo", "ADR-1"]).says(0, &["Undone", "undone"]);
    assert_eq!(project.read(ADR), BOTH);
    assert_eq!(row(&project)["next"], json!("merge"), "only what came later is new");
}

#[test]
fn undo_keeps_later_edits_or_changes_nothing() {
    let project = merged();
    let number =
        json(&project, &["sync", "log", "-n", "1", "--json"])["operations"][0]["operation"].to_string();
    project.write(ADR, BOTH.replace("three", "three, later"));
    project.run(&["sync", "undo", &number]).says(0, &["Undone"]);
    assert_eq!(project.read(ADR), HERE.replace("three", "three, later"));
    let project = merged();
    let later = BOTH.replace("One there", "One there, later");
    project.write(ADR, &later);
    project.run(&["sync", "undo"]).says(1, &["Not undone", "same lines"]);
    assert_eq!(project.read(ADR), later);
}

#[test]
fn what_cannot_be_undone_says_why() {
    let project = Project::with(&[(ADR, BASE)]);
    project.run(&["sync", "undo"]).says(128, &["nothing happened here"]);
    receive(&project, 1, Some(REMOTE));
    let log = json(&project, &["sync", "log", "--json"]);
    let received =
        log["operations"].as_array().expect("a list").iter().find(|line| line["cause"] == "received");
    let number = received.expect("it was received")["operation"].to_string();
    project.run(&["sync", "undo", &number]).says(1, &["Not undone", "agent sync restore"]);
    project.run(&["sync", "undo", "777"]).says(128, &["no operation 777"]);
    assert_eq!(project.read(ADR), BASE);
    // A deletion is undone by default, a plain save by its number.
    project.write(ADR, LOCAL);
    project.run(&["sync", "status"]).says(0, &[]);
    let saved =
        json(&project, &["sync", "log", "-n", "1", "--json"])["operations"][0]["operation"].to_string();
    std::fs::remove_file(project.path(ADR)).expect("removed");
    project.run(&["sync", "undo"]).says(0, &["deleted"]);
    assert_eq!(project.read(ADR), LOCAL);
    project.run(&["sync", "undo", &saved]).says(0, &["saved"]);
    assert_eq!(project.read(ADR), BASE);
}
