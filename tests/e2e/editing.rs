//! The protocol's variants: how columns are counted, how edits come, who asks for diagnostics; and
//! that a file's exact bytes survive all of them.

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Capabilities, Encoding, Workspace, eventually};
use anyhow::{Result, ensure};

const WILD: &str = "é𝄞👩‍👩‍👧";

fn variants() -> [Capabilities; 4] {
    let with = |encoding, versioned_edits, pull| Capabilities {
        encoding,
        versioned_edits,
        pull,
        ..Capabilities::default()
    };
    [
        with(Encoding::Utf8, true, false),
        with(Encoding::Utf16, false, false),
        with(Encoding::Utf16, true, true),
        with(Encoding::Utf8, false, true),
    ]
}

/// Both edit the same line and others, in a text with these line endings; Bob resolves.
fn round(pair: &mut Pair, path: &str, text: &str) -> Result<()> {
    pair.share_open(path, text)?;
    pair.bob.editor.replace(path, "two", "two by Bob")?;
    pair.bob.editor.replace(path, "four", &format!("four by Bob {WILD}"))?;
    pair.ann.editor.replace(path, "one", &format!("one by {WILD} Ann"))?;
    pair.ann.edit(path, "two", "two by Ann")?;
    let shown = pair.bob.editor.wait_diagnostics(path, "a conflict", |list| {
        list.iter().any(|diagnostic| diagnostic["code"] == "conflict")
    })?;
    let conflict = shown.iter().find(|diagnostic| diagnostic["code"] == "conflict").expect("just found");
    pair.bob.editor.apply(path, conflict, "Accept all remote")?;
    pair.bob.editor.wait_codes(path, &[])?;
    pair.bob.editor.save(path)?;
    let expected = text
        .replace("one", &format!("one by {WILD} Ann"))
        .replace("two", "two by Ann")
        .replace("four", &format!("four by Bob {WILD}"));
    let shown = pair.ann.editor.wait_codes(path, &["behind"])?;
    pair.ann.editor.apply(path, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(path)?;
    pair.agree(path, Some(&expected))
}

fn body(ending: &str) -> String {
    let lines = [
        format!("# E-001 {WILD}"),
        String::new(),
        format!("{WILD} one {WILD}"),
        "-".into(),
        format!("{WILD} two"),
        "-".into(),
        "three".into(),
        "-".into(),
        format!("{WILD}{WILD} four {WILD}"),
    ];
    lines.join(ending) + ending
}

#[test]
fn every_kind_of_client_edits_text_outside_of_ascii() -> Result<()> {
    for (number, can) in variants().into_iter().enumerate() {
        let versioned = can.versioned_edits;
        let mut pair = Pair::with(&Backend::shared()?, Capabilities::default(), can)?;
        round(&mut pair, &format!(".agent/adrs/E-{number:03}-wild.md"), &body("\n"))?;
        let edit = pair.bob.editor.last_edit().cloned().unwrap_or_default();
        ensure!(edit["documentChanges"].is_array() == versioned, "{edit}");
        ensure!(edit["changes"].is_object() != versioned, "{edit}");
    }
    Ok(())
}

#[test]
fn line_endings_byte_order_mark_and_missing_last_newline_survive() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let table = [
        ("crlf", body("\r\n")),
        ("bom", format!("\u{feff}{}", body("\n"))),
        ("bom-crlf", format!("\u{feff}{}", body("\r\n"))),
        ("open-end", body("\n").trim_end().to_owned()),
        ("open-end-crlf", body("\r\n").trim_end().to_owned()),
    ];
    for (name, text) in table {
        round(&mut pair, &format!(".agent/adrs/{name}.md"), &text).map_err(|error| error.context(name))?;
    }
    Ok(())
}

