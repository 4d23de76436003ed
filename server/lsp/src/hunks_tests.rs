use agent_core::id::{ArtifactKey, ArtifactPath, Author, Seq, Timestamp, Version};
use agent_core::sync::next::Waits;
use agent_core::sync::{Entry, RemoteSide};
use agent_engine::LinkState;

use super::*;
use crate::capabilities::Client;
use crate::diagnostics::{self, Context};

/// A file that is as the base is, and a newer revision, with or without its text.
fn behind(content: Option<&str>, text: Option<&str>) -> Arc<View> {
    let path = ArtifactPath::new(".agent/stories/S-001-a.md").expect("a path");
    let key = ArtifactKey::new("story", "S-001").expect("a key");
    let mut entry = Entry::new(key, path.clone());
    entry.base = Some(Text::new("base\n").hash());
    entry.local = entry.base;
    entry.remote = Some(RemoteSide {
        hash: content.map(|content| Text::new(content).hash()),
        version: Version(2),
        seq: Seq(2),
        path,
        author: Author { id: "1".into(), name: "ann".into() },
        at: Timestamp(0),
    });
    let (base, local) = (Some("base\n".into()), Some("base\n".into()));
    let next = Next::Wait(Waits::Behind);
    Arc::new(View { entry, next, base, local, remote: text.map(Arc::from), write_problem: None, older: None })
}

fn codes(view: &Arc<View>) -> Vec<String> {
    let uri = "file:///w/a.md".parse().expect("a uri");
    let link = LinkState::default();
    let context =
        Context { client: Client::default(), uri: &uri, docs: None, now: Timestamp(0), link: &link };
    let hunks = Hunks::of_file(Arc::clone(view));
    let all = diagnostics::of_artifact(
        &context,
        view,
        hunks.as_ref(),
        "base\n",
        agent_core::secrets::ScanPolicy::default(),
    );
    let code = |diagnostic: types::Diagnostic| match diagnostic.code {
        Some(types::NumberOrString::String(code)) => code,
        other => format!("{other:?}"),
    };
    all.into_iter().map(code).collect()
}

#[test]
fn a_text_that_is_missing_is_no_deletion() {
    for (content, text, code) in [
        (Some("theirs\n"), Some("theirs\n"), diagnostics::BEHIND),
        (Some("theirs\n"), None, diagnostics::NOT_TAKEN),
        (None, None, diagnostics::DELETED_THERE),
    ] {
        let view = behind(content, text);
        assert_eq!(codes(&view), [code]);
        let is_offered = Hunks::of_file(view).is_some();
        assert_eq!(is_offered, code != diagnostics::NOT_TAKEN, "what cannot be compared cannot be decided");
    }
}

#[test]
fn lines_are_added_at_the_end_of_the_last_line() {
    for (local, text, at) in [
        ("one\n", "two\nthree\n", 3),
        ("one\r\n", "\r\ntwo\r\n", 3),
        ("é𝄞\n", "\n", 6),
        // Where it would not come to the same it stays: no terminator, another one, no lines at all.
        ("one", "\ntwo\n", 3),
        ("one\n", "two", 4),
        ("one\n", "two\r\n", 4),
        ("", "one\n", 0),
    ] {
        let (bytes, new_text) = at_end_of_last_line(local, local.len()..local.len(), text);
        assert_eq!(bytes, at..at, "{local:?} {text:?}");
        let mut edited = local.to_owned();
        edited.replace_range(bytes, &new_text);
        assert_eq!(edited, format!("{local}{text}"));
    }
    assert_eq!(at_end_of_last_line("a\nb\n", 2..4, "c\n"), (2..4, "c\n".to_owned()));
    assert_eq!(at_end_of_last_line("a\nb\n", 2..2, "c\n"), (2..2, "c\n".to_owned()));
}
