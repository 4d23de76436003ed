//! One event, into the draft of a step: how each thing that happens moves the triples. What follows
//! from the moved triples is in `plan`, the answers to pushes are in `answers`.

use std::collections::BTreeSet;

use crate::id::{ArtifactKey, ContentHash, Seq, Text, Version};
use crate::ports::{Cause, ChangeOutcome, LiveEvent, PullPage, RemoteRow, Snapshot, Write};
use crate::sync::answers::{push_failed, pushed};
use crate::sync::deletions::{self, MASS_DELETION, MASS_DELETION_THERE};
use crate::sync::draft::{Draft, agree};
use crate::sync::erased::{author_of_known, erased};
use crate::sync::event::{BroughtBack, Event, FileDone, FileEffect, Found, Memory, ResolvedBase};
use crate::sync::machine::{Chance, Todo};
use crate::sync::next::{clean_merge, remote_move};
use crate::sync::older;
use crate::sync::plan::me;
use crate::sync::reversions::{self, MASS_REVERSION};
use crate::sync::rollback::{self, SERVER_WENT_BACK};
use crate::sync::screen;
use crate::sync::status::Status;
use crate::sync::{Entry, Parked, RemoteSide};

pub(super) fn handle(draft: &mut Draft<'_>, event: Event, chance: &mut dyn Chance) {
    match event {
        Event::Found(files) => all_found(draft, files),
        Event::Looked(files) => {
            draft.link.looked_at = Some(draft.now);
            all_found(draft, files);
        }
        Event::FilesDone(done) => done.into_iter().for_each(|done| file_done(draft, done)),
        Event::FileFailed(key) => draft.remember(Memory::FileBlocked(key, true)),
        Event::Opened(key) => open(draft, key, true),
        Event::OpenedOlder(key, base) => older_base(draft, &key, base),
        Event::Closed(key) => {
            older_base(draft, &key, None);
            open(draft, key, false);
        }
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
        Event::ReversionsAllowed => {
            draft.link.reversions_allowed = true;
            unpark(draft, |parked| parked.code == MASS_REVERSION);
        }
        Event::IncomingDeletionsAllowed => {
            draft.link.incoming_allowed = true;
            unpark(draft, |parked| parked.code == MASS_DELETION_THERE);
        }
        Event::RollbackAllowed => {
            draft.link.incoming_allowed = true;
            rollback::follow(draft);
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
    let has_vanished = |file: &Found| {
        let entry = draft.get(&file.key);
        file.text.is_none() && entry.is_some_and(|entry| entry.local.is_some() && entry.path == file.path)
    };
    let has_vanished = files.iter().any(has_vanished);
    files.into_iter().for_each(|file| found(draft, file));
    if has_vanished && !draft.link.deletions_allowed {
        deletions::hold_back(draft);
    }
    reversions::hold_back(draft);
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
    let (known, hash) = (entry.local, text.as_ref().map(Text::hash));
    let who = me(draft);
    draft.remember(Memory::FileBlocked(key.clone(), false));
    if let Some(text) = &text {
        draft.keep(text);
    }
    if moved {
        draft.shift(&key, Cause::Moved, who.clone(), |entry| entry.path = path);
    }
    match (choice, &text) {
        (Some(choice), Some(text)) if is_late(draft, &key, &choice) => {
            made_of_chosen(draft, &key, text, choice)
        }
        (Some(choice), _) => resolved(draft, &key, choice),
        (None, Some(text)) if hash != known => made_of_older(draft, &key, text),
        _ => {}
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
        entry.parked = entry.parked.take().and_then(|parked| still_parked(entry, parked));
        if hash.is_none() {
            entry.waiting_since = None; // a deletion is as young as it is, however long its text waited
        }
        if own_merge {
            agree(entry);
        }
    });
}

/// Whether the base went on since an editor said which one its text has.
fn is_late(draft: &Draft<'_>, key: &ArtifactKey, choice: &ResolvedBase) -> bool {
    draft.get(key).is_some_and(|entry| entry.base != choice.from)
}

/// A text that an editor saved with a base of its own, which the artifact's went past meanwhile: what was
/// under way arrived. It keeps that base if it lacks what came in since; the newer one would have it undo that.
fn made_of_chosen(draft: &mut Draft<'_>, key: &ArtifactKey, text: &Text, choice: ResolvedBase) {
    let Some(base) = choice.to.filter(|_| choice.undoes.is_none()) else { return };
    draft.keep(&base);
    made_of(draft, key, text, base.hash());
}

/// What an editor with an older text saved goes with that text's base: the file's would have it undo what
/// came in since. Another program's text that holds what came in was made out of the file.
fn made_of_older(draft: &mut Draft<'_>, key: &ArtifactKey, text: &Text) {
    if let Some(older) = draft.get(key).and_then(|entry| entry.older_base) {
        made_of(draft, key, text, older);
    }
}

/// Takes the older of two bases for a text that lacks what came in between them.
fn made_of(draft: &mut Draft<'_>, key: &ArtifactKey, text: &Text, older: ContentHash) {
    let Some(base) = draft.get(key).and_then(|entry| entry.base) else { return };
    if older::lacks(text.as_str(), older, base, &|hash| draft.text(hash)) != Some(true) {
        return;
    }
    draft.shift(key, Cause::Rebased, None, |entry| {
        entry.base = Some(older);
        entry.older_base = None;
    });
}

/// Notes, or forgets, that an editor holds an older text.
fn older_base(draft: &mut Draft<'_>, key: &ArtifactKey, base: Option<ContentHash>) {
    let nothing = older::nothing();
    if base == Some(nothing.hash()) {
        draft.keep(&nothing);
    }
    if draft.get(key).is_some_and(|entry| entry.older_base != base)
        && let Some(entry) = draft.known(key)
    {
        entry.older_base = base;
    }
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
        FileEffect::Move { to, expect, .. } => draft.shift(&key, Cause::Moved, None, |entry| {
            entry.path = to;
            // Another process may have read another text there before: what is there now is to be read again.
            entry.stat = done.stat.filter(|_| entry.local == Some(expect));
        }),
    }
}

