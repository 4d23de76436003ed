use agent_core::id::{ArtifactKey, ArtifactPath};
use agent_core::sync::Entry;
use agent_core::sync::next::Next;
use agent_engine::Older;

use super::*;

const BASE: &str = "base\n";

fn text(text: &str) -> Option<Arc<str>> {
    Some(Arc::from(text))
}

fn hash(of: &str) -> Option<ContentHash> {
    Some(Text::new(of).hash())
}

/// The file holds `local`, and its base is `base`.
fn view(local: &str, base: &str) -> View {
    let path = ArtifactPath::new(".agent/stories/S-001-a.md").expect("a path");
    let key = ArtifactKey::new("story", "S-001").expect("a key");
    let mut entry = Entry::new(key, path);
    (entry.local, entry.base) = (hash(local), hash(base));
    View {
        entry,
        next: Next::Nothing,
        base: text(base),
        local: text(local),
        remote: None,
        write_problem: None,
        older: None,
    }
}

/// A buffer with its bases, as the client and the session's loop change them.
struct Buffer {
    rope: Rope,
    bases: Bases,
    view: View,
}

impl Buffer {
    fn open(file: &str, base: &str) -> Self {
        let mut buffer = Self { rope: Rope::from_str(file), bases: Bases::new(file), view: view(file, base) };
        buffer.see(file, base);
        buffer
    }

    /// The loop published another picture.
    fn see(&mut self, local: &str, base: &str) {
        self.view = view(local, base);
        self.bases.see(&self.rope, &self.view);
    }

    fn becomes(&mut self, text: &str) {
        self.rope = Rope::from_str(text);
        self.bases.changed(&self.rope);
        self.bases.see(&self.rope, &self.view);
    }

    /// The base of the text as it is: as `Hunks` takes it.
    fn known(&self) -> BufferBase {
        let own = self.bases.own(&self.rope, &self.view).unwrap_or_else(|| Base::of_file(&self.view));
        let moved = self.bases.moved().filter(|moved| moved.from == own.hash);
        BufferBase { from: own.hash, to: moved.map_or(own.text, |moved| moved.to), undoes: None }
    }

    fn base(&self) -> String {
        self.known().to.as_deref().unwrap_or_default().to_owned()
    }

    /// A decision with an edit, whose change the client sends before it answers.
    fn decide(&mut self, after: &str, base: &str) {
        let edited = self.edit(after);
        self.becomes(after);
        self.answered(edited, base);
    }

    fn edit(&self, after: &str) -> Edited {
        Edited { before: Arc::from(self.rope.to_string()), base: self.known(), after: after.to_owned() }
    }

    /// Something is taken back: the text and its base are what they were before it.
    fn take_back(&mut self, after: &str, base: &str) {
        let edited = self.edit(after);
        let undoes = Some(OperationId(1));
        let moved = BufferBase { from: edited.base.from, to: text(base), undoes };
        self.becomes(after);
        self.bases.edited(&self.rope, edited, moved, true);
    }

    fn answered(&mut self, edited: Edited, base: &str) {
        let moved = BufferBase { from: edited.base.from, to: text(base), undoes: None };
        self.bases.edited(&self.rope, edited, moved, true);
    }

    fn keep(&mut self, base: &str) {
        let moved = BufferBase { from: self.known().from, to: text(base), undoes: None };
        self.bases.settled(&self.rope, moved);
    }

    fn save(&mut self) -> Option<(Option<ContentHash>, String)> {
        let text = Arc::from(self.rope.to_string());
        match self.bases.saved(&text, Some(&self.view)) {
            Saved::Kept => None,
            Saved::Moved(sent) => Some((sent.from, sent.to.as_deref().unwrap_or_default().to_owned())),
            Saved::Unknown => panic!("nothing is known of what the buffer was made out of"),
        }
    }
}

#[test]
fn undoing_goes_back_over_a_decision_without_an_edit() {
    let mut buffer = Buffer::open("file\n", BASE);
    buffer.becomes("typed\n");
    buffer.decide("both\n", "first decided\n");
    buffer.keep("all decided\n");
    assert_eq!(buffer.base(), "all decided\n");
    buffer.becomes("typed\n");
    assert_eq!(buffer.base(), BASE);
    assert_eq!(buffer.save(), None);
}

#[test]
fn undoing_one_decision_keeps_the_one_before_it() {
    let mut buffer = Buffer::open("file\n", BASE);
    buffer.becomes("typed\n");
    buffer.keep("kept\n");
    buffer.decide("one\n", "one decided\n");
    buffer.decide("two\n", "two decided\n");
    buffer.becomes("one\n");
    assert_eq!(buffer.base(), "one decided\n");
    buffer.becomes("two\n");
    assert_eq!(buffer.base(), "one decided\n", "decided again, or shown again: the safe side");
    buffer.becomes("typed\n");
    assert_eq!(buffer.base(), "kept\n", "two steps at once");
    buffer.becomes("one\n");
    assert_eq!(buffer.base(), "one decided\n", "redone");
}

