//! The requests of our own, for extensions of editors (docs/lsp-extensions.md).

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Capabilities, Encoding, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/stories/Q-001-requests.md";
const TEXT: &str = "# Q-001 Requests\n\né𝄞👩‍👩‍👧 one\n\nbetween\n\né𝄞👩‍👩‍👧 two\n\nand between\n\né𝄞👩‍👩‍👧 three\n";

/// Ann changes `one` and `two`; Bob `two` and `three`, and has not saved.
fn three_kinds(pair: &mut Pair) -> Result<()> {
    pair.share_open(PATH, TEXT)?;
    pair.bob.editor.replace(PATH, "two", "two by Bob")?;
    pair.bob.editor.replace(PATH, "three", "three by Bob")?;
    pair.ann.editor.replace(PATH, "one", "one by Ann")?;
    pair.ann.edit(PATH, "two", "two by Ann")?;
    pair.bob.editor.wait_codes(PATH, &["merges-cleanly", "conflict"])?;
    Ok(())
}

fn text_of(pair: &mut Pair, which: &Value) -> Result<Value> {
    let mut params = json!({ "uri": pair.bob.workspace.uri(PATH) });
    params.as_object_mut().context("an object")?.extend(which.as_object().context("an object")?.clone());
    pair.bob.editor.request("agent/text", params)
}

#[test]
fn every_artifact_is_listed_as_it_stands() -> Result<()> {
    let mut pair = Pair::present(&Backend::shared()?)?;
    pair.share(".agent/plans/Q-002-calm.md", "# Q-002 Calm\n\nStatus: DRAFT\n")?;
    three_kinds(&mut pair)?;
    pair.bob.editor.save(PATH)?;
    pair.bob.editor.wait_status("a conflict", |status| status["conflicts"] == 1)?;
    let other = pair.ann.user.email.clone();
    let mut listed = Value::Null;
    pair.bob.editor.wait_for("Ann to be in the list", |editor| {
        listed = editor.request("agent/artifacts", json!({}))?;
        ensure!(listed[0]["artifacts"][1]["people"] == json!([other]), "{listed}");
        Ok(())
    })?;
    let folder = &listed[0];
    ensure!(folder["uri"] == format!("{}/", pair.bob.workspace.uri("").trim_end_matches('/')), "{listed}");
    let [plan, story] = [&folder["artifacts"][0], &folder["artifacts"][1]];
    ensure!(folder["artifacts"].as_array().map(Vec::len) == Some(2), "{listed}");
    ensure!(plan["kind"] == "plan" && plan["id"] == "Q-002" && plan["status"] == "in-sync", "{plan}");
    ensure!(
        plan["state"] == "DRAFT" && plan["title"] == "Q-002 Calm" && plan["people"] == json!([]),
        "{plan}"
    );
    ensure!(plan["version"] == 1 && plan["author"] == other && plan["at"].is_i64(), "{plan}");
    ensure!(story["status"] == "conflict" && story["path"] == PATH, "{story}");
    ensure!(story["uri"] == pair.bob.workspace.uri(PATH) && story["version"] == 2, "{story}");
    for params in [Value::Null, json!([])] {
        ensure!(
            pair.bob.editor.request("agent/artifacts", params)? == listed,
            "the same with any parameters"
        );
    }
    Ok(())
}

