//! docs/lsp-extensions.md names what there is, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use crate::apply::COMMANDS;
use crate::frames::NO_MESSAGE;

const PAGE: &str = include_str!("../../../docs/lsp-extensions.md");

/// The words of a text that stand between this start and the sign that ends it.
fn words(text: &str, start: &str, end: char) -> BTreeSet<String> {
    let after = text.split(start).skip(1);
    after.filter_map(|rest| rest.split_once(end)).map(|(word, _)| word.to_owned()).collect()
}

/// Every method of our own that the sources name.
fn methods_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(methods_in(&entry));
        } else if !entry.to_string_lossy().ends_with("_tests.rs") {
            let source = std::fs::read_to_string(&entry).expect("a source");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            found.extend(words(code, "\"agent/", '"').into_iter().map(|name| format!("agent/{name}")));
        }
    }
    // The server's own word for a body that is no message; no client sends it.
    found.remove(NO_MESSAGE);
    found
}

#[test]
fn the_page_has_a_section_for_each_method_and_for_no_other() {
    let told = words(PAGE, "\n## `", '`');
    let there = methods_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(there.len() >= 6, "{there:?}");
    assert_eq!(told, there);
}

#[test]
fn the_page_has_a_row_for_each_command_and_for_no_other() {
    let told: BTreeSet<String> = words(PAGE, "\n| `agent.", '`');
    let told: BTreeSet<String> = told.into_iter().map(|name| format!("agent.{name}")).collect();
    let there: BTreeSet<String> = COMMANDS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(told, there);
}
