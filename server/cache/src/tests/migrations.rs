//! Databases of every age open; newer ones are left alone.

use std::fs;
use std::path::Path;

use agent_core::ports::{Store, StoreError};
use rusqlite::Connection;

use super::make::*;
use crate::Cache;
use crate::migrate::{self, STEPS};

fn schema(conn: &Connection) -> Vec<String> {
    let mut statement =
        conn.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn at_version(path: &Path, version: usize) {
    let mut conn = Connection::open(path).unwrap();
    migrate::run(&mut conn, "test", &STEPS[..version]).unwrap();
}

#[test]
fn a_database_of_every_older_version_opens_as_the_newest() {
    let newest = schema(&Cache::in_memory().unwrap().conn);
    for version in 0..=STEPS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.db");
        at_version(&path, version);
        let (mut cache, rebuilt) = Cache::open_or_rebuild(&path).unwrap();
        assert_eq!(rebuilt, None, "from version {version}");
        assert_eq!(schema(&cache.conn), newest, "from version {version}");
        cache.commit(&[put(&full(1))]).unwrap();
        assert_eq!(load(&mut cache).entries.len(), 1);
    }
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    at_version(&path, STEPS.len());
    let newer = u32::try_from(STEPS.len()).unwrap() + 1;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", newer).unwrap();
    let before = schema(&Connection::open(&path).unwrap());
    for _ in 0..2 {
        match Cache::open_or_rebuild(&path) {
            Err(StoreError::TooNew { found, known, path: named }) => {
                assert_eq!((found, known), (newer, newer - 1));
                assert!(named.ends_with("agent.db"), "{named}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(schema(&Connection::open(&path).unwrap()), before);
}

#[test]
fn a_process_that_a_newer_one_overtook_commits_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    let mut cache = Cache::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", i64::try_from(STEPS.len()).unwrap() + 1).unwrap();
    assert!(matches!(cache.commit(&[blob(1)]), Err(StoreError::TooNew { .. })));
    assert_eq!(cache.text(hash(1)).unwrap(), None);
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it() {
    let mut conn = Connection::open_in_memory().unwrap();
    let steps = ["CREATE TABLE a (x) STRICT", "CREATE TABLE a (x INT) STRICT"];
    let good = ["CREATE TABLE a (x INT) STRICT", "CREATE TABLE b (x INT) STRICT; SELECT nonsense"];
    assert!(migrate::run(&mut conn, "test", &steps).is_err());
    assert!(schema(&conn).is_empty());
    assert!(migrate::run(&mut conn, "test", &good).is_err());
    assert_eq!(schema(&conn).len(), 1);
    let mended = [good[0], "CREATE TABLE b (x INT) STRICT"];
    migrate::run(&mut conn, "test", &mended).unwrap();
    assert_eq!(schema(&conn).len(), 2);
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}

#[test]
fn a_new_database_is_set_up_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/yet there/file:agent.db?mode=ro");
    let cache = Cache::open(&path).unwrap();
    let pragma = |name: &str| -> String {
        cache
            .conn
            .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
            .unwrap()
    };
    let settings = ["journal_mode", "synchronous", "foreign_keys", "temp_store"].map(pragma);
    assert_eq!(settings, ["wal", "2", "1", "2"]);
    assert!(fs::metadata(&path).unwrap().len() > 0, "the header is in the file, not in its log");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut cache = Cache::open(&path).unwrap();
    cache.commit(&[blob(1)]).unwrap();
    let mut seen = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
        seen += 1;
    }
    assert_eq!(seen, 4, "database, log, shared memory, lock");
}
