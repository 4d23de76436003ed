//! The guards of the working files, on a real disk.

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::*;

const LIMIT: u64 = 100;

fn disk() -> (TempDir, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path(), LIMIT);
    (folder, disk)
}

fn path(value: &str) -> ArtifactPath {
    ArtifactPath::new(value).unwrap()
}

fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

fn put(folder: &TempDir, at: &str, bytes: impl AsRef<[u8]>) {
    let full = folder.path().join(at);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, bytes).unwrap();
}

/// Checks that the folder holds exactly these files, with these contents: also that nothing else,
/// such as a temporary file, was left behind.
fn check(folder: &TempDir, expected: &[(&str, &str)]) {
    let mut found = BTreeSet::new();
    for entry in WalkDir::new(folder.path()).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
            found.insert((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    let expected = expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    assert_eq!(found, expected.collect());
}

#[test]
fn regular_files_are_listed_in_path_order_with_their_size() {
    let (folder, disk) = disk();
    for at in ["s/b.md", "s/a.md", "s/sub/c.md", "other/x.md", "s.md"] {
        put(&folder, at, at);
    }
    let listing = disk.list(&["s", "missing"]);
    let found: Vec<_> = listing.files.iter().map(|(path, stat)| (path.as_str(), stat.size)).collect();
    assert_eq!(found, [("s/a.md", 6), ("s/b.md", 6), ("s/sub/c.md", 10)]);
    assert!(listing.problems.is_empty());
}

#[test]
fn a_name_that_cannot_travel_is_a_problem_of_its_own() {
    let (folder, disk) = disk();
    put(&folder, "s/fine.md", "");
    put(&folder, "s/a\nb.md", "");
    put(&folder, "s/dot.", "");
    let listing = disk.list(&["s"]);
    assert_eq!(listing.files.len(), 1);
    assert!(listing.problems.iter().all(|(_, problem)| matches!(problem, FileProblem::BadName(_))));
    assert_eq!(listing.problems.len(), 2);
}

#[test]
fn a_file_is_read_exactly_and_a_missing_one_is_none() {
    let (folder, disk) = disk();
    for text in ["", "\u{feff}bom\r\nCRLF\r\nno end", "a\nb\n", "ünïcödé 🦀"] {
        put(&folder, "s/a.md", text);
        let found = disk.read(&path("s/a.md")).unwrap().unwrap();
        assert_eq!((found.text.as_str(), found.stat.size), (text, text.len() as u64));
    }
    assert!(disk.read(&path("s/none.md")).unwrap().is_none());
    assert!(disk.read(&path("none/a.md")).unwrap().is_none());
    assert!(disk.read(&path("s/a.md/below.md")).unwrap().is_none());
}

#[test]
fn what_cannot_be_an_artifact_is_refused_with_the_place() {
    let (folder, disk) = disk();
    let too_large = FileProblem::TooLarge { size: LIMIT + 1, limit: LIMIT };
    let table: [(&[u8], FileProblem); 4] = [
        (b"ok\xff", FileProblem::NotUtf8(2)),
        (b"a\xc3", FileProblem::NotUtf8(1)),
        (b"abc\0", FileProblem::Nul(3)),
        (&[b'x'; LIMIT as usize + 1], too_large),
    ];
    for (bytes, problem) in table {
        put(&folder, "s/a.md", bytes);
        assert_eq!(disk.read(&path("s/a.md")).map(|found| found.is_some()), Err(problem));
    }
    put(&folder, "s/a.md", [b'x'; LIMIT as usize]);
    assert!(disk.read(&path("s/a.md")).unwrap().is_some(), "exactly the limit");
    assert_eq!(disk.read(&path("s")).map(|found| found.is_some()), Err(FileProblem::NotAFile));
}

#[test]
fn a_file_is_replaced_created_and_removed_while_it_holds_what_is_expected() {
    let (folder, disk) = disk();
    let at = path("s/deep/er/a.md");
    let Ok(Replaced::Done(Some(stat))) = disk.replace(&at, None, Some("one")) else { panic!("not created") };
    assert_eq!(stat.size, 3);
    assert_eq!(disk.read(&at).unwrap().unwrap().stat, stat);
    check(&folder, &[("s/deep/er/a.md", "one")]);
    assert!(matches!(disk.replace(&at, Some(hash("one")), Some("two")), Ok(Replaced::Done(Some(_)))));
    check(&folder, &[("s/deep/er/a.md", "two")]);
    assert_eq!(disk.replace(&at, Some(hash("two")), None), Ok(Replaced::Done(None)));
    check(&folder, &[]);
    assert_eq!(disk.replace(&at, None, None), Ok(Replaced::Done(None)), "gone already");
}

#[test]
fn another_content_than_expected_is_left_alone() {
    let (folder, disk) = disk();
    put(&folder, "s/a.md", "mine");
    for (expect, text) in
        [(None, Some("theirs")), (Some(hash("old")), Some("theirs")), (Some(hash("old")), None)]
    {
        assert_eq!(disk.replace(&path("s/a.md"), expect, text), Ok(Replaced::Changed));
    }
    assert_eq!(disk.replace(&path("s/b.md"), Some(hash("old")), Some("theirs")), Ok(Replaced::Changed));
    assert_eq!(disk.replace(&path("s/b.md"), Some(hash("old")), None), Ok(Replaced::Changed));
    check(&folder, &[("s/a.md", "mine")]);
}

#[test]
fn a_file_moves_only_with_its_expected_content_and_to_a_free_place() {
    let (folder, disk) = disk();
    put(&folder, "s/a.md", "one");
    put(&folder, "s/taken.md", "other");
    let moved = |from: &str, to: &str, text: &str| disk.rename(&path(from), &path(to), hash(text));
    assert_eq!(moved("s/a.md", "s/b.md", "another"), Ok(Replaced::Changed));
    assert_eq!(moved("s/a.md", "s/taken.md", "one"), Ok(Replaced::Changed));
    assert_eq!(moved("s/none.md", "s/b.md", "one"), Ok(Replaced::Changed));
    check(&folder, &[("s/a.md", "one"), ("s/taken.md", "other")]);
    assert!(matches!(moved("s/a.md", "new/place/b.md", "one"), Ok(Replaced::Done(Some(_)))));
    check(&folder, &[("new/place/b.md", "one"), ("s/taken.md", "other")]);
}

/// Checks that what somebody wrote after the new content was prepared stays, and nothing else.
fn check_overtaken(expect: Option<&str>, text: Option<&str>, written: &str) {
    let (folder, disk) = disk();
    let at = path("s/a.md");
    if let Some(before) = expect {
        put(&folder, "s/a.md", before);
    }
    let prepared = text.map(|text| disk.prepare(&at, text).unwrap());
    put(&folder, "s/a.md", written);
    assert_eq!(disk.put(&at, expect.map(hash), prepared), Ok(Replaced::Changed));
    check(&folder, &[("s/a.md", written)]);
}

#[test]
fn what_is_written_while_a_new_content_is_prepared_stays() {
    check_overtaken(Some("one"), Some("two"), "mine");
    check_overtaken(None, Some("two"), "mine");
    check_overtaken(Some("one"), None, "mine");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_left_alone() {
    let (folder, disk) = disk();
    put(&folder, "s/a.md/inside.md", "x");
    assert_eq!(disk.replace(&path("s/a.md"), None, Some("y")), Err(FileProblem::NotAFile));
    assert_eq!(disk.replace(&path("s/a.md/inside.md/z.md"), None, Some("y")), Err(FileProblem::NotAFile));
    check(&folder, &[("s/a.md/inside.md", "x")]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(folder: &TempDir, at: &str) -> u32 {
        fs::metadata(folder.path().join(at)).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_linked_file_is_neither_listed_nor_read_nor_written() {
        let (folder, disk) = disk();
        put(&folder, "outside.md", "secret");
        fs::create_dir(folder.path().join("s")).unwrap();
        symlink(folder.path().join("outside.md"), folder.path().join("s/a.md")).unwrap();
        symlink(folder.path().join("nowhere"), folder.path().join("s/broken.md")).unwrap();
        let listing = disk.list(&["s"]);
        assert!(listing.files.is_empty());
        let problems: Vec<_> = listing.problems.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(problems, ["s/a.md", "s/broken.md"]);
        assert!(listing.problems.iter().all(|(_, problem)| *problem == FileProblem::NotAFile));
        for at in ["s/a.md", "s/broken.md"] {
            assert_eq!(disk.read(&path(at)).map(|found| found.is_some()), Err(FileProblem::NotAFile));
            for expect in [None, Some(hash("secret"))] {
                assert_eq!(disk.replace(&path(at), expect, Some("x")), Err(FileProblem::NotAFile));
            }
            assert_eq!(disk.rename(&path(at), &path("s/b.md"), hash("secret")), Err(FileProblem::NotAFile));
        }
        check(&folder, &[("outside.md", "secret")]);
    }

    #[test]
    fn nothing_is_read_or_written_through_a_linked_folder() {
        let (folder, disk) = disk();
        put(&folder, "outside/a.md", "secret");
        put(&folder, "s/mine.md", "mine");
        symlink(folder.path().join("outside"), folder.path().join("s/link")).unwrap();
        assert_eq!(disk.list(&["s"]).files.len(), 1, "what is behind the link is not listed");
        let behind = path("s/link/a.md");
        assert_eq!(disk.read(&behind).map(|found| found.is_some()), Err(FileProblem::NotAFile));
        assert_eq!(disk.replace(&behind, Some(hash("secret")), Some("x")), Err(FileProblem::NotAFile));
        assert_eq!(disk.replace(&path("s/link/new.md"), None, Some("x")), Err(FileProblem::NotAFile));
        let into = disk.rename(&path("s/mine.md"), &path("s/link/b.md"), hash("mine"));
        assert_eq!(into, Err(FileProblem::NotAFile));
        let out_of = disk.rename(&behind, &path("s/b.md"), hash("secret"));
        assert_eq!(out_of, Err(FileProblem::NotAFile));
        check(&folder, &[("outside/a.md", "secret"), ("s/mine.md", "mine")]);
    }

    #[test]
    fn behind_a_link_to_nothing_nothing_is_taken_for_deleted() {
        let (folder, disk) = disk();
        fs::create_dir(folder.path().join("s")).unwrap();
        symlink(folder.path().join("nowhere"), folder.path().join("s/link")).unwrap();
        symlink(folder.path().join("nowhere"), folder.path().join("t")).unwrap();
        for at in ["s/link/a.md", "t/a.md"] {
            assert_eq!(disk.read(&path(at)).map(|found| found.is_some()), Err(FileProblem::NotAFile));
        }
        let listed: Vec<_> = disk.list(&["s", "t"]).problems.into_iter().map(|(at, _)| at).collect();
        assert_eq!(listed, ["s/link", "t"]);
    }

    #[test]
    fn permissions_are_kept_and_a_new_file_is_readable() {
        let (folder, disk) = disk();
        put(&folder, "s/a.md", "one");
        for bits in [0o600, 0o640, 0o755] {
            fs::set_permissions(folder.path().join("s/a.md"), fs::Permissions::from_mode(bits)).unwrap();
            assert!(matches!(
                disk.replace(&path("s/a.md"), Some(hash("one")), Some("one")),
                Ok(Replaced::Done(_))
            ));
            assert_eq!(mode(&folder, "s/a.md"), bits);
        }
        disk.replace(&path("s/new.md"), None, Some("x")).unwrap();
        assert_eq!(mode(&folder, "s/new.md"), 0o644);
    }

    #[test]
    fn a_folder_that_is_a_file_stops_the_write_and_nothing_is_left_behind() {
        let (folder, disk) = disk();
        put(&folder, "s", "a file");
        assert_eq!(disk.replace(&path("s/a.md"), None, Some("x")), Err(FileProblem::NotAFile));
        check(&folder, &[("s", "a file")]);
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_deleted() {
        let (folder, disk) = disk();
        for at in [".agent/stories/sub/A-1.md", ".agent/plans/B-1.md", ".agent/plans/B-2.md"] {
            put(&folder, at, at);
        }
        let cache = agent_cache::Cache::in_memory().unwrap();
        let (kinds, chance) = (crate::config::parse("", "", &|_| None).unwrap(), crate::SystemChance);
        let now = agent_core::id::Timestamp(0);
        let policy = kinds.sync.policy;
        let mut engine =
            crate::Engine::open(cache, disk, kinds.kinds, policy, Box::new(chance), now).unwrap();
        engine.scan(now).unwrap();
        let there = |engine: &crate::Engine<_, Disk>| -> Vec<_> {
            let entries = engine.machine().entries().filter(|entry| entry.local.is_some());
            entries.map(|entry| entry.key.id.as_str().to_owned()).collect()
        };
        assert_eq!(there(&engine), ["B-1", "B-2", "A-1"]);
        let root = folder.path().to_owned();
        fs::rename(root.join(".agent/stories/sub"), root.join("elsewhere")).unwrap();
        symlink(root.join("elsewhere"), root.join(".agent/stories/sub")).unwrap();
        fs::rename(root.join(".agent/plans"), root.join("plans")).unwrap();
        fs::write(root.join(".agent/plans"), "a file now").unwrap();
        engine.scan(now).unwrap();
        assert_eq!(there(&engine), ["B-1", "B-2", "A-1"]);
        fs::remove_file(root.join(".agent/plans")).unwrap();
        fs::rename(root.join("plans"), root.join(".agent/plans")).unwrap();
        fs::remove_file(root.join(".agent/plans/B-1.md")).unwrap();
        engine.scan(now).unwrap();
        assert_eq!(there(&engine), ["B-2", "A-1"]);
    }
}
