//! A first push and a first pull of a thousand artifacts, beside the same bytes through the same functions by bare
//! HTTP and into a bare SQLite database; the pull also beside that and files that are written as durably.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use agent_core::id::ContentHash;
use agent_tests::{Backend, Team, User, Workspace};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::spread::{Spread, timed};
use crate::{path, text};

const ARTIFACTS: usize = 1_000;
/// As many changes as the program puts into one push.
const BATCH: usize = 500;
const ROUNDS: usize = 5;

pub(crate) fn measure() -> Result<()> {
    let backend = Arc::new(Backend::start()?);
    let user = backend.user("ann")?;
    let (mut bare_pushes, mut bare_pulls, mut bare_files) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pushes, mut pulls) = (Vec::new(), Vec::new());
    // In alternation, so that what else the machine does strikes both.
    for _ in 0..ROUNDS {
        let bare = Team::create(&backend, &user)?;
        bare_pushes.push(timed(|| bare_push(&backend, &user, &bare))?);
        bare_pulls.push(timed(|| bare_pull(&backend, &user, &bare, false))?);
        bare_files.push(timed(|| bare_pull(&backend, &user, &bare, true))?);
        let team = Team::create(&backend, &user)?;
        let place = Workspace::of_team("batches", &team)?;
        place.login(&user)?;
        for number in 0..ARTIFACTS {
            place.write(&path(number), text(number))?;
        }
        pushes.push(timed(|| place.agent_ok(&["sync", "push", "--quiet"]))?);
        let other = Workspace::of_team("batches-too", &team)?;
        other.login(&user)?;
        pulls.push(timed(|| other.agent_ok(&["sync", "pull", "--quiet"]))?);
        ensure!(place.artifacts()? == other.artifacts()?, "the folders differ");
    }
    let spread = |times: Vec<_>| Spread::of(ROUNDS, |round| Ok(times[round]));
    let (pushes, pulls) = (spread(pushes)?, spread(pulls)?);
    pushes.beside("a first push of 1,000", &spread(bare_pushes)?, "the same by HTTP, and into SQLite");
    pulls.beside("a first pull of 1,000", &spread(bare_pulls)?, "the same by HTTP, and into SQLite");
    pulls.beside("a first pull of 1,000", &spread(bare_files)?, "the same, and into durable files");
    Ok(())
}

fn bare_push(backend: &Backend, user: &User, team: &Team) -> Result<()> {
    let (folder, mut cache) = bare_cache()?;
    let texts: Vec<String> = (0..ARTIFACTS).map(text).collect();
    keep(&mut cache, texts.iter().map(String::as_str))?;
    for (batch, texts) in texts.chunks(BATCH).enumerate() {
        let change = |(n, content): (usize, &String)| {
            let number = batch * BATCH + n;
            json!({
                "change_id": uuid::Uuid::new_v4().to_string(), "kind": "story", "id": format!("MANY-{number:05}"),
                "base_version": 0, "path": path(number), "title": null, "state": null,
                "content_hash": ContentHash::of(content.as_bytes()).to_string(), "content": content,
            })
        };
        let changes: Vec<Value> = texts.iter().enumerate().map(change).collect();
        let pushed = backend.rpc(user, "push_artifacts", &json!({ "team": team.id, "changes": changes }))?;
        let results = pushed["results"].as_array().context("no results")?;
        ensure!(results.iter().all(|result| result["result"] == "applied"), "{pushed}");
    }
    drop(folder);
    Ok(())
}

fn bare_pull(backend: &Backend, user: &User, team: &Team, with_files: bool) -> Result<()> {
    let (folder, mut cache) = bare_cache()?;
    let mut after = 0;
    loop {
        let arguments = json!({ "team": team.id, "after_seq": after, "max_rows": 1000 });
        let page = backend.rpc(user, "pull_artifacts", &arguments)?;
        let rows = page["rows"].as_array().context("no rows")?;
        keep(&mut cache, rows.iter().filter_map(|row| row["content"].as_str()))?;
        for row in rows.iter().filter(|_| with_files) {
            let mut file = File::create(folder.path().join(row["id"].as_str().context("no id")?))?;
            file.write_all(row["content"].as_str().context("no content")?.as_bytes())?;
            file.sync_all()?;
        }
        after = rows.last().and_then(|row| row["seq"].as_u64()).unwrap_or(after);
        if page["more"] != true {
            return Ok(());
        }
    }
}

fn bare_cache() -> Result<(TempDir, Connection)> {
    let folder = tempfile::tempdir()?;
    let cache = Connection::open(folder.path().join("bare.db"))?;
    cache.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE blobs (hash BLOB PRIMARY KEY, text TEXT) STRICT;",
    )?;
    Ok((folder, cache))
}

fn keep<'a>(cache: &mut Connection, texts: impl Iterator<Item = &'a str>) -> Result<()> {
    let all = cache.transaction()?;
    for text in texts {
        let hash = ContentHash::of(text.as_bytes());
        all.prepare_cached("INSERT INTO blobs VALUES (?1, ?2)")?
            .execute(params![hash.as_bytes().as_slice(), text])?;
    }
    Ok(all.commit()?)
}
