//! One artifact's history out of two sources: what happened on this machine, and the revisions that
//! the remote numbered. Which content a version has, as far as this machine saw it.

use crate::id::{ContentHash, Version};
use crate::ports::{Recorded, RemoteVersion};

/// One line of a history.
#[derive(Debug, Clone)]
pub enum Item {
    /// Something happened here.
    Operation(Box<Recorded>),
    /// The remote has a revision that this machine never saw.
    Revision(RemoteVersion),
}

/// Joins the operations of one artifact with the remote's revisions of it, both newest first. A
/// revision that no operation tells of is put where its number belongs: versions only rise, while
/// clocks of several machines say anything.
pub fn join(operations: Vec<Recorded>, revisions: Vec<RemoteVersion>) -> Vec<Item> {
    let seen = |revision: &RemoteVersion| {
        operations.iter().any(|recorded| recorded.operation.remote_version == revision.version)
    };
    let mut unseen: Vec<_> = revisions.into_iter().filter(|revision| !seen(revision)).collect();
    unseen.sort_by_key(|revision| std::cmp::Reverse(revision.version));
    let mut unseen = unseen.into_iter().peekable();
    let mut items = Vec::new();
    for recorded in operations {
        let known = recorded.operation.remote_version;
        while let Some(revision) = unseen.next_if(|revision| revision.version > known) {
            items.push(Item::Revision(revision));
        }
        items.push(Item::Operation(Box::new(recorded)));
    }
    items.extend(unseen.map(Item::Revision));
    items
}

/// The content a version had, as this machine saw it: `None` when it did not, `Some(None)` when it
/// was a deletion. A server that was restored from a backup may have given a number out twice: the
/// newer one counts.
pub fn content_of(operations: &[Recorded], version: Version) -> Option<Option<ContentHash>> {
    let told = operations.iter().find(|recorded| recorded.operation.remote_version == version)?;
    Some(told.operation.after.remote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ArtifactKey, Author, OperationId, Timestamp};
    use crate::ports::{Cause, Operation, Triple};

    fn operation(id: u64, version: u64) -> Recorded {
        let remote = Some(ContentHash::of(&[u8::try_from(version).unwrap()]));
        let operation = Operation {
            at: Timestamp(0),
            key: ArtifactKey::new("story", "A-1").unwrap(),
            cause: Cause::Received,
            before: Triple::default(),
            after: Triple { remote, ..Triple::default() },
            remote_version: Version(version),
            author: None,
            versions: None,
            paths: None,
            undoes: None,
        };
        Recorded { id: OperationId(id), rev: None, operation }
    }

    fn revision(version: u64) -> RemoteVersion {
        let (author, at) = (Author::default(), Timestamp(0));
        RemoteVersion { version: Version(version), hash: None, content: None, author, at, change_id: None }
    }

    fn shown(operations: &[(u64, u64)], revisions: &[u64]) -> Vec<String> {
        let operations = operations.iter().map(|(id, version)| operation(*id, *version)).collect();
        let items = join(operations, revisions.iter().copied().map(revision).collect());
        let name = |item: &Item| match item {
            Item::Operation(recorded) => format!("#{}", recorded.id),
            Item::Revision(revision) => format!("v{}", revision.version.0),
        };
        items.iter().map(name).collect()
    }

    #[test]
    fn revisions_that_were_never_seen_are_put_where_they_belong() {
        assert_eq!(shown(&[], &[2, 1]), ["v2", "v1"]);
        assert_eq!(shown(&[(3, 2), (2, 1), (1, 0)], &[2, 1]), ["#3", "#2", "#1"]);
        assert_eq!(
            shown(&[(4, 5), (3, 2), (2, 2), (1, 0)], &[6, 5, 4, 3, 2, 1]),
            ["v6", "#4", "v4", "v3", "#3", "#2", "v1", "#1"]
        );
    }

    #[test]
    fn a_version_has_the_content_that_was_seen_last() {
        let all = [operation(3, 2), operation(2, 1)];
        assert_eq!(content_of(&all, Version(2)), Some(Some(ContentHash::of(&[2]))));
        assert_eq!(content_of(&all, Version(7)), None);
    }
}
