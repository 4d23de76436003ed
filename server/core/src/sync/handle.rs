//! One event, into the draft of a step: how each thing that happens moves the triples. What follows
//! from the moved triples is in `plan`, the answers to pushes are in `answers`.

use std::collections::BTreeSet;

use crate::id::{ArtifactKey, ContentHash, Seq, Version};
use crate::ports::{Cause, ChangeOutcome, LiveEvent, PullPage, RemoteRow, Snapshot, Write};
use crate::sync::answers::{push_failed, pushed};
use crate::sync::deletions::{self, MASS_DELETION, MASS_DELETION_THERE};
use crate::sync::draft::{Draft, agree};
use crate::sync::event::{BroughtBack, Event, FileDone, FileEffect, Found, Memory, ResolvedBase};
use crate::sync::machine::{Chance, Todo};
use crate::sync::next::{clean_merge, remote_move};
use crate::sync::plan::me;
use crate::sync::screen;
use crate::sync::status::Status;
use crate::sync::{Entry, Parked, RemoteSide};

pub(super) fn handle(draft: &mut Draft<'_>, event: Event, chance: &mut dyn Chance) {
    match event {
        Event::Found(files) => all_found(draft, files),
        Event::FilesDone(done) => done.into_iter().for_each(|done| file_done(draft, done)),
        Event::FileFailed(key) => draft.remember(Memory::FileBlocked(key, true)),
        Event::Opened(key) => open(draft, key, true),
        Event::Closed(key) => open(draft, key, false),
        Event::OpenElsewhere(keys) => open_elsewhere(draft, keys),
        Event::Resolved { key, base } => resolved(draft, &key, base),
        Event::PathKept(key) => path_kept(draft, &key),
        Event::BroughtBack(back) => brought_back(draft, *back),
        Event::Reloaded(snapshot) => reloaded(draft, snapshot),
        Event::Leads(leads) => leads_now(draft, leads),
        Event::PullWanted => {
            draft.link.pull_wanted = true;
            draft.link.retry_now();
        }
        Event::PullScheduled => {
            draft.link.pull_wanted = true;
            unpark(draft, |parked| parked.code == TOO_MUCH);
        }
        Event::PushWanted { retry_refused } => push_wanted(draft, retry_refused),
        Event::DeletionsAllowed => {
            draft.link.deletions_allowed = true;
            unpark(draft, |parked| parked.code == MASS_DELETION);
        }
        Event::IncomingDeletionsAllowed => {
            draft.link.incoming_allowed = true;
            unpark(draft, |parked| parked.code == MASS_DELETION_THERE);
        }
        Event::Live(event) => live(draft, event),
        Event::Pulled(page) => pulled(draft, *page),
        Event::PullFailed(error) => {
            draft.link.pull_ended(None);
            draft.link.pull_wanted = true;
            draft.link.failed(error, draft.now, chance.jitter());
        }
        Event::Pushed(reply) => pushed(draft, *reply, chance),
        Event::PushFailed(error) => push_failed(draft, error, chance),
        Event::SearchFailed(key, error) => {
            draft.remember(Memory::Searching(key, false));
            draft.link.failed(error, draft.now, chance.jitter());
        }
        Event::BaseFound { key, base } => base_found(draft, key, base),
        Event::Tick => {}
    }
}

/// Why a change is parked that was too much for the remote even alone. That may pass, so it is tried
/// again now and then.
pub(super) const TOO_MUCH: &str = "too_much";
fn all_found(draft: &mut Draft<'_>, files: Vec<Found>) {
    let is_gone = |file: &&Found| {
        let entry = draft.get(&file.key);
        file.text.is_none() && entry.is_some_and(|entry| entry.local.is_some() && entry.path == file.path)
    };
    let vanished: Vec<_> = files.iter().filter(is_gone).map(|file| file.key.clone()).collect();
    files.into_iter().for_each(|file| found(draft, file));
    if !draft.link.deletions_allowed {
        deletions::hold_back(draft, vanished);
    }
}

