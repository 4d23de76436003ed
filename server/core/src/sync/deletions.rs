//! The brake on deletions: a folder that was moved, or a branch without these files, must not delete
//! artifacts for the whole team, and a team whose artifacts went must not delete anybody's files. A few
//! deletions go out after a moment in which the file may come back, and come in at once; many wait for a
//! person, on either side.

use crate::id::{ArtifactKey, Timestamp};
use crate::ports::Cause;
use crate::sync::draft::Draft;
use crate::sync::machine::Todo;
use crate::sync::rollback::SERVER_WENT_BACK;
use crate::sync::{Entry, Parked};

/// Why many deletions at once are parked.
pub const MASS_DELETION: &str = "mass_deletion";
/// Why files stay here that the team deleted: there were many at once.
pub const MASS_DELETION_THERE: &str = "mass_deletion_there";
/// Fewer artifacts at once are never held back.
const LEAST: usize = 10;
/// How many percent of the artifacts may vanish at once, where nothing else is configured.
pub const DELETION_LIMIT: u8 = 20;
/// How long a file must be gone, in milliseconds, before its deletion is sent unasked. Some programs
/// save by deleting and creating, and a folder is not emptied in one instant.
const GRACE: i64 = 2_000;

/// Parks what vanished here, when it is much of all: noticed at once or one after the other, parked
/// already or with a text still under way.
pub(super) fn hold_back(draft: &mut Draft<'_>) {
    let (mut left, mut gone) = (0, Vec::new());
    for entry in draft.all() {
        left += usize::from(entry.local.is_some());
        if is_gone(entry) && !draft.machine.allowed.contains(&entry.key) {
            gone.push(entry.key.clone());
        }
    }
    let all = left + gone.len();
    if !is_mass(gone.len(), all, draft.machine.deletion_limit) {
        return;
    }
    let message = format!(
        "{} of {all} artifacts vanished at once; if they are meant to be deleted for the whole team, \
         push with --allow-deletions",
        gone.len()
    );
    for key in gone {
        if draft.get(&key).is_none_or(|entry| is_parked(entry) || is_sent(entry)) {
            continue;
        }
        let parked = Parked { code: MASS_DELETION.to_owned(), message: message.clone(), hash: None };
        draft.shift(&key, Cause::Refused, None, |entry| entry.parked = Some(parked));
    }
}

/// Whether it was here, is not any more, and the remote does not know that yet.
fn is_gone(entry: &Entry) -> bool {
    entry.local.is_none() && (entry.base.is_some() || entry.pending.is_some())
}

/// Whether its deletion waits for a word because many vanished at once.
fn is_parked(entry: &Entry) -> bool {
    entry.local.is_none() && entry.parked.as_ref().is_some_and(|parked| parked.code == MASS_DELETION)
}

/// Whether its deletion is on its way.
fn is_sent(entry: &Entry) -> bool {
    entry.pending.as_ref().is_some_and(|pending| pending.hash.is_none())
}

/// Whether these are too many of all to go without being asked about.
pub(super) fn is_mass(going: usize, all: usize, percent: u8) -> bool {
    going >= LEAST && going * 100 > all * usize::from(percent)
}

/// Whether a file stays because the team deleted many at once, or its server lost them, and nobody said yet
/// that it shall go.
pub(super) fn is_held(entry: &Entry) -> bool {
    let waits = |parked: &&Parked| [MASS_DELETION_THERE, SERVER_WENT_BACK].contains(&&*parked.code);
    let parked = entry.parked.as_ref().filter(waits);
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
    if !is_mass(going.len() + held, all, draft.machine.deletion_limit) {
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
    let todo = draft.todo();
    let to_push = todo.iter().filter(|(_, todo)| **todo == Todo::Push).filter_map(|(key, _)| draft.get(key));
    if !to_push.clone().any(|entry| is_gone(entry) && !is_sent(entry)) {
        draft.link.deletions_allowed = false;
        return None;
    }
    if draft.link.deletions_allowed {
        return None;
    }
    let until = young_until(draft, to_push.filter(|entry| is_unsent(entry)));
    hold_back(draft);
    until
}

/// When the youngest of these is old enough to be sent, unless all of them are.
pub(super) fn young_until<'e>(
    draft: &Draft<'_>,
    entries: impl Iterator<Item = &'e Entry>,
) -> Option<Timestamp> {
    let young = entries.filter(|entry| is_young(draft, entry)).filter_map(|entry| entry.waiting_since);
    young.max().map(|since| since.plus(GRACE))
}

/// Whether what this artifact waits with came about a moment ago, and nobody asked for a push since. A
/// moment that is further ahead than any wait was set down before the clock was set back.
pub(super) fn is_young(draft: &Draft<'_>, entry: &Entry) -> bool {
    let Some(since) = entry.waiting_since else { return true };
    !was_asked_for(draft, since) && draft.now < since.plus(GRACE) && since < draft.now.plus(GRACE)
}

/// Until when this artifact's deletion has to wait, if all must wait until then that are young.
pub(super) fn must_wait(draft: &Draft<'_>, entry: &Entry, until: Option<Timestamp>) -> Option<Timestamp> {
    until.filter(|_| is_unsent(entry) && is_young(draft, entry))
}

/// Whether all files must be looked at before this artifact's deletion is sent: this process may not know yet of
/// others that are gone with it.
pub(super) fn must_look(draft: &Draft<'_>, entry: &Entry) -> bool {
    is_unsent(entry) && !draft.link.deletions_allowed && !was_looked_since(draft, entry)
}

/// Whether all files were looked at once what the artifact waits with was no news any more.
pub(super) fn was_looked_since(draft: &Draft<'_>, entry: &Entry) -> bool {
    let since = entry.waiting_since.unwrap_or(draft.now);
    let due = if was_asked_for(draft, since) { since } else { since.plus(GRACE) };
    // A moment ahead was set down before the clock was set back.
    let due = due.min(draft.now);
    draft.link.looked_at.is_some_and(|at| due <= at && at <= draft.now)
}

/// Whether somebody asked for a push after this came about.
fn was_asked_for(draft: &Draft<'_>, since: Timestamp) -> bool {
    draft.link.push_wanted.is_some_and(|asked| since <= asked)
}

/// Whether it is gone here and that is not on its way, nor anything else of it.
fn is_unsent(entry: &Entry) -> bool {
    entry.local.is_none() && entry.pending.is_none()
}
