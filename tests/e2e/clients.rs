//! What different clients can do, and how they come and go: the same things are reachable from each.

use std::io::Write as _;
use std::process::{Command, Stdio};

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Capabilities, Editor, Workspace, eventually};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/stories/C-001-clients.md";
const TEXT: &str = "# C-001 Clients\n\nfirst\n\nbetween\n\nsecond\n";

#[test]
fn a_client_that_knows_only_commands_gets_commands_that_look_at_the_version() -> Result<()> {
    let plain = Capabilities { action_literals: false, versioned_edits: false, ..Capabilities::default() };
    let mut pair = Pair::with(&Backend::shared()?, Capabilities::default(), plain)?;
    pair.share_open(PATH, TEXT)?;
    let key = format!("AKIA{}", "QYLPMN5HHHFPZAM2");
    pair.bob.editor.replace(PATH, "second", &format!("é𝄞👩‍👩‍👧 {key}"))?;
    let shown = pair.bob.editor.wait_codes(PATH, &["secret"])?;
    let redact = pair.bob.editor.action(PATH, &shown[0], "Redact AWS access key")?;
    ensure!(redact["command"] == "agent.edit", "{redact}");
    // What was offered for another text is refused, because a plain edit could not be.
    pair.bob.editor.replace(PATH, "first", "first, and an inserted line\nof text")?;
    let refused = pair.bob.editor.try_run(&redact)?;
    ensure!(refused.is_err_and(|error| error.code == -32801), "an edit of another version");
    let shown = pair.bob.editor.wait_codes(PATH, &["secret"])?;
    pair.bob.editor.apply(PATH, &shown[0], "Redact AWS access key")?;
    let text = pair.bob.editor.text(PATH)?;
    ensure!(text.contains("line\nof text\n") && !text.contains(&key), "{text}");
    let edit = pair.bob.editor.last_edit().context("an edit")?;
    ensure!(edit["changes"].is_object() && edit["documentChanges"].is_null(), "{edit}");
    Ok(())
}

/// The last lens of this title.
fn lens(pair: &mut Pair, title: &str) -> Result<Value> {
    let params = json!({ "textDocument": { "uri": pair.bob.workspace.uri(PATH) } });
    let all = pair.bob.editor.request("textDocument/codeLens", params)?;
    let is_it = |lens: &&Value| lens["command"]["title"] == title;
    all.as_array().into_iter().flatten().rfind(is_it).cloned().with_context(|| format!("{title} in {all}"))
}

#[test]
fn each_hunk_is_decided_by_the_lenses_over_it() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, TEXT)?;
    pair.bob.editor.replace(PATH, "second", "second by Bob")?;
    pair.ann.editor.replace(PATH, "first", "first by Ann")?;
    pair.ann.edit(PATH, "second", "second by Ann")?;
    pair.bob.editor.wait_codes(PATH, &["merges-cleanly", "conflict"])?;
    let titles = |lenses: &[(u64, String)], line: u64| -> Vec<String> {
        lenses.iter().filter(|(at, _)| *at == line).map(|(_, title)| title.clone()).collect()
    };
    let lenses = pair.bob.editor.lenses(PATH)?;
    ensure!(titles(&lenses, 2) == ["Accept remote", "Accept local", "Compare"], "{lenses:?}");
    let conflict = [
        "Accept remote",
        "Accept local",
        "Accept both (local first)",
        "Accept both (remote first)",
        "Compare",
    ];
    ensure!(titles(&lenses, 6) == conflict, "{lenses:?}");
    let compare = lens(&mut pair, "Compare")?;
    pair.bob.editor.run(&compare)?;
    let both = lens(&mut pair, "Accept both (remote first)")?;
    pair.bob.editor.run_edit(PATH, &both)?;
    pair.bob.editor.wait_codes(PATH, &["merges-cleanly"])?;
    let pressed = lens(&mut pair, "Accept remote")?;
    pair.bob.editor.run_edit(PATH, &pressed)?;
    pair.bob.editor.wait_codes(PATH, &[])?;
    let shown = std::fs::read_to_string(pair.bob.editor.wait_shown()?)?;
    ensure!(shown.contains("+second by Ann"), "{shown}");
    let merged = TEXT.replace("first", "first by Ann").replace("second", "second by Ann\nsecond by Bob");
    ensure!(pair.bob.editor.text(PATH)? == merged, "{}", pair.bob.editor.text(PATH)?);
    ensure!(pair.bob.editor.lenses(PATH)?.is_empty(), "nothing is left to decide");
    let again = pair.bob.editor.try_run(&pressed)?;
    ensure!(again.is_err_and(|error| error.code == -32801), "a lens of an older version");
    Ok(())
}

