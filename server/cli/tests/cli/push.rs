//! `agent sync push` and `pull` where nobody answers.

use serde_json::json;

use crate::support::Project;

const ADR: &str = ".agent/adrs/ADR-1.md";
const CONFIG: &str = "remote:\n  url: http://127.0.0.1:9\n  anon_key: ${SUPABASE_KEY}\n  team_id: 6f9619ff-8b86-d011-b42d-00cf4fc964ff\n";
const KEY: [(&str, &str); 1] = [("SUPABASE_KEY", "sb_publishable_x")];

fn project() -> Project {
    let project = Project::with(&[(ADR, "# An ADR\n")]);
    project.write(".agent/etc/sync.yaml", CONFIG);
    project
}

#[test]
fn without_a_session_everything_waits_and_nothing_is_lost() {
    let project = project();
    let ran = project.run_with(&["sync", "push"], &KEY);
    ran.says(1, &["Waiting", "kept in the cache", "adr/ADR-1", "agent login"]);
    let report = project.run_with(&["sync", "push", "--json"], &KEY).says(1, &[]).json();
    assert_eq!(report["artifacts"][0]["result"], json!("waiting"));
    assert_eq!(report["requests"], json!(0));
    assert_eq!(project.read(ADR), "# An ADR\n");
    project.run(&["sync", "status"]).says(0, &["To be pushed", "adr/ADR-1"]);
}

#[test]
fn a_dry_run_says_what_the_push_would() {
    let project = project();
    for args in [&["sync", "push"][..], &["sync", "push", "-n"]] {
        project.run_with(args, &KEY).says(1, &["Waiting", "adr/ADR-1", "agent login"]);
    }
    let report = project.run_with(&["sync", "push", "-n", "--json"], &KEY).says(1, &[]).json();
    assert_eq!(report["artifacts"][0]["result"], json!("waiting"));
    project.write(".agent/etc/sync.yaml", "sync: {}\n");
    project.run(&["sync", "push", "-n"]).says(128, &["remote.url is not set"]);
}

#[test]
fn with_nothing_to_push_nobody_is_asked() {
    let project = Project::with(&[]);
    project.write(".agent/etc/sync.yaml", CONFIG);
    project.run_with(&["sync", "push"], &KEY).says(0, &["Nothing to push."]);
}

#[test]
fn a_pull_without_a_session_changes_nothing() {
    let project = project();
    project.run_with(&["sync", "pull"], &KEY).says(1, &["not signed in", "agent login"]);
    assert_eq!(project.read(ADR), "# An ADR\n");
}
