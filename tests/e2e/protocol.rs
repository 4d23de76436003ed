//! What no editor should send: the server answers with an error where it can, never panics, and
//! goes on.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Capabilities, Editor, Workspace};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/stories/P-001-protocol.md";

fn works(editor: &mut Editor, after: &str) -> Result<()> {
    let status =
        editor.request("agent/status", Value::Null).map_err(|error| error.context(after.to_owned()))?;
    ensure!(status.is_array(), "after {after}: {status}");
    editor.hover(PATH, 0).map(drop).map_err(|error| error.context(after.to_owned()))
}

#[test]
fn malformed_messages_are_survived() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, "# P-001 Protocol\n\nbody\n")?;
    let editor = &mut pair.bob.editor;
    let bodies = [
        ("no JSON", "{\"jsonrpc\":\"2.0\",\"id\":"),
        ("no UTF-8", "\u{1}\u{2}"),
        ("no object", "[1,2]"),
        ("an empty object", "{}"),
        ("another version", "{\"jsonrpc\":\"1.0\",\"id\":900,\"method\":\"shutdown\"}"),
        ("an empty batch", "[]"),
        ("a method that is a number", "{\"jsonrpc\":\"2.0\",\"id\":901,\"method\":5}"),
        ("nothing", ""),
    ];
    for (what, body) in bodies {
        editor.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        works(editor, what)?;
    }
    let headers = [
        "Content-Length: many\r\n\r\n",
        "Content-Type: text/plain\r\n\r\n",
        "Hello: world\r\n\r\n",
        "\r\n\r\n",
    ];
    for header in headers {
        editor.send_raw(header.as_bytes())?;
        works(editor, header)?;
    }
    // Announced shorter than it is: the rest is no message, and is passed over.
    editor.send_raw(b"Content-Length: 10\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"$/x\"}\r\n\r\n")?;
    works(editor, "a length that is too short")?;
    let faults = editor.forgive();
    let told = |code: i64| faults.iter().filter(|fault| fault.contains(&format!("\"code\":{code}"))).count();
    // One for each body; a length that is too short makes another one.
    ensure!(told(-32700) + told(-32600) == bodies.len() + 1, "{faults:#?}");
    ensure!(told(-32700) >= 3, "{faults:#?}");
    ensure!(faults.iter().all(|fault| fault.contains("answer to nothing")), "{faults:#?}");
    ensure!(!editor.stderr().contains("panicked"), "{}", editor.stderr());
    pair.bob.edit(PATH, "body", "body by Bob")?;
    let shown = pair.ann.editor.wait_codes(PATH, &["behind"])?;
    pair.ann.editor.apply(PATH, &shown[0], "Accept remote version")?;
    pair.ann.editor.save(PATH)?;
    pair.agree(PATH, Some("# P-001 Protocol\n\nbody by Bob\n"))
}

