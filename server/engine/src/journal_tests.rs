use agent_core::ports::Triple;

use super::*;

fn operation(n: usize, cause: Cause) -> Write {
    Write::Operation(Box::new(Operation {
        at: Timestamp(1_700_000_000_000),
        key: ArtifactKey::new("story", &format!("S-{n}")).expect("a key"),
        cause,
        before: Triple::default(),
        after: Triple::default(),
        remote_version: agent_core::id::Version(3),
        author: None,
        versions: None,
        paths: None,
        undoes: None,
    }))
}

fn machine() -> Machine {
    use agent_core::sync::{Policy, next::ConflictStrategy};
    Machine::new(Policy { auto_push: true, may_write: true, strategy: ConflictStrategy::Manual })
}

#[test]
fn each_operation_is_one_line_of_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logs/sync.log");
    let mut journal = Journal::new(path.clone());
    journal.note(&[Write::Cursor(agent_core::id::Seq(1))], &machine(), Rev(1), Timestamp(0));
    assert!(!path.exists(), "nothing to say, nothing made");
    journal.note(
        &[operation(1, Cause::Received), operation(2, Cause::Merged)],
        &machine(),
        Rev(7),
        Timestamp(0),
    );
    let text = fs::read_to_string(&path).expect("a log");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expected = serde_json::json!({
        "at": "2023-11-14T22:13:20Z", "operation": "7.1", "artifact": "story/S-2", "cause": "merged",
        "outcome": "done", "version": 3,
    });
    assert_eq!((lines.len(), &lines[1]), (2, &expected));
}

#[test]
fn a_log_that_is_full_gives_way_to_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sync.log");
    let mut journal = Journal { largest: 200, ..Journal::new(path.clone()) };
    for n in 0..100 {
        journal.note(&[operation(n, Cause::Saved)], &machine(), Rev(1), Timestamp(0));
    }
    let files: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(files.len(), 2, "the log and the one before");
    let size = |path: &Path| fs::metadata(path).expect("a log").len();
    assert!(size(&path) < 400 && size(&old(&path)) < 400);
    let newest = fs::read_to_string(&path).expect("a log");
    assert!(newest.contains("S-99"), "{newest}");
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::new(folder.path().to_owned());
    journal.note(&[operation(1, Cause::Saved)], &machine(), Rev(1), Timestamp(0));
    assert!(journal.has_failed);
}
