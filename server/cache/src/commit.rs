//! One commit: what was read stale is found first, all of it, then everything is written under one
//! new revision. Transactions begin by taking the write lock, so between the two nobody else writes.

use std::collections::HashSet;

use agent_core::id::{ArtifactKey, ChangeId, Rev};
use agent_core::ports::{ChangeOutcome, Operation, Write};
use agent_core::sync::{Entry, PendingChange};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::erase;
use crate::error::Fault;
use crate::migrate;
use crate::read;
use crate::row;

const OPEN_CHANGE: &str = "SELECT change_id FROM changes WHERE kind = ?1 AND id = ?2 AND outcome IS NULL";

/// Does all writes in one transaction and returns the revision it made.
pub(crate) fn commit(conn: &mut Connection, writes: &[Write]) -> Result<Rev, Fault> {
    if writes.is_empty() {
        return Ok(read::counters(conn)?.rev);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate::check(&tx)?;
    let stale = stale(&tx, writes)?;
    if !stale.is_empty() {
        return Err(Fault::Stale(stale));
    }
    let rev = next_rev(&tx)?;
    for write in writes {
        apply(&tx, write, rev)?;
    }
    tx.commit()?;
    Ok(rev)
}

/// The artifacts, each once, whose rows are not as the writer of these writes last saw them.
fn stale(tx: &Transaction<'_>, writes: &[Write]) -> rusqlite::Result<Vec<ArtifactKey>> {
    let mut closing = HashSet::new();
    let mut stale = Vec::new();
    for write in writes {
        let outdated = match write {
            Write::Entry(entry) => (current_rev(tx, &entry.key)? != entry.rev).then_some(&entry.key),
            Write::Queue(key, _) => opened_unseen(tx, key, &closing)?.then_some(key),
            Write::Close(change_id, _) => {
                closing.insert(*change_id);
                None
            }
            Write::Blob(_) | Write::Cursor(_) | Write::Rewind | Write::Operation(_) | Write::Erase(_) => None,
        };
        if let Some(key) = outdated
            && !stale.contains(key)
        {
            stale.push(key.clone());
        }
    }
    Ok(stale)
}

fn current_rev(tx: &Transaction<'_>, key: &ArtifactKey) -> rusqlite::Result<Rev> {
    let mut statement = tx.prepare_cached("SELECT rev FROM artifacts WHERE kind = ?1 AND id = ?2")?;
    let rev = statement.query_row(params![key.kind.as_str(), key.id.as_str()], read::rev).optional()?;
    Ok(rev.unwrap_or_default())
}

/// Whether the artifact has an open change that this commit has not closed: another process
/// queued it, or the writer would know.
fn opened_unseen(
    tx: &Transaction<'_>,
    key: &ArtifactKey,
    closing: &HashSet<ChangeId>,
) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(OPEN_CHANGE)?;
    let open =
        statement.query_row(params![key.kind.as_str(), key.id.as_str()], row::read_change_id).optional()?;
    Ok(open.is_some_and(|open| !closing.contains(&open)))
}

fn next_rev(tx: &Transaction<'_>) -> rusqlite::Result<Rev> {
    tx.prepare_cached("UPDATE meta SET rev = rev + 1 RETURNING rev")?.query_row([], read::rev)
}

fn apply(tx: &Transaction<'_>, write: &Write, rev: Rev) -> rusqlite::Result<()> {
    match write {
        Write::Blob(text) => {
            let mut statement =
                tx.prepare_cached("INSERT OR IGNORE INTO blobs (hash, text) VALUES (?1, ?2)")?;
            statement.execute(params![text.hash().as_bytes().as_slice(), text.as_str()])?;
            Ok(())
        }
        Write::Entry(entry) => put_entry(tx, entry, rev),
        Write::Queue(key, change) => queue(tx, key, change, rev),
        Write::Close(change_id, outcome) => close(tx, change_id, outcome, rev),
        Write::Rewind => {
            tx.prepare_cached("UPDATE meta SET cursor = 0")?.execute([])?;
            Ok(())
        }
        Write::Cursor(cursor) => {
            let mut statement = tx.prepare_cached("UPDATE meta SET cursor = max(cursor, ?1)")?;
            statement.execute([row::number(cursor.0)?])?;
            Ok(())
        }
        Write::Operation(operation) => add_operation(tx, operation, rev),
        Write::Erase(erasure) => erase::erase(tx, erasure),
    }
}

