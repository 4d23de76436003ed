use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::id::{ArtifactKey, ArtifactPath, Text, Timestamp, Version};
use crate::ports::Triple;

/// An artifact as it goes on, with what the cache keeps of it.
struct Artifact {
    entry: Entry,
    past: Vec<Operation>,
    texts: HashMap<ContentHash, Arc<str>>,
}

impl Artifact {
    fn new(text: &str) -> Self {
        let path = ArtifactPath::new(".agent/stories/S-001.md").unwrap();
        let entry = Entry::new(ArtifactKey::new("story", "S-001").unwrap(), path);
        let mut artifact = Self { entry, past: Vec::new(), texts: HashMap::new() };
        artifact.moves(Cause::Updated, text, text);
        artifact
    }

    fn moves(&mut self, cause: Cause, base: &str, local: &str) {
        let mut keep = |text: &str| {
            let text = Text::new(text);
            self.texts.insert(text.hash(), text.shared());
            Some(text.hash())
        };
        let (base, local) = (keep(base), keep(local));
        self.becomes(cause, base, local);
    }

    fn becomes(&mut self, cause: Cause, base: Option<ContentHash>, local: Option<ContentHash>) {
        let triple = |entry: &Entry| Triple { base: entry.base, local: entry.local, remote: None };
        let before = triple(&self.entry);
        (self.entry.base, self.entry.local) = (base, local);
        let operation = Operation {
            at: Timestamp(0),
            key: self.entry.key.clone(),
            cause,
            before,
            after: triple(&self.entry),
            remote_version: Version(1),
            author: None,
            versions: None,
            paths: None,
            undoes: None,
        };
        self.past.insert(0, operation);
    }

    /// A teammate's text arrives in the file.
    fn update(&mut self, text: &str) {
        self.moves(Cause::Updated, text, text);
    }

    /// The file is saved, and the remote accepts it.
    fn push(&mut self, text: &str) {
        let base = self.texts[&self.entry.base.unwrap()].to_string();
        self.moves(Cause::Saved, &base, text);
        self.moves(Cause::Pushed, text, text);
    }

    fn older(&self, text: &str) -> Option<String> {
        let texts = |hash| self.texts.get(&hash).cloned();
        let older = older_base(text, &self.entry, &self.past, &texts)?;
        Some(self.texts[&older].to_string())
    }
}

const ONE: &str = "# Title\n\none\n\ntwo\n\nthree\n";
const THEIRS: &str = "# Title\n\none\n\ntwo\n\nthree\n\ntheirs\n";
const LATER: &str = "# Title\n\ntheir first\n\none\n\ntwo\n\nthree\n\ntheirs\n";

#[test]
fn a_text_tells_what_it_was_made_out_of() {
    let mut artifact = Artifact::new(ONE);
    artifact.update(THEIRS);
    artifact.update(LATER);
    let cases = [
        ("as the file is", LATER, None),
        ("as the file was", THEIRS, Some(THEIRS)),
        ("as it was before that", ONE, Some(ONE)),
        ("typed into the newest", "# Title\n\ntheir first\n\none\n\nmine\n\nthree\n\ntheirs\n", None),
        ("typed into the one before", "# Title\n\none\n\nmine\n\nthree\n\ntheirs\n", Some(THEIRS)),
        ("typed into the first", "# Title\n\none\n\nmine\n\nthree\n", Some(ONE)),
        ("an editor's text without the mark", "\u{feff}# Title\n\none\n\ntwo\n\nthree\n", Some(ONE)),
        ("something else altogether", "another\n", Some(ONE)),
    ];
    for (what, text, expected) in cases {
        assert_eq!(artifact.older(text).as_deref(), expected, "{what}");
    }
}

#[test]
fn nobodys_own_texts_are_older_ones() {
    let mut artifact = Artifact::new(ONE);
    artifact.push("# Title\n\none\n\nmine\n\nthree\n");
    artifact.push("# Title\n\none\n\nmine again\n\nthree\n");
    for text in [ONE, "# Title\n\none\n\nmine\n\nthree\n", "# Title\n"] {
        assert_eq!(artifact.older(text), None, "{text:?}");
    }
}

#[test]
fn as_far_as_the_history_reaches() {
    let mut artifact = Artifact::new(ONE);
    artifact.update(THEIRS);
    artifact.update(LATER);
    artifact.past.truncate(1);
    assert_eq!(artifact.older(ONE).as_deref(), Some(THEIRS));
    artifact.texts.remove(&Text::new(THEIRS).hash());
    let texts = |hash| artifact.texts.get(&hash).cloned();
    assert_eq!(older_base(ONE, &artifact.entry, &artifact.past, &texts), None);
}

#[test]
fn a_new_artifact_has_no_older_base() {
    let artifact = Artifact::new(ONE);
    assert_eq!(artifact.older("another\n"), None);
    let mut deleted = Artifact::new(ONE);
    deleted.entry.base = None;
    assert_eq!(deleted.older(THEIRS), None);
}

#[test]
fn a_draft_that_a_teammates_text_replaced_was_made_out_of_nothing() {
    let mut artifact = Artifact::new(ONE);
    artifact.past.clear();
    artifact.entry.base = None;
    artifact.entry.local = None;
    let draft = "# Mine\n\ndraft\n";
    let mut keep = |text: &str| {
        let text = Text::new(text);
        artifact.texts.insert(text.hash(), text.shared());
        Some(text.hash())
    };
    let (mine, theirs) = (keep(draft), keep(THEIRS));
    let steps =
        [(Cause::Saved, None, mine), (Cause::Updated, None, theirs), (Cause::Settled, theirs, theirs)];
    for (cause, base, local) in steps {
        artifact.becomes(cause, base, local);
    }
    for text in [draft, "# Mine\n\ndraft, and more\n"] {
        let texts = |hash| artifact.texts.get(&hash).cloned();
        let older = older_base(text, &artifact.entry, &artifact.past, &texts);
        assert_eq!(older, Some(nothing().hash()), "{text:?}");
    }
    assert_eq!(artifact.older("# Title\n\none\n\nmine\n\nthree\n\ntheirs\n"), None);
}

proptest! {
    /// Whatever came in: with the base that is found, no line of it goes unseen. Either the text holds
    /// what the artifact's base holds, or what it lacks counts as still to come.
    #[test]
    fn what_a_text_lacks_is_never_taken_for_deleted(updates in 1_usize..5, read_at in 0_usize..5, typed in any::<bool>()) {
        let text = |n: usize| (0..=n).fold(String::from("# Title\n"), |text, n| format!("{text}\nline {n}\n\nbetween\n"));
        let mut artifact = Artifact::new(&text(0));
        (1..=updates).for_each(|n| artifact.update(&text(n)));
        let read_at = read_at.min(updates);
        let mut held = text(read_at);
        if typed {
            held = held.replacen("# Title\n", "# Another title\n", 1);
        }
        let base = artifact.older(&held).unwrap_or_else(|| text(updates));
        prop_assert_eq!(base, text(read_at));
    }
}
