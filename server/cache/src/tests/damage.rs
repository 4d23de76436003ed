//! Damaged files: never a panic, never a deleted file; a sound database afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use agent_core::id::Timestamp;
use agent_core::ports::{Holder, Store, StoreError, Write};
use agent_core::sync::Entry;
use tempfile::TempDir;

use super::make::*;
use crate::{Cache, Rebuilt};

const ENTRIES: u64 = 40;

/// A database with some of everything, closed, all of it in the one file.
fn sound() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    let mut cache = Cache::open(&path).unwrap();
    for n in 0..ENTRIES {
        let queue = Write::Queue(key(n), change(n));
        let operation = Write::Operation(Box::new(operation(n, agent_core::ports::Cause::Saved)));
        cache.commit(&[blob(n), put(&full(n)), queue, operation]).unwrap();
    }
    drop(cache);
    assert!(!path.with_file_name("agent.db-wal").exists());
    (folder, path)
}

fn integrity(cache: &Cache) -> String {
    cache.conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// Everything a session does; the first failure.
fn use_all(cache: &mut Cache) -> Result<(), StoreError> {
    let snapshot = cache.load()?;
    for n in 0..ENTRIES {
        cache.text(hash(n))?;
    }
    cache.operations(None, 1000)?;
    cache.people()?;
    cache.seen_elsewhere(&Holder("another".to_owned()), Timestamp(0))?;
    let rewritten: Vec<_> = snapshot.entries.iter().map(put).collect();
    cache.commit(&rewritten)?;
    cache.commit(&[blob(5000), put(&full(5000)), Write::Queue(key(5000), change(5000))])?;
    Ok(())
}

/// Opens, uses, and rebuilds as often as an engine would; what was moved aside on the way.
fn recover(path: &Path) -> Option<Rebuilt> {
    let (mut cache, at_open) = match Cache::open_or_rebuild(path) {
        Ok(opened) => opened,
        // A flipped schema version cannot be told from a newer program's.
        Err(StoreError::TooNew { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    match use_all(&mut cache) {
        Ok(()) => at_open,
        Err(StoreError::Corrupt { detail, .. }) => {
            let (mut cache, rebuilt) = cache.rebuild(&detail).unwrap();
            use_all(&mut cache).unwrap();
            assert_eq!(integrity(&cache), "ok");
            Some(rebuilt.expect("the damaged database was moved aside"))
        }
        Err(error) => panic!("{error}"),
    }
}

fn check_bytes_kept(rebuilt: &Rebuilt, bytes: &[u8]) {
    assert_eq!(fs::read(&rebuilt.moved_to).unwrap(), bytes, "{}", rebuilt.reason);
}

#[test]
fn garbage_is_moved_aside_with_its_reason() {
    for bytes in [b"# not a database\n".repeat(500), vec![0; 8192], vec![0xff; 100]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.db");
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(Cache::open(&path), Err(StoreError::Corrupt { .. })));
        let rebuilt = recover(&path).unwrap();
        assert_eq!(rebuilt.moved_to, folder.path().join("agent.db.damaged-1"));
        assert!(!rebuilt.reason.is_empty());
        check_bytes_kept(&rebuilt, &bytes);
    }
}

#[test]
fn an_earlier_damaged_database_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    fs::write(folder.path().join("agent.db.damaged-2-wal"), "taken").unwrap();
    for expected in ["agent.db.damaged-1", "agent.db.damaged-3"] {
        let bytes = format!("garbage that becomes {expected}").repeat(100);
        fs::write(&path, &bytes).unwrap();
        let (cache, rebuilt) = Cache::open_or_rebuild(&path).unwrap();
        drop(cache);
        assert_eq!(rebuilt.unwrap().moved_to, folder.path().join(expected));
        assert_eq!(fs::read_to_string(folder.path().join(expected)).unwrap(), bytes);
    }
}

#[test]
fn an_empty_file_is_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    fs::write(&path, "").unwrap();
    assert_eq!(recover(&path), None);
}

#[test]
fn a_foreign_database_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(recover(&path).is_some());
}

#[test]
fn a_log_without_its_database_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    fs::write(folder.path().join("agent.db-wal"), "unsaved").unwrap();
    assert_eq!(recover(&path), None);
    assert_eq!(fs::read(folder.path().join("agent.db.damaged-1-wal")).unwrap(), b"unsaved");
}

