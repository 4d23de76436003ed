//! Between table rows and the core's types. A stored value that is none of ours is reported as the
//! damage it is; nothing is guessed.

use std::cell::Cell;
use std::error::Error as StdError;

use agent_core::id::{
    ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, OperationId, Rev, Seq, Timestamp, Version,
};
use agent_core::ports::{Cause, Operation, Paths, Recorded, RecordedChange, Triple, Versions};
use agent_core::sync::{Entry, FileStat, Parked, PendingChange, RemoteSide};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Row, Statement, params};
use uuid::Uuid;

/// The columns of an artifact and of its open change, in the order [`entry`] reads them.
pub(crate) const ENTRY_COLUMNS: &str = "a.kind, a.id, a.path, a.title, a.state, a.base_hash, \
     a.base_version, a.base_path, a.local_hash, a.remote_version, a.remote_hash, a.remote_seq, \
     a.remote_path, a.remote_author_id, a.remote_author_name, a.remote_at, a.disk_size, \
     a.disk_mtime, a.parked_code, a.parked_message, a.parked_hash, a.waiting_since, \
     a.undone, a.older_base, a.rev, \
     c.change_id, c.hash, c.base_version, c.path, c.queued_at";

/// Inserts or replaces an artifact; the values are those of [`write_entry`].
pub(crate) const UPSERT_ENTRY: &str = "INSERT INTO artifacts (kind, id, path, title, state, \
     base_hash, base_version, base_path, local_hash, remote_version, remote_hash, remote_seq, \
     remote_path, remote_author_id, remote_author_name, remote_at, disk_size, disk_mtime, \
     parked_code, parked_message, parked_hash, waiting_since, rev, undone, older_base) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20, ?21, ?22, ?23, ?24, ?25) \
     ON CONFLICT (kind, id) DO UPDATE SET path = ?3, title = ?4, state = ?5, base_hash = ?6, \
     base_version = ?7, base_path = ?8, local_hash = ?9, remote_version = ?10, remote_hash = ?11, \
     remote_seq = ?12, remote_path = ?13, remote_author_id = ?14, remote_author_name = ?15, \
     remote_at = ?16, disk_size = ?17, disk_mtime = ?18, parked_code = ?19, parked_message = ?20, \
     parked_hash = ?21, waiting_since = ?22, rev = ?23, undone = ?24, \
     older_base = ?25";

/// The columns of an operation, in the order [`recorded`] reads and `commit` writes them; `op` comes
/// before them, and is given by the table.
pub(crate) const OPERATION_COLUMNS: &str = "rev, at, kind, id, cause, before_base, before_local, \
     before_remote, after_base, after_local, after_remote, remote_version, author_id, author_name, \
     before_base_version, before_remote_version, after_base_version, before_path, after_path, undoes";

/// The columns of a change, in the order [`change`] reads them.
pub(crate) const CHANGE_COLUMNS: &str =
    "change_id, kind, id, hash, queued_at, outcome IS NULL, outcome = 'applied', version, seq";

/// A number as SQLite keeps it; the remote counts in the same 63 bits.
pub(crate) fn number(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub(crate) fn hash(value: Option<&ContentHash>) -> Option<&[u8]> {
    value.map(|hash| hash.as_bytes().as_slice())
}

pub(crate) fn change_id(value: &ChangeId) -> &[u8] {
    value.0.as_bytes().as_slice()
}

/// Runs [`UPSERT_ENTRY`]; the row gets `rev`.
pub(crate) fn write_entry(statement: &mut Statement<'_>, entry: &Entry, rev: Rev) -> rusqlite::Result<()> {
    let remote = entry.remote.as_ref();
    let parked = entry.parked.as_ref();
    statement.execute(params![
        entry.key.kind.as_str(),
        entry.key.id.as_str(),
        entry.path.as_str(),
        entry.title.as_deref(),
        entry.state.as_deref(),
        hash(entry.base.as_ref()),
        number(entry.base_version.0)?,
        entry.base_path.as_ref().map(ArtifactPath::as_str),
        hash(entry.local.as_ref()),
        remote.map(|side| number(side.version.0)).transpose()?,
        hash(remote.and_then(|side| side.hash.as_ref())),
        remote.map(|side| number(side.seq.0)).transpose()?,
        remote.map(|side| side.path.as_str()),
        remote.map(|side| side.author.id.as_str()),
        remote.map(|side| side.author.name.as_str()),
        remote.map(|side| side.at.0),
        entry.stat.map(|stat| number(stat.size)).transpose()?,
        entry.stat.map(|stat| stat.mtime),
        parked.map(|parked| parked.code.as_str()),
        parked.map(|parked| parked.message.as_str()),
        hash(parked.and_then(|parked| parked.hash.as_ref())),
        entry.waiting_since.map(|at| at.0),
        number(rev.0)?,
        entry.undone,
        hash(entry.older_base.as_ref()),
    ])?;
    Ok(())
}

/// Reads one row of [`ENTRY_COLUMNS`].
pub(crate) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let columns = Columns::of(row);
    // Fields are read in column order, which is why they are named one by one here.
    let key = columns.key()?;
    let path = columns.path()?;
    let title = columns.next()?;
    let state = columns.next()?;
    let base = columns.hash()?;
    let base_version = Version(columns.number()?);
    let base_path = columns.optional_path()?;
    let local = columns.hash()?;
    let remote = columns.remote()?;
    let stat = columns.stat()?;
    let parked = columns.parked()?;
    let waiting_since = columns.next::<Option<i64>>()?.map(Timestamp);
    let undone = columns.next()?;
    let older_base = columns.hash()?;
    let rev = Rev(columns.number()?);
    let pending = columns.pending()?;
    Ok(Entry {
        key,
        path,
        base,
        base_version,
        base_path,
        local,
        remote,
        stat,
        title,
        state,
        parked,
        pending,
        waiting_since,
        undone,
        older_base,
        rev,
    })
}