#[test]
fn pushing_and_pulling_are_code_actions() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    pair.share_open(PATH, TEXT)?;
    pair.bob.edit(PATH, "first", "first by Bob")?;
    pair.bob.editor.wait_status("it waits", |status| status["waiting"] == 1)?;
    let push = pair.bob.editor.source_action(PATH, "Push to the team now")?;
    pair.bob.editor.run(&push)?;
    pair.ann.editor.wait_codes(PATH, &["behind"])?;
    let pull = pair.bob.editor.source_action(PATH, "Pull from the team now")?;
    pair.bob.editor.run(&pull)?;
    pair.bob.editor.wait_status("in sync", |status| status["state"] == "in-sync")
}

/// A change of the client's folders.
fn folders(added: &[&Workspace], removed: &[&Workspace]) -> Value {
    let named = |all: &[&Workspace]| -> Vec<Value> {
        all.iter()
            .map(|one| json!({ "uri": one.uri("").trim_end_matches('/'), "name": "a folder" }))
            .collect()
    };
    json!({ "event": { "added": named(added), "removed": named(removed) } })
}

#[test]
fn several_folders_are_synced_by_one_server_each_with_its_own_team() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut here, mut there) = (Pair::new(&backend)?, Pair::new(&backend)?);
    here.share_open(PATH, TEXT)?;
    there.share(PATH, TEXT)?;
    // The editor of Bob's first project opens the second one beside it.
    let second = Workspace::of_team("second", &there.team)?;
    there.team.add(&here.bob.user, "editor")?;
    here.bob.editor.notify("workspace/didChangeWorkspaceFolders", folders(&[&second], &[]))?;
    let both = |editor: &mut Editor| -> Result<Vec<Value>> {
        let status = editor.request("agent/status", Value::Null)?;
        Ok(status.as_array().cloned().unwrap_or_default())
    };
    here.bob.editor.wait_for("both folders to be live", |editor| {
        let status = both(editor)?;
        ensure!(status.len() == 2 && status.iter().all(|one| one["live"] == true), "{status:?}");
        Ok(())
    })?;
    eventually("the artifact in the second folder", || second.expect(PATH, Some(TEXT)))?;
    let uri = second.uri(PATH);
    here.bob.editor.open(&uri)?;
    there.ann.editor.open(PATH)?;
    there.ann.edit(PATH, "first", "first there")?;
    here.ann.edit(PATH, "first", "first here")?;
    for (path, words) in [(PATH, "first here"), (&*uri, "first there")] {
        let shown = here.bob.editor.wait_codes(path, &["behind"])?;
        ensure!(shown[0]["message"].as_str().is_some_and(|said| said.contains(words)), "{shown:?}");
        here.bob.editor.apply(path, &shown[0], "Accept remote version")?;
        here.bob.editor.save(path)?;
    }
    eventually("the second folder to be in sync", || {
        there.team.expect(PATH, &TEXT.replace("first", "first there"))
    })?;
    // Gone from the editor, it is gone from the server.
    there.ann.edit(PATH, "second", "second there")?;
    here.bob.editor.wait_codes(&uri, &["behind"])?;
    here.bob.editor.notify("workspace/didChangeWorkspaceFolders", folders(&[], &[&second]))?;
    here.bob.editor.wait_codes(&uri, &[])?;
    ensure!(both(&mut here.bob.editor)?.len() == 1, "one folder is left");
    here.agree(PATH, Some(&TEXT.replace("first", "first here")))
}

#[test]
fn a_folder_without_configuration_costs_nothing_until_it_has_one() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share(PATH, TEXT)?;
    let bare = Workspace::new("bare")?;
    bare.write(".agent/plans/C-002-bare.md", "# C-002 Bare\n")?;
    let mut configured = Workspace::of_team("later", &pair.team)?;
    let config = configured.read(".agent/etc/sync.yaml")?;
    configured.remove(".agent/etc/sync.yaml")?;
    configured.set_anon_key(pair.team.backend.anon_key());
    let mut editor = Editor::start(&configured)?;
    editor.notify("workspace/didChangeWorkspaceFolders", folders(&[&bare], &[]))?;
    editor.open(&bare.uri(".agent/plans/C-002-bare.md"))?;
    ensure!(editor.request("agent/status", Value::Null)? == json!([]), "nothing is synced");
    ensure!(editor.request("agent/artifacts", Value::Null)? == json!([]), "nothing is listed");
    for workspace in [&bare, &configured] {
        ensure!(!workspace.file(".agent/cache").exists(), "a database where none is wanted");
        ensure!(!workspace.file(".agent/logs").exists(), "a log where none is wanted");
    }
    let (watches, sockets) = held_by(&editor)?;
    ensure!(watches == 0 && sockets == 0, "{watches} watchers and {sockets} sockets");
    // From the moment it is configured it is synced.
    configured.write(".agent/etc/sync.yaml", config)?;
    configured.login(&pair.bob.user)?;
    editor.open(".agent/etc/sync.yaml")?;
    editor.save(".agent/etc/sync.yaml")?;
    editor.wait_live()?;
    eventually("the team's artifact", || configured.expect(PATH, Some(TEXT)))?;
    ensure!(!bare.file(".agent/cache").exists(), "the other one still costs nothing");
    Ok(())
}

