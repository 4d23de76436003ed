//! The server reads an artifact's state from its text itself, and so does the editor: the two are
//! written in different languages and must never differ, so they are shown the same texts.

use agent_core::artifact::parse::{Format, canonical_state, parse};
use agent_core::id::Text;
use agent_tests::{Backend, Team, User};
use anyhow::{Context as _, Result, ensure};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// What the lines of artifacts are made of, and what is nearly that.
const PIECES: [&str; 62] = [
    "# Title\n",
    "## State\n",
    "## Status:\n",
    "### **State**\n",
    "# State\n",
    "## 📌 Status ✅\n",
    "## ⚙️ State\n",
    "## Status: DRAFT\n",
    "## Problem Statement\n",
    "## Other ##\n",
    "#State\n",
    "####### State\n",
    "   ## State ##\n",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "DRAFT\n",
    "COMMITTED (pending review)\n",
    "In Progress, since Monday\n",
    "Superseded by ADR-012",
    "In Überprüfung\n",
    "État\n",
    "COMMITTED-002-002\n",
    "COMMITTED — later\n",
    "✅ DONE\n",
    "DONE - finally\n",
    "**Status**: ACCEPTED\n",
    "**State:**OPEN\n",
    "__Status:__ `Draft`\n",
    "Status: X\r\n",
    "- Status: in a list\n",
    "* **State**: DONE",
    "> Status: QUOTED\n",
    "> - state: Both\n",
    "State : SPACED\n",
    "status:none\n",
    "status:",
    "stateful: yes\n",
    "The status: unknown\n",
    "    State: CODE\n",
    "\tState: TAB\n",
    "  State: TWO\n",
    "```\n",
    "````rust\n",
    "~~~ x\n",
    "- ```\n",
    "  ```\n",
    "> ~~~\n",
    "1. ```sh\n",
    "```not`fence\n",
    "---\n",
    "...\n",
    "state: 'quoted # no'\n",
    "Status: \"open\n",
    "state: |\n  block\n",
    "status: >-\n\n  folded\n",
    "state: ~\n",
    "state: a # why\n",
    "\u{feff}",
    "\u{a0}State: NBSP\u{2028}\n",
    "text *with* `marks` and ſtate: ſ\n",
];

fn texts(count: usize) -> Vec<String> {
    let piece = prop::sample::select(PIECES.as_slice());
    let wild = "[-#>*_`~:sSTtaAeEuU'\"| \t\r\n.1é✅]{0,40}";
    let line = prop_oneof![12 => piece.prop_map(str::to_owned), 1 => wild];
    let text = prop::collection::vec(line, 0..14).prop_map(|lines| lines.concat());
    let mut runner = TestRunner::deterministic();
    let tried = (0..count).filter_map(|_| text.new_tree(&mut runner).ok());
    tried.map(|tree| tree.current()).collect()
}

fn read_here(text: &str, path: &str) -> Option<String> {
    let state = parse(text, Format::of_file(path)).state?;
    Some(canonical_state(&state.text)).filter(|state| !state.is_empty())
}

/// Pushes the texts as artifacts of a kind without rules, and returns the state that the server keeps of each.
fn read_there(team: &Team, who: &User, texts: &[(String, String)]) -> Result<Vec<Option<String>>> {
    for (batch, texts) in texts.chunks(1000).enumerate() {
        let changes = texts.iter().enumerate().map(|(n, (path, text))| {
            json!({ "change_id": uuid::Uuid::new_v4().to_string(), "kind": "note", "id": format!("N-{}", batch * 1000 + n),
                "base_version": 0, "path": path, "title": null, "state": "APPROVED", "content": text,
                "content_hash": Text::new(text.as_str()).hash().to_string() })
        });
        let arguments = json!({ "team": team.id, "changes": changes.collect::<Value>() });
        let reply = team.backend.rpc(who, "push_artifacts", &arguments)?;
        for result in reply["results"].as_array().context("no results")? {
            ensure!(result["result"] == "applied", "{result}");
        }
    }
    let mut states = vec![None; texts.len()];
    let mut after = 0;
    loop {
        let page =
            team.backend.rpc(who, "pull_artifacts", &json!({ "team": team.id, "after_seq": after }))?;
        for row in page["rows"].as_array().context("no rows")? {
            after = row["seq"].as_u64().context("a row without seq")?;
            let n: usize =
                row["id"].as_str().and_then(|id| id.strip_prefix("N-")).context("an id")?.parse()?;
            states[n] = row["state"].as_str().map(str::to_owned);
        }
        if page["more"] != true {
            return Ok(states);
        }
    }
}

#[test]
fn the_server_reads_the_same_state_from_a_text_as_the_editor() {
    let backend = Backend::shared().unwrap();
    let anna = backend.user("anna").unwrap();
    let team = Team::create(&backend, &anna).unwrap();
    let name =
        |(n, text)| (if n % 4 == 3 { "x.v2/n.yaml".to_owned() } else { "notes/n.md".to_owned() }, text);
    let texts: Vec<_> = texts(4000).into_iter().enumerate().map(name).collect();
    let there = read_there(&team, &anna, &texts).unwrap();
    let mut stated = 0;
    for ((path, text), there) in texts.iter().zip(there) {
        let here = read_here(text, path);
        stated += usize::from(here.is_some());
        assert_eq!(there, here, "{path}: {text:?}");
    }
    println!("states: {stated} of {} texts say one", texts.len());
    assert!(stated > 1000, "the texts are meant to say states: {stated}");
}
