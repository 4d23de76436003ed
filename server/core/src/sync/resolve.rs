//! Choosing sides: what the local text and the base become. The same function serves a hunk in an
//! editor's buffer and a whole artifact on disk, also where one side was deleted.

use std::sync::Arc;

use crate::merge::{Choice, Edit, Merge, Region, RegionKind, Which};

/// What somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// One region of the merge, by its index.
    Hunk(usize, Choice),
    /// Every conflict, and with them what only the remote changed; what only local changed stays.
    /// Neither choice throws away an edit that nothing conflicts with, as `git merge -X ours` and
    /// `-X theirs` do not. Where a side is deleted: that whole side.
    All(Choice),
    /// The local version as it is: the remote's changes are known, and undone by the next push.
    WholeLocal,
    /// The remote's version as it is: local changes go (and stay in the cache's history).
    WholeRemote,
    /// What the remote changed and local did not; conflicts stay.
    Incoming,
}

/// The two sides after a choice; `None` is an absent side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The base.
    pub base: Option<String>,
    /// The local text.
    pub local: Option<String>,
    /// What changes in the local text, by lines; empty also when the whole text appears or goes.
    pub edits: Vec<Edit>,
}

/// Why a choice cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotTake {
    /// One side is deleted, so only one side or the other can be taken, as a whole.
    #[error("one side is deleted: take the local or the remote version as a whole")]
    Deleted,
    /// The hunk is not there any more.
    #[error("there is no such hunk any more")]
    NoSuchHunk,
}

/// Takes a choice. `base` may be absent: then all that differs was changed by both.
///
/// # Errors
/// [`CannotTake`] when the choice does not fit the sides; nothing is chosen then.
pub fn resolve(
    base: Option<&Arc<str>>,
    local: Option<&Arc<str>>,
    remote: Option<&Arc<str>>,
    take: Take,
) -> Result<Sides, CannotTake> {
    let (Some(local_text), Some(remote_text)) = (local, remote) else {
        return whole(base, local, remote, take);
    };
    let empty = Arc::from("");
    let merge = Merge::of(base.unwrap_or(&empty), local_text, remote_text);
    let resolution = match take {
        Take::All(choice) => return Ok(all(&merge, choice, local_text, remote_text)),
        Take::WholeLocal => merge.resolve(Which::All, Choice::Local),
        Take::WholeRemote => merge.resolve(Which::All, Choice::Remote),
        Take::Incoming => merge.take_incoming(),
        Take::Hunk(index, choice) => {
            if merge.regions().get(index).is_none() {
                return Err(CannotTake::NoSuchHunk);
            }
            merge.resolve(Which::Region(index), choice)
        }
    };
    let unmoved = base.is_none() && resolution.base.is_empty();
    Ok(Sides {
        base: (!unmoved).then_some(resolution.base),
        local: Some(resolution.local),
        edits: resolution.edits,
    })
}

fn all(merge: &Merge, choice: Choice, local: &Arc<str>, remote: &Arc<str>) -> Sides {
    let changes = |region: &&Region| match region.kind {
        RegionKind::Remote => true,
        RegionKind::Conflict => choice != Choice::Local,
        RegionKind::Stable | RegionKind::Local | RegionKind::Same => false,
    };
    let mut edits = Vec::new();
    let (mut text, mut from) = (String::new(), 0);
    for region in merge.regions().iter().filter(changes) {
        let taken = match region.kind {
            RegionKind::Conflict => both(merge, region, choice, local),
            _ => merge.remote_lines(region.remote.clone()).to_owned(),
        };
        text.push_str(merge.local_lines(from..region.local.start));
        text.push_str(&taken);
        from = region.local.end;
        edits.push(Edit { lines: region.local.clone(), text: taken });
    }
    let lines = merge.regions().last().map_or(0, |region| region.local.end);
    text.push_str(merge.local_lines(from..lines));
    Sides { base: Some(remote.to_string()), local: Some(text), edits }
}

/// The text of a conflict after a choice. Between two halves a missing line ending is supplied, in
/// the style of the local text.
fn both(merge: &Merge, region: &Region, choice: Choice, local: &str) -> String {
    let mine = merge.local_lines(region.local.clone());
    let theirs = merge.remote_lines(region.remote.clone());
    let (first, second) = match choice {
        Choice::Local => return mine.to_owned(),
        Choice::Remote => return theirs.to_owned(),
        Choice::LocalThenRemote => (mine, theirs),
        Choice::RemoteThenLocal => (theirs, mine),
    };
    let ends = first.is_empty() || first.ends_with(['\n', '\r']);
    let ending = match (ends || second.is_empty(), local.contains("\r\n")) {
        (true, _) => "",
        (false, true) => "\r\n",
        (false, false) => "\n",
    };
    format!("{first}{ending}{second}")
}