#[test]
fn every_truncation_is_survived() {
    let (_folder, path) = sound();
    let whole = fs::read(&path).unwrap();
    let cuts = (2..whole.len()).step_by(3001).chain([16, 99, 100, 4095, 4096, whole.len() - 1]);
    for cut in cuts {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.db");
        fs::write(&path, &whole[..cut]).unwrap();
        let rebuilt = recover(&path).unwrap_or_else(|| panic!("cut at {cut} went unnoticed"));
        assert!(fs::metadata(&rebuilt.moved_to).unwrap().len() > 0);
    }
}

#[test]
fn every_flipped_byte_is_survived() {
    let (_folder, path) = sound();
    let whole = fs::read(&path).unwrap();
    // All of the file header and of the first tree's, then a sample of all pages.
    for at in (0..112).chain((112..whole.len()).step_by(331)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.db");
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        recover(&path);
    }
}

#[test]
fn a_schema_that_forbids_what_is_written_is_damage() {
    let (_folder, path) = sound();
    let mut cache = Cache::open(&path).unwrap();
    cache
        .conn
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '(base_hash) = 32', '(base_hash) = 22');
             PRAGMA writable_schema = RESET;",
        )
        .unwrap();
    let result = cache.commit(&[put(&full(77))]);
    assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{result:?}");
}

#[test]
fn a_content_that_is_not_what_its_hash_says_is_not_handed_out() {
    let (_folder, path) = sound();
    let mut cache = Cache::open(&path).unwrap();
    cache.conn.execute("UPDATE blobs SET text = 'other' WHERE hash = ?1", [hash(3).as_bytes()]).unwrap();
    assert!(matches!(cache.text(hash(3)), Err(StoreError::Corrupt { .. })));
    assert!(cache.text(hash(4)).unwrap().is_some());
    let entries = load(&mut cache).entries.len();
    let (mut cache, rebuilt) = cache.rebuild("a test").unwrap();
    assert_eq!(rebuilt.unwrap().reason, "a test");
    assert_eq!((entries, load(&mut cache).entries.len()), (40, 0));
}

#[test]
fn values_that_are_none_of_ours_are_damage() {
    for change in [
        "UPDATE artifacts SET path = '../outside'",
        "UPDATE artifacts SET base_version = -1",
        "UPDATE artifacts SET remote_author_id = NULL",
        "UPDATE artifacts SET title = CAST(x'ff' AS TEXT)",
        "DELETE FROM meta",
    ] {
        let (_folder, path) = sound();
        let mut cache = Cache::open(&path).unwrap();
        cache.conn.execute(change, []).unwrap();
        let result = cache.load();
        assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{change}: {result:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_database_deleted_in_use_takes_no_more_commits() {
    let (folder, path) = sound();
    let mut cache = Cache::open(&path).unwrap();
    for name in ["agent.db", "agent.db-wal", "agent.db-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    assert!(matches!(cache.commit(&[blob(1)]), Err(StoreError::Corrupt { .. })));
    assert!(matches!(cache.load(), Err(StoreError::Corrupt { .. })));
    let (mut cache, rebuilt) = cache.rebuild("deleted").unwrap();
    assert_eq!(rebuilt, None);
    use_all(&mut cache).unwrap();
}

#[test]
fn of_many_who_find_the_damage_one_moves_it_and_all_share_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    fs::write(&path, "garbage".repeat(1000)).unwrap();
    let finders: Vec<_> = (0..8)
        .map(|n| {
            let path = path.clone();
            thread::spawn(move || {
                let (mut cache, rebuilt) = Cache::open_or_rebuild(&path).unwrap();
                cache.commit(&[put(&bare(n))]).unwrap();
                rebuilt
            })
        })
        .collect();
    let rebuilt: Vec<_> = finders.into_iter().filter_map(|finder| finder.join().unwrap()).collect();
    assert_eq!(rebuilt.len(), 1, "{rebuilt:?}");
    assert_eq!(load(&mut Cache::open(&path).unwrap()).entries.len(), 8);
}

#[cfg(unix)]
#[test]
fn of_two_who_meet_the_damage_in_use_the_second_keeps_the_firsts_new_one() {
    let (folder, path) = sound();
    let (a, mut b) = (Cache::open(&path).unwrap(), Cache::open(&path).unwrap());
    let (mut a, moved) = a.rebuild("a test").unwrap();
    assert!(moved.is_some());
    let rev = a.commit(&[put(&full(1))]).unwrap();
    assert!(matches!(b.commit(&[blob(1)]), Err(StoreError::Corrupt { .. })));
    let (mut b, moved) = b.rebuild("a test").unwrap();
    assert_eq!(moved, None);
    assert_eq!(load(&mut b).entries, [Entry { rev, ..full(1) }]);
    assert!(!folder.path().join("agent.db.damaged-2").exists());
}