fn found(draft: &mut Draft<'_>, file: Found) {
    let Found { key, path, text, stat, title, state, resolved: choice } = file;
    let entry = draft.entry(&key, &path);
    if text.is_none() && entry.path != path {
        return; // the file is known at another path by now
    }
    entry.stat = stat;
    (entry.title, entry.state) = match (&text, &entry.remote) {
        (None, Some(_)) => (entry.title.take(), entry.state.take()),
        _ => (title, state),
    };
    let moved = text.is_some() && entry.path != path;
    let (known, hash) = (entry.local, text.as_ref().map(crate::id::Text::hash));
    let who = me(draft);
    draft.remember(Memory::FileBlocked(key.clone(), false));
    if let Some(text) = &text {
        draft.keep(text);
    }
    if moved {
        draft.shift(&key, Cause::Moved, who.clone(), |entry| entry.path = path);
    }
    if let Some(choice) = choice {
        resolved(draft, &key, choice);
    }
    if hash == known {
        return;
    }
    // Another content may be one that the remote's history knows.
    draft.remember(Memory::BaseSearched(key.clone(), false));
    let own_merge = is_own_merge(draft, &key, hash);
    let cause = match (own_merge, hash) {
        (true, _) => Cause::Merged,
        (false, Some(_)) => Cause::Saved,
        (false, None) => Cause::Deleted,
    };
    draft.shift(&key, cause, who, |entry| {
        entry.local = hash;
        entry.parked = entry.parked.take().filter(|parked| parked.hash == hash);
        if own_merge {
            agree(entry);
        }
    });
}

/// Whether this content is the merge this program was about to write when it stopped: written to
/// the file, but not yet to the cache.
fn is_own_merge(draft: &Draft<'_>, key: &ArtifactKey, hash: Option<ContentHash>) -> bool {
    let Some(entry) = draft.get(key) else { return false };
    if hash.is_none() || entry.status() != Status::Diverged || entry.base.is_none() {
        return false;
    }
    clean_merge(entry, &|hash| draft.text(hash)).map(|text| text.hash()) == hash
}

fn file_done(draft: &mut Draft<'_>, done: FileDone) {
    let key = done.effect.key().clone();
    match done.effect {
        FileEffect::Replace { content, merged, path, .. } => {
            let remote = draft.get(&key).and_then(|entry| entry.remote.as_ref());
            let cause = match merged {
                true => Cause::Merged,
                // Neither a merge nor the remote's: our own text, redacted.
                false if content.is_some() && content != remote.and_then(|remote| remote.hash) => {
                    Cause::Saved
                }
                false => Cause::Updated,
            };
            let author = match cause {
                Cause::Saved => me(draft),
                _ => remote.map(|remote| remote.author.clone()),
            };
            draft.shift(&key, cause, author, |entry| {
                entry.local = content;
                entry.path = path;
                entry.stat = done.stat;
                if content.is_some() {
                    (entry.title, entry.state) = done.outline;
                }
                if merged {
                    agree(entry);
                }
            });
        }
        FileEffect::Move { to, .. } => draft.shift(&key, Cause::Moved, None, |entry| {
            entry.path = to;
            entry.stat = done.stat;
        }),
    }
}

fn open(draft: &mut Draft<'_>, key: ArtifactKey, is_open: bool) {
    draft.touched.insert(key.clone());
    draft.remember(Memory::Open(key, is_open));
}

fn open_elsewhere(draft: &mut Draft<'_>, keys: Vec<ArtifactKey>) {
    let now: BTreeSet<_> = keys.iter().cloned().collect();
    draft.touched.extend(now.symmetric_difference(&draft.machine.open_elsewhere).cloned());
    draft.remember(Memory::OpenElsewhere(keys));
}

fn resolved(draft: &mut Draft<'_>, key: &ArtifactKey, choice: ResolvedBase) {
    let Some(entry) = draft.get(key) else { return };
    if entry.base != choice.from {
        return;
    }
    if let Some(text) = &choice.to {
        draft.keep(text);
    }
    let base = choice.to.map(|text| text.hash());
    let who = me(draft);
    let cause = if choice.undoes.is_some() { Cause::Undone } else { Cause::Resolved };
    draft.shift_undoing(key, cause, who, choice.undoes, |entry| {
        entry.base = base;
        entry.undone |= choice.undoes.is_some();
        entry.parked = entry.parked.take().filter(|parked| parked.code != MASS_DELETION_THERE);
        if base == entry.remote_hash() {
            agree(entry);
        }
    });
}

