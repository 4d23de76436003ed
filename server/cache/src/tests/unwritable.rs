//! No space and no permission: the caller is told which, and nothing is half written.

use std::fs;

use agent_core::id::Text;
use agent_core::ports::{Store, StoreError, Write};

use super::make::*;
use crate::Cache;

fn is_unwritable<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Unwritable { .. })), "{result:?}");
}

#[test]
fn a_full_disk_takes_nothing_of_the_commit_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    let mut cache = Cache::open(&path).unwrap();
    let before = cache.commit(&[blob(1), put(&full(1))]).unwrap();
    let pages: i64 = cache.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    cache.conn.query_row(&format!("PRAGMA max_page_count = {}", pages + 4), [], |_| Ok(())).unwrap();

    let large = Text::new("x".repeat(100_000));
    is_unwritable(cache.commit(&[blob(2), put(&full(2)), Write::Blob(large.clone())]));
    for mut cache in [cache, Cache::open(&path).unwrap()] {
        let snapshot = load(&mut cache);
        assert_eq!(snapshot.rev, before);
        assert_eq!(snapshot.entries.len(), 1);
        assert_eq!(cache.text(hash(2)).unwrap(), None);
        assert_eq!(cache.text(large.hash()).unwrap(), None);
    }
    let mut cache = Cache::open(&path).unwrap();
    cache.commit(&[blob(2), put(&full(2)), Write::Blob(large)]).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_or_a_name_that_is_taken_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    is_unwritable(Cache::open(&file.join("agent.db")));
    is_unwritable(Cache::open_or_rebuild(&file.join("agent.db")));
    let taken = folder.path().join("agent.db");
    fs::create_dir(&taken).unwrap();
    is_unwritable(Cache::open(&taken));
    is_unwritable(Cache::open_or_rebuild(&taken));
    assert!(taken.is_dir());
}

#[cfg(unix)]
#[test]
fn a_folder_or_file_without_permission_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.db");
    drop(Cache::open(&path).unwrap());
    let allow = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(folder.path(), 0o500);
    if fs::write(folder.path().join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    is_unwritable(Cache::open(&path));
    is_unwritable(Cache::open_or_rebuild(&path));
    allow(folder.path(), 0o700);
    allow(&path, 0o400);
    is_unwritable(Cache::open_or_rebuild(&path));
    allow(&path, 0o600);
    Cache::open(&path).unwrap();
}
