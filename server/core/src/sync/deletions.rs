//! The brake on deletions: a folder that was moved, or a branch without these files, must not delete
//! artifacts for the whole team. A few deletions go out after a moment in which the file may come
//! back; many at once wait for a person.

use crate::id::{ArtifactKey, Timestamp};
use crate::ports::Cause;
use crate::sync::draft::Draft;
use crate::sync::machine::Todo;
use crate::sync::{Entry, Parked};

/// Why many deletions at once are parked.
pub const MASS_DELETION: &str = "mass_deletion";
/// Fewer deletions at once are never held back.
const LEAST: usize = 10;
/// More than one in this many artifacts vanishing at once is held back.
const SHARE: usize = 5;
/// How long a file must be gone, in milliseconds, before its deletion is sent unasked. Some programs
/// save by deleting and creating, and a folder is not emptied in one instant.
const GRACE: i64 = 2_000;

/// Parks these deletions together when they are many.
pub(super) fn hold_back(draft: &mut Draft<'_>, vanished: Vec<ArtifactKey>) {
    if vanished.len() < LEAST {
        return;
    }
    let left = draft.machine.entries.values().filter(|entry| entry.local.is_some()).count();
    let gone_before =
        |key: &&ArtifactKey| draft.machine.entries.get(*key).is_none_or(|entry| entry.local.is_none());
    let all = left + vanished.iter().filter(gone_before).count();
    if vanished.len() * SHARE <= all {
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
