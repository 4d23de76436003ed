//! What follows from an event for each artifact it touched, and which request the network carries
//! next. One push or pull is under way at a time: it keeps the order of decisions plain, and a
//! batch carries everything that is waiting.

use std::collections::BTreeSet;

use crate::id::{ArtifactKey, Author, Seq};
use crate::ports::{Cause, Write};
use crate::sync::deletions;
use crate::sync::draft::{Draft, agree};
use crate::sync::event::{FileEffect, Memory, Request};
use crate::sync::link::PUSH_BYTES;
use crate::sync::machine::{Chance, Todo, Traffic};
use crate::sync::next::{Next, Waits, next, push_path};
use crate::sync::reversions;
use crate::sync::rollback;
use crate::sync::screen;
use crate::sync::status::Status;
use crate::sync::{Entry, PendingChange};

pub(super) fn plan(draft: &mut Draft<'_>, chance: &mut dyn Chance) {
    settle_touched(draft);
    network(draft, chance);
}

/// Takes the artifacts touched so far as far as they go, and notes what is left to do for each.
fn settle_touched(draft: &mut Draft<'_>) {
    let mut going = Vec::new();
    for key in std::mem::take(&mut draft.touched) {
        let todo = advance(draft, &key, &mut going);
        forget_undone(draft, &key);
        mark_waiting(draft, &key, todo);
        draft.set_todo(key, todo);
    }
    for key in deletions::incoming(draft, going) {
        write_file(draft, &key, Next::Update);
    }
    draft.touched.clear();
}

/// Takes every step that needs no effect, and returns the first that does. Files that are to be deleted
/// are `going`: only all of them together say whether they are.
fn advance(draft: &mut Draft<'_>, key: &ArtifactKey, going: &mut Vec<ArtifactKey>) -> Option<Todo> {
    let mut step = derive(draft, key)?;
    if step == Next::Settle {
        draft.shift(key, Cause::Settled, None, agree);
        step = derive(draft, key)?;
    }
    let has_pending = draft.get(key).is_some_and(|entry| entry.pending.is_some());
    let todo = effect_of(draft, key, step, going);
    if has_pending { Some(Todo::Push) } else { todo }
}

fn derive(draft: &mut Draft<'_>, key: &ArtifactKey) -> Option<Next> {
    let given = draft.circumstances(key);
    let entry = draft.get(key)?;
    Some(next(entry, given, &|hash| draft.text(hash)))
}

fn effect_of(
    draft: &mut Draft<'_>,
    key: &ArtifactKey,
    step: Next,
    going: &mut Vec<ArtifactKey>,
) -> Option<Todo> {
    match step {
        Next::Wait(Waits::Conflict) if draft.may_be_own(key) => Some(Todo::Search),
        Next::Nothing | Next::Settle | Next::Wait(_) => None,
        Next::Push => Some(Todo::Push),
        Next::FindBase => Some(Todo::Search),
        Next::Update | Next::Move(_) | Next::Merge(_) => {
            let deletes = step == Next::Update && draft.get(key).is_some_and(|e| e.remote_hash().is_none());
            match (draft.leads && !draft.is_blocked(key), deletes) {
                (true, true) => going.push(key.clone()),
                (true, false) => write_file(draft, key, step),
                (false, _) => {}
            }
            Some(Todo::File)
        }
    }
}

fn write_file(draft: &mut Draft<'_>, key: &ArtifactKey, step: Next) {
    let Some(entry) = draft.get(key) else { return };
    let (path, expect) = (entry.path.clone(), entry.local);
    let content = entry.remote_hash();
    let key = key.clone();
    let effect = match (step, expect) {
        (Next::Move(to), Some(expect)) => FileEffect::Move { key, from: path, to, expect },
        (Next::Merge(text), _) => {
            draft.keep(&text);
            FileEffect::Replace { key, path, expect, content: Some(text.hash()), merged: true }
        }
        _ => FileEffect::Replace { key, path, expect, content, merged: false },
    };
    draft.file(effect);
}

/// Once nothing of the remote's is left to be taken, nothing is left that must not be taken unasked.
fn forget_undone(draft: &mut Draft<'_>, key: &ArtifactKey) {
    let is_over = |entry: &Entry| {
        entry.undone && matches!(entry.status(), Status::InSync | Status::Ahead | Status::Converged)
    };
    if draft.get(key).is_some_and(is_over)
        && let Some(entry) = draft.known(key)
    {
        entry.undone = false;
    }
}