fn put_entry(tx: &Transaction<'_>, entry: &Entry, rev: Rev) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(row::UPSERT_ENTRY)?;
    row::write_entry(&mut statement, entry, rev)
}

fn queue(tx: &Transaction<'_>, key: &ArtifactKey, change: &PendingChange, rev: Rev) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO changes (change_id, kind, id, hash, base_version, path, queued_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        row::change_id(&change.change_id),
        key.kind.as_str(),
        key.id.as_str(),
        row::hash(change.hash.as_ref()),
        row::number(change.base_version.0)?,
        change.path.as_str(),
        change.queued_at.0,
    ])?;
    touch(tx, key, rev)
}

fn close(
    tx: &Transaction<'_>,
    change_id: &ChangeId,
    outcome: &ChangeOutcome,
    rev: Rev,
) -> rusqlite::Result<()> {
    let (word, version, seq, code) = match outcome {
        ChangeOutcome::Applied(version, seq) => ("applied", Some(version.0), Some(seq.0), None),
        ChangeOutcome::Conflict(version) => ("conflict", Some(version.0), None, None),
        ChangeOutcome::Rejected(code) => ("rejected", None, None, Some(code.as_str())),
    };
    let mut statement = tx.prepare_cached(
        "UPDATE changes SET outcome = ?2, version = ?3, seq = ?4, code = ?5 \
         WHERE change_id = ?1 AND outcome IS NULL RETURNING kind, id",
    )?;
    let version = version.map(row::number).transpose()?;
    let seq = seq.map(row::number).transpose()?;
    let closed = statement
        .query_row(params![row::change_id(change_id), word, version, seq, code], row::key)
        .optional()?;
    match closed {
        Some(key) => touch(tx, &key, rev),
        // Closed before, or by another process: the answer is recorded already.
        None => Ok(()),
    }
}

/// Gives the artifact's row the new revision: what other processes read with it, its open change,
/// is different now.
fn touch(tx: &Transaction<'_>, key: &ArtifactKey, rev: Rev) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("UPDATE artifacts SET rev = ?3 WHERE kind = ?1 AND id = ?2")?;
    statement.execute(params![key.kind.as_str(), key.id.as_str(), row::number(rev.0)?])?;
    Ok(())
}

fn add_operation(tx: &Transaction<'_>, operation: &Operation, rev: Rev) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(&format!(
        "INSERT INTO operations ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
         ?15, ?16, ?17, ?18, ?19, ?20)",
        row::OPERATION_COLUMNS
    ))?;
    let (before, after) = (&operation.before, &operation.after);
    let (versions, paths) = (operation.versions.as_ref(), operation.paths.as_ref());
    statement.execute(params![
        row::number(rev.0)?,
        operation.at.0,
        operation.key.kind.as_str(),
        operation.key.id.as_str(),
        operation.cause.as_str(),
        row::hash(before.base.as_ref()),
        row::hash(before.local.as_ref()),
        row::hash(before.remote.as_ref()),
        row::hash(after.base.as_ref()),
        row::hash(after.local.as_ref()),
        row::hash(after.remote.as_ref()),
        row::number(operation.remote_version.0)?,
        operation.author.as_ref().map(|author| author.id.as_str()),
        operation.author.as_ref().map(|author| author.name.as_str()),
        versions.map(|(before, _)| row::number(before.base.0)).transpose()?,
        versions.map(|(before, _)| row::number(before.remote.0)).transpose()?,
        versions.map(|(_, after)| row::number(after.base.0)).transpose()?,
        paths.map(|paths| paths.from.as_str()),
        paths.map(|paths| paths.to.as_str()),
        operation.undoes.map(|id| row::number(id.0)).transpose()?,
    ])?;
    Ok(())
}