#[test]
fn each_side_and_each_version_can_be_read() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let closed = ".agent/plans/Q-003-closed.md";
    pair.share(closed, "\u{feff}# Q-003 Closed\r\n")?;
    three_kinds(&mut pair)?;
    let theirs = TEXT.replace("one", "one by Ann").replace("two", "two by Ann");
    let mine = TEXT.replace("two", "two by Bob").replace("three", "three by Bob");
    let base = text_of(&mut pair, &json!({ "side": "base" }))?;
    ensure!(base["text"] == TEXT && base["version"] == 1, "{base}");
    let local = text_of(&mut pair, &json!({ "side": "local" }))?;
    ensure!(local["text"] == mine && local["version"].is_null(), "the buffer, unsaved: {local}");
    let remote = text_of(&mut pair, &json!({ "side": "remote" }))?;
    ensure!(remote["text"] == theirs && remote["version"] == 2, "{remote}");
    ensure!(remote["author"] == pair.ann.user.email && remote["at"].is_i64(), "{remote}");
    let first = text_of(&mut pair, &json!({ "version": 1 }))?;
    ensure!(first["text"] == TEXT, "{first}");
    // A decision moves the base of the buffer.
    let shown = pair.bob.editor.wait_codes(PATH, &["merges-cleanly", "conflict"])?;
    pair.bob.editor.settle(PATH, &shown[1], "Keep local version")?;
    let base = text_of(&mut pair, &json!({ "side": "base" }))?;
    ensure!(base["text"] == TEXT.replace("two", "two by Ann") && base["version"].is_null(), "{base}");
    // Closed, the file is local; in sync, all three are equal.
    let uri = pair.bob.workspace.uri(closed);
    for side in ["base", "local", "remote"] {
        let found = pair.bob.editor.request("agent/text", json!({ "uri": uri, "side": side }))?;
        ensure!(found["text"] == "# Q-003 Closed\r\n", "{side}: {found}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_is_refused_with_a_reason() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, TEXT)?;
    let uri = pair.bob.workspace.uri(PATH);
    let outside = pair.bob.workspace.uri("README.md");
    let new = pair.bob.workspace.uri(".agent/plans/Q-009-nowhere.md");
    let unknown = "0".repeat(64);
    let table = [
        (json!({ "uri": uri, "version": 7 }), -32803, "there is no version 7"),
        (json!({ "uri": uri, "content": unknown }), -32803, "not on this machine"),
        (json!({ "uri": outside, "side": "base" }), -32803, "no artifact"),
        (json!({ "uri": new, "side": "base" }), -32803, "not known here"),
        (json!({ "uri": uri }), -32602, "one of"),
        (json!({ "uri": uri, "side": "base", "version": 1 }), -32602, "one of"),
        (json!({ "uri": uri, "side": "middle" }), -32602, "middle"),
        (json!({ "uri": uri, "content": "x" }), -32602, "no hash"),
        (json!({ "side": "base" }), -32602, "uri"),
    ];
    for (params, code, words) in table {
        let refused = pair.bob.editor.request_refused("agent/text", params.clone())?;
        ensure!(refused.code == code && refused.message.contains(words), "{params}: {refused:?}");
    }
    for method in ["agent/hunks", "agent/history"] {
        let refused = pair.bob.editor.request_refused(method, json!({ "uri": outside }))?;
        ensure!(refused.code == -32803, "{method}: {refused:?}");
    }
    Ok(())
}

#[test]
fn hunks_have_their_places_in_every_encoding_and_commands_that_work() -> Result<()> {
    // Behind `é𝄞👩‍👩‍👧`: 2 + 4 + 18 bytes, 1 + 2 + 8 units, 1 + 1 + 5 characters.
    for (encoding, before) in [(Encoding::Utf8, 24), (Encoding::Utf16, 11), (Encoding::Utf32, 7)] {
        let bobs = Capabilities { encoding, ..Capabilities::default() };
        let mut pair = Pair::with(&Backend::shared()?, Capabilities::default(), bobs)?;
        three_kinds(&mut pair)?;
        let params = json!({ "uri": pair.bob.workspace.uri(PATH) });
        let found = pair.bob.editor.request("agent/hunks", params.clone())?;
        ensure!(found["version"] == pair.bob.editor.version(PATH)?, "{found}");
        let version = found["remoteVersion"].as_u64().context("a version")?;
        let hunks = found["hunks"].as_array().context("hunks")?;
        let kinds: Vec<_> = hunks.iter().map(|hunk| hunk["kind"].as_str().unwrap_or_default()).collect();
        ensure!(kinds == ["remote", "conflict", "local"], "{found}");
        let range = |line: u64, words: &str| {
            let end = before + words.len();
            json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": end } })
        };
        ensure!(hunks[0]["range"] == range(2, " one"), "{encoding:?}: {}", hunks[0]);
        ensure!(hunks[1]["range"] == range(6, " two by Bob"), "{encoding:?}: {}", hunks[1]);
        ensure!(hunks[2]["range"] == range(10, " three by Bob"), "{encoding:?}: {}", hunks[2]);
        let texts = |side: &str| hunks[1][side].as_str().unwrap_or_default().to_owned();
        ensure!(texts("base") == "é𝄞👩‍👩‍👧 two\n" && texts("remote") == "é𝄞👩‍👩‍👧 two by Ann\n", "{}", hunks[1]);
        ensure!(hunks[1]["author"] == pair.ann.user.email && hunks[2]["author"].is_null(), "{found}");
        ensure!(hunks[2]["actions"] == json!([]), "nothing is to be decided there: {}", hunks[2]);
        let titles: Vec<_> = hunks[1]["actions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|action| action["title"].clone())
            .collect();
        let expected = [
            &*format!("Accept remote version (version {version} by {})", pair.ann.user.email),
            "Keep local version",
            "Accept both (local first)",
            "Accept both (remote first)",
            "Compare with remote version",
        ];
        ensure!(titles == expected, "{titles:?}");
        let both = json!({ "command": hunks[1]["actions"][2] });
        pair.bob.editor.run_edit(PATH, &both)?;
        let merged = pair.bob.editor.text(PATH)?;
        ensure!(merged.contains("two by Bob\né𝄞👩‍👩‍👧 two by Ann\n\nand"), "{merged}");
        // What was computed for the text before is refused now.
        let refused = pair.bob.editor.try_run(&both)?;
        ensure!(refused.is_err_and(|error| error.code == -32801), "an old command is done again");
    }
    Ok(())
}

#[test]
fn hunks_of_ones_own_are_told_when_nothing_is_new_there() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, TEXT)?;
    let params = json!({ "uri": pair.bob.workspace.uri(PATH) });
    ensure!(pair.bob.editor.request("agent/hunks", params.clone())?["hunks"] == json!([]), "nothing yet");
    pair.bob.editor.replace(PATH, "between\n", "between by Bob\n")?;
    // What an opened document is compared with comes from the session's loop.
    let found = pair.bob.editor.wait_for("the hunk", |editor| {
        let found = editor.request("agent/hunks", params.clone())?;
        ensure!(found["hunks"] != json!([]), "{found}");
        Ok(found)
    })?;
    let hunk = &found["hunks"][0];
    ensure!(hunk["kind"] == "local" && hunk["base"] == "between\n", "{found}");
    ensure!(
        hunk["local"] == "between by Bob\n" && found["hunks"].as_array().map(Vec::len) == Some(1),
        "{found}"
    );
    Ok(())
}