/// Reads one row of `op` and [`OPERATION_COLUMNS`].
pub(crate) fn recorded(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    let columns = Columns::of(row);
    let id = OperationId(columns.number()?);
    let rev = columns.optional_number()?.map(Rev);
    let at = Timestamp(columns.next()?);
    let key = columns.key()?;
    let cause = columns.cause()?;
    let (before, after) = (columns.triple()?, columns.triple()?);
    let remote_version = Version(columns.number()?);
    let author = columns.author()?;
    let versions = columns.versions(remote_version)?;
    let paths = columns.paths()?;
    let undoes = columns.optional_number()?.map(OperationId);
    let operation =
        Operation { at, key, cause, before, after, remote_version, author, versions, paths, undoes };
    Ok(Recorded { id, rev, operation })
}

/// Reads one row of [`CHANGE_COLUMNS`].
pub(crate) fn change(row: &Row<'_>) -> rusqlite::Result<RecordedChange> {
    let columns = Columns::of(row);
    let change_id = columns.change_id()?;
    let (key, hash) = (columns.key()?, columns.hash()?);
    let queued_at = Timestamp(columns.next()?);
    let is_open = columns.next()?;
    let is_applied = columns.next::<Option<bool>>()?.unwrap_or(false);
    let place = (columns.optional_number()?, columns.optional_number()?);
    let applied = match place {
        (Some(version), Some(seq)) if is_applied => Some((Version(version), Seq(seq))),
        _ => None,
    };
    Ok(RecordedChange { change_id, key, hash, queued_at, is_open, applied })
}

/// Reads the two leading columns of a row as an artifact's key.
pub(crate) fn key(row: &Row<'_>) -> rusqlite::Result<ArtifactKey> {
    Columns::of(row).key()
}

/// Reads the first column of a row as a change's id.
pub(crate) fn read_change_id(row: &Row<'_>) -> rusqlite::Result<ChangeId> {
    Columns::of(row).change_id()
}

/// Reads a row from left to right.
struct Columns<'row, 'stmt> {
    row: &'row Row<'stmt>,
    at: Cell<usize>,
}

impl<'row, 'stmt> Columns<'row, 'stmt> {
    fn of(row: &'row Row<'stmt>) -> Self {
        Self { row, at: Cell::new(0) }
    }

    fn step(&self) -> usize {
        self.at.replace(self.at.get() + 1)
    }

    fn next<T: FromSql>(&self) -> rusqlite::Result<T> {
        self.row.get(self.step())
    }

    fn skip(&self, columns: usize) {
        self.at.set(self.at.get() + columns);
    }

