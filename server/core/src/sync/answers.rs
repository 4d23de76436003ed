//! The remote's answers to what was pushed, change by change.

use std::collections::HashMap;

use crate::id::{ArtifactKey, ChangeId, Seq, Version};
use crate::ports::{Cause, ChangeOutcome, PushOutcome, PushReply, RemoteError, Write};
use crate::sync::draft::Draft;
use crate::sync::handle::{TOO_MUCH, move_cursor, received};
use crate::sync::machine::Chance;
use crate::sync::plan::me;
use crate::sync::rollback;
use crate::sync::{Parked, RemoteSide};

pub(super) fn pushed(draft: &mut Draft<'_>, reply: PushReply, chance: &mut dyn Chance) {
    draft.link.answered();
    if let Some(contradiction) = contradiction(draft, &reply) {
        draft.link.in_flight.clear();
        return draft.link.failed(contradiction, draft.now, chance.jitter());
    }
    draft.link.in_flight.clear();
    let undecided = |(_, outcome): &(ChangeId, PushOutcome)| matches!(outcome, PushOutcome::Deferred);
    if !reply.outcomes.is_empty() && reply.outcomes.iter().all(undecided) {
        // To send the same again at once could go on for ever.
        let busy = RemoteError::Busy { detail: "it decided nothing of a push".to_owned(), retry_after: None };
        return draft.link.failed(busy, draft.now, chance.jitter());
    }
    draft.link.batch = draft.link.batch.map(|rows| rows * 2).filter(|rows| *rows < super::link::PUSH_ROWS);
    let mut seqs = Vec::new();
    let owners = owners(draft);
    for (change_id, outcome) in reply.outcomes {
        let Some(key) = owners.get(&change_id).cloned() else { continue };
        if let PushOutcome::Applied(_, seq) = &outcome {
            seqs.push(*seq);
        }
        answered(draft, &key, change_id, outcome);
    }
    // Changes that follow the cursor without a gap are all our own: nothing of them needs pulling.
    seqs.sort_unstable();
    let own = seqs.iter().zip(draft.cursor.0 + 1..).take_while(|(seq, next)| seq.0 == *next);
    if let Some((last, _)) = own.last() {
        move_cursor(draft, *last);
    }
    draft.link.hinted = draft.link.hinted.max(reply.newest_seq);
}

/// A conflict with the very version the change was made out of makes no sense, and sending it again
/// would only be answered the same: that is trouble with the remote, to be waited out.
fn contradiction(draft: &Draft<'_>, reply: &PushReply) -> Option<RemoteError> {
    let owners = owners(draft);
    let (key, version) = reply.outcomes.iter().find_map(|(change_id, outcome)| {
        let PushOutcome::Conflict(Some(row)) = outcome else { return None };
        let key = owners.get(change_id)?;
        let pending = draft.get(key)?.pending.as_ref()?;
        (pending.base_version == row.version).then(|| (key.clone(), row.version))
    })?;
    Some(RemoteError::Protocol(format!(
        "{key}: a conflict with version {}, which it was made out of",
        version.0
    )))
}

/// Whose change each open change id is.
fn owners(draft: &Draft<'_>) -> HashMap<ChangeId, ArtifactKey> {
    let pending = |key: &ArtifactKey| Some(draft.get(key)?.pending.as_ref()?.change_id);
    draft.machine.todo.keys().filter_map(|key| Some((pending(key)?, key.clone()))).collect()
}

fn answered(draft: &mut Draft<'_>, key: &ArtifactKey, change_id: ChangeId, outcome: PushOutcome) {
    match outcome {
        PushOutcome::Applied(version, seq) | PushOutcome::Duplicate(version, seq) => {
            accepted(draft, key, change_id, version, seq);
        }
        PushOutcome::Conflict(current) => {
            let version = current.as_ref().map_or(Version(0), |row| row.version);
            draft.write(Write::Close(change_id, ChangeOutcome::Conflict(version)));
            if let Some(entry) = draft.known(key) {
                entry.pending = None;
            }
            match current {
                Some(row) if row.key == *key => received(draft, *row, true),
                Some(_) => {}
                None => rollback::lost(draft, key),
            }
        }
        PushOutcome::Rejected { code, message } => {
            draft.write(Write::Close(change_id, ChangeOutcome::Rejected(code.clone())));
            draft.shift(key, Cause::Refused, None, |entry| {
                let hash = entry.pending.take().and_then(|pending| pending.hash);
                entry.parked = Some(Parked { code, message, hash });
            });
        }
        // It stays in the outbox as it is, and so goes with the next batch.
        PushOutcome::Deferred => {}
    }
}

fn accepted(draft: &mut Draft<'_>, key: &ArtifactKey, change_id: ChangeId, version: Version, seq: Seq) {
    draft.write(Write::Close(change_id, ChangeOutcome::Applied(version, seq)));
    let (author, at) = (draft.machine.me.clone(), draft.now);
    draft.shift(key, Cause::Pushed, me(draft), |entry| {
        let Some(pending) = entry.pending.take() else { return };
        if version < entry.remote_version() {
            // Somebody built on it already; their revision is known, ours becomes the base, unless
            // a newer agreement was reached meanwhile.
            if entry.base_version < version {
                entry.base = pending.hash;
                entry.base_version = version;
            }
            return;
        }
        let same_path = pending.path == entry.path;
        let becomes_base = entry.builds_on_pending();
        entry.remote = Some(RemoteSide { hash: pending.hash, version, seq, path: pending.path, author, at });
        if becomes_base {
            entry.base = pending.hash;
            entry.base_version = version;
        }
        if same_path {
            entry.base_path = Some(entry.path.clone());
        }
    });
}

pub(super) fn push_failed(draft: &mut Draft<'_>, error: RemoteError, chance: &mut dyn Chance) {
    let sent = std::mem::take(&mut draft.link.in_flight);
    let RemoteError::TooMuch(detail) = &error else {
        draft.link.failed(error, draft.now, chance.jitter());
        return;
    };
    if sent.len() > 1 {
        draft.link.batch = Some((sent.len() / 2).max(1));
        return;
    }
    // Even alone it is too much: that is a refusal, and must not hold up the others.
    let owners = owners(draft);
    for change_id in sent {
        if let Some(key) = owners.get(&change_id) {
            let refusal = PushOutcome::Rejected { code: TOO_MUCH.to_owned(), message: detail.clone() };
            answered(draft, key, change_id, refusal);
        }
    }
}
