//! What people do, and what happens to them: one random step of the world.

use agent_core::id::Text;
use agent_core::id::{ArtifactKey, ArtifactPath, Seq};
use agent_core::merge::Choice;
use agent_core::ports::LiveEvent;
use agent_core::sync::resolve::Take;
use agent_core::sync::{Event, ResolvedBase};
use agent_engine::resolve::Ask;

use crate::replica::Buffer;
use crate::world::{IDS, World};

impl World {
    pub(crate) fn step(&mut self) {
        let n = self.rng.usize(0..self.replicas.len());
        let p = self.rng.usize(0..self.replicas[n].processes.len());
        let key = key(IDS[self.rng.usize(0..IDS.len())]);
        match self.rng.u8(0..100) {
            0..=21 => self.edit(n, &key),
            22..=23 => self.delete(n, &key),
            24..=25 => self.rename(n, &key),
            26..=29 => self.scan(n, p),
            30..=62 => self.network(),
            63..=66 => self.pull_or_push(n),
            67..=72 => {
                let millis = [50, 700, 3_000, 70_000][self.rng.usize(0..4)];
                self.pass_time(millis);
            }
            73..=78 => self.announce(n),
            79..=83 => self.with(n, p, |process, now| process.look_around(now)),
            84..=87 => self.open_or_close(n, p, &key),
            88..=93 => self.resolve(n, p, &key),
            94 => self.crash(n, p),
            95..=96 => {
                let changes = self.rng.u32(0..6);
                self.note(format!("doom {n}.{p} in {changes}"));
                self.replicas[n].processes[p].fuse.light(changes);
                self.with(n, p, |_, _| Vec::new());
            }
            97 => {
                let process = &self.replicas[n].processes[p];
                match self.rng.bool() {
                    true => process.store.fail_next_commit(true),
                    false => process.files.fail_next_write(true),
                }
            }
            98 => self.change_rules(n),
            _ if self.plan.loses_caches && self.rng.u8(0..3) == 0 => self.lose_cache(n),
            _ => {}
        }
    }

    fn network(&mut self) {
        if !self.network.is_empty() {
            let index = self.rng.usize(0..self.network.len());
            self.progress(index, true);
        }
    }

    fn pull_or_push(&mut self, n: usize) {
        let (p, retry_refused) = (self.replicas[n].leader, self.rng.bool());
        let event = if self.rng.bool() { Event::PullWanted } else { Event::PushWanted { retry_refused } };
        self.with(n, p, |process, now| process.handle(event, now));
    }

    /// The live channel: late, twice, not at all, wrong, broken.
    fn announce(&mut self, n: usize) {
        let p = self.replicas[n].leader;
        match self.rng.u8(0..10) {
            0 => self.hint(n, Seq(self.remote.newest_seq().0 + 5)),
            1 => self.with(n, p, |process, now| process.handle(Event::Live(LiveEvent::Ready), now)),
            2 => {
                let lost = Event::Live(LiveEvent::Lost("reset".to_owned()));
                self.with(n, p, |process, now| process.handle(lost, now));
            }
            kind if !self.hints.is_empty() => {
                let index = self.rng.usize(0..self.hints.len());
                let (n, to) = if kind == 3 { self.hints[index] } else { self.hints.swap_remove(index) };
                if kind > 4 {
                    self.hint(n, to);
                }
            }
            _ => {}
        }
    }

    fn change_rules(&mut self, n: usize) {
        let name = self.replicas[n].name.clone();
        match self.rng.u8(0..3) {
            0 => self.remote.most_changes = self.rng.usize(0..2),
            _ if self.remote.forbidden.remove(&name) => {}
            _ => drop(self.remote.forbidden.insert(name)),
        }
    }

    /// Somebody writes the file: in an editor that has it open, or behind everybody's back.
    fn edit(&mut self, n: usize, key: &ArtifactKey) {
        let holder = self.replicas[n].processes.iter().position(|p| p.buffers.contains_key(key));
        if let Some(p) = holder {
            return self.edit_buffer(n, p, key);
        }
        let files = self.replicas[n].files_of(key);
        let (path, text) = match files.first() {
            Some((path, text)) => (path.clone(), self.changed(text)),
            None => (self.any_path(key), self.fresh(key)),
        };
        self.write(n, &path, Some(&text));
        self.editors.entry(key.clone()).or_default().insert(n);
        self.tell(n, &path);
    }

    fn edit_buffer(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let Some(mut buffer) = self.replicas[n].processes[p].buffers.get(key).cloned() else { return };
        if self.rng.u8(0..3) > 0 {
            buffer.text = self.changed(&buffer.text);
            buffer.edited = true;
        }
        let saves = (buffer.edited || buffer.resolved.is_some()) && self.rng.bool();
        if saves {
            self.write(n, &buffer.path, Some(&buffer.text));
            self.editors.entry(key.clone()).or_default().insert(n);
            let (path, resolved) = (buffer.path.clone(), buffer.resolved.take());
            buffer.edited = false;
            self.replicas[n].processes[p].buffers.insert(key.clone(), buffer);
            self.with(n, p, |process, now| {
                let outcome = process.engine.file_saved(&path, resolved, now);
                process.carry_on(outcome)
            });
            return self.note_saved(n, p);
        }
        self.replicas[n].processes[p].buffers.insert(key.clone(), buffer);
    }

    fn delete(&mut self, n: usize, key: &ArtifactKey) {
        if let (Some((path, _)), false) = (self.replicas[n].files_of(key).first(), self.is_open(n, key)) {
            let path = path.clone();
            self.write(n, &path, None);
            self.editors.entry(key.clone()).or_default().insert(n);
            self.tell(n, &path);
        }
    }

