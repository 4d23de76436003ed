//! Choosing sides: what the local text and the base become. The same function serves a hunk in an
//! editor's buffer and a whole artifact on disk, also where one side was deleted.

use std::sync::Arc;

use crate::merge::{Choice, Edit, Merge, Which};

/// What somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// One region of the merge, by its index.
    Hunk(usize, Choice),
    /// Everything.
    All(Choice),
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
        Take::All(choice) => merge.resolve(Which::All, choice),
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

fn whole(
    base: Option<&Arc<str>>,
    local: Option<&Arc<str>>,
    remote: Option<&Arc<str>>,
    take: Take,
) -> Result<Sides, CannotTake> {
    let owned = |side: Option<&Arc<str>>| side.map(|text| text.to_string());
    match take {
        Take::All(Choice::Local) => Ok(Sides { base: owned(remote), local: owned(local), edits: Vec::new() }),
        Take::All(Choice::Remote) => Ok(Sides { base: owned(remote), local: owned(remote), edits: Vec::new() }),
        Take::Incoming if base.map(|text| &**text) == local.map(|text| &**text) => {
            Ok(Sides { base: owned(remote), local: owned(remote), edits: Vec::new() })
        }
        Take::All(_) | Take::Hunk(..) | Take::Incoming => Err(CannotTake::Deleted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(base: Option<&str>, local: Option<&str>, remote: Option<&str>, take: Take) -> Result<Sides, CannotTake> {
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
    fn keeping_local_makes_the_base_the_remote() {
        let got = take(Some("a\nx\n"), Some("b\nx\n"), Some("c\nx\n"), Take::All(Choice::Local)).expect("resolves");
        assert_eq!((got.base.as_deref(), got.local.as_deref()), (Some("c\nx\n"), Some("b\nx\n")));
        assert!(got.edits.is_empty());
    }
}
