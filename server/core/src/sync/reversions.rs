//! The brake on going back: a branch that was switched, or work that was stashed, brings many artifacts
//! back to contents that the team has long replaced. To push them would take back what was written since,
//! for everybody. One or two go like any edit; many wait for a person.

use crate::id::{ArtifactKey, Timestamp};
use crate::ports::Cause;
use crate::sync::deletions::{is_mass, is_young, was_looked_since, young_until};
use crate::sync::draft::Draft;
use crate::sync::machine::Todo;
use crate::sync::{Entry, Parked};

/// Why many artifacts that went back at once are parked.
pub const MASS_REVERSION: &str = "mass_reversion";
/// How many percent of the artifacts may go back at once, where nothing else is configured.
pub const REVERSION_LIMIT: u8 = 20;

/// Whether an artifact waits for a word because many went back at once.
pub(super) fn is_held(entry: &Entry) -> bool {
    let parked = entry.parked.as_ref().filter(|parked| parked.code == MASS_REVERSION);
    parked.is_some_and(|parked| parked.hash == entry.local)
}

/// The artifacts whose file went back and may be sent, and was not yet.
fn going_back(draft: &Draft<'_>) -> Vec<ArtifactKey> {
    let goes_back = |entry: &Entry| {
        entry.local.is_some() && entry.local != entry.base && entry.local != entry.remote_hash()
    };
    let is_refused = |entry: &Entry| entry.parked.as_ref().is_some_and(|parked| parked.hash == entry.local);
    let is_new = |entry: &Entry| entry.pending.is_none() && !is_refused(entry);
    let of = |key: &&ArtifactKey| draft.get(key).is_some_and(|entry| goes_back(entry) && is_new(entry));
    draft.machine.reverted.iter().filter(of).cloned().collect()
}

/// Parks what goes back when it is much, together with what is held already.
pub(super) fn hold_back(draft: &mut Draft<'_>) {
    let keys = going_back(draft);
    if keys.is_empty() || draft.link.reversions_allowed {
        return;
    }
    let entries = || draft.machine.entries.values();
    let held = entries().filter(|entry| is_held(entry)).count();
    let all = entries().filter(|entry| entry.local.is_some()).count().max(keys.len());
    let count = keys.len() + held;
    if !is_mass(count, all, draft.machine.reversion_limit) {
        return;
    }
    let message = format!(
        "{count} of {all} artifacts went back to earlier versions at once, as another branch brings them; if the whole \
         team is to have these again, push with --allow-reversions, else bring the files back"
    );
    for key in keys {
        draft.shift(&key, Cause::Refused, None, |entry| {
            entry.parked =
                Some(Parked { code: MASS_REVERSION.to_owned(), message: message.clone(), hash: entry.local });
        });
    }
}

/// Looks at all that is about to be sent and goes back, however slowly it came together, and answers until
/// when the younger ones must wait.
pub(super) fn brake(draft: &mut Draft<'_>) -> Option<Timestamp> {
    let (keys, todo) = (going_back(draft), draft.todo());
    let sent: Vec<_> = keys.iter().filter(|key| todo.get(*key) == Some(&Todo::Push)).collect();
    if sent.is_empty() {
        draft.link.reversions_allowed = false;
        return None;
    }
    if draft.link.reversions_allowed {
        return None;
    }
    let until = young_until(draft, sent.into_iter().filter_map(|key| draft.get(key)));
    hold_back(draft);
    until
}

/// Until when this artifact has to wait, if all must wait until then that are young.
pub(super) fn must_wait(draft: &Draft<'_>, entry: &Entry, until: Option<Timestamp>) -> Option<Timestamp> {
    until.filter(|_| is_unsent(draft, entry) && is_young(draft, entry))
}

/// Whether all files must be looked at before this artifact is sent: this process may not know yet of others that
/// went back with it.
pub(super) fn must_look(draft: &Draft<'_>, entry: &Entry) -> bool {
    is_unsent(draft, entry) && !draft.link.reversions_allowed && !was_looked_since(draft, entry)
}

/// Whether it went back and that is not on its way.
fn is_unsent(draft: &Draft<'_>, entry: &Entry) -> bool {
    entry.local.is_some() && entry.pending.is_none() && draft.machine.reverted.contains(&entry.key)
}
