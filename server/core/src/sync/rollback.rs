//! A server that went back: restored from a backup, or emptied. What it has then is older than what it had,
//! or nothing, and nobody in the team meant that. Everything is read anew; what became older there, or is
//! gone without ever having been deleted, changes no file here until a person says which side counts.

use crate::id::ArtifactKey;
use crate::ports::{Cause, RemoteRow};
use crate::sync::draft::Draft;
use crate::sync::{Entry, Parked};

/// Why a file stays although the server has something older, or nothing.
pub const SERVER_WENT_BACK: &str = "server_went_back";

const MESSAGE: &str = "the team's server went back to an earlier state, as after a restored backup: artifacts there are older \
     than this machine knows, or gone without having been deleted; the files stay here until you say what counts";

/// Whether a file stays until somebody says what counts.
pub(super) fn is_held(entry: &Entry) -> bool {
    let parked = entry.parked.as_ref().filter(|parked| parked.code == SERVER_WENT_BACK);
    parked.is_some_and(|parked| parked.hash == entry.local)
}

/// Before everything is read from the beginning: what the server is known to have. That it is read anew
/// may have been found out by another process, or by one that ended before it was done.
pub(super) fn expect_all(draft: &mut Draft<'_>) {
    let keys: Vec<_> = draft.machine.entries.keys().cloned().collect();
    let known = |key: ArtifactKey| {
        let version = draft.get(&key).filter(|entry| entry.remote.is_some())?.remote_version();
        Some((key, version))
    };
    draft.link.expected = keys.into_iter().filter_map(known).collect();
    draft.link.rewinding |= !draft.link.expected.is_empty();
}

/// Whether a row counts although what is known is newer: nothing of the artifact came since it was asked
/// for.
pub(super) fn counts(draft: &mut Draft<'_>, row: &RemoteRow) -> bool {
    let expected = draft.link.expected.remove(&row.key);
    let known = draft.get(&row.key).map(Entry::remote_version);
    draft.link.rewinding && (known.is_none() || expected == known)
}

/// Whether the remote would go back with this row.
pub(super) fn goes_back(entry: &Entry, row: &RemoteRow) -> bool {
    let hash = row.content.as_ref().map(crate::id::Text::hash);
    let known = entry.remote.as_ref();
    known.is_some_and(|known| {
        row.version < known.version || (row.version == known.version && hash != known.hash)
    })
}

/// All is read: what was known of and did not come is gone there.
pub(super) fn gone(draft: &mut Draft<'_>) {
    for (key, version) in std::mem::take(&mut draft.link.expected) {
        let Some(entry) = draft.get(&key) else { continue };
        if entry.remote_version() == version && entry.remote_hash().is_some() {
            lost(draft, &key);
        }
    }
}

/// The remote has an artifact no more, and no tombstone of it.
pub(super) fn lost(draft: &mut Draft<'_>, key: &ArtifactKey) {
    draft.shift(key, Cause::Received, None, |entry| entry.remote = None);
    hold(draft, key);
}

/// Keeps the file until somebody decides.
pub(super) fn hold(draft: &mut Draft<'_>, key: &ArtifactKey) {
    if draft.get(key).is_none_or(|entry| entry.local.is_none()) {
        return;
    }
    draft.shift(key, Cause::Refused, None, |entry| {
        entry.undone |= entry.remote_hash().is_some();
        entry.parked = Some(Parked {
            code: SERVER_WENT_BACK.to_owned(),
            message: MESSAGE.to_owned(),
            hash: entry.local,
        });
    });
}

/// Somebody said that the server's state counts: files follow it.
pub(super) fn follow(draft: &mut Draft<'_>) {
    let held = draft.machine.entries().filter(|entry| is_held(entry)).map(|entry| entry.key.clone());
    for key in held.collect::<Vec<_>>() {
        if let Some(entry) = draft.known(&key) {
            entry.parked = None;
            entry.undone = false;
        }
    }
}
