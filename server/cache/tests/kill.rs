//! A process killed in the middle of writing loses nothing that it was told is committed. The
//! child is this test program itself, asked to run [`child_that_commits_until_it_is_killed`].
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::env;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, ArtifactPath, ChangeId, Rev, Seq, Text, Timestamp, Version};
use agent_core::ports::{Store, Write};
use agent_core::sync::{Entry, PendingChange};

const DATABASE: &str = "AGENT_CACHE_TEST_DATABASE";
const ROUNDS: usize = 5;

fn key(n: u64) -> ArtifactKey {
    ArtifactKey::new("story", &format!("KILL-{n}")).unwrap()
}

fn text(n: u64) -> Text {
    Text::new(format!("text {n}\n").repeat(2000))
}

/// One commit of everything a save writes.
fn writes(n: u64) -> [Write; 4] {
    let path = ArtifactPath::new(&format!("KILL-{n}.md")).unwrap();
    let change = PendingChange {
        change_id: ChangeId(uuid::Uuid::from_u128(u128::from(n))),
        hash: Some(text(n).hash()),
        base_version: Version(0),
        path: path.clone(),
        queued_at: Timestamp(0),
    };
    let entry = Entry { local: Some(text(n).hash()), ..Entry::new(key(n), path) };
    [Write::Blob(text(n)), Write::Entry(Box::new(entry)), Write::Queue(key(n), change), Write::Cursor(Seq(n))]
}

#[test]
fn child_that_commits_until_it_is_killed() {
    let Some(path) = env::var_os(DATABASE) else { return };
    let mut cache = Cache::open(Path::new(&path)).unwrap();
    let mut n = cache.load().unwrap().rev.0;
    // Bounded, so that a child whose parent died does not fill the disk.
    while n < 100_000 {
        n += 1;
        assert_eq!(cache.commit(&writes(n)).unwrap(), Rev(n));
        let mut out = std::io::stdout().lock();
        writeln!(out, "committed {n}").unwrap();
        out.flush().unwrap();
    }
}

fn spawn_child(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_that_commits_until_it_is_killed", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Kills the child after a number of acknowledged commits; the last it told of, those still in the
/// pipe included.
fn kill_after(path: &Path, commits: usize) -> u64 {
    let (mut child, out) = spawn_child(path);
    let mut acknowledged = Vec::new();
    for line in out.lines() {
        // The line being written when the kill came may be cut short; it acknowledges nothing then.
        let Some(n) = line.ok().and_then(|line| line.split_once("committed ")?.1.parse().ok()) else {
            continue;
        };
        acknowledged.push(n);
        if acknowledged.len() == commits {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= commits, "the child ended by itself");
    acknowledged.into_iter().max().unwrap()
}

fn integrity(path: &Path) -> String {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_killed_process_loses_nothing_it_was_told_is_committed() {
    if env::var_os(DATABASE).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    for round in 1..=ROUNDS {
        let acknowledged = kill_after(&path, 17 * round);
        let (mut cache, rebuilt) = Cache::open_or_rebuild(&path).unwrap();
        assert_eq!(rebuilt, None);
        let snapshot = cache.load().unwrap();
        // One commit may have become durable between its fsync and its acknowledgement.
        assert!((acknowledged..=acknowledged + 1).contains(&snapshot.rev.0), "{acknowledged} {snapshot:?}");
        assert_eq!(snapshot.cursor, Seq(snapshot.rev.0));
        assert_eq!(snapshot.entries.len() as u64, snapshot.rev.0);
        for entry in &snapshot.entries {
            assert!(entry.pending.is_some(), "{}", entry.key);
            let kept = cache.text(entry.local.unwrap()).unwrap().expect("the content of an entry");
            assert_eq!(Text::new(kept).hash(), entry.local.unwrap());
        }
        drop(cache);
        assert_eq!(integrity(&path), "ok");
    }
}
