//! Values for tests, told apart by small numbers.

use agent_core::id::{
    ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, OperationId, Seq, Text, Timestamp, Version,
};
use agent_core::ports::{Cause, Operation, Paths, Snapshot, Store, Triple, Versions, Write};
use agent_core::sync::{Entry, FileStat, Parked, PendingChange, RemoteSide};

pub(crate) fn key(n: u64) -> ArtifactKey {
    ArtifactKey::new("story", &format!("INFRA-{n:03}")).unwrap()
}

pub(crate) fn path(n: u64) -> ArtifactPath {
    ArtifactPath::new(&format!("stories/INFRA/INFRA-{n:03}-äöü.md")).unwrap()
}

pub(crate) fn hash(n: u64) -> ContentHash {
    Text::new(format!("text {n}")).hash()
}

pub(crate) fn change_id(n: u64) -> ChangeId {
    ChangeId(uuid::Uuid::from_u128(u128::from(n)))
}

pub(crate) fn author(n: u64) -> Author {
    Author { id: format!("user-{n}"), name: format!("Üser {n}") }
}

pub(crate) fn change(n: u64) -> PendingChange {
    PendingChange {
        change_id: change_id(n),
        hash: (!n.is_multiple_of(3)).then(|| hash(n)),
        base_version: Version(n),
        path: path(n),
        queued_at: Timestamp(-5 + i64::try_from(n).unwrap()),
    }
}

/// An entry with nothing but its place.
pub(crate) fn bare(n: u64) -> Entry {
    Entry::new(key(n), path(n))
}

/// An entry with every field in use.
pub(crate) fn full(n: u64) -> Entry {
    Entry {
        base: Some(hash(n)),
        base_version: Version(n + 1),
        base_path: Some(path(n + 1)),
        local: Some(hash(n + 1)),
        remote: Some(RemoteSide {
            hash: Some(hash(n + 2)),
            version: Version(n + 2),
            seq: Seq(i64::MAX as u64),
            path: path(n + 2),
            author: author(n),
            at: Timestamp(1_700_000_000_000),
        }),
        stat: Some(FileStat { size: 4096, mtime: i64::MIN }),
        title: Some("A \u{feff}title".to_owned()),
        state: Some(String::new()),
        parked: Some(Parked { code: "forbidden".to_owned(), message: "no".to_owned(), hash: Some(hash(n)) }),
        waiting_since: Some(Timestamp(i64::MAX)),
        undone: true,
        older_base: Some(hash(n + 3)),
        ..bare(n)
    }
}

pub(crate) fn operation(n: u64, cause: Cause) -> Operation {
    Operation {
        at: Timestamp(1000 - i64::try_from(n).unwrap()),
        key: key(n % 2),
        cause,
        before: Triple { base: Some(hash(n)), local: None, remote: Some(hash(n + 1)) },
        after: Triple { base: None, local: Some(hash(n + 2)), remote: None },
        remote_version: Version(n),
        author: n.is_multiple_of(2).then(|| author(n)),
        versions: (!n.is_multiple_of(5)).then(|| {
            let version = |more| Version(n + more);
            let before = Versions { base: version(1), remote: version(2) };
            (before, Versions { base: version(3), remote: version(0) })
        }),
        paths: n.is_multiple_of(4).then(|| Paths { from: path(n), to: path(n + 1) }),
        undoes: n.is_multiple_of(3).then_some(OperationId(n)),
    }
}

pub(crate) fn put(entry: &Entry) -> Write {
    Write::Entry(Box::new(entry.clone()))
}

pub(crate) fn blob(n: u64) -> Write {
    Write::Blob(Text::new(format!("text {n}")))
}

/// The snapshot with its entries in key order.
pub(crate) fn sorted(mut snapshot: Snapshot) -> Snapshot {
    snapshot.entries.sort_by(|a, b| a.key.cmp(&b.key));
    snapshot
}

pub(crate) fn load(store: &mut impl Store) -> Snapshot {
    sorted(store.load().unwrap())
}