/// The remote's path is known, and the own one goes over it: the artifact is ahead by its path.
fn path_kept(draft: &mut Draft<'_>, key: &ArtifactKey) {
    if draft.get(key).and_then(remote_move).is_none() {
        return;
    }
    if let Some(entry) = draft.known(key) {
        entry.base_path = entry.remote.as_ref().map(|remote| remote.path.clone());
    }
}

/// Takes an earlier content as the file's. Done twice, once before the file is written and once
/// after, it changes something once.
fn brought_back(draft: &mut Draft<'_>, back: BroughtBack) {
    let BroughtBack { file, seen, base, cause, undoes } = back;
    let Found { key, path, text, stat, title, state, .. } = file;
    let hash = text.as_ref().map(crate::id::Text::hash);
    let Some(entry) = draft.get(&key) else { return };
    if entry.local != seen && entry.local != hash {
        return;
    }
    for text in text.iter().chain(base.iter().filter_map(|(base, _)| base.to.as_ref())) {
        draft.keep(text);
    }
    draft.remember(Memory::FileBlocked(key.clone(), false));
    draft.remember(Memory::BaseSearched(key.clone(), false));
    let who = me(draft);
    draft.shift_undoing(&key, cause, who, undoes, |entry| {
        entry.local = hash;
        entry.path = path;
        entry.stat = stat;
        if hash.is_some() {
            (entry.title, entry.state) = (title, state);
        }
        entry.parked = entry.parked.take().filter(|parked| parked.hash == hash);
        if let Some((base, version)) = base
            && entry.base == base.from
        {
            entry.base = base.to.map(|text| text.hash());
            // Forwards, it is an undoing that is taken back.
            entry.undone = version < entry.base_version;
            entry.base_version = version;
        }
        if entry.base.is_none() && entry.remote_hash().is_none() {
            // The deletion is known, and decided against: nobody needs to look for it.
            entry.base_version = entry.remote_version();
        }
    });
}

fn reloaded(draft: &mut Draft<'_>, snapshot: Snapshot) {
    draft.remember(Memory::Rev(snapshot.rev));
    draft.remember(Memory::Cursor(snapshot.cursor));
    for entry in snapshot.entries {
        // This process may have moved on from what it once absorbed.
        let newer = draft.machine.entry(&entry.key).is_some_and(|known| known.rev > entry.rev);
        match newer {
            true => drop(draft.touched.insert(entry.key)),
            false => draft.reload(entry),
        }
    }
}

fn leads_now(draft: &mut Draft<'_>, leads: bool) {
    if leads && !draft.machine.leads {
        // What the last leader left undone, and what it may have missed.
        draft.link.pull_wanted = true;
        draft.touched.extend(draft.machine.todo.keys().cloned());
        screen::release(draft);
    }
    draft.remember(Memory::Leads(leads));
}

fn push_wanted(draft: &mut Draft<'_>, retry_refused: bool) {
    draft.link.push_wanted = true;
    draft.link.retry_now();
    if !retry_refused {
        return;
    }
    unpark(draft, |parked| ![MASS_DELETION, MASS_DELETION_THERE].contains(&parked.code.as_str()));
}

fn unpark(draft: &mut Draft<'_>, chosen: impl Fn(&Parked) -> bool) {
    let is_chosen = |entry: &&Entry| entry.parked.as_ref().is_some_and(&chosen);
    let keys: Vec<_> = draft.machine.entries().filter(is_chosen).map(|entry| entry.key.clone()).collect();
    for key in keys {
        if let Some(entry) = draft.known(&key) {
            entry.parked = None;
        }
    }
}

fn live(draft: &mut Draft<'_>, event: LiveEvent) {
    match event {
        LiveEvent::Ready => {
            draft.link.live = true;
            draft.link.pull_wanted = true;
            draft.link.retry_now();
        }
        LiveEvent::Moved { to, .. } => draft.link.hint(to),
        LiveEvent::Lost(_) | LiveEvent::Refused(_) => draft.link.live = false,
    }
}