    /// The text of the next column, borrowed from the row: most are parsed, not kept.
    fn text(&self) -> rusqlite::Result<Option<&'row str>> {
        let at = self.step();
        self.row.get_ref(at)?.as_str_or_null().map_err(|error| damaged(at, Type::Text, error))
    }

    fn number(&self) -> rusqlite::Result<u64> {
        let at = self.step();
        let value: i64 = self.row.get(at)?;
        u64::try_from(value).map_err(|error| damaged(at, Type::Integer, error))
    }

    fn optional_number(&self) -> rusqlite::Result<Option<u64>> {
        if self.next_is_null()? {
            self.skip(1);
            return Ok(None);
        }
        self.number().map(Some)
    }

    fn versions(&self, remote_after: Version) -> rusqlite::Result<Option<(Versions, Versions)>> {
        let next = || Ok::<_, rusqlite::Error>(self.optional_number()?.map(Version));
        let (base_before, remote_before, base_after) = (next()?, next()?, next()?);
        Ok(match (base_before, remote_before, base_after) {
            (Some(base), Some(remote), Some(after)) => {
                Some((Versions { base, remote }, Versions { base: after, remote: remote_after }))
            }
            _ => None,
        })
    }

    fn paths(&self) -> rusqlite::Result<Option<Paths>> {
        let (from, to) = (self.optional_path()?, self.optional_path()?);
        Ok(from.zip(to).map(|(from, to)| Paths { from, to }))
    }

    fn key(&self) -> rusqlite::Result<ArtifactKey> {
        let at = self.at.get();
        let kind = self.text()?.unwrap_or_default();
        let id = self.text()?.unwrap_or_default();
        ArtifactKey::new(kind, id).map_err(|error| damaged(at, Type::Text, error))
    }

    fn path(&self) -> rusqlite::Result<ArtifactPath> {
        let at = self.at.get();
        let text = self.text()?.unwrap_or_default();
        ArtifactPath::new(text).map_err(|error| damaged(at, Type::Text, error))
    }

    fn optional_path(&self) -> rusqlite::Result<Option<ArtifactPath>> {
        let at = self.at.get();
        let parsed = self.text()?.map(ArtifactPath::new).transpose();
        parsed.map_err(|error| damaged(at, Type::Text, error))
    }

    fn hash(&self) -> rusqlite::Result<Option<ContentHash>> {
        let at = self.step();
        let value = self.row.get_ref(at)?;
        let bytes = value.as_blob_or_null().map_err(|error| damaged(at, Type::Blob, error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let hash = ContentHash::from_bytes(bytes);
        hash.map(Some).ok_or_else(|| damaged(at, Type::Blob, "not the 32 bytes of a hash"))
    }

    fn remote(&self) -> rusqlite::Result<Option<RemoteSide>> {
        if self.next_is_null()? {
            self.skip(7);
            return Ok(None);
        }
        Ok(Some(RemoteSide {
            version: Version(self.number()?),
            hash: self.hash()?,
            seq: Seq(self.number()?),
            path: self.path()?,
            author: Author { id: self.next()?, name: self.next()? },
            at: Timestamp(self.next()?),
        }))
    }

    fn stat(&self) -> rusqlite::Result<Option<FileStat>> {
        if self.next_is_null()? {
            self.skip(2);
            return Ok(None);
        }
        Ok(Some(FileStat { size: self.number()?, mtime: self.next()? }))
    }

    fn parked(&self) -> rusqlite::Result<Option<Parked>> {
        if self.next_is_null()? {
            self.skip(3);
            return Ok(None);
        }
        Ok(Some(Parked { code: self.next()?, message: self.next()?, hash: self.hash()? }))
    }

    fn pending(&self) -> rusqlite::Result<Option<PendingChange>> {
        if self.next_is_null()? {
            self.skip(5);
            return Ok(None);
        }
        Ok(Some(PendingChange {
            change_id: self.change_id()?,
            hash: self.hash()?,
            base_version: Version(self.number()?),
            path: self.path()?,
            queued_at: Timestamp(self.next()?),
        }))
    }

    fn change_id(&self) -> rusqlite::Result<ChangeId> {
        let at = self.step();
        let bytes = self.row.get_ref(at)?.as_blob().map_err(|error| damaged(at, Type::Blob, error))?;
        Uuid::from_slice(bytes).map(ChangeId).map_err(|error| damaged(at, Type::Blob, error))
    }

    fn triple(&self) -> rusqlite::Result<Triple> {
        Ok(Triple { base: self.hash()?, local: self.hash()?, remote: self.hash()? })
    }

    fn cause(&self) -> rusqlite::Result<Cause> {
        let at = self.at.get();
        let word = self.text()?.unwrap_or_default();
        causes()
            .find(|cause| cause.as_str() == word)
            .ok_or_else(|| damaged(at, Type::Text, format!("{word:?} is no cause")))
    }

    fn author(&self) -> rusqlite::Result<Option<Author>> {
        if self.next_is_null()? {
            self.skip(2);
            return Ok(None);
        }
        Ok(Some(Author { id: self.next()?, name: self.next()? }))
    }

    fn next_is_null(&self) -> rusqlite::Result<bool> {
        Ok(self.row.get_ref(self.at.get())?.data_type() == Type::Null)
    }
}

fn damaged(
    column: usize,
    kind: Type,
    error: impl Into<Box<dyn StdError + Send + Sync + 'static>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, error.into())
}

/// Every cause there is: each names the next, so that a new one cannot be forgotten here.
pub(crate) fn causes() -> impl Iterator<Item = Cause> {
    std::iter::successors(Some(Cause::Saved), |cause| match cause {
        Cause::Saved => Some(Cause::Deleted),
        Cause::Deleted => Some(Cause::Moved),
        Cause::Moved => Some(Cause::Received),
        Cause::Received => Some(Cause::Pushed),
        Cause::Pushed => Some(Cause::Updated),
        Cause::Updated => Some(Cause::Merged),
        Cause::Merged => Some(Cause::Settled),
        Cause::Settled => Some(Cause::Resolved),
        Cause::Resolved => Some(Cause::Rebased),
        Cause::Rebased => Some(Cause::Refused),
        Cause::Refused => Some(Cause::Restored),
        Cause::Restored => Some(Cause::Undone),
        Cause::Undone => None,
    })
}