#[test]
fn a_client_that_can_do_little_gets_everything_it_needs() -> Result<()> {
    let poor = Capabilities {
        encoding: Encoding::Utf16,
        versioned_edits: false,
        pull: false,
        buttons: false,
        progress: false,
        status: false,
        presence: false,
        related_information: false,
        moves_files: false,
        shows_documents: true,
        action_literals: false,
        parent: None,
    };
    let backend = Backend::shared()?;
    let mut pair = Pair::with(&backend, Capabilities::default(), poor)?;
    round(&mut pair, ".agent/adrs/E-010-poor.md", &body("\n"))
}

#[test]
fn a_server_ends_with_its_input() -> Result<()> {
    let pair = Pair::new(&Backend::shared()?)?;
    pair.ann.editor.vanish()?;
    pair.bob.editor.shutdown()
}

#[test]
fn the_corpus_goes_through_two_workspaces_unchanged() -> Result<()> {
    let Some(corpus) = std::env::var_os("AGENT_CORPUS").filter(|corpus| !corpus.is_empty()) else {
        println!("skipped: AGENT_CORPUS names no folder with artifacts below .agent/");
        return Ok(());
    };
    let backend = Backend::shared()?;
    let pair = Pair::new(&backend)?;
    let (Side { workspace: ann, editor: anns, .. }, Side { workspace: bob, editor: bobs, .. }) =
        (pair.ann, pair.bob);
    anns.shutdown()?;
    bobs.shutdown()?;
    copy(std::path::Path::new(&corpus), &ann)?;
    let pushed = ann.agent(&["sync", "push", "--json"])?.json()?;
    println!("not taken: {:#}", pushed["not_taken"]);
    let left: Vec<_> = pushed["not_taken"].as_array().into_iter().flatten().collect();
    ensure!(left.iter().all(|file| !file["reason"].as_str().unwrap_or_default().is_empty()), "{left:?}");
    bob.agent_ok(&["sync", "pull"])?;
    let is_left = |path: &str| left.iter().any(|file| file["path"] == path);
    let mut anns = ann.artifacts()?;
    anns.retain(|(path, _)| !is_left(path));
    let bobs = bob.artifacts()?;
    let missing: Vec<_> = anns.iter().filter(|file| !bobs.contains(file)).map(|(path, _)| path).collect();
    ensure!(
        !bobs.is_empty() && anns.len() == bobs.len() && missing.is_empty(),
        "{} and {}: {missing:?}",
        anns.len(),
        bobs.len()
    );
    println!("{} artifacts are byte-equal in both folders", bobs.len());
    Ok(())
}

/// The artifact folders of every project in the corpus.
fn copy(corpus: &std::path::Path, into: &Workspace) -> Result<()> {
    for entry in walkdir::WalkDir::new(corpus) {
        let entry = entry?;
        let inside = entry.path().strip_prefix(corpus)?.to_string_lossy().replace('\\', "/");
        let is_artifact =
            matches!(entry.path().extension().and_then(|e| e.to_str()), Some("md" | "yaml" | "yml"));
        if let (true, true, Some(at)) = (entry.file_type().is_file(), is_artifact, inside.find(".agent/")) {
            into.write(&inside[at..], std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

#[test]
fn a_client_that_spells_addresses_in_its_own_way_is_spoken_to_in_it() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/S-002-(draft)+x,@=&'!.md";
    round(&mut pair, path, &body("\n"))?;
    // And goes on being, once the file is closed.
    pair.bob.edit(path, "three", "three by Bob")?;
    pair.ann.editor.replace(path, "three", "three by Ann")?;
    pair.ann.editor.wait_diagnostics(path, "a conflict", |list| {
        list.iter().any(|diagnostic| diagnostic["code"] == "conflict")
    })?;
    pair.ann.editor.save(path)?;
    pair.ann.editor.close(path)?;
    pair.ann.editor.wait_codes(path, &["conflict"])?;
    // What was shown before looks the same as what is shown of the closed file.
    eventually("the file to be free", || {
        pair.ann.workspace.agent_ok(&["sync", "resolve", path, "--theirs"])
    })?;
    pair.ann.editor.wait_codes(path, &[])?;
    Ok(())
}
