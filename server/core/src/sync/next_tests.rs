//! The truth table of the next step: every way three sides can relate, under every circumstance.

use super::*;
use crate::id::{ArtifactKey, Author, ChangeId, Seq, Timestamp, Version};
use crate::sync::{Parked, PendingChange, RemoteSide};

const BASE: &str = "1\n2\n3\n4\n5\n";
const LOCAL: &str = "1\n2\n3\n4\n5 local\n";
const REMOTE: &str = "1 remote\n2\n3\n4\n5\n";
const BOTH: &str = "1 remote\n2\n3\n4\n5 local\n";
/// Changes the line that the remote changes too.
const CLASH: &str = "1 local\n2\n3\n4\n5\n";

const HERE: &str = ".agent/stories/A-1.md";
const THERE: &str = ".agent/stories/sub/A-1.md";
const THIRD: &str = ".agent/stories/third/A-1.md";

fn path(value: &str) -> ArtifactPath {
    ArtifactPath::new(value).unwrap()
}

fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

/// An artifact with these sides; the remote has known it.
fn entry(base: Option<&str>, local: Option<&str>, remote: Option<&str>) -> Entry {
    let mut entry = Entry::new(ArtifactKey::new("story", "A-1").unwrap(), path(HERE));
    entry.base = base.map(hash);
    entry.local = local.map(hash);
    entry.base_path = Some(path(HERE));
    entry.base_version = Version(if base == remote { 2 } else { 1 });
    entry.remote = Some(RemoteSide {
        hash: remote.map(hash),
        version: Version(2),
        seq: Seq(7),
        path: path(HERE),
        author: Author::default(),
        at: Timestamp(0),
    });
    entry
}

fn pending(hash: Option<ContentHash>) -> PendingChange {
    let change_id = ChangeId(uuid::Uuid::from_u128(1));
    PendingChange { change_id, hash, base_version: Version(1), path: path(HERE), queued_at: Timestamp(0) }
}

fn parked(hash: Option<ContentHash>) -> Parked {
    Parked { code: "forbidden".into(), message: "viewers cannot change artifacts".into(), hash }
}

fn texts(hash: ContentHash) -> Option<Arc<str>> {
    let known = [BASE, LOCAL, REMOTE, BOTH, CLASH].into_iter().find(|text| self::hash(text) == hash);
    known.map(Arc::from)
}

const STRATEGIES: [ConflictStrategy; 3] =
    [ConflictStrategy::Manual, ConflictStrategy::LocalWins, ConflictStrategy::RemoteWins];

/// Checks the next step under all circumstances. `expected` is told whether the file may be
/// written now, and what to do about conflicts.
fn check(entry: &Entry, base_searched: bool, expected: impl Fn(bool, ConflictStrategy) -> Next) {
    for open in [false, true] {
        for may_write in [false, true] {
            for strategy in STRATEGIES {
                let given = Circumstances { open, base_searched, may_write, strategy };
                let free = !open && may_write;
                assert_eq!(next(entry, given, &texts), expected(free, strategy), "{given:?} {entry:?}");
            }
        }
    }
}

fn conflict(waits: Waits) -> impl Fn(bool, ConflictStrategy) -> Next {
    move |free, strategy| match (strategy, free) {
        (ConflictStrategy::LocalWins, _) => Next::Settle,
        (ConflictStrategy::RemoteWins, true) => Next::Update,
        _ => Next::Wait(waits),
    }
}

#[test]
fn what_agrees_needs_nothing() {
    for side in [None, Some(BASE)] {
        check(&entry(side, side, side), false, |_, _| Next::Nothing);
    }
}

#[test]
fn equal_changes_settle() {
    for (base, both) in [(Some(BASE), Some(LOCAL)), (None, Some(LOCAL)), (Some(BASE), None)] {
        check(&entry(base, both, both), false, |_, _| Next::Settle);
    }
}

#[test]
fn a_local_change_is_pushed_whatever_the_circumstances() {
    for (base, local) in [(Some(BASE), Some(LOCAL)), (None, Some(LOCAL)), (Some(BASE), None)] {
        check(&entry(base, local, base), false, |_, _| Next::Push);
    }
}

#[test]
fn a_remote_change_is_taken_only_by_a_closed_file_that_may_be_written() {
    for (base, remote) in [(Some(BASE), Some(REMOTE)), (None, Some(REMOTE)), (Some(BASE), None)] {
        check(&entry(base, base, remote), false, |free, _| match free {
            true => Next::Update,
            false => Next::Wait(Waits::Behind),
        });
    }
}

