use super::*;

#[test]
fn what_was_saved_before_an_edit_says_nothing_about_the_edit() {
    let documents = Documents::default();
    let uri: Uri = "file:///w/a.md".parse().expect("a uri");
    documents.open(&uri, 1, "one\n", None);
    assert!(!documents.is_saved_since(&uri, 1), "never saved");
    documents.saved(&uri);
    assert!(!documents.is_saved_since(&uri, 1), "the edit of version 1 has not been heard of yet");
    let change = TextDocumentContentChangeEvent { range: None, range_length: None, text: "two\n".to_owned() };
    documents.change(&uri, 2, vec![change], Encoding::Utf16);
    assert!(!documents.is_saved_since(&uri, 1), "edited, not saved");
    documents.saved(&uri);
    assert!(documents.is_saved_since(&uri, 1));
}
