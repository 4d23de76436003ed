//! One open document in somebody's editor: the text, undo, what was saved, and the language server's
//! own bookkeeping of bases and hunks. Typing happens here; what it leads to in the engine goes through
//! the commands of [`crate::process`].

use std::sync::Arc;

use agent_core::id::{ArtifactPath, Text};
use agent_core::merge::Choice;
use agent_core::sync::ResolvedBase;
use agent_core::sync::next::Next;
use agent_core::sync::resolve::{Sides, Take, resolve};
use agent_core::text::without_bom;
use agent_engine::{SavedBase, View};
use agent_lsp::{Bases, BufferBase, Edited, Hunks, Saved};
use ropey::Rope;

const BOM: &str = "\u{feff}";

/// A choice that is shown to a person, and what it was computed from.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) take: Take,
    pub(crate) text: Arc<str>,
    version: i32,
    base: Option<String>,
    remote: u64,
}

/// What taking an offer comes to.
pub(crate) enum Taken {
    /// The text changed, and with the next save the base does.
    Edited(Box<Edit>),
    /// The base moves at once.
    Moved(ResolvedBase),
    /// The base moves with the next save.
    Settled,
    /// The file is to be deleted.
    Deleted,
    /// Something moved on since: nothing is done.
    Refused,
}

/// An edit of a choice, on its way between server and client.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    edited: Edited,
    version: i32,
    moved: Option<BufferBase>,
}

#[derive(Debug)]
pub(crate) struct Editor {
    pub(crate) path: ArtifactPath,
    pub(crate) offer: Option<Offer>,
    rope: Rope,
    text: Arc<str>,
    version: i32,
    saved: Option<i32>,
    bases: Bases,
    undo: Vec<Arc<str>>,
    /// What the file held when it was read or saved.
    on_disk: Arc<str>,
    bom: bool,
}

impl Editor {
    /// Opens a file's text.
    pub(crate) fn open(path: &ArtifactPath, file: &str) -> Self {
        let bare = without_bom(file);
        let text: Arc<str> = Arc::from(bare);
        Self {
            path: path.clone(),
            offer: None,
            rope: Rope::from_str(bare),
            text: Arc::clone(&text),
            version: 1,
            saved: None,
            bases: Bases::new(bare),
            undo: Vec::new(),
            on_disk: text,
            bom: file.starts_with(BOM),
        }
    }

    /// The language server was started anew: the editor opens the document again, as it is.
    pub(crate) fn reopen(&mut self) {
        (self.version, self.saved, self.offer) = (1, None, None);
        self.bases = Bases::new(&self.text);
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.text != self.on_disk
    }

    /// What a save would put into the file.
    pub(crate) fn as_file(&self) -> String {
        if self.bom { format!("{BOM}{}", self.text) } else { self.text.to_string() }
    }

    /// Whether the file still holds what the editor believes.
    pub(crate) fn knows_file(&self, file: &str) -> bool {
        without_bom(file) == &*self.on_disk
    }

    fn change(&mut self, text: Arc<str>, view: Option<&View>) {
        self.rope = Rope::from_str(&text);
        self.text = text;
        self.version += 1;
        self.bases.changed(&self.rope);
        self.look(view);
    }

    /// Somebody types.
    pub(crate) fn write(&mut self, text: &str, view: Option<&View>) {
        let bare = without_bom(text);
        if *self.text != *bare {
            self.undo.push(Arc::clone(&self.text));
            self.change(Arc::from(bare), view);
        }
    }

    pub(crate) fn undo(&mut self, view: Option<&View>) {
        if let Some(text) = self.undo.pop() {
            self.change(text, view);
        }
    }

    /// The editor reads the file again.
    pub(crate) fn reload(&mut self, file: &str, view: Option<&View>) {
        self.bom = file.starts_with(BOM);
        self.write(file, view);
        self.on_disk = Arc::clone(&self.text);
    }

    fn look(&mut self, view: Option<&View>) {
        if let Some(view) = view {
            self.bases.see(&self.rope, view);
        }
    }

    /// The file was written; answers what the base of its text is.
    pub(crate) fn saved(&mut self, view: Option<&View>) -> SavedBase {
        self.saved = Some(self.version);
        self.on_disk = Arc::clone(&self.text);
        self.look(view);
        match self.bases.saved(&self.text, view) {
            Saved::Kept => SavedBase::Kept,
            Saved::Moved(moved) => SavedBase::Moved(resolved(moved)),
            Saved::Unknown => SavedBase::Unknown,
        }
    }

