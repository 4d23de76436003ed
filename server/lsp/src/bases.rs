//! Which base a buffer's text is compared out of. The artifact's base belongs to the file; a buffer
//! may have gone on from an older file, and holds decisions that are not saved yet.
//!
//! - What is decided in the buffer moves the base for the buffer alone, until the save.
//! - A text that the buffer had before a decision keeps the base it had then: when the editor comes
//!   back to it, by undoing or reverting, the base comes back, also after a save. Where the decision was
//!   to take something back, the text after it keeps its base, too.
//! - When the file changes under a buffer that holds something else, the base stays the one the
//!   buffer was edited out of: what came into the file is still new to the buffer. While file and buffer
//!   were never seen to agree, the loop knows more of that base, and a save leaves it to the loop.

use std::sync::Arc;

use agent_core::id::{ContentHash, OperationId, Text};
use agent_core::text::without_bom;
use agent_engine::View;
use ropey::Rope;

/// A base moved in a buffer, to be made durable when the buffer is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferBase {
    /// The base it was computed from.
    pub from: Option<ContentHash>,
    /// The text it becomes, as it is in a file; `None` agrees with a deletion.
    pub to: Option<Arc<str>>,
    /// The operation that this takes back.
    pub undoes: Option<OperationId>,
}

impl BufferBase {
    /// The hash of what the base becomes.
    pub fn hash(&self) -> Option<ContentHash> {
        self.to.as_ref().map(|text| Text::new(Arc::clone(text)).hash())
    }

    fn moves(&self) -> bool {
        self.hash() != self.from
    }
}

/// A base: its hash, and its text as it is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its hash; `None` when it is absent.
    pub hash: Option<ContentHash>,
    /// Its text; `None` when it is absent, or missing.
    pub text: Option<Arc<str>>,
}

impl Base {
    /// The artifact's base.
    pub fn of_file(view: &View) -> Self {
        Self { hash: view.entry.base, text: view.base.clone() }
    }
}

/// What a save says of the base of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is the artifact's.
    Kept,
    /// It becomes the artifact's.
    Moved(BufferBase),
    /// It is that of the text which was opened, and the loop knows that one.
    Unknown,
}

impl Saved {
    fn of(moved: Option<BufferBase>) -> Self {
        moved.map_or(Self::Kept, Self::Moved)
    }
}

/// What an edit did that came with a decision.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The text before, and its base.
    pub before: Arc<str>,
    /// The base of the text before.
    pub base: BufferBase,
    /// The text after.
    pub after: String,
}

/// The bases of one buffer.
#[derive(Debug)]
pub struct Bases {
    /// What was decided for the text as it is.
    moved: Option<BufferBase>,
    /// Texts from before decisions, and from after those that took something back, with their bases.
    earlier: Vec<(Arc<str>, BufferBase)>,
    /// What was opened, until it is saved.
    opened: Option<Arc<str>>,
    /// What the buffer and the file last agreed on, as far as the client said.
    loaded: Arc<str>,
    /// The base the file had when it held `loaded`; `None` while it was never seen to.
    own: Option<Base>,
    /// After a save, what the file was known to hold before: while a picture still shows that, it
    /// is older than the save.
    before_save: Option<Option<ContentHash>>,
}

impl Bases {
    /// A buffer just opened with this text.
    pub fn new(opened: &str) -> Self {
        let loaded: Arc<str> = Arc::from(opened);
        let opened = Some(Arc::clone(&loaded));
        Self { moved: None, earlier: Vec::new(), opened, loaded, own: None, before_save: None }
    }

    /// The text that the loop is to hear was opened.
    pub fn loaded(&self) -> Arc<str> {
        Arc::clone(&self.loaded)
    }

    /// What was decided for the text as it is.
    pub fn moved(&self) -> Option<BufferBase> {
        self.moved.clone()
    }

    /// Takes notice of a picture of the artifact.
    pub fn see(&mut self, rope: &Rope, view: &View) {
        let Some(file) = view.local.as_deref().map(without_bom) else { return };
        if !is(file, &self.loaded) {
            if self.is_older_than_save(view) || !holds(rope, file) {
                return self.see_opened(view);
            }
            self.loaded = Arc::from(file);
        }
        self.own = Some(Base::of_file(view));
        self.before_save = None;
    }

    /// The loop found what was opened to be older than the file.
    fn see_opened(&mut self, view: &View) {
        let (Some(opened), None) = (&self.opened, &self.own) else { return };
        if let Some(older) = view.older.as_ref().filter(|older| is(&older.opened, opened)) {
            self.own = Some(Base { hash: Some(older.base), text: older.text.clone() });
        }
    }

