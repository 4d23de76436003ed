//! `agent sync status` and `log`.

use serde_json::json;

use crate::support::Project;

const ADR: &str = ".agent/adrs/ADR-7-sync.md";

#[test]
fn new_artifacts_are_to_be_pushed() {
    let project = Project::with(&[(ADR, "# Sync\n\nStatus: DRAFT\n")]);
    project.run(&["sync", "status"]).says(0, &["To be pushed", "adr/ADR-7", "0 artifacts in sync"]);
    let status = project.run(&["sync", "status", "--json"]).says(0, &[]).json();
    let row = &status["artifacts"][0];
    assert_eq!((&row["kind"], &row["id"], &row["path"]), (&json!("adr"), &json!("ADR-7"), &json!(ADR)));
    assert_eq!((&row["status"], &row["next"]), (&json!("ahead"), &json!("push")));
    assert_eq!((&row["base_version"], &row["remote_version"]), (&json!(0), &json!(0)));
    assert_eq!((&row["conflicts"], &row["refused"]), (&json!(0), &json!(null)));
    assert_eq!((&status["cursor"], &status["signed_in_as"]), (&json!(0), &json!(null)));
    assert!(row["waiting_since"].is_string());
}

#[test]
fn a_file_that_is_not_taken_is_no_artifact_and_no_deletion() {
    let project = Project::with(&[(ADR, "# Sync\n")]);
    project.write(ADR, b"# S\xffnc\n");
    let status = project.run(&["sync", "status", "--json"]).says(0, &[]).json();
    assert_eq!(status["not_taken"][0]["path"], json!(ADR));
    assert_eq!(status["artifacts"][0]["here"], json!(true), "the text taken before is still there");
}

#[test]
fn the_log_tells_what_happened_newest_first() {
    let project = Project::with(&[(ADR, "# Sync\n")]);
    std::fs::remove_file(project.path(ADR)).expect("removed");
    project.run(&["sync", "status"]).says(0, &[]);
    let log = project.run(&["sync", "log", "--json"]).says(0, &[]).json();
    let causes: Vec<_> = log["operations"].as_array().expect("a list").iter().map(|o| &o["cause"]).collect();
    assert_eq!(causes, [&json!("deleted"), &json!("saved")]);
    project.run(&["sync", "log", "-n", "1"]).says(0, &["deleted"]);
}

#[test]
fn a_damaged_cache_is_set_aside_and_said_so() {
    let project = Project::with(&[(ADR, "# Sync\n")]);
    for companion in ["agent.db-wal", "agent.db-shm"] {
        let _ = std::fs::remove_file(project.path(".agent/cache").join(companion));
    }
    let garbage = "not a database at all ".repeat(300);
    project.write(".agent/cache/agent.db", &garbage);
    project.run(&["sync", "status"]).says(0, &["note: the cache was damaged", "ADR-7"]);
    assert_eq!(project.read(".agent/cache/agent.db.damaged-1"), garbage);
    let quiet = project.run(&["sync", "status"]).says(0, &[]);
    assert!(!quiet.err.contains("damaged"));
}

#[test]
fn a_folder_in_place_of_the_cache_is_fatal_and_left_alone() {
    let project = Project::empty();
    project.write(".agent/cache/agent.db/mine.txt", "x");
    let ran = project.run(&["sync", "status", "--json"]).says(128, &["move it away"]);
    assert!(ran.json()["error"]["message"].is_string());
    assert_eq!(project.read(".agent/cache/agent.db/mine.txt"), "x");
}
