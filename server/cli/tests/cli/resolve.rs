//! `agent sync resolve`, on a cache that was filled as a pull would have, without a network.

use agent_cache::Cache;
use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactKey, ArtifactPath, Author, Seq, Text, Timestamp, Version};
use agent_core::ports::{PullPage, RemoteRow};
use agent_core::sync::next::ConflictStrategy;
use agent_core::sync::{Event, Policy};
use agent_engine::disk::Disk;
use agent_engine::workspace::Workspace;
use agent_engine::{Engine, SystemChance};
use serde_json::json;

use crate::support::Project;

pub(crate) const ADR: &str = ".agent/adrs/ADR-1.md";
pub(crate) const BASE: &str = "# One\n\ntwo\n\nthree\n\nfour\n\nfive\n";
pub(crate) const LOCAL: &str = "# One\n\ntwo here\n\nthree\n\nfour here\n\nfive\n";
pub(crate) const REMOTE: &str = "# One\n\ntwo there\n\nthree\n\nfour there\n\nfive\n";

/// What the remote has, into the cache of a project.
pub(crate) fn receive(project: &Project, version: u64, content: Option<&str>) {
    let workspace = Workspace::at(project.root());
    let (cache, _) = Cache::open_or_rebuild(&workspace.database()).expect("opens");
    let disk = Disk::new(workspace.root(), 1 << 20);
    let policy = Policy { auto_push: false, may_write: false, strategy: ConflictStrategy::Manual };
    let now = Timestamp(1_790_000_000_000);
    let chance = Box::new(SystemChance);
    let mut engine = Engine::open(cache, disk, Kinds::standard(), policy, chance, now).expect("opens");
    engine.scan(now).expect("scans");
    let row = RemoteRow {
        key: ArtifactKey::new("adr", "ADR-1").expect("a key"),
        version: Version(version),
        seq: Seq(version),
        path: ArtifactPath::new(ADR).expect("a path"),
        title: None,
        state: None,
        content: content.map(Text::new),
        author: Author { id: "1".into(), name: "anna@example.com".into() },
        change_id: None,
        at: now,
    };
    let cursor = Seq(version);
    let page = PullPage {
        rows: vec![row],
        unreadable: Vec::new(),
        erasures: Vec::new(),
        cursor,
        newest_seq: cursor,
        more: false,
    };
    engine.handle(Event::Pulled(Box::new(page)), now).expect("takes it");
}

fn conflict(local: Option<&str>, remote: Option<&str>) -> Project {
    let project = Project::with(&[(ADR, BASE)]);
    receive(&project, 1, Some(BASE));
    match local {
        Some(text) => project.write(ADR, text),
        None => std::fs::remove_file(project.path(ADR)).expect("removed"),
    }
    receive(&project, 2, remote);
    project
}

fn two_hunks() -> Project {
    conflict(Some(LOCAL), Some(REMOTE))
}

fn status(project: &Project) -> serde_json::Value {
    project.run(&["sync", "status", "--all", "--json"]).says(0, &[]).json()["artifacts"][0].clone()
}

#[test]
fn status_counts_the_hunks_and_list_shows_them() {
    let project = two_hunks();
    let row = status(&project);
    assert_eq!((&row["next"], &row["conflicts"]), (&json!("conflict"), &json!(2)));
    assert_eq!((&row["author"], &row["remote_version"]), (&json!("anna@example.com"), &json!(2)));
    project.run(&["sync", "resolve", "--all", "--list"]).says(0, &["hunk 2", "four here", "four there"]);
    let list = project.run(&["sync", "resolve", "ADR-1", "--list", "--json"]).says(0, &[]).json();
    let hunk = &list["artifacts"][0]["hunks"][0];
    assert_eq!((&hunk["number"], &hunk["local"]["first"]), (&json!(1), &json!(3)));
    assert_eq!((&hunk["base"]["text"], &hunk["remote"]["text"]), (&json!("two\n"), &json!("two there\n")));
    assert_eq!(project.read(ADR), LOCAL);
}

#[test]
fn hunks_are_settled_one_by_one() {
    let project = two_hunks();
    project.run(&["sync", "resolve", "adr/ADR-1", "--theirs", "--hunk", "2"]).says(0, &["1 hunk left"]);
    assert_eq!(project.read(ADR), LOCAL.replace("four here", "four there"));
    project.run(&["sync", "resolve", ADR, "--ours", "--hunk", "1"]).says(0, &["agent sync push"]);
    let row = status(&project);
    assert_eq!((&row["status"], &row["next"]), (&json!("ahead"), &json!("push")));
    assert_eq!(project.read(ADR), LOCAL.replace("four here", "four there"));
    project.run(&["sync", "log"]).says(0, &["resolved"]);
}

#[test]
fn a_whole_artifact_is_settled_for_either_side_or_both() {
    let union = "# One\n\ntwo here\ntwo there\n\nthree\n\nfour here\nfour there\n\nfive\n";
    for (side, expected, status_word) in
        [("--ours", LOCAL, "ahead"), ("--theirs", REMOTE, "in-sync"), ("--union", union, "ahead")]
    {
        let project = two_hunks();
        project.run(&["sync", "resolve", "--all", side, "--dry-run"]).says(0, &["Would resolve"]);
        assert_eq!(project.read(ADR), LOCAL);
        project.run(&["sync", "resolve", "--all", side]).says(0, &["Resolved"]);
        assert_eq!(
            (project.read(ADR).as_str(), &status(&project)["status"]),
            (expected, &json!(status_word))
        );
        project.run(&["sync", "resolve", "--all", side]).says(0, &["Nothing is in conflict"]);
    }
}

#[test]
fn a_deletion_is_kept_or_undone() {
    let here = || conflict(None, Some(REMOTE));
    assert_eq!(status(&here())["next"], json!("deleted-here"));
    let project = here();
    project.run(&["sync", "resolve", "ADR-1", "--theirs"]).says(0, &["Resolved"]);
    assert_eq!(project.read(ADR), REMOTE);
    let project = here();
    project.run(&["sync", "resolve", "ADR-1", "--ours"]).says(0, &["Resolved"]);
    assert!(!project.path(ADR).exists());
    let there = || conflict(Some(LOCAL), None);
    assert_eq!(status(&there())["next"], json!("deleted-there"));
    let project = there();
    project.run(&["sync", "resolve", "ADR-1", "--ours"]).says(0, &["Resolved"]);
    assert_eq!(project.read(ADR), LOCAL);
    let project = there();
    project.run(&["sync", "resolve", "ADR-1", "--union"]).says(1, &["deleted"]);
    assert_eq!(project.read(ADR), LOCAL);
    project.run(&["sync", "resolve", "ADR-1", "--theirs"]).says(0, &["Resolved"]);
    assert!(!project.path(ADR).exists());
}

#[test]
fn what_cannot_be_resolved_says_why() {
    let project = two_hunks();
    project
        .run(&["sync", "resolve", "ADR-1", "--ours", "--hunk", "3"])
        .says(128, &["no hunk 3", "2 conflicting"]);
    project.run(&["sync", "resolve", "ADR-9", "--ours"]).says(128, &["no such artifact"]);
    project.run(&["sync", "resolve", "ADR-1"]).says(129, &["--ours"]);
    project.run(&["sync", "resolve", "--ours"]).says(129, &["ARTIFACT"]);
    project.run(&["sync", "resolve", "ADR-1", "--theirs"]).says(0, &[]);
    project.run(&["sync", "resolve", "ADR-1", "--ours"]).says(1, &["nothing to resolve"]);
}