    /// The base the buffer was edited out of, where that is another than the file's.
    pub fn own(&self, rope: &Rope, view: &View) -> Option<Base> {
        let own = self.own.as_ref().filter(|_| self.is_outdated(view))?;
        let file = view.local.as_deref().map(without_bom)?;
        let differs = !holds(rope, file) && (self.is_older_than_save(view) || !holds(rope, &self.loaded));
        differs.then(|| own.clone())
    }

    /// The file holds something else than buffer and file last agreed on.
    fn is_outdated(&self, view: &View) -> bool {
        view.local.as_deref().is_some_and(|file| !is(without_bom(file), &self.loaded))
    }

    fn is_older_than_save(&self, view: &View) -> bool {
        self.before_save == Some(view.entry.local)
    }

    /// The text changed. What the editor came back to has the base it had: else the old text would
    /// stand there as if it had been chosen over the remote's.
    pub fn changed(&mut self, rope: &Rope) {
        if let Some((_, base)) = self.earlier.iter().rev().find(|(text, _)| holds(rope, text)) {
            self.moved = Some(base.clone()).filter(BufferBase::moves);
        } else if holds(rope, &self.loaded) {
            self.moved = None;
        }
    }

    /// Something was decided that left the text as it was. The text before an earlier decision keeps
    /// its base.
    pub fn settled(&mut self, rope: &Rope, moved: BufferBase) {
        if let Some((_, base)) = self.earlier.iter_mut().find(|(text, _)| holds(rope, text)) {
            *base = moved.clone();
        }
        self.moved = Some(moved);
    }

    /// Something was decided by an edit. `is_in` says whether the edit is in the text already.
    pub fn edited(&mut self, rope: &Rope, edited: Edited, moved: BufferBase, is_in: bool) {
        let Edited { before, base, after } = edited;
        // Another base's texts can never come to matter again.
        self.earlier.retain(|(text, earlier)| *text != before && earlier.from == base.from);
        self.earlier.push((before, base));
        // A decision that is redone in the editor is asked for again, which is safe: its base was the
        // later one. What takes something back has the earlier base, and keeps it.
        if moved.undoes.is_some() {
            self.earlier.retain(|(text, _)| **text != *after);
            self.earlier.push((Arc::from(after.as_str()), moved.clone()));
        }
        self.moved = Some(moved);
        if is_in && !holds(rope, &after) {
            self.changed(rope);
        }
    }

    /// The text was saved; answers what its base is.
    pub fn saved(&mut self, text: &Arc<str>, view: Option<&View>) -> Saved {
        let moved = self.moved.take();
        self.opened = None;
        let Some(view) = view else {
            self.loaded = Arc::clone(text);
            self.moved.clone_from(&moved);
            return moved.map_or(Saved::Unknown, Saved::Moved);
        };
        let is_file = view.local.as_deref().is_some_and(|file| is(without_bom(file), text));
        if self.own.is_none() && moved.is_none() && !is_file {
            self.loaded = Arc::clone(text);
            self.before_save = Some(view.entry.local);
            return Saved::Unknown;
        }
        let (from, sent) = match self.own.take().filter(|_| self.is_outdated(view)) {
            None => (view.entry.base, moved),
            Some(own) => {
                let from = if self.is_older_than_save(view) { own.hash } else { view.entry.base };
                let decided = moved.filter(|moved| moved.from == own.hash);
                let undoes = decided.as_ref().and_then(|moved| moved.undoes);
                let to = decided.map_or(own.text, |moved| moved.to);
                self.durable(own.hash, from);
                (from, Some(BufferBase { from, to, undoes }))
            }
        };
        self.loaded = Arc::clone(text);
        self.before_save = Some(view.entry.local);
        self.own = Some(match &sent {
            Some(sent) if sent.from == from => Base { hash: sent.hash(), text: sent.to.clone() },
            _ => Base::of_file(view),
        });
        let sent = sent.filter(BufferBase::moves);
        if let Some(sent) = &sent {
            self.durable(sent.from, sent.hash());
        }
        Saved::of(sent)
    }

    /// The text was saved before its decision was known; the decision follows on its own.
    pub fn saved_before(&mut self, moved: &BufferBase) {
        self.own = Some(Base { hash: moved.hash(), text: moved.to.clone() });
        self.durable(moved.from, moved.hash());
    }

    /// The artifact's base went, or will go, from one to another: that is where earlier texts'
    /// bases are to be reached from.
    pub fn durable(&mut self, from: Option<ContentHash>, to: Option<ContentHash>) {
        for (_, base) in self.earlier.iter_mut().filter(|(_, base)| base.from == from) {
            base.from = to;
        }
    }
}

fn is(one: &str, other: &str) -> bool {
    one.len() == other.len() && one == other
}

fn holds(rope: &Rope, text: &str) -> bool {
    rope.len_bytes() == text.len() && *rope == *text
}

#[cfg(test)]
#[path = "bases_tests.rs"]
mod tests;
