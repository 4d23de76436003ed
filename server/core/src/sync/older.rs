//! Editors that hold an older text than the file: they read it, and before they said so a teammate's
//! newer text took its place. What such an editor saves is made out of the base its text had, not of
//! the one the file has by then; compared with the latter it would undo what came in between.
//!
//! The text the editor holds tells which base that was: the history says what each incoming change
//! brought, and a text that lacks the newest of it was made before.

use std::collections::BTreeSet;
use std::sync::Arc;

use similar::{ChangeTag, TextDiff};

use crate::id::{ContentHash, Text};
use crate::merge::Merge;
use crate::ports::{Cause, Operation};
use crate::sync::Entry;
use crate::sync::next::Texts;
use crate::text::without_bom;

/// The base that a text was made out of which an editor holds, when it is another than the artifact's.
/// `past` is the artifact's history, newest first; as far as it reaches, an older text is known as such.
/// Where somebody took out by hand what had come in, an older base than the true one is answered: that
/// brings it up again, and never undoes it unseen. A draft of one's own that was there before anything of the
/// artifact came in was made out of [`nothing`].
pub fn older_base(text: &str, entry: &Entry, past: &[Operation], texts: Texts<'_>) -> Option<ContentHash> {
    let current = entry.base?;
    let text = without_bom(text);
    if is(text, entry.local, texts) {
        return None;
    }
    let mut made_of = current;
    for (at, operation) in past.iter().enumerate() {
        if is(text, operation.after.local, texts) {
            break;
        }
        let (before, after) = (operation.before.base, operation.after.base);
        // An accepted push makes this workspace's own text the base: nothing came in by it.
        if before == after || operation.cause == Cause::Pushed {
            continue;
        }
        let Some(after) = after else { break };
        let Some(before) = before else {
            let is_draft = is_closer_to_draft(text, &past[at..], after, texts);
            made_of = if is_draft { nothing().hash() } else { made_of };
            break;
        };
        if lacks(text, before, after, texts) != Some(true) {
            break;
        }
        made_of = before;
    }
    (made_of != current).then_some(made_of)
}

/// The base of what was made out of no revision.
pub fn nothing() -> Text {
    Text::new("")
}

/// Whether a text looks more like something of one's own that the file held before its first base than
/// like that base.
fn is_closer_to_draft(text: &str, past: &[Operation], first: ContentHash, texts: Texts<'_>) -> bool {
    let likeness = |hash| match texts(hash) {
        Some(other) => TextDiff::from_lines(without_bom(&other), text).ratio(),
        None => 0.0,
    };
    let drafts = past.iter().map(|operation| &operation.before).filter(|state| state.base.is_none());
    let mut drafts = drafts.filter_map(|state| state.local.filter(|local| *local != first));
    let of_first = likeness(first);
    drafts.any(|draft| likeness(draft) > of_first)
}

/// Whether a text lacks something that came in when the base went `from` one content `to` another;
/// `None` if one of them is not kept any more.
pub(super) fn lacks(text: &str, from: ContentHash, to: ContentHash, texts: Texts<'_>) -> Option<bool> {
    let kept = |hash| if hash == nothing().hash() { Some(nothing().shared()) } else { texts(hash) };
    let bare = |hash| kept(hash).map(|text| Arc::from(without_bom(&text)));
    let (from, to): (Arc<str>, Arc<str>) = (bare(from)?, bare(to)?);
    let text: Arc<str> = Arc::from(without_bom(text));
    Some(!Merge::of(&from, &text, &to).holds_all_remote() && undoes(&text, &from, &to))
}

/// Whether a text takes back what came in: a line that came is gone from it, or one that went is there again.
/// Who went on writing where something came in has that and more.
fn undoes(text: &str, from: &str, to: &str) -> bool {
    let (came, since) = (TextDiff::from_lines(from, to), TextDiff::from_lines(to, text));
    let is_blank = |line: &str| line.trim().is_empty();
    let mut inserted = BTreeSet::new();
    let mut removed = BTreeSet::new();
    for change in came.iter_all_changes().filter(|change| !is_blank(change.value())) {
        match change.tag() {
            ChangeTag::Insert => inserted.extend(change.new_index()),
            ChangeTag::Delete => drop(removed.insert(change.value())),
            ChangeTag::Equal => {}
        }
    }
    since.iter_all_changes().any(|change| match change.tag() {
        ChangeTag::Delete => change.old_index().is_some_and(|line| inserted.contains(&line)),
        ChangeTag::Insert => removed.contains(change.value()),
        ChangeTag::Equal => false,
    })
}

fn is(text: &str, content: Option<ContentHash>, texts: Texts<'_>) -> bool {
    content.and_then(texts).is_some_and(|content| without_bom(&content) == text)
}

#[cfg(test)]
#[path = "older_tests.rs"]
mod tests;
