//! The last look at a text before it is queued for the remote: what holds a credential is parked, what
//! holds personal data is treated as configured. Only what is about to be sent is looked at, so that a
//! long queue is not read over and over.

use crate::id::{ArtifactKey, Text};
use crate::ports::Cause;
use crate::secrets::{PERSONAL_DATA, SECRET, Verdict, judge};
use crate::sync::draft::Draft;
use crate::sync::event::FileEffect;
use crate::sync::{Entry, Parked};

/// Whether the artifact may be queued; if not, it is parked, or its file is being redacted first.
pub(super) fn passes(draft: &mut Draft<'_>, key: &ArtifactKey) -> bool {
    let Some(entry) = draft.get(key) else { return false };
    let (local, path) = (entry.local, entry.path.clone());
    let Some(text) = local.and_then(|hash| draft.text(hash)) else { return true };
    let remote = entry.remote_hash().and_then(|hash| draft.text(hash));
    let refusal = match judge(&text, remote.as_deref(), draft.machine.scan) {
        Verdict::Pass => return true,
        Verdict::Refuse(refusal) => refusal,
        Verdict::Redact { text: redacted, otherwise } => {
            if may_redact(draft, key) {
                let redacted = Text::new(redacted);
                draft.keep(&redacted);
                let content = Some(redacted.hash());
                let key = key.clone();
                draft.file(FileEffect::Replace { key, path, expect: local, content, merged: false });
                return false;
            }
            otherwise
        }
    };
    let parked = Parked { code: refusal.code.to_owned(), message: refusal.message, hash: local };
    draft.shift(key, Cause::Refused, None, |entry| entry.parked = Some(parked));
    false
}

/// Whether the artifact's file may be given its redacted text: nobody has it open.
fn may_redact(draft: &Draft<'_>, key: &ArtifactKey) -> bool {
    let given = draft.circumstances(key);
    !given.open && given.may_write && !draft.is_blocked(key)
}

/// Lets go what was held back and would not be any more: the configuration has changed meanwhile, the team
/// has what was found, or a file that is to be redacted is open no longer.
pub(super) fn release(draft: &mut Draft<'_>) {
    let is_held =
        |entry: &&Entry| entry.parked.as_ref().is_some_and(|p| [SECRET, PERSONAL_DATA].contains(&&*p.code));
    let is_let_go = |entry: &&Entry| {
        let text = |hash: Option<_>| hash.and_then(|hash| draft.text(hash));
        let remote = text(entry.remote_hash());
        text(entry.local).is_none_or(|text| match judge(&text, remote.as_deref(), draft.machine.scan) {
            Verdict::Pass => true,
            Verdict::Redact { .. } => may_redact(draft, &entry.key),
            Verdict::Refuse(_) => false,
        })
    };
    let held = draft.machine.entries().filter(is_held).filter(is_let_go);
    for key in held.map(|entry| entry.key.clone()).collect::<Vec<_>>() {
        if let Some(entry) = draft.known(&key) {
            entry.parked = None;
        }
    }
}
