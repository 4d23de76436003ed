//! Taking an operation back: which part of the history belongs together, and what local text and
//! base become. Undoing is an operation itself and is taken back like any other.
//!
//! - What one commit did with one artifact is taken back as one ([`Unit`]): a save with the
//!   decisions it made durable and the base that followed.
//! - Later edits stay: each side becomes the three-way merge of the later text with the step from
//!   *after* back to *before*. Where that conflicts, nothing is changed.
//! - The base goes back only while the remote has not taken anything from here since. Afterwards the
//!   remote is built on what is undone, an older base would deny that, and so undoing is an edit.
//! - A base that goes back leaves the remote's changes untaken. [`Entry::undone`] keeps the program
//!   from taking them again unasked.
//!
//! [`Entry::undone`]: crate::sync::Entry::undone

use std::sync::Arc;

use crate::id::{ArtifactKey, ContentHash, OperationId, Text, Version};
use crate::merge::Merge;
use crate::ports::{Cause, Recorded, Triple};
use crate::sync::next::Texts;

/// What one commit did with one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Which artifact.
    pub key: ArtifactKey,
    /// The operation that gives it its name.
    pub id: OperationId,
    /// The newest of its operations.
    pub last: OperationId,
    /// Why it happened.
    pub cause: Cause,
    /// The contents before.
    pub before: Triple,
    /// The contents after.
    pub after: Triple,
    /// The base's version before, where that was kept.
    pub base_version: Option<Version>,
}

/// An artifact's sides as they are now: those of its file, or of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// The base.
    pub base: Option<Text>,
    /// The base's version.
    pub base_version: Version,
    /// The local text.
    pub local: Option<Text>,
    /// The remote's content.
    pub remote: Option<ContentHash>,
    /// Whether the remote took something from here since: see [`was_pushed`].
    pub was_pushed: bool,
}

/// What an artifact becomes when an operation is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// The local text; `None`: the file goes.
    pub local: Option<Text>,
    /// The base it goes back to, and that base's version; `None` here: the base stays.
    pub base: Option<(Option<Text>, Version)>,
    /// The remote took something from here since, so that this is an edit like any other.
    pub was_pushed: bool,
}

/// Why an operation is not taken back. Nothing is changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotUndo {
    /// It tells what the remote did, or what both sides agreed on.
    #[error(
        "it says what the remote has, and that cannot be taken back here; agent sync restore brings an earlier version back as a new edit"
    )]
    Fact,
    /// Only the file's place changed.
    #[error("the file was moved, nothing else; move it back yourself")]
    Moved,
    /// Nothing of it is left to take back.
    #[error("nothing is left of it to take back")]
    Nothing,
    /// Later edits changed the same lines.
    #[error(
        "later edits changed the same lines; nothing was changed: edit them yourself, or bring a whole text back with agent sync restore"
    )]
    Conflict,
    /// A text it needs is not in the cache.
    #[error("the cache no longer has a text it needs; agent sync restore --version gets one from the remote")]
    TextMissing,
}

/// The unit that an operation belongs to. `operations` holds at least all operations of the
/// artifact from the same commit, in any order.
pub fn unit(target: &Recorded, operations: &[Recorded]) -> Unit {
    let key = &target.operation.key;
    let is_same = |other: &&Recorded| {
        other.operation.key == *key
            && (other.id == target.id || (target.rev.is_some() && other.rev == target.rev))
    };
    let mut parts: Vec<&Recorded> = operations.iter().filter(is_same).collect();
    if parts.iter().all(|part| part.id != target.id) {
        parts.push(target);
    }
    parts.sort_by_key(|part| part.id);
    let named = parts.iter().min_by_key(|part| rank(part.operation.cause)).copied().unwrap_or(target);
    let (first, last) = (parts.first().copied().unwrap_or(target), parts.last().copied().unwrap_or(target));
    Unit {
        key: key.clone(),
        id: named.id,
        last: last.id,
        cause: named.operation.cause,
        before: first.operation.before,
        after: last.operation.after,
        base_version: first.operation.versions.map(|(before, _)| before.base),
    }
}

/// Which of several causes says best what happened: the smallest.
fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::Undone | Cause::Restored => 0,
        Cause::Merged | Cause::Updated | Cause::Deleted => 1,
        Cause::Resolved => 2,
        Cause::Saved => 3,
        Cause::Moved => 4,
        Cause::Pushed | Cause::Received | Cause::Refused | Cause::Rebased => 5,
        Cause::Settled => 6,
    }
}

