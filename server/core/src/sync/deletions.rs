//! The brake on deletions: a folder that was moved, or a branch without these files, must not delete
//! artifacts for the whole team, and a team whose artifacts went must not delete anybody's files. A few
//! deletions go out after a moment in which the file may come back, and come in at once; many wait for a
//! person, on either side.

use crate::id::{ArtifactKey, Timestamp};
use crate::ports::Cause;
use crate::sync::draft::Draft;
use crate::sync::machine::Todo;
use crate::sync::{Entry, Parked};

/// Why many deletions at once are parked.
pub const MASS_DELETION: &str = "mass_deletion";
/// Why files stay here that the team deleted: there were many at once.
pub const MASS_DELETION_THERE: &str = "mass_deletion_there";
/// Fewer deletions at once are never held back.
const LEAST: usize = 10;
/// How many percent of the artifacts may vanish at once, where nothing else is configured.
pub const DELETION_LIMIT: u8 = 20;
/// How long a file must be gone, in milliseconds, before its deletion is sent unasked. Some programs
/// save by deleting and creating, and a folder is not emptied in one instant.
const GRACE: i64 = 2_000;

/// Parks these deletions together when they are many.
pub(super) fn hold_back(draft: &mut Draft<'_>, vanished: Vec<ArtifactKey>) {
    let left = draft.machine.entries.values().filter(|entry| entry.local.is_some()).count();
    let gone_before =
        |key: &&ArtifactKey| draft.machine.entries.get(*key).is_none_or(|entry| entry.local.is_none());
    let all = left + vanished.iter().filter(gone_before).count();
    if !is_mass(draft, vanished.len(), all) {
        return;
    }
    let message = format!(
        "{} of {all} artifacts vanished at once; if they are meant to be deleted for the whole team, \
         push with --allow-deletions",
        vanished.len()
    );
    for key in vanished {
        let parked = Parked { code: MASS_DELETION.to_owned(), message: message.clone(), hash: None };
        draft.shift(&key, Cause::Refused, None, |entry| entry.parked = Some(parked));
    }
}

/// Whether these are too many of all to vanish without being asked about.
fn is_mass(draft: &Draft<'_>, vanishing: usize, all: usize) -> bool {
    vanishing >= LEAST && vanishing * 100 > all * usize::from(draft.machine.deletion_limit)
}

/// Whether a file stays because the team deleted many at once, and nobody said yet that it shall go.
pub(super) fn is_held(entry: &Entry) -> bool {
    let parked = entry.parked.as_ref().filter(|parked| parked.code == MASS_DELETION_THERE);
    parked.is_some_and(|parked| parked.hash == entry.local) && entry.remote_hash().is_none()
}

/// Of these files, which the team deleted, those that may go now: none while more may be coming, and
/// none when they are many, together with those that are held already. Those are held then.
pub(super) fn incoming(draft: &mut Draft<'_>, going: Vec<ArtifactKey>) -> Vec<ArtifactKey> {
    if going.is_empty() {
        return Vec::new();
    }
    if draft.link.pulling || draft.link.wants_pull(draft.cursor) {
        return Vec::new();
    }
    if std::mem::take(&mut draft.link.incoming_allowed) {
        return going;
    }
    let entries = || draft.machine.entries.values();
    let held = entries().filter(|entry| is_held(entry)).count();
    let all = entries().filter(|entry| entry.local.is_some()).count();
    if !is_mass(draft, going.len() + held, all) {
        return going;
    }
    let message = format!(
        "the team deleted {} of {all} artifacts at once; the files stay here until you say that they shall go",
        going.len() + held
    );
    for key in going {
        let code = MASS_DELETION_THERE.to_owned();
        draft.shift(&key, Cause::Refused, None, |entry| {
            entry.parked = Some(Parked { code, message: message.clone(), hash: entry.local });
        });
        draft.set_todo(key, None);
    }
    Vec::new()
}

/// Looks at all deletions that are about to be sent, however slowly they came together, and answers
/// until when the younger ones must wait.
pub(super) fn brake(draft: &mut Draft<'_>) -> Option<Timestamp> {
    let unsent = |entry: &Entry| entry.local.is_none() && entry.pending.is_none();
    let todo = draft.todo();
    let keys: Vec<_> = todo
        .into_iter()
        .filter(|(key, todo)| *todo == Todo::Push && draft.get(key).is_some_and(unsent))
        .map(|(key, _)| key)
        .collect();
    if keys.is_empty() {
        draft.link.deletions_allowed = false;
        return None;
    }
    if draft.link.deletions_allowed {
        return None;
    }
    let waiting = keys.iter().filter_map(|key| draft.get(key).and_then(|entry| entry.waiting_since));
    let since = waiting.filter(|since| is_young(*since, draft.now)).max();
    hold_back(draft, keys);
    let is_young = |since: &Timestamp| is_young(*since, draft.now) && !draft.link.push_wanted;
    since.filter(is_young).map(|since| since.plus(GRACE))
}

/// A moment that is further ahead than any wait was set down before the clock was set back.
fn is_young(since: Timestamp, now: Timestamp) -> bool {
    now < since.plus(GRACE) && since < now.plus(GRACE)
}

/// Whether this artifact's deletion has to wait until then.
pub(super) fn must_wait(entry: &Entry, until: Option<Timestamp>, now: Timestamp) -> bool {
    let is_young = entry.waiting_since.is_none_or(|since| is_young(since, now));
    entry.local.is_none() && entry.pending.is_none() && until.is_some() && is_young
}
