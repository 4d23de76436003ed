//! What people do, step by step, and which trouble a step brings instead.

use std::sync::Arc;

use agent_core::id::{ArtifactKey, ArtifactPath, Text};
use agent_core::merge::Choice;
use agent_core::sync::Event;
use agent_core::sync::resolve::Take;
use agent_engine::resolve::Ask;

use crate::editor::{Editor, Offer, Taken};
use crate::process::Command;
use crate::text::tokens;
use crate::words::{Fault, Planted, Promise};
use crate::world::{World, note};

impl World {
    pub(crate) fn step(&mut self) {
        let n = self.any_replica();
        let p = self.any_process(n);
        let key = self.any_key();
        match self.rng.u8(0..100) {
            0..=5 => self.edit_file(n, &key),
            6..=23 => self.use_editor(n, p),
            24..=28 => self.open(n, p, &key),
            29..=64 => self.some_message(),
            65..=67 => self.ask_network(n, p),
            68..=76 => {
                let millis = [50, 700, 1_100, 3_000, 70_000][self.rng.usize(0..5)];
                self.pass_time(millis);
            }
            77..=83 => self.some_announcement(),
            84..=86 => self.turn(n, p),
            87..=89 => self.choose_on_disk(n, p, &key),
            _ => self.trouble(n, p, &key),
        }
    }

    fn some_message(&mut self) {
        if self.network.is_empty() {
            return self.some_announcement();
        }
        let mut index = 0;
        if self.network.len() > 1 && self.rng.bool() && self.may(Fault::Reorder) {
            index = self.rng.usize(1..self.network.len());
        }
        self.progress(index, true);
    }

    /// Somebody presses *push* or *pull*.
    fn ask_network(&mut self, n: usize, p: usize) {
        let retry_refused = self.rng.bool();
        let event = if self.rng.bool() { Event::PullWanted } else { Event::PushWanted { retry_refused } };
        self.tell(n, p, Command::Do(event));
    }

    /// Somebody writes a file with a program that no language server knows of.
    pub(crate) fn edit_file(&mut self, n: usize, key: &ArtifactKey) {
        let files = self.replicas[n].files_of(&self.kinds, key);
        let (path, text) = match files.first() {
            Some((path, text)) => {
                if self.replicas[n].is_open(key) && !self.may(Fault::OutsideEdit) {
                    return;
                }
                self.replicas[n].see(text.as_str());
                (path.clone(), self.writer.changed(&mut self.rng, text.as_str()))
            }
            None => {
                let is_known = self.server.current(key).is_some();
                if is_known && !self.may(Fault::Recreate) {
                    return;
                }
                (self.any_path(key), self.writer.fresh(&mut self.rng, key))
            }
        };
        self.write(n, &path, Some(&text));
        self.tell_of(n, &[path]);
    }

    /// The processes hear of changed files, mostly; otherwise a later scan finds them.
    pub(crate) fn tell_of(&mut self, n: usize, paths: &[ArtifactPath]) {
        for p in 0..self.replicas[n].processes.len() {
            if self.rng.u8(0..5) > 0 {
                self.tell(n, p, Command::Touched(paths.to_vec()));
            }
        }
    }

    pub(crate) fn any_path(&mut self, key: &ArtifactKey) -> ArtifactPath {
        let id = key.id.as_str();
        let folder = ["stories", "stories/sub", "cache/stories"][self.rng.usize(0..3)];
        ArtifactPath::new(&format!(".agent/{folder}/{id}-x.md")).expect("a valid path")
    }

    fn open(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        if self.replicas[n].processes[p].editors.contains_key(key) {
            return;
        }
        let Some((path, text)) = self.replicas[n].files_of(&self.kinds, key).into_iter().next() else {
            return;
        };
        if self.replicas[n].is_open(key) && !self.may(Fault::TwoEditors) {
            return;
        }
        note!(self, "open {n}.{p} {key}");
        self.replicas[n].see(text.as_str());
        let process = &mut self.replicas[n].processes[p];
        let editor = Editor::open(&path, text.as_str());
        let opened = Arc::clone(editor.text());
        process.editors.insert(key.clone(), editor);
        process.publish(key);
        self.tell(n, p, Command::Opened(key.clone(), path, opened));
    }