/// How many watchers and internet sockets the server holds; none is told of elsewhere than on Linux.
fn held_by(editor: &Editor) -> Result<(usize, usize)> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{}/fd", editor.process())) else { return Ok((0, 0)) };
    let inet = std::fs::read_to_string(format!("/proc/{}/net/tcp", editor.process()))?;
    let (mut watches, mut sockets) = (0, 0);
    for entry in entries {
        let target = std::fs::read_link(entry?.path()).unwrap_or_default().to_string_lossy().into_owned();
        watches += usize::from(target.contains("inotify"));
        let socket = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        sockets += usize::from(socket.is_some_and(|inode| inet.contains(&format!(" {inode} "))));
    }
    Ok((watches, sockets))
}

#[test]
fn a_server_ends_with_the_process_of_its_editor_and_keeps_what_was_saved() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    pair.share(PATH, TEXT)?;
    let mut parent = Command::new("sleep").arg("600").spawn()?;
    let can = Capabilities { parent: Some(parent.id()), ..Capabilities::default() };
    let old = std::mem::replace(&mut pair.bob.editor, Editor::start_with(&pair.bob.workspace, can)?);
    old.shutdown()?;
    pair.bob.editor.open(PATH)?;
    pair.bob.edit(PATH, "first", "first by Bob")?;
    parent.kill()?;
    parent.wait()?;
    let next = Editor::start(&pair.bob.workspace)?;
    // Its input stays open.
    std::mem::replace(&mut pair.bob.editor, next).wait_ended()?;
    let history = pair.bob.workspace.agent_ok(&["sync", "log", "C-001", "--json"])?.json()?;
    ensure!(history["operations"][0]["cause"] == "saved", "{history}");
    Ok(())
}

#[test]
fn a_server_whose_process_cannot_be_seen_goes_on() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share(PATH, TEXT)?;
    let mut gone = Command::new("true").spawn()?;
    gone.wait()?;
    let can = Capabilities { parent: Some(gone.id()), ..Capabilities::default() };
    let mut editor = Editor::start_with(&pair.bob.workspace, can)?;
    editor.open(PATH)?;
    pair.ann.editor.open(PATH)?;
    pair.ann.edit(PATH, "first", "first by Ann")?;
    editor.wait_codes(PATH, &["behind"]).map(drop)
}

#[test]
fn a_server_that_nobody_reads_does_what_it_was_told_and_ends() -> Result<()> {
    let mut pair = Pair::configured(&Backend::shared()?, "auto_push: false")?;
    pair.share(PATH, TEXT)?;
    let workspace = &pair.bob.workspace;
    let mut server = workspace.command()?;
    server.arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = server.spawn()?;
    let mut input = server.stdin.take().context("an input")?;
    let mut send = |message: Value| -> Result<()> {
        let body = message.to_string();
        Ok(write!(input, "Content-Length: {}\r\n\r\n{body}", body.len())?)
    };
    let root = workspace.uri("");
    // From here on each answer finds the pipe broken.
    drop(server.stdout.take());
    send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "capabilities": {}, "rootUri": root.trim_end_matches('/') } }))?;
    send(json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }))?;
    let uri = workspace.uri(PATH);
    send(json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen",
        "params": { "textDocument": { "uri": uri, "languageId": "markdown", "version": 1, "text": TEXT } } }))?;
    let text = TEXT.replace("first", "first by Bob");
    send(json!({ "jsonrpc": "2.0", "method": "textDocument/didChange",
        "params": { "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": text }] } }))?;
    workspace.write(PATH, &text)?;
    send(
        json!({ "jsonrpc": "2.0", "method": "textDocument/didSave", "params": { "textDocument": { "uri": uri } } }),
    )?;
    eventually("the server to end", || match server.try_wait()? {
        Some(status) => Ok(status),
        None => bail!("still running"),
    })?;
    let history = workspace.agent_ok(&["sync", "log", "C-001", "--json", "--offline"])?.json()?;
    ensure!(history["operations"][0]["cause"] == "saved", "{history}");
    drop(input);
    Ok(())
}