fn whole(
    base: Option<&Arc<str>>,
    local: Option<&Arc<str>>,
    remote: Option<&Arc<str>>,
    take: Take,
) -> Result<Sides, CannotTake> {
    let owned = |side: Option<&Arc<str>>| side.map(|text| text.to_string());
    match take {
        Take::All(Choice::Local) | Take::WholeLocal => {
            Ok(Sides { base: owned(remote), local: owned(local), edits: Vec::new() })
        }
        Take::All(Choice::Remote) | Take::WholeRemote => {
            Ok(Sides { base: owned(remote), local: owned(remote), edits: Vec::new() })
        }
        Take::Incoming if base.map(|text| &**text) == local.map(|text| &**text) => {
            Ok(Sides { base: owned(remote), local: owned(remote), edits: Vec::new() })
        }
        Take::All(_) | Take::Hunk(..) | Take::Incoming => Err(CannotTake::Deleted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(
        base: Option<&str>,
        local: Option<&str>,
        remote: Option<&str>,
        take: Take,
    ) -> Result<Sides, CannotTake> {
        let shared = |side: Option<&str>| side.map(Arc::<str>::from);
        resolve(shared(base).as_ref(), shared(local).as_ref(), shared(remote).as_ref(), take)
    }

    fn sides(base: Option<&str>, local: Option<&str>) -> (Option<String>, Option<String>) {
        (base.map(str::to_owned), local.map(str::to_owned))
    }

    #[test]
    fn a_deleted_side_is_taken_or_left_as_a_whole() {
        let (b, l, r) = (Some("b\n"), Some("l\n"), Some("r\n"));
        let table = [
            ((b, None, r), Take::All(Choice::Local), sides(r, None)),
            ((b, None, r), Take::All(Choice::Remote), sides(r, r)),
            ((b, l, None), Take::All(Choice::Local), sides(None, l)),
            ((b, l, None), Take::All(Choice::Remote), sides(None, None)),
            ((b, b, None), Take::Incoming, sides(None, None)),
        ];
        for ((base, local, remote), choice, expected) in table {
            let got = take(base, local, remote, choice).expect("can be taken");
            assert_eq!((got.base, got.local), expected, "{base:?} {local:?} {remote:?} {choice:?}");
        }
        assert_eq!(take(b, l, None, Take::Incoming), Err(CannotTake::Deleted));
        assert_eq!(take(b, None, r, Take::Hunk(0, Choice::Local)), Err(CannotTake::Deleted));
        assert_eq!(take(b, l, None, Take::All(Choice::LocalThenRemote)), Err(CannotTake::Deleted));
    }

    #[test]
    fn a_hunk_that_is_not_there_is_refused() {
        assert_eq!(
            take(Some("a\n"), Some("b\n"), Some("c\n"), Take::Hunk(7, Choice::Remote)),
            Err(CannotTake::NoSuchHunk)
        );
    }

    #[test]
    fn taking_all_conflicts_keeps_what_only_one_side_changed() {
        let base = "a\nb\nc\nd\ne\nf\ng\n";
        let local = "A1\nb\nc\nD1\ne\nf\ng\n";
        let remote = "A2\nb\nc\nd\ne\nf\nG2\n";
        let table = [
            (Choice::Local, "A1\nb\nc\nD1\ne\nf\nG2\n"),
            (Choice::Remote, "A2\nb\nc\nD1\ne\nf\nG2\n"),
            (Choice::LocalThenRemote, "A1\nA2\nb\nc\nD1\ne\nf\nG2\n"),
            (Choice::RemoteThenLocal, "A2\nA1\nb\nc\nD1\ne\nf\nG2\n"),
        ];
        for (choice, expected) in table {
            let got = take(Some(base), Some(local), Some(remote), Take::All(choice)).expect("resolves");
            assert_eq!(got.local.as_deref(), Some(expected), "{choice:?}");
            assert_eq!(got.base.as_deref(), Some(remote), "{choice:?}");
        }
        let whole = |choice| take(Some(base), Some(local), Some(remote), choice).expect("resolves").local;
        assert_eq!(whole(Take::WholeLocal).as_deref(), Some(local));
        assert_eq!(whole(Take::WholeRemote).as_deref(), Some(remote));
    }

    #[test]
    fn keeping_local_makes_the_base_the_remote() {
        let got =
            take(Some("a\nx\n"), Some("b\nx\n"), Some("c\nx\n"), Take::All(Choice::Local)).expect("resolves");
        assert_eq!((got.base.as_deref(), got.local.as_deref()), (Some("c\nx\n"), Some("b\nx\n")));
        assert!(got.edits.is_empty());
    }
}
