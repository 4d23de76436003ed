//! A teammate was erased: what the machine knows of them is a pseudonym's from now on. Their lines in the history
//! are the cache's to find.

use crate::ports::{Erasure, RemoteRow, Write};
use crate::sync::Entry;
use crate::sync::draft::Draft;

/// Somebody is called by a pseudonym from now on, here too: in the history, which the cache looks through, and as
/// the author of what the remote has.
pub(super) fn erased(draft: &mut Draft<'_>, erasure: Erasure) {
    let is_theirs =
        |entry: &&Entry| entry.remote.as_ref().is_some_and(|remote| erasure.is_about(&remote.author.id));
    let theirs: Vec<_> = draft.machine.entries().filter(is_theirs).map(|entry| entry.key.clone()).collect();
    for key in theirs {
        if let Some(remote) = draft.known(&key).and_then(|entry| entry.remote.as_mut()) {
            remote.author = erasure.pseudonym.clone();
        }
    }
    draft.write(Write::Erase(erasure));
}

/// A revision that is known comes again, at a later seq. Nothing can be new about it but its author, who was
/// erased. At an earlier seq it was on its way before that, and its author is nobody's business any more.
pub(super) fn author_of_known(draft: &mut Draft<'_>, row: RemoteRow) {
    let Some(entry) = draft.known(&row.key) else { return };
    let Some(remote) = entry.remote.as_mut().filter(|remote| remote.seq < row.seq) else { return };
    remote.seq = row.seq;
    let author = std::mem::replace(&mut remote.author, row.author.clone()).id;
    // Who had no id was never somebody the server knows, and shares that with others.
    if author != row.author.id && !author.is_empty() {
        draft.write(Write::Erase(Erasure::of(&author, row.author)));
    }
}