    /// Somebody does something in one of their open documents.
    fn use_editor(&mut self, n: usize, p: usize) {
        let keys: Vec<_> = self.replicas[n].processes[p].editors.keys().cloned().collect();
        if keys.is_empty() {
            let key = self.any_key();
            return self.open(n, p, &key);
        }
        let key = keys[self.rng.usize(0..keys.len())].clone();
        match self.rng.u8(0..24) {
            0..=7 => self.type_text(n, p, &key),
            8..=9 => self.in_editor(n, p, &key, |editor, view| editor.undo(view)),
            10..=15 => self.save(n, p, &key),
            16..=20 => self.look_at_choices(n, p, &key),
            21 => self.reload(n, p, &key),
            _ => self.close(n, p, &key),
        }
    }

    fn in_editor(
        &mut self,
        n: usize,
        p: usize,
        key: &ArtifactKey,
        act: impl FnOnce(&mut Editor, Option<&agent_engine::View>),
    ) {
        let process = &mut self.replicas[n].processes[p];
        let Some(editor) = process.editors.get_mut(key) else { return };
        let view = process.views.get(&editor.path).cloned();
        act(editor, view.as_deref());
    }

    fn type_text(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let Some(editor) = self.replicas[n].processes[p].editors.get(key) else { return };
        let text = self.writer.changed(&mut self.rng, editor.text());
        note!(self, "type {n}.{p} {key} {:?}", text.replace("line ", ""));
        self.in_editor(n, p, key, |editor, view| editor.write(&text, view));
    }

    /// The editor reads the file again, if nothing in it is unsaved.
    fn reload(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let Some(editor) = self.replicas[n].processes[p].editors.get(key) else { return };
        let Some(file) = self.replicas[n].files.get(&editor.path) else { return };
        if editor.is_dirty() || editor.knows_file(file.as_str()) {
            return;
        }
        note!(self, "reload {n}.{p} {key}");
        self.replicas[n].see(file.as_str());
        self.in_editor(n, p, key, |editor, view| editor.reload(file.as_str(), view));
    }

    pub(crate) fn save(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        // The loop hears that a document is open before it can be saved.
        if !self.replicas[n].processes[p].has_heard_of(key) {
            self.turn(n, p);
        }
        let process = &mut self.replicas[n].processes[p];
        let Some(editor) = process.editors.get_mut(key) else { return };
        let (path, text) = (editor.path.clone(), editor.as_file());
        // The file is there first, then the server hears of it.
        self.write_from(n, Some(p), &path, Some(&text));
        let process = &mut self.replicas[n].processes[p];
        let view = process.views.get(&path).cloned();
        let Some(editor) = process.editors.get_mut(key) else { return };
        let base = editor.saved(view.as_deref());
        note!(self, "save {n}.{p} {key} base {base:?}");
        for other in (0..self.replicas[n].processes.len()).filter(|other| *other != p) {
            if self.rng.u8(0..5) > 0 {
                self.tell(n, other, Command::Touched(vec![path.clone()]));
            }
        }
        self.tell(n, p, Command::Saved(path, base));
    }

    pub(crate) fn close(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let Some(editor) = self.replicas[n].processes[p].editors.remove(key) else { return };
        note!(self, "close {n}.{p} {key}");
        self.tell(n, p, Command::Closed(key.clone(), editor.path));
    }

    fn any_take(&mut self, regions: usize) -> Take {
        let choices = [Choice::Local, Choice::Remote, Choice::LocalThenRemote, Choice::RemoteThenLocal];
        let choice = choices[self.rng.usize(0..4)];
        match self.rng.u8(0..8) {
            0 => Take::WholeLocal,
            1 => Take::WholeRemote,
            2 => Take::Incoming,
            3 => Take::All(choice),
            _ => Take::Hunk(self.rng.usize(0..regions.max(1)), choice),
        }
    }

    /// Somebody looks at what there is to choose, and takes a choice, at once or later.
    fn look_at_choices(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let process = &mut self.replicas[n].processes[p];
        let Some(editor) = process.editors.get_mut(key) else { return };
        let view = process.views.get(&editor.path).cloned();
        if let Some(offer) = editor.offer.take() {
            return self.take_offer(n, p, key, &offer);
        }
        let Some(hunks) = editor.hunks(view.as_ref()) else { return };
        let regions = hunks.merge.as_ref().map_or(0, |merge| merge.regions().len());
        if let Some(merge) = &hunks.merge {
            self.coverage.merge(merge);
        }
        let take = self.any_take(regions);
        let Some(editor) = self.replicas[n].processes[p].editors.get_mut(key) else { return };
        editor.show(&hunks, take);
        let text = hunks.remote.as_deref().unwrap_or_default().to_owned();
        self.replicas[n].see(&text);
        match self.rng.u8(0..6) {
            // Choices that change the text are few: with this planted, all of them come too late.
            _ if self.planted == Some(Planted::AcceptStale) => {
                self.type_text(n, p, key);
                self.look_at_choices(n, p, key);
            }
            0 => {}
            1..=2 => self.type_text(n, p, key),
            _ => self.look_at_choices(n, p, key),
        }
    }

