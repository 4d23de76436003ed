//! From a save to its text in the cache, beside a bare SQLite transaction of the same bytes; and to a teammate's
//! diagnostic, beside the two requests that it takes at least, made one after the other.

use std::sync::Arc;

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Editor};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::spread::{Spread, timed};
use crate::{alone, path, text};

const SAVES: usize = 100;

pub(crate) fn measure() -> Result<()> {
    kept()?;
    seen()
}

/// Editors write the file before they say so; the time is from there.
fn kept() -> Result<()> {
    let workspace = alone(1_000)?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("all artifacts", |status| status["artifacts"] == 1_000)?;
    let path = path(7);
    editor.open(&path)?;
    let cache = Connection::open(workspace.file(".agent/cache/agent.db"))?;
    let bare = Connection::open(workspace.file("bare.db"))?;
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE blobs (hash BLOB PRIMARY KEY, text TEXT) STRICT;",
    )?;
    let inserted = Spread::of(SAVES, |round| {
        timed(|| {
            let text = text(round).replace("DRAFT", &round.to_string());
            Ok(bare.execute("INSERT INTO blobs VALUES (?1, ?2)", params![round.to_le_bytes(), text])?)
        })
    })?;
    let saved = Spread::of(SAVES, |round| {
        let edited = text(7).replace("DRAFT", &format!("DRAFT\n\n{round}"));
        editor.set_text(&path, &edited)?;
        workspace.write(&path, &edited)?;
        let before = revision(&cache)?;
        let uri = workspace.uri(&path);
        timed(|| {
            editor.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }))?;
            // Another process's view of it: what is there was committed.
            while revision(&cache)? == before {
                std::thread::yield_now();
            }
            Ok(())
        })
    })?;
    saved.beside("a save until it is kept", &inserted, "an insert of the text into SQLite");
    editor.shutdown()
}

fn revision(cache: &Connection) -> Result<i64> {
    Ok(cache.prepare_cached("SELECT rev FROM meta")?.query_row([], |row| row.get(0))?)
}

fn seen() -> Result<()> {
    let backend = Arc::new(Backend::start()?);
    let mut pair = Pair::new(&backend)?;
    let path = ".agent/stories/SEEN-1-by-all.md";
    let first = text(1);
    pair.share_open(path, &first)?;
    let arguments = |version: usize| {
        let content = text(version);
        let change = json!({
            "change_id": uuid::Uuid::new_v4().to_string(), "kind": "story", "id": "BARE-1",
            "base_version": version, "path": "stories/BARE-1.md", "title": null, "state": null,
            "content_hash": agent_core::id::ContentHash::of(content.as_bytes()).to_string(), "content": content,
        });
        json!({ "team": pair.team.id, "changes": [change] })
    };
    let other = Arc::new(Backend::start()?);
    let user = other.user("ann")?;
    let team = other.rpc(&user, "create_team", &json!({ "name": "Bare" }))?;
    let bare = Spread::of(SAVES, |round| {
        let mut push = arguments(round);
        push["team"] = team.clone();
        let mut seq = Value::Null;
        timed(|| {
            let pushed = other.rpc(&user, "push_artifacts", &push)?;
            ensure!(pushed["results"][0]["result"] == "applied", "{pushed}");
            seq = pushed["newest_seq"].clone();
            let after = seq.as_u64().context("no seq")? - 1;
            let pulled = other.rpc(&user, "pull_artifacts", &json!({ "team": team, "after_seq": after }))?;
            ensure!(pulled["rows"].as_array().is_some_and(|rows| rows.len() == 1), "{pulled}");
            Ok(())
        })
    })?;
    let seen = Spread::of(SAVES, |round| {
        let line = format!("DRAFT\n\n{round}");
        let edited = first.replace("DRAFT", &line);
        pair.ann.editor.set_text(path, &edited)?;
        // The first version is shared, and each save makes another.
        let wanted = format!("in version {}", round + 2);
        timed(|| {
            pair.ann.editor.save(path)?;
            pair.bob.editor.wait_diagnostics(path, &wanted, |list| {
                list.iter().any(|shown| shown["message"].as_str().is_some_and(|said| said.contains(&wanted)))
            })
        })
    })?;
    seen.beside("a save until a teammate sees it", &bare, "its push and its pull, by HTTP");
    pair.ann.editor.shutdown()?;
    pair.bob.editor.shutdown()
}