#[test]
fn changes_at_different_places_merge_into_a_closed_file() {
    check(&entry(Some(BASE), Some(LOCAL), Some(REMOTE)), false, |free, _| match free {
        true => Next::Merge(Text::new(BOTH)),
        false => Next::Wait(Waits::Mergeable),
    });
}

#[test]
fn local_text_that_holds_all_of_the_remotes_changes_settles() {
    check(&entry(Some(BASE), Some(BOTH), Some(REMOTE)), false, |_, _| Next::Settle);
}

#[test]
fn changes_of_the_same_lines_are_a_conflict() {
    check(&entry(Some(BASE), Some(CLASH), Some(REMOTE)), false, conflict(Waits::Conflict));
}

#[test]
fn a_deletion_against_a_change_is_a_conflict_of_its_own() {
    check(&entry(Some(BASE), None, Some(REMOTE)), false, conflict(Waits::DeletedHere));
    check(&entry(Some(BASE), Some(LOCAL), None), false, conflict(Waits::DeletedThere));
}

#[test]
fn without_a_base_the_history_is_searched_before_anybody_is_asked() {
    let unknown = entry(None, Some(CLASH), Some(REMOTE));
    check(&unknown, false, |_, _| Next::FindBase);
    check(&unknown, true, conflict(Waits::Conflict));
}

#[test]
fn a_file_whose_deletion_was_never_seen_is_looked_up_before_it_comes_back() {
    let mut old = entry(None, Some(LOCAL), None);
    old.base_version = Version(1);
    check(&old, false, |_, _| Next::FindBase);
    check(&old, true, |_, _| Next::Push);
    old.base_version = Version(2);
    check(&old, false, |_, _| Next::Push);
    old.remote = None;
    check(&old, false, |_, _| Next::Push);
}

#[test]
fn what_was_refused_is_not_searched_for_by_another_process() {
    let mut old = entry(None, Some(LOCAL), None);
    old.base_version = Version(1);
    old.parked = Some(parked(old.local));
    check(&old, false, |_, _| Next::Wait(Waits::Refused));
}

#[test]
fn a_missing_text_is_said_and_nothing_is_guessed() {
    let other = "never cached";
    for (base, local, remote) in
        [(other, LOCAL, REMOTE), (BASE, other, REMOTE), (BASE, LOCAL, other), (other, CLASH, REMOTE)]
    {
        check(&entry(Some(base), Some(local), Some(remote)), false, |_, _| Next::Wait(Waits::TextMissing));
    }
}

#[test]
fn what_was_refused_waits_until_the_content_is_another() {
    for (base, local, other) in
        [(Some(BASE), Some(LOCAL), Some(CLASH)), (Some(BASE), None, Some(LOCAL)), (None, Some(LOCAL), None)]
    {
        let mut refused = entry(base, local, base);
        refused.parked = Some(parked(local.map(hash)));
        check(&refused, false, |_, _| Next::Wait(Waits::Refused));
        refused.parked = Some(parked(other.map(hash)));
        check(&refused, false, |_, _| Next::Push);
    }
}

#[test]
fn a_refusal_does_not_keep_the_remotes_changes_away() {
    let mut refused = entry(Some(BASE), Some(LOCAL), Some(REMOTE));
    refused.parked = Some(parked(Some(hash(LOCAL))));
    check(&refused, false, |free, _| match free {
        true => Next::Merge(Text::new(BOTH)),
        false => Next::Wait(Waits::Mergeable),
    });
    refused.local = Some(hash(CLASH));
    check(&refused, false, conflict(Waits::Conflict));
}

#[test]
fn while_an_answer_is_out_nobody_is_shown_a_conflict_with_their_own_text() {
    for (local, remote) in [(Some(CLASH), Some(REMOTE)), (Some(LOCAL), None), (None, Some(REMOTE))] {
        let mut sent = entry(Some(BASE), local, remote);
        sent.pending = Some(pending(local.map(hash)));
        check(&sent, false, |_, _| Next::Push);
    }
    let mut sent = entry(None, Some(LOCAL), Some(REMOTE));
    sent.pending = Some(pending(Some(hash(LOCAL))));
    check(&sent, false, |_, _| Next::Push);
}

/// Checks what follows for an artifact whose contents agree, from where its file is, where the
/// remote has it, and where both last had it.
fn check_moved(here: &str, there: &str, agreed: Option<&str>, free: &Next, held: &Next) {
    let mut moved = entry(Some(BASE), Some(BASE), Some(BASE));
    moved.path = path(here);
    moved.base_path = agreed.map(path);
    if let Some(remote) = &mut moved.remote {
        remote.path = path(there);
    }
    check(&moved, false, |is_free, _| if is_free { free.clone() } else { held.clone() });
}