fn open(draft: &mut Draft<'_>, key: ArtifactKey, is_open: bool) {
    draft.touched.insert(key.clone());
    draft.remember(Memory::Open(key, is_open));
    if !is_open && draft.machine.leads {
        screen::release(draft);
    }
}

fn open_elsewhere(draft: &mut Draft<'_>, keys: Vec<ArtifactKey>) {
    let now: BTreeSet<_> = keys.iter().cloned().collect();
    draft.touched.extend(now.symmetric_difference(&draft.machine.open_elsewhere).cloned());
    draft.remember(Memory::OpenElsewhere(keys));
    if draft.machine.leads {
        screen::release(draft);
    }
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
        let is_answered = |parked: &Parked| [MASS_DELETION_THERE, SERVER_WENT_BACK].contains(&&*parked.code);
        entry.parked = entry.parked.take().filter(|parked| !is_answered(parked));
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
    let hash = text.as_ref().map(Text::hash);
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
    if snapshot.rev >= draft.machine.rev && snapshot.cursor < draft.cursor {
        // Another process reads anew what the remote has: it went back.
        draft.remember(Memory::Rewind);
    }
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
    draft.link.push_wanted = Some(draft.now);
    draft.link.looked_at = None;
    draft.link.retry_now();
    if !retry_refused {
        return;
    }
    let asks = [MASS_DELETION, MASS_DELETION_THERE, MASS_REVERSION, SERVER_WENT_BACK];
    unpark(draft, |parked| !asks.contains(&parked.code.as_str()));
}

/// What is parked after the file changed: a refusal was one of that content alone. A file whose artifact is gone
/// there stays, edited or not, until somebody says what counts.
fn still_parked(entry: &Entry, parked: Parked) -> Option<Parked> {
    let waits_for_a_word = [MASS_DELETION_THERE, SERVER_WENT_BACK].contains(&&*parked.code);
    match entry.local {
        Some(_) if waits_for_a_word && entry.remote_hash().is_none() => {
            Some(Parked { hash: entry.local, ..parked })
        }
        local => Some(parked).filter(|parked| parked.hash == local),
    }
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
        draft.link.expected.retain(|key, _| page.unreadable.iter().all(|row| row.name != key.to_string()));
        draft.remember(Memory::Unreadable(page.unreadable));
    }
    for erasure in page.erasures {
        erased(draft, erasure);
    }
    for row in page.rows {
        let counts = rollback::counts(draft, &row);
        received(draft, row, counts);
    }
    if draft.link.rewinding && !page.more {
        draft.link.rewinding = false;
        rollback::gone(draft);
    }
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
    let hash = row.content.as_ref().map(Text::hash);
    let is_known =
        entry.remote.as_ref().is_some_and(|remote| remote.version == row.version && remote.hash == hash);
    if is_known {
        return author_of_known(draft, row);
    }
    if row.version <= entry.remote_version() && !is_authoritative {
        return;
    }
    let goes_back = rollback::goes_back(entry, &row);
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
    let key = row.key.clone();
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
        let becomes_base = acknowledged.is_some() && entry.builds_on_pending();
        entry.remote = Some(side);
        // Whatever it had lost, this is news.
        entry.parked = entry.parked.take().filter(|parked| goes_back || parked.code != SERVER_WENT_BACK);
        if becomes_base {
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
    if goes_back {
        rollback::hold(draft, &key);
    }
}

fn base_found(draft: &mut Draft<'_>, key: ArtifactKey, base: Option<(ContentHash, Version)>) {
    draft.link.answered();
    draft.remember(Memory::Searching(key.clone(), false));
    let Some(entry) = draft.get(&key) else { return };
    // A base never goes back: an older revision in the file is somebody's edit.
    let is_missed = |version: Version| entry.base_version < version && version <= entry.remote_version();
    let is_wanted = |version: Version| entry.base.is_none() || is_missed(version);
    match base {
        Some((hash, version)) if entry.local == Some(hash) && is_wanted(version) => {
            draft.shift(&key, Cause::Rebased, None, |entry| {
                entry.base = Some(hash);
                entry.base_version = version;
            });
        }
        _ => match (entry.base, entry.local) {
            (Some(_), Some(local)) => draft.remember(Memory::Doubted(key.clone(), local)),
            _ => draft.remember(Memory::BaseSearched(key.clone(), true)),
        },
    }
    draft.touched.insert(key);
}