#[test]
fn the_history_is_newest_first_and_any_content_of_it_comes_back() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, TEXT)?;
    // More than the actions offer.
    for number in 0..12 {
        let old = if number == 0 { "between".to_owned() } else { format!("between {}", number - 1) };
        pair.bob.editor.replace(PATH, &old, &format!("between {number}"))?;
        pair.bob.editor.save_in_one_step(PATH)?;
        let text = pair.bob.editor.text(PATH)?;
        eventually("the save to be there", || pair.team.expect(PATH, &text))?;
    }
    let uri = pair.bob.workspace.uri(PATH);
    let told = pair.bob.editor.request("agent/history", json!({ "uri": uri }))?;
    let told = told.as_array().context("a list")?;
    let ids: Vec<_> = told.iter().filter_map(|one| one["id"].as_u64()).collect();
    ensure!(ids.len() == told.len() && ids.is_sorted_by(|one, other| one > other), "{ids:?}");
    let saved: Vec<_> = told.iter().filter(|one| one["cause"] == "saved").collect();
    ensure!(saved.len() == 12 && saved.iter().all(|one| one["byHand"] == true), "{saved:?}");
    let me = &pair.bob.user.email;
    ensure!(saved.iter().all(|one| one["restorable"] == true && one["author"] == **me), "{saved:?}");
    let oldest = told.last().context("something happened")?;
    ensure!(oldest["before"]["content"].is_null(), "{oldest}");
    // The file's content before the first save here.
    let first = saved.last().context("a save")?;
    let content = first["before"]["content"].clone();
    let shown = pair.bob.editor.request("agent/text", json!({ "uri": uri, "content": content }))?;
    ensure!(shown["text"] == TEXT, "{shown}");
    let version = pair.bob.editor.version(PATH)?;
    let restore = json!({ "command": { "command": "agent.restore",
        "arguments": [{ "uri": uri, "version": version, "content": content }] } });
    pair.bob.editor.run_edit(PATH, &restore)?;
    ensure!(pair.bob.editor.text(PATH)? == TEXT, "{}", pair.bob.editor.text(PATH)?);
    let taken = told.iter().find(|one| one["cause"] == "pushed").context("a push")?;
    ensure!(taken["byHand"] == false && taken["after"]["version"].is_u64(), "{taken}");
    Ok(())
}
