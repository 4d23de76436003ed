//! Turns what SQLite and the system report into what a caller can do about it. Nothing is retried
//! or repaired here.

use std::io;

use agent_core::id::ArtifactKey;
use agent_core::ports::StoreError;
use rusqlite::{ErrorCode, ffi};

/// Why a step inside the database failed, before the file's name is added.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Stale(Vec<ArtifactKey>),
    Damaged(String),
    TooNew { found: u32, known: u32 },
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The error for the caller; `path` is the database file as messages name it.
    pub(crate) fn at(self, path: &str) -> StoreError {
        match self {
            Self::Sql(error) => sql(path, &error),
            Self::Stale(keys) => StoreError::Stale(keys),
            Self::Damaged(detail) => corrupt(path, detail),
            Self::TooNew { found, known } => StoreError::TooNew { path: path.to_owned(), found, known },
        }
    }
}

/// Why a database could not even be looked at. The statements that look are always the same, so
/// one that SQLite does not understand means that the file is not what this crate made.
pub(crate) fn looking(error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => Fault::Damaged(error.to_string()),
        _ => Fault::Sql(error),
    }
}

/// The error for a system call on the database's folder or files.
pub(crate) fn system(path: &str, doing: &str, error: &io::Error) -> StoreError {
    StoreError::Unwritable { path: path.to_owned(), detail: format!("{doing}: {error}") }
}

pub(crate) fn corrupt(path: &str, detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { path: path.to_owned(), detail: detail.into() }
}

enum Class {
    Busy,
    Unwritable,
    Corrupt,
    Failed,
}

fn sql(path: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let detail = error.to_string();
    match class(error) {
        Class::Busy => StoreError::Busy { path, detail },
        Class::Unwritable => StoreError::Unwritable { path, detail },
        Class::Corrupt => StoreError::Corrupt { path, detail },
        Class::Failed => StoreError::Failed { path, detail },
    }
}

fn class(error: &rusqlite::Error) -> Class {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            failure_class(failure, message.as_deref().unwrap_or_default())
        }
        // Only this crate writes the file, so a value of another shape is not what it wrote.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::Utf8Error(..)
        // Nor is a schema that does not fit the statements of this crate the one it made.
        | rusqlite::Error::SqlInputError { .. } => Class::Corrupt,
        _ => Class::Failed,
    }
}

fn failure_class(failure: &ffi::Error, message: &str) -> Class {
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Class::Busy,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Class::Corrupt,
        // The file under the connection was taken away: what is written to it is lost.
        ErrorCode::ReadOnly if failure.extended_code == ffi::SQLITE_READONLY_DBMOVED => Class::Corrupt,
        ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            Class::Unwritable
        }
        // The core's types cannot hold what the schema's checks forbid.
        ErrorCode::ConstraintViolation if is_check(failure.extended_code) => Class::Corrupt,
        ErrorCode::SystemIoFailure => io_class(failure.extended_code),
        // Names that constraints of the schema refer to are looked up only when they are needed.
        ErrorCode::Unknown
            if message.starts_with("no such ") || message.starts_with("foreign key mismatch") =>
        {
            Class::Corrupt
        }
        _ => Class::Failed,
    }
}

fn is_check(extended_code: i32) -> bool {
    matches!(
        extended_code,
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_DATATYPE
    )
}

fn io_class(extended_code: i32) -> Class {
    match extended_code {
        // The file ends before its own header says it does.
        ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS => Class::Corrupt,
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_NOMEM => Class::Failed,
        // Everything else is a write, a sync, a lock or the shared memory file.
        _ => Class::Unwritable,
    }
}