    fn rename(&mut self, n: usize, key: &ArtifactKey) {
        let to = self.any_path(key);
        let files = self.replicas[n].files_of(key);
        let Some((from, text)) = files.first().filter(|(from, _)| *from != to) else { return };
        if self.is_open(n, key) || files.iter().any(|(path, _)| *path == to) {
            return;
        }
        self.write(n, from, None);
        self.write(n, &to, Some(text));
        self.editors.entry(key.clone()).or_default().insert(n);
        let (first, second) = if self.rng.bool() { (from.clone(), to) } else { (to, from.clone()) };
        self.tell(n, &first);
        self.tell(n, &second);
    }

    pub(crate) fn write(&mut self, n: usize, path: &ArtifactPath, text: Option<&str>) {
        self.note(format!("write {n} {path} {:?}", text.map(|text| text.replace("line", ""))));
        self.replicas[n].files.set_now(self.now);
        self.replicas[n].files.put(path, text);
        self.replicas[n].look();
    }

    fn is_open(&self, n: usize, key: &ArtifactKey) -> bool {
        self.replicas[n].processes.iter().any(|process| process.buffers.contains_key(key))
    }

    /// The processes hear of a changed file, mostly; otherwise a later scan finds it.
    fn tell(&mut self, n: usize, path: &ArtifactPath) {
        for p in 0..self.replicas[n].processes.len() {
            if self.rng.u8(0..4) > 0 {
                self.with(n, p, |process, now| {
                    let outcome = process.engine.file_saved(path, None, now);
                    process.carry_on(outcome)
                });
                self.note_saved(n, p);
            }
        }
    }

    fn open_or_close(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        if self.replicas[n].processes[p].buffers.contains_key(key) {
            return self.with(n, p, |process, now| process.close(key, now));
        }
        let files = self.replicas[n].files_of(key);
        if let Some((path, text)) = files.into_iter().next() {
            self.note(format!("open {n}.{p} {key}"));
            let buffer = Buffer { path, text, edited: false, resolved: None };
            self.with(n, p, |process, now| process.open(key, buffer, now));
        }
    }

    fn resolve(&mut self, n: usize, p: usize, key: &ArtifactKey) {
        let choice = [Choice::Local, Choice::Remote, Choice::LocalThenRemote, Choice::RemoteThenLocal];
        let choice = choice[self.rng.usize(0..4)];
        let take = match self.rng.u8(0..6) {
            0 => Take::WholeLocal,
            1 => Take::WholeRemote,
            2 => Take::Incoming,
            3 => Take::All(choice),
            _ => Take::Hunk(self.rng.usize(0..4), choice),
        };
        let even_open = self.replicas[n].processes[p].buffers.contains_key(key);
        let ask = Ask { key: key.clone(), take, seen: None, even_open };
        let Ok(sides) = self.replicas[n].processes[p].engine.preview(&ask) else { return };
        self.note(format!("resolve {n}.{p} {key} {take:?}"));
        self.editors.entry(key.clone()).or_default().insert(n);
        self.replicas[n].chosen.insert(key.clone());
        if !even_open {
            return self.choose(n, p, &ask);
        }
        let process = &mut self.replicas[n].processes[p];
        let Some(entry) = process.engine.machine().entry(key).cloned() else { return };
        let Some(buffer) = process.buffers.get_mut(key).filter(|buffer| buffer.resolved.is_none()) else {
            return;
        };
        let of_disk = entry.local == Some(Text::new(buffer.text.as_str()).hash());
        if let (Some(text), true) = (sides.local, of_disk) {
            buffer.text = text;
            buffer.resolved =
                Some(ResolvedBase { from: entry.base, to: sides.base.map(Text::new), undoes: None });
        }
    }

    /// A choice on disk. The text it replaces may go: that is what was asked for.
    pub(crate) fn choose(&mut self, n: usize, p: usize, ask: &Ask) {
        self.with(n, p, |process, now| match process.engine.resolve(ask, now) {
            Ok(outcome) => {
                process.files.forget_overwritten();
                process.carry_on(Ok(outcome))
            }
            Err(_) => {
                process.files.forget_overwritten();
                Vec::new()
            }
        });
        self.note_saved(n, p);
    }

    fn any_path(&mut self, key: &ArtifactKey) -> ArtifactPath {
        let id = key.id.as_str();
        let folder = ["stories", "stories/sub", "cache/stories"][self.rng.usize(0..3)];
        ArtifactPath::new(&format!(".agent/{folder}/{id}-x.md")).expect("a valid path")
    }

    fn fresh(&mut self, key: &ArtifactKey) -> String {
        let mut text = format!("# {}\n", key.id.as_str());
        (0..9).for_each(|line| text.push_str(&format!("line {line}\n")));
        if self.rng.bool() { text } else { self.changed(&text) }
    }

    /// One edit of many kinds; what it adds is told apart by a token nobody else ever wrote.
    fn changed(&mut self, text: &str) -> String {
        self.tokens += 1;
        let token = format!("t{:04}", self.tokens);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = self.rng.usize(0..=lines.len());
        match self.rng.u8(0..12) {
            0 => return text.replace("\r\n", "\n").replace('\n', "\r\n"),
            1 => return text.trim_end().to_owned(),
            2 | 3 if at < lines.len() => drop(lines.remove(at)),
            4..=7 if at < lines.len() => lines[at] = token,
            8 => lines.push(token),
            _ => lines.insert(at, token),
        }
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        lines.iter().map(|line| format!("{line}{ending}")).collect()
    }
}

pub(crate) fn key(id: &str) -> ArtifactKey {
    ArtifactKey::new("story", id).expect("a valid key")
}
