//! One artifact's history out of two sources: what happened on this machine, and the revisions that
//! the remote numbered. Which content a version has, as far as this machine saw it, and which contents
//! there were before.

use crate::id::{Author, ContentHash, Timestamp, Version};
use crate::ports::{Operation, Recorded, RemoteVersion};

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

/// A content that the artifact had, here or on the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The content.
    pub hash: ContentHash,
    /// Its number on the remote, where it is known to be a revision.
    pub version: Option<Version>,
    /// When it came to be the file's or the remote's, by this machine's clock.
    pub at: Timestamp,
    /// Who made it, where that is known.
    pub author: Option<Author>,
}

/// The contents that the artifact had, each once, the newest first; at most so many. `operations` are
/// newest first.
pub fn earlier(operations: &[Recorded], most: usize) -> Vec<Earlier> {
    let mut all: Vec<Earlier> = Vec::new();
    let oldest = operations.last().map(|recorded| before(&recorded.operation));
    let made = operations.iter().map(|recorded| made_by(&recorded.operation));
    for earlier in made.chain(oldest).flatten().flatten() {
        match all.iter_mut().find(|known| known.hash == earlier.hash) {
            Some(known) => known.version = known.version.or(earlier.version),
            None => all.push(earlier),
        }
    }
    all.truncate(most);
    all
}

/// The contents that an operation brought, to the file and to the remote.
fn made_by(operation: &Operation) -> [Option<Earlier>; 2] {
    let (before, after) = (&operation.before, &operation.after);
    let of = |hash: Option<ContentHash>, version: Option<Version>| {
        let (at, author) = (operation.at, operation.author.clone());
        hash.map(|hash| Earlier { hash, version, at, author })
    };
    let revision = Some(operation.remote_version);
    let local = after.local.filter(|_| before.local != after.local);
    let remote = after.remote.filter(|_| before.remote != after.remote);
    [of(local, revision.filter(|_| after.local == after.remote)), of(remote, revision)]
}

/// What was there before an operation; by whom, nothing tells any more.
fn before(operation: &Operation) -> [Option<Earlier>; 2] {
    let version = operation.versions.map(|(before, _)| before.remote);
    let (local, remote) = (operation.before.local, operation.before.remote);
    let of = |hash: Option<ContentHash>, version: Option<Version>| {
        hash.map(|hash| Earlier { hash, version, at: operation.at, author: None })
    };
    [of(local, version.filter(|_| local == remote)), of(remote, version)]
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

    /// `(cause, local, remote, version)` after each operation, oldest first, as [`earlier`] names them.
    fn contents(steps: &[(Cause, &str, &str, u64)]) -> Vec<(ContentHash, Option<u64>)> {
        let side = |text: &str| (!text.is_empty()).then(|| ContentHash::of(text.as_bytes()));
        let mut before = Triple::default();
        let mut operations = Vec::new();
        for (number, (cause, local, remote, version)) in (1..).zip(steps) {
            let mut recorded = operation(number, *version);
            let after = Triple { base: None, local: side(local), remote: side(remote) };
            let (before, cause) = (std::mem::replace(&mut before, after), *cause);
            recorded.operation = Operation { cause, before, after, ..recorded.operation };
            operations.insert(0, recorded);
        }
        let all = earlier(&operations, 9);
        all.into_iter().map(|earlier| (earlier.hash, earlier.version.map(|version| version.0))).collect()
    }

    #[test]
    fn each_content_there_was_is_named_once_with_its_version_where_it_has_one() {
        let hash = |text: &str| ContentHash::of(text.as_bytes());
        let steps = [
            (Cause::Saved, "a", "", 0),
            (Cause::Pushed, "a", "a", 1),
            (Cause::Saved, "b", "a", 1),
            (Cause::Received, "b", "c", 2),
            (Cause::Updated, "c", "c", 2),
            (Cause::Deleted, "", "c", 2),
            (Cause::Restored, "a", "c", 2),
        ];
        assert_eq!(contents(&steps), [(hash("a"), Some(1)), (hash("c"), Some(2)), (hash("b"), None)]);
        // What came before the oldest operation that is known is in it.
        let mut late = vec![operation(9, 4)];
        late[0].operation.before = Triple { base: None, local: Some(hash("x")), remote: Some(hash("y")) };
        let found: Vec<_> = earlier(&late, 9).into_iter().map(|earlier| earlier.hash).collect();
        assert_eq!(found, [ContentHash::of(&[4]), hash("x"), hash("y")]);
        assert_eq!(earlier(&late, 1).len(), 1);
    }

    #[test]
    fn a_version_has_the_content_that_was_seen_last() {
        let all = [operation(3, 2), operation(2, 1)];
        assert_eq!(content_of(&all, Version(2)), Some(Some(ContentHash::of(&[2]))));
        assert_eq!(content_of(&all, Version(7)), None);
    }
}
