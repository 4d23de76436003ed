use super::*;

#[test]
fn what_was_saved_before_an_edit_says_nothing_about_the_edit() {
    let documents = Documents::default();
    let uri: Uri = "file:///w/a.md".parse().expect("a uri");
    let edited = || {
        let base = BufferBase { from: None, to: None, undoes: None };
        let moved = BufferBase { from: None, to: Some("remote\n".into()), undoes: None };
        let edited = Edited { before: "one\n".into(), base, after: "two\n".to_owned() };
        documents.edited(&uri, 1, edited, moved)
    };
    documents.open(&uri, 1, "one\n");
    assert!(!edited(), "never saved");
    documents.saved(&uri);
    assert!(!edited(), "the edit of version 1 has not been heard of yet");
    let change = TextDocumentContentChangeEvent { range: None, range_length: None, text: "two\n".to_owned() };
    documents.change(&uri, 2, vec![change], Encoding::Utf16);
    assert!(!edited(), "edited, not saved");
    documents.saved(&uri);
    assert!(edited());
}