    /// The document's sides, where there is something to choose.
    pub(crate) fn hunks(&mut self, view: Option<&Arc<View>>) -> Option<Hunks> {
        let view = view?;
        self.look(Some(view));
        if view.next == Next::FindBase {
            return None;
        }
        let (moved, own) = (self.bases.moved(), self.bases.own(&self.rope, view));
        Hunks::of_buffer(Arc::clone(view), own, moved.as_ref(), Arc::clone(&self.text))
    }

    /// Shows a choice to the person.
    pub(crate) fn show(&mut self, hunks: &Hunks, take: Take) {
        self.offer = Some(Offer {
            take,
            text: Arc::clone(&self.text),
            version: self.version,
            base: hunks.base_hash(),
            remote: hunks.view.entry.remote_version().0,
        });
    }

    /// Takes what was offered. `is_careless` leaves out the look whether anything moved on.
    pub(crate) fn take(&mut self, offer: &Offer, view: Option<&Arc<View>>, is_careless: bool) -> Taken {
        let Some(hunks) = self.hunks(view) else { return Taken::Refused };
        let same = self.version == offer.version
            && hunks.view.entry.remote_version().0 == offer.remote
            && hunks.base_hash() == offer.base;
        if !same && !is_careless {
            return Taken::Refused;
        }
        let local = if is_careless { &offer.text } else { &hunks.local };
        let sides = resolve(hunks.base.as_ref(), Some(local), hunks.remote.as_ref(), offer.take);
        let Ok(sides) = sides else { return Taken::Refused };
        if sides.local.is_none() {
            return if hunks.is_saved { Taken::Deleted } else { Taken::Refused };
        }
        self.decide(&hunks, sides, moves_base(offer.take))
    }

    fn decide(&mut self, hunks: &Hunks, sides: Sides, moves_base: bool) -> Taken {
        let moved = moves_base.then(|| BufferBase {
            from: hunks.known.from,
            to: sides.base.as_deref().map(|text| hunks.with_bom(text)),
            undoes: None,
        });
        if !sides.edits.is_empty() {
            let after = sides.local.unwrap_or_default();
            let edited = Edited { before: Arc::clone(&self.text), base: hunks.known.clone(), after };
            return Taken::Edited(Box::new(Edit { edited, version: self.version, moved }));
        }
        let Some(moved) = moved else { return Taken::Settled };
        let mut durable = None;
        if hunks.is_saved {
            let earlier = self.bases.moved().filter(|earlier| earlier.from == moved.from);
            let from = earlier.as_ref().map_or(moved.from, BufferBase::hash);
            durable = Some(BufferBase { from, to: moved.to.clone(), undoes: None });
        }
        self.bases.settled(&self.rope, moved);
        match durable {
            Some(durable) => {
                self.bases.durable(durable.from, durable.hash());
                Taken::Moved(resolved(durable))
            }
            None => Taken::Settled,
        }
    }

    /// The client applies an edit.
    pub(crate) fn apply(&mut self, edit: &Edit, view: Option<&View>) {
        let after: Arc<str> = Arc::from(edit.edited.after.as_str());
        self.undo.push(Arc::clone(&self.text));
        self.change(after, view);
    }

    /// The client says that it applied an edit; answers how the artifact's base moves at once, where
    /// the text was saved before.
    pub(crate) fn applied(&mut self, edit: Edit) -> Option<ResolvedBase> {
        let moved = edit.moved?;
        let is_in = self.version > edit.version;
        let is_saved = is_in && self.saved == Some(self.version);
        self.bases.edited(&self.rope, edit.edited, moved.clone(), is_in);
        is_saved.then(|| {
            self.bases.saved_before(&moved);
            resolved(moved)
        })
    }
}

/// Whether the choice must be remembered, as in the language server.
fn moves_base(take: Take) -> bool {
    !matches!(
        take,
        Take::Hunk(_, Choice::Remote) | Take::All(Choice::Remote) | Take::WholeRemote | Take::Incoming
    )
}

fn resolved(moved: BufferBase) -> ResolvedBase {
    ResolvedBase { from: moved.from, to: moved.to.map(Text::new), undoes: moved.undoes }
}