#[test]
fn reverting_to_the_file_forgets_every_decision() {
    let mut buffer = Buffer::open("file\n", BASE);
    for with_edit in [true, false] {
        buffer.becomes("typed\n");
        match with_edit {
            true => buffer.decide("both\n", "decided\n"),
            false => buffer.keep("decided\n"),
        }
        assert_eq!(buffer.base(), "decided\n");
        buffer.becomes("file\n");
        assert_eq!(buffer.base(), BASE);
        assert_eq!(buffer.save(), None);
    }
}

#[test]
fn an_edit_that_is_undone_before_its_answer_comes_decides_nothing() {
    let mut buffer = Buffer::open("file\n", BASE);
    buffer.becomes("typed\n");
    for back_to in ["typed\n", "file\n"] {
        let edited = buffer.edit("both\n");
        buffer.becomes("both\n");
        buffer.becomes(back_to);
        buffer.answered(edited, "decided\n");
        assert_eq!(buffer.base(), BASE, "{back_to:?}");
    }
}

#[test]
fn a_save_keeps_the_way_back() {
    for sees_it in [true, false] {
        let mut buffer = Buffer::open("file\n", BASE);
        buffer.becomes("typed\n");
        buffer.decide("both\n", "decided\n");
        assert_eq!(buffer.save(), Some((hash(BASE), "decided\n".to_owned())));
        assert_eq!(buffer.base(), "decided\n", "before the loop has it, too");
        if sees_it {
            buffer.see("both\n", "decided\n");
        }
        buffer.becomes("typed\n");
        assert_eq!(buffer.base(), BASE);
        assert_eq!(buffer.save(), Some((hash("decided\n"), BASE.to_owned())), "{sees_it}");
        buffer.see("typed\n", BASE);
        buffer.becomes("both\n");
        assert_eq!(buffer.base(), BASE, "the choice is gone until it is made again");
    }
}

#[test]
fn redoing_a_saved_decision_needs_no_new_one() {
    let mut buffer = Buffer::open("file\n", BASE);
    buffer.decide("both\n", "decided\n");
    buffer.save();
    buffer.see("both\n", "decided\n");
    buffer.becomes("file\n");
    assert_eq!(buffer.base(), BASE);
    buffer.becomes("both\n");
    assert_eq!(buffer.base(), "decided\n");
    assert_eq!(buffer.save(), None);
    buffer.becomes("file\n");
    assert_eq!(buffer.base(), BASE, "and undoing it once more");
}

#[test]
fn a_decision_that_is_pushed_is_not_undone_by_the_text() {
    let mut buffer = Buffer::open("file\n", BASE);
    buffer.decide("both\n", "decided\n");
    buffer.save();
    buffer.see("both\n", "both\n");
    buffer.becomes("file\n");
    assert_eq!(buffer.base(), "both\n", "it is an edit like any other now");
}

#[test]
fn a_file_that_changes_under_an_edited_buffer_leaves_the_buffer_its_base() {
    let mut buffer = Buffer::open(BASE, BASE);
    buffer.see("theirs\n", "theirs\n");
    assert_eq!(buffer.base(), "theirs\n", "an editor loads the file again where nothing was typed");
    buffer.becomes("typed\n");
    assert_eq!(buffer.base(), BASE);
    buffer.keep("mine instead\n");
    assert_eq!(buffer.base(), "mine instead\n");
    buffer.becomes(BASE);
    buffer.becomes("typed\n");
    assert_eq!(
        buffer.save(),
        Some((hash("theirs\n"), BASE.to_owned())),
        "its text is not decided over theirs"
    );
    assert_eq!(buffer.base(), BASE, "before the loop has it, too");
    assert_eq!(buffer.save(), None, "nothing moves a second time");
    buffer.see("typed\n", BASE);
    assert_eq!((buffer.base(), buffer.save()), (BASE.to_owned(), None));
}

#[test]
fn a_buffer_that_was_not_typed_in_is_saved_out_of_its_own_base() {
    let mut buffer = Buffer::open(BASE, BASE);
    buffer.see("theirs\n", "theirs\n");
    assert_eq!(buffer.save(), Some((hash("theirs\n"), BASE.to_owned())));
}

#[test]
fn a_buffer_that_takes_the_file_again_has_its_base() {
    let mut buffer = Buffer::open(BASE, BASE);
    buffer.becomes("typed\n");
    buffer.see("theirs\n", "theirs\n");
    buffer.becomes("theirs\n");
    buffer.becomes("theirs, typed\n");
    assert_eq!(buffer.base(), "theirs\n");
    assert_eq!(buffer.save(), None);
}