#[test]
fn a_move_goes_to_whoever_did_not_move() {
    let (to_there, held) = (Next::Move(path(THERE)), Next::Wait(Waits::Moved));
    check_moved(HERE, HERE, Some(HERE), &Next::Nothing, &Next::Nothing);
    check_moved(THERE, HERE, Some(HERE), &Next::Push, &Next::Push);
    check_moved(HERE, THERE, Some(HERE), &to_there, &held);
    check_moved(THERE, THERE, Some(HERE), &Next::Settle, &Next::Settle);
    check_moved(THIRD, THERE, Some(HERE), &to_there, &held);
    check_moved(HERE, THERE, None, &to_there, &held);
    check_moved(HERE, HERE, None, &Next::Settle, &Next::Settle);
}

#[test]
fn a_refused_move_waits() {
    let mut moved = entry(Some(BASE), Some(BASE), Some(BASE));
    moved.path = path(THERE);
    moved.parked = Some(parked(Some(hash(BASE))));
    check(&moved, false, |_, _| Next::Wait(Waits::Refused));
}

#[test]
fn where_something_was_deleted_its_path_does_not_matter() {
    let mut gone = entry(None, None, None);
    gone.path = path(THERE);
    check(&gone, false, |_, _| Next::Nothing);
    gone.remote = None;
    check(&gone, false, |_, _| Next::Nothing);
}

#[test]
fn content_goes_before_a_move() {
    let mut moved = entry(Some(BASE), Some(LOCAL), Some(BASE));
    moved.path = path(THERE);
    check(&moved, false, |_, _| Next::Push);
    assert_eq!(push_path(&moved), path(THERE));
}

#[test]
fn a_push_goes_to_the_remotes_path_where_the_remote_moved() {
    let table = [
        (HERE, HERE, Some(HERE), HERE),
        (THERE, HERE, Some(HERE), THERE),
        (HERE, THERE, Some(HERE), THERE),
        (THIRD, THERE, Some(HERE), THERE),
        (HERE, THERE, None, THERE),
    ];
    for (here, there, agreed, expected) in table {
        let mut moved = entry(Some(BASE), Some(LOCAL), Some(BASE));
        (moved.path, moved.base_path) = (path(here), agreed.map(path));
        if let Some(remote) = &mut moved.remote {
            remote.path = path(there);
        }
        assert_eq!(push_path(&moved), path(expected), "{here} {there} {agreed:?}");
        moved.remote = moved.remote.map(|remote| RemoteSide { hash: None, ..remote });
        assert_eq!(push_path(&moved), path(here), "a tombstone's path does not count");
        moved.remote = None;
        assert_eq!(push_path(&moved), path(here), "never pushed");
    }
}

#[test]
fn a_provisional_id_is_never_pushed() {
    let mut new = entry(None, Some(LOCAL), None);
    new.remote = None;
    new.base_version = Version(0);
    let given = Circumstances::default();
    assert_eq!(next(&new, given, &texts), Next::Push);
    new.key = ArtifactKey::new("story", "A-draft-0abcdefg").unwrap();
    assert_eq!(next(&new, given, &texts), Next::Wait(Waits::Id));
    // A team that has an artifact of such a name keeps it.
    let mut theirs = entry(Some(BASE), Some(LOCAL), Some(BASE));
    theirs.key = new.key.clone();
    assert_eq!(next(&theirs, given, &texts), Next::Push);
}

#[test]
fn what_was_undone_waits_for_a_person_whatever_the_circumstances() {
    let table = [
        (entry(Some(BASE), Some(BASE), Some(REMOTE)), Next::Wait(Waits::Behind)),
        (entry(Some(BASE), Some(LOCAL), Some(REMOTE)), Next::Wait(Waits::Mergeable)),
        (entry(Some(BASE), Some(CLASH), Some(REMOTE)), Next::Wait(Waits::Conflict)),
        (entry(Some(BASE), Some(LOCAL), None), Next::Wait(Waits::DeletedThere)),
        // What is left to say or to agree on is not held up.
        (entry(Some(BASE), Some(LOCAL), Some(BASE)), Next::Push),
        (entry(Some(BASE), Some(BOTH), Some(REMOTE)), Next::Settle),
    ];
    for (mut entry, expected) in table {
        entry.undone = true;
        check(&entry, true, |_, _| expected.clone());
    }
}