fn pulled(draft: &mut Draft<'_>, page: PullPage) {
    draft.link.pull_ended((!page.more).then_some(page.newest_seq.max(page.cursor)));
    draft.link.answered();
    if page.newest_seq < draft.cursor && !draft.link.rewinding {
        return rewind(draft);
    }
    if !page.unreadable.is_empty() {
        draft.remember(Memory::Unreadable(page.unreadable));
    }
    for row in page.rows {
        received(draft, row, draft.link.rewinding);
    }
    draft.link.rewinding &= page.more;
    move_cursor(draft, page.cursor);
    draft.link.pull_wanted |= page.more;
    // Files that could not be written, and searches that failed, get their chance again.
    let again = draft.machine.todo.iter().filter(|(_, todo)| **todo != Todo::Push);
    draft.touched.extend(again.map(|(key, _)| key.clone()));
    for key in draft.machine.file_blocked.clone() {
        draft.remember(Memory::FileBlocked(key, false));
    }
}

/// The team's newest seq lies before the cursor: the server was restored from a backup, and seqs and
/// versions are being given out again. Everything it has is read anew.
fn rewind(draft: &mut Draft<'_>) {
    draft.write(Write::Rewind);
    draft.remember(Memory::Rewind);
    draft.link.rewinding = true;
    draft.link.pull_wanted = true;
}

pub(super) fn move_cursor(draft: &mut Draft<'_>, seq: Seq) {
    if seq > draft.cursor {
        draft.write(Write::Cursor(seq));
        draft.remember(Memory::Cursor(seq));
    }
}

/// A revision of an artifact, pulled or sent along with a conflict. An older one than is known is
/// ignored, unless it is authoritative: the remote says that this is what it has.
pub(super) fn received(draft: &mut Draft<'_>, row: RemoteRow, is_authoritative: bool) {
    let entry = draft.entry(&row.key, &row.path);
    let hash = row.content.as_ref().map(crate::id::Text::hash);
    let is_known =
        entry.remote.as_ref().is_some_and(|remote| remote.version == row.version && remote.hash == hash);
    if is_known || (row.version <= entry.remote_version() && !is_authoritative) {
        return;
    }
    let acknowledged = entry.pending.take_if(|pending| Some(pending.change_id) == row.change_id);
    if entry.local.is_none() {
        (entry.title, entry.state) = (row.title.clone(), row.state.clone());
        if entry.base.is_none() {
            entry.path = row.path.clone();
        }
    }
    if let Some(text) = &row.content {
        draft.keep(text);
    }
    let cause = if acknowledged.is_some() { Cause::Pushed } else { Cause::Received };
    let side = RemoteSide {
        hash,
        version: row.version,
        seq: row.seq,
        path: row.path,
        author: row.author.clone(),
        at: row.at,
    };
    draft.shift(&row.key, cause, Some(row.author), |entry| {
        let pushed_path = acknowledged.is_some() && entry.path == side.path;
        entry.remote = Some(side);
        if acknowledged.is_some() {
            entry.base = hash;
            entry.base_version = row.version;
        }
        if pushed_path {
            entry.base_path = Some(entry.path.clone());
        }
    });
    if let Some(pending) = acknowledged {
        draft.write(Write::Close(pending.change_id, ChangeOutcome::Applied(row.version, row.seq)));
    }
}

fn base_found(draft: &mut Draft<'_>, key: ArtifactKey, base: Option<(ContentHash, Version)>) {
    draft.link.answered();
    draft.remember(Memory::Searching(key.clone(), false));
    let Some(entry) = draft.get(&key) else { return };
    let still_wanted = entry.base.is_none() && entry.local.is_some();
    match base {
        Some((hash, version)) if still_wanted && entry.local == Some(hash) => {
            draft.shift(&key, Cause::Rebased, None, |entry| {
                entry.base = Some(hash);
                entry.base_version = version;
            });
        }
        _ => draft.remember(Memory::BaseSearched(key.clone(), true)),
    }
    draft.touched.insert(key);
}