    fn take_offer(&mut self, n: usize, p: usize, key: &ArtifactKey, offer: &Offer) {
        let is_careless = self.planted == Some(Planted::AcceptStale);
        let process = &mut self.replicas[n].processes[p];
        let Some(editor) = process.editors.get_mut(key) else { return };
        let view = process.views.get(&editor.path).cloned();
        let taken = editor.take(offer, view.as_ref(), is_careless);
        note!(self, "take {n}.{p} {key} {:?}", offer.take);
        match taken {
            Taken::Refused => return,
            Taken::Settled => {}
            Taken::Moved(base) => {
                self.replicas[n].apart(key).here = true;
                self.tell(n, p, Command::Do(Event::Resolved { key: key.clone(), base }));
            }
            Taken::Deleted => {
                let ask = Ask { key: key.clone(), take: offer.take, seen: None, even_open: true };
                self.replicas[n].apart(key).here = true;
                self.tell(n, p, Command::Resolve(ask));
            }
            Taken::Edited(edit) => self.apply_edit(n, p, key, offer, *edit),
        }
        self.coverage.take(offer.take);
    }

    /// The client applies an edit and says so: before or after it tells what changed, and perhaps after
    /// a save.
    fn apply_edit(
        &mut self,
        n: usize,
        p: usize,
        key: &ArtifactKey,
        offer: &Offer,
        edit: crate::editor::Edit,
    ) {
        let before = self.replicas[n].processes[p].editors[key].text().to_string();
        let order = self.rng.u8(0..4);
        if order == 0 {
            let mut moved = None;
            let said = edit.clone();
            self.in_editor(n, p, key, |editor, _| moved = editor.applied(said));
        }
        self.in_editor(n, p, key, |editor, view| editor.apply(&edit, view));
        let after = self.replicas[n].processes[p].editors[key].text().to_string();
        for token in tokens(&before) {
            let is_known = tokens(&offer.text).chain(tokens(&after)).any(|known| known == token);
            if !is_known {
                let what = format!("{token} was typed after a choice was offered, and went with it");
                crate::run::breach(Promise::NoWriteOverUnsaved, what);
            }
        }
        if order == 1 {
            self.save(n, p, key);
        }
        let mut moved = None;
        if order != 0 {
            self.in_editor(n, p, key, |editor, _| moved = editor.applied(edit));
        }
        if let Some(base) = moved {
            self.replicas[n].apart(key).here = true;
            self.tell(n, p, Command::Do(Event::Resolved { key: key.clone(), base }));
        }
    }

    /// Somebody chooses sides on the command line: having looked just now, or a while ago.
    fn choose_on_disk(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let take = self.any_take(5);
        let Some(entry) = self.replicas[n].processes[p].engine.machine().entry(key).cloned() else { return };
        let seen = Some((entry.base, entry.remote_version()));
        let ask = Ask { key: key.clone(), take, seen, even_open: false };
        if self.replicas[n].processes[p].engine.preview(&ask).is_err() {
            return;
        }
        self.choose(n, p, ask);
    }

    /// A choice on disk. The text it replaces may go: that is what was asked for.
    pub(crate) fn choose(&mut self, n: usize, p: usize, ask: Ask) {
        note!(self, "choose {n}.{p} {} {:?}", ask.key, ask.take);
        self.coverage.take(ask.take);
        self.replicas[n].apart(&ask.key).here = true;
        self.replicas[n].braked.remove(&ask.key);
        let entry = self.replicas[n].processes[p].engine.machine().entry(&ask.key).cloned();
        let newest = self.server.current(&ask.key).map(|revision| revision.version);
        let seen = entry.as_ref().map(agent_core::sync::Entry::remote_version);
        // What was chosen was replaced meanwhile, and this process does not know.
        self.replicas[n].apart(&ask.key).there |= newest > seen;
        let hashes = entry.map(|entry| [entry.remote_hash(), entry.local]).into_iter().flatten().flatten();
        for hash in hashes {
            let text = agent_core::ports::Store::text(&self.replicas[n].cache, hash).ok().flatten();
            self.replicas[n].see(text.as_deref().unwrap_or_default());
        }
        self.tell(n, p, Command::Resolve(ask));
    }

    /// What a file holds, to be written elsewhere.
    pub(crate) fn first_file(&self, n: usize, key: &ArtifactKey) -> Option<(ArtifactPath, Text)> {
        self.replicas[n].files_of(&self.kinds, key).into_iter().next()
    }
}