#[test]
fn the_base_follows_what_the_file_is_pushed_as() {
    let mut buffer = Buffer::open("saved\n", BASE);
    buffer.see("saved\n", "saved\n");
    buffer.becomes("typed\n");
    buffer.see("theirs\n", "theirs\n");
    assert_eq!(buffer.base(), "saved\n");
}

#[test]
fn a_byte_order_mark_is_no_difference() {
    let mut buffer = Buffer::open(BASE, BASE);
    buffer.see("\u{feff}base\n", "\u{feff}base\n");
    buffer.becomes("typed\n");
    buffer.see("\u{feff}theirs\n", "\u{feff}theirs\n");
    assert_eq!(buffer.base(), "\u{feff}base\n");
}

/// A file can take a teammate's text between the moment the editor reads it and the one in which the
/// server hears of it.
#[test]
fn what_was_read_before_the_file_changed_is_saved_with_the_base_that_the_loop_finds() {
    let opened =
        || Buffer { rope: Rope::from_str(BASE), bases: Bases::new(BASE), view: view("theirs\n", "theirs\n") };
    let older =
        |base: &str| Older { opened: Arc::from(BASE), base: Text::new(base).hash(), text: text(base) };
    let mut told = opened();
    told.view.older = Some(older(BASE));
    told.becomes("mine\n");
    assert_eq!(told.base(), BASE);
    assert_eq!(told.save(), Some((hash("theirs\n"), BASE.to_owned())));

    let mut unheard = opened();
    unheard.becomes("mine\n");
    assert_eq!(unheard.bases.saved(&Arc::from("mine\n"), Some(&unheard.view)), Saved::Unknown);
    unheard.view.older = Some(older(BASE));
    unheard.becomes("mine again\n");
    assert_eq!(
        unheard.bases.saved(&Arc::from("mine again\n"), Some(&unheard.view)),
        Saved::Unknown,
        "the loop has taken in the first save by now, or will have, and knows better"
    );

    let mut reloaded = opened();
    reloaded.becomes("theirs\n");
    assert_eq!(reloaded.save(), None);
}

#[test]
fn taking_a_merge_back_undoing_that_and_redoing_it_each_have_their_base() {
    let mut buffer = Buffer::open("merged\n", "theirs\n");
    buffer.take_back("mine\n", BASE);
    for _ in 0..2 {
        assert_eq!(buffer.base(), BASE);
        buffer.becomes("merged\n");
        assert_eq!((buffer.base(), buffer.save()), ("theirs\n".to_owned(), None));
        buffer.becomes("mine\n");
    }
    buffer.becomes("mine, typed on\n");
    assert_eq!(buffer.base(), BASE);
    buffer.becomes("mine\n");
    assert_eq!(buffer.save(), Some((hash("theirs\n"), BASE.to_owned())));
}

#[test]
fn a_merge_that_was_taken_back_and_saved_is_redone_and_undone_with_its_base() {
    for sees_it in [true, false] {
        let mut buffer = Buffer::open("merged\n", "theirs\n");
        buffer.take_back("mine\n", BASE);
        assert_eq!(buffer.save(), Some((hash("theirs\n"), BASE.to_owned())));
        if sees_it {
            buffer.see("mine\n", BASE);
        }
        buffer.becomes("merged\n");
        assert_eq!(buffer.base(), "theirs\n");
        assert_eq!(buffer.save(), Some((hash(BASE), "theirs\n".to_owned())), "{sees_it}");
        if sees_it {
            buffer.see("merged\n", "theirs\n");
        }
        buffer.becomes("mine\n");
        assert_eq!(buffer.base(), BASE);
        assert_eq!(buffer.save(), Some((hash("theirs\n"), BASE.to_owned())), "{sees_it}");
    }
}

#[test]
fn a_merge_taken_back_after_the_team_took_it_is_an_edit() {
    let mut buffer = Buffer::open("merged\n", "theirs\n");
    buffer.take_back("mine\n", BASE);
    buffer.see("merged\n", "merged\n");
    assert_eq!(buffer.base(), "merged\n");
    let sent = buffer.save().map(|(from, _)| from);
    assert_eq!(sent, Some(hash("theirs\n")), "from a base that is gone, so that it moves none");
}

#[test]
fn who_saves_before_the_first_picture_is_not_asked_about_their_own_texts() {
    let mut buffer = Buffer { rope: Rope::from_str(BASE), bases: Bases::new(BASE), view: view(BASE, BASE) };
    for text in ["one\n", "two\n"] {
        buffer.rope = Rope::from_str(text);
        buffer.bases.changed(&buffer.rope);
        assert_eq!(buffer.bases.saved(&Arc::from(text), None), Saved::Unknown);
    }
    buffer.becomes("three\n");
    assert_eq!(buffer.bases.saved(&Arc::from("three\n"), Some(&buffer.view)), Saved::Unknown);
    buffer.see("three\n", "one\n");
    buffer.becomes("four\n");
    assert_eq!(buffer.save(), None);
}