/// Local content, or a move, waits from the moment it differs until the remote has it.
fn mark_waiting(draft: &mut Draft<'_>, key: &ArtifactKey, todo: Option<Todo>) {
    let now = draft.now;
    let Some(entry) = draft.get(key) else { return };
    let waits = todo == Some(Todo::Push) || entry.status() == Status::Ahead;
    if waits == entry.waiting_since.is_some() {
        return;
    }
    if let Some(entry) = draft.known(key) {
        entry.waiting_since = waits.then_some(now);
    }
}

fn network(draft: &mut Draft<'_>, chance: &mut dyn Chance) {
    if !draft.leads || draft.link.is_busy() {
        return;
    }
    if draft.link.must_wait(draft.now) {
        if let Some(at) = draft.link.retry_at {
            draft.wake(at);
        }
        return;
    }
    search(draft);
    let traffic = draft.machine.traffic;
    if traffic != Traffic::PushOnly && draft.link.wants_pull(draft.cursor) {
        draft.link.pulling = true;
        draft.link.pull_wanted = false;
        if draft.cursor == Seq(0) {
            rollback::expect_all(draft);
        }
        draft.request(Request::Pull(draft.cursor));
        return;
    }
    if traffic != Traffic::PullOnly {
        push(draft, chance);
    }
}

/// The history is searched artifact by artifact, a few at a time: after a lost cache there may be
/// thousands to search for. Each answer makes room for the next.
const SEARCHES: usize = 8;

fn search(draft: &mut Draft<'_>) {
    let room = SEARCHES.saturating_sub(draft.searching());
    let wanted: Vec<_> = draft
        .todo()
        .into_iter()
        .filter(|(key, todo)| *todo == Todo::Search && !draft.machine.searching.contains(key))
        .filter_map(|(key, _)| draft.get(&key).and_then(|entry| entry.local).map(|hash| (key, hash)))
        .take(room)
        .collect();
    for (key, hash) in wanted {
        draft.remember(Memory::Searching(key.clone(), true));
        draft.request(Request::FindBase(key, hash));
    }
}

/// Sends what waits. A change that was sent before and not answered is sent again whatever the
/// configuration: without the answer nobody knows where the artifact stands.
fn push(draft: &mut Draft<'_>, chance: &mut dyn Chance) {
    let takes_new = draft.machine.policy.auto_push || draft.link.push_wanted.is_some();
    let deletions_wait = takes_new.then(|| deletions::brake(draft)).flatten();
    let reversions_wait = takes_new.then(|| reversions::brake(draft)).flatten();
    settle_touched(draft);
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut held = BTreeSet::new();
    let rows = draft.link.batch_rows();
    for (key, todo) in draft.todo() {
        if todo != Todo::Push {
            continue;
        }
        let Some(entry) = draft.get(&key) else { continue };
        if entry.pending.is_none() && !takes_new {
            continue;
        }
        let until = deletions::must_wait(draft, entry, deletions_wait);
        if let Some(at) = until.or_else(|| reversions::must_wait(draft, entry, reversions_wait)) {
            draft.wake(at);
            continue;
        }
        if deletions::must_look(draft, entry) || reversions::must_look(draft, entry) {
            draft.looks = true;
            continue;
        }
        if entry.pending.is_none() && !screen::passes(draft, &key) {
            held.insert(key);
            continue;
        }
        let Some(entry) = draft.get(&key) else { continue };
        bytes += entry.stat.map_or(0, |stat| stat.size);
        if batch.len() == rows || (bytes > PUSH_BYTES && !batch.is_empty()) {
            break;
        }
        let pending = match &entry.pending {
            Some(pending) => pending.clone(),
            None => queue(draft, &key, chance),
        };
        batch.push((key, pending));
    }
    draft.touched = held;
    settle_touched(draft);
    if batch.is_empty() {
        draft.link.push_wanted = draft.link.push_wanted.filter(|_| draft.looks);
        return;
    }
    draft.link.in_flight = batch.iter().map(|(_, pending)| pending.change_id).collect();
    draft.request(Request::Push(batch));
}

fn queue(draft: &mut Draft<'_>, key: &ArtifactKey, chance: &mut dyn Chance) -> PendingChange {
    let change_id = chance.change_id();
    let queued_at = draft.now;
    let make = |entry: &Entry| PendingChange {
        change_id,
        hash: entry.local,
        base_version: entry.remote_version(),
        path: push_path(entry),
        queued_at,
    };
    let Some(entry) = draft.known(key) else {
        unreachable!("invariant: only known artifacts are to be pushed")
    };
    let pending = make(entry);
    entry.pending = Some(pending.clone());
    draft.write(Write::Queue(key.clone(), pending.clone()));
    pending
}

/// Who an operation is put down to when the local user caused it.
pub(super) fn me(draft: &Draft<'_>) -> Option<Author> {
    (!draft.machine.me.name.is_empty()).then(|| draft.machine.me.clone())
}