#[test]
fn unknown_methods_and_wrong_params_are_refused() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, "# P-001 Protocol\n\nbody\n")?;
    let editor = &mut pair.bob.editor;
    for params in [json!({}), json!([]), json!({ "of": "this" })] {
        ensure!(editor.request("agent/status", params)?[0]["artifacts"] == 1, "a status");
    }
    let unknown = editor.request_refused("agent/nothing", json!({}))?;
    ensure!(unknown.code == -32601, "{unknown:?}");
    editor.notify("agent/nothing", json!({}))?;
    let uri = pair.bob.workspace.uri(PATH);
    let wrong = [
        ("textDocument/hover", json!({})),
        ("textDocument/hover", json!({ "textDocument": { "uri": 5 }, "position": {} })),
        ("textDocument/codeAction", json!("text")),
        ("workspace/executeCommand", json!({ "command": "agent.resolve", "arguments": [{ "uri": uri }] })),
        ("workspace/executeCommand", json!({ "command": "agent.resolve", "arguments": [] })),
        ("workspace/executeCommand", json!({ "command": "agent.compare", "arguments": [{ "uri": "::" }] })),
        ("workspace/executeCommand", json!({ "command": "agent.unknown" })),
    ];
    for (method, params) in wrong {
        let refused = editor.request_refused(method, params.clone())?;
        ensure!(refused.code == -32602, "{method} {params}: {refused:?}");
        ensure!(!refused.message.is_empty(), "{refused:?}");
    }
    let far = json!({ "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 });
    let outside = [
        ("textDocument/hover", json!({ "textDocument": { "uri": uri }, "position": far })),
        ("textDocument/hover", json!({ "textDocument": { "uri": "untitled:one" }, "position": far })),
        (
            "textDocument/hover",
            json!({ "textDocument": { "uri": "file:///nowhere/at/all.md" }, "position": far }),
        ),
    ];
    for (method, params) in outside {
        ensure!(editor.request(method, params.clone())? == Value::Null, "{params}");
    }
    // Changes of what is not open, and beyond the end: passed over, or put at the end.
    let change = json!({ "range": { "start": far, "end": far }, "text": "" });
    for target in [uri.as_str(), "file:///nowhere/at/all.md"] {
        let document = json!({ "uri": target, "version": 1 });
        editor.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [change] }),
        )?;
    }
    editor.notify("textDocument/didChange", json!({ "textDocument": 5 }))?;
    editor
        .notify("textDocument/didSave", json!({ "textDocument": { "uri": "file:///nowhere/at/all.md" } }))?;
    editor
        .notify("textDocument/didClose", json!({ "textDocument": { "uri": "file:///nowhere/at/all.md" } }))?;
    works(editor, "wrong params")
}

#[test]
fn a_folder_without_artifacts_and_a_request_before_initialize() -> Result<()> {
    let workspace = Workspace::new("bare")?;
    std::fs::remove_dir_all(workspace.file(".agent"))?;
    workspace.write("README.md", "# No artifacts here\n")?;
    let mut editor = Editor::start(&workspace)?;
    editor.open("README.md")?;
    ensure!(editor.hover("README.md", 0)? == Value::Null, "a hover on nothing");
    ensure!(editor.request("agent/status", Value::Null)? == json!([]), "a status of nothing");
    ensure!(!workspace.file(".agent").exists(), "the server made a folder where none was wanted");
    Ok(())
}

#[test]
fn a_configuration_that_breaks_leaves_no_old_picture_standing() -> Result<()> {
    for pull in [false, true] {
        let bobs = Capabilities { pull, ..Capabilities::default() };
        let mut pair = Pair::with(&Backend::shared()?, Capabilities::default(), bobs)?;
        pair.share_open(PATH, "# P-001 Protocol\n\nbody\n")?;
        pair.ann.edit(PATH, "body", "body by Ann")?;
        let editor = &mut pair.bob.editor;
        editor.wait_codes(PATH, &["behind"])?;
        let config = ".agent/etc/sync.yaml";
        editor.open(config)?;
        let good = editor.text(config)?;
        editor.set_text(config, &good.replace("team_id", "team_ip"))?;
        editor.save(config)?;
        editor.wait_codes(PATH, &[])?;
        editor.wait_status("broken", |status| status["state"] == "broken")?;
        let answered = editor.request("agent/status", Value::Null)?;
        ensure!(answered == json!([editor.status()]), "{answered}");
        ensure!(answered[0]["problem"].as_str().is_some_and(|said| said.contains("team_ip")), "{answered}");
        let folder = url_of(&pair.bob.workspace);
        ensure!(answered[0]["uri"] == folder, "{answered} is not {folder}");
        let editor = &mut pair.bob.editor;
        editor.set_text(config, &good)?;
        editor.save(config)?;
        editor.wait_status("behind again", |status| status["behind"] == 1)?;
        let shown = editor.wait_codes(PATH, &["behind"])?;
        editor.apply(PATH, &shown[0], "Accept remote version")?;
        editor.save(PATH)?;
        pair.agree(PATH, Some("# P-001 Protocol\n\nbody by Ann\n"))?;
    }
    Ok(())
}

fn url_of(workspace: &Workspace) -> String {
    format!("{}/", workspace.uri("").trim_end_matches('/'))
}