impl Unit {
    /// Whether it can be taken back at all.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), CannotUndo> {
        match self.cause {
            Cause::Saved
            | Cause::Deleted
            | Cause::Updated
            | Cause::Merged
            | Cause::Resolved
            | Cause::Restored
            | Cause::Undone => Ok(()),
            // A configured strategy decided a conflict for local.
            Cause::Settled if self.before.local != self.before.remote => Ok(()),
            Cause::Moved => Err(CannotUndo::Moved),
            Cause::Settled | Cause::Received | Cause::Pushed | Cause::Rebased | Cause::Refused => {
                Err(CannotUndo::Fact)
            }
        }
    }

    /// Whether "undo", without saying what, means this. A plain save is undone in the editor, and
    /// only on request here.
    pub fn is_default(&self) -> bool {
        !matches!(self.cause, Cause::Saved | Cause::Settled) && self.check().is_ok()
    }
}

/// The operation that "undo" means when none is named: the newest that is no plain save.
/// `operations` are newest first.
pub fn latest(operations: &[Recorded]) -> Option<Unit> {
    operations.iter().map(|recorded| unit(recorded, operations)).find(Unit::is_default)
}

/// Whether the remote took something from here after the unit: then it is built on it.
pub fn was_pushed(unit: &Unit, operations: &[Recorded]) -> bool {
    let pushed = |recorded: &Recorded| {
        recorded.id > unit.last
            && recorded.operation.key == unit.key
            && recorded.operation.cause == Cause::Pushed
    };
    operations.iter().any(pushed)
}

/// Takes a unit back out of these sides.
///
/// # Errors
/// [`CannotUndo`], with nothing to be changed.
pub fn undo(unit: &Unit, now: &Now, texts: Texts<'_>) -> Result<Reversal, CannotUndo> {
    unit.check()?;
    let local = inverse(unit.before.local, unit.after.local, now.local.as_ref(), texts)?;
    let base = match now.was_pushed {
        true => now.base.clone(),
        false => inverse(unit.before.base, unit.after.base, now.base.as_ref(), texts)?,
    };
    let is_same = local == now.local;
    let ends = match settles(base.as_ref(), local.as_ref(), now.remote, texts) {
        true => now.remote,
        false => hash(base.as_ref()),
    };
    // Where both sides agree, the base follows at once, whatever it was.
    let stays = base == now.base || ends == hash(now.base.as_ref());
    if is_same && (stays || hash(local.as_ref()) == now.remote) {
        return Err(CannotUndo::Nothing);
    }
    let base = (base != now.base).then(|| {
        let is_exact = hash(base.as_ref()) == unit.before.base;
        let version = unit.base_version.filter(|version| is_exact || *version < now.base_version);
        (base, version.unwrap_or(now.base_version))
    });
    Ok(Reversal { local, base, was_pushed: now.was_pushed })
}

/// Whether local holds all that the remote has since this base, so that the base follows at once.
fn settles(base: Option<&Text>, local: Option<&Text>, remote: Option<ContentHash>, texts: Texts<'_>) -> bool {
    if hash(base) == remote {
        return false;
    }
    let (Some(base), Some(local), Some(remote)) = (base, local, remote.and_then(texts)) else { return false };
    Merge::of(&base.shared(), &local.shared(), &remote).holds_all_remote()
}

/// A side without the step from `before` to `after`.
fn inverse(
    before: Option<ContentHash>,
    after: Option<ContentHash>,
    now: Option<&Text>,
    texts: Texts<'_>,
) -> Result<Option<Text>, CannotUndo> {
    let held = hash(now);
    if before == after || held == before {
        return Ok(now.cloned());
    }
    let text = |hash: ContentHash| texts(hash).ok_or(CannotUndo::TextMissing);
    if held == after {
        return Ok(before.map(text).transpose()?.map(Text::new));
    }
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Err(CannotUndo::Conflict);
    };
    let (before, after): (Arc<str>, Arc<str>) = (text(before)?, text(after)?);
    let merged = Merge::of(&after, &now.shared(), &before).text();
    merged.map(|text| Some(Text::new(text))).ok_or(CannotUndo::Conflict)
}

fn hash(text: Option<&Text>) -> Option<ContentHash> {
    text.map(Text::hash)
}
