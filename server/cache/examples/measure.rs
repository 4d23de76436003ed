//! Measures the cache on artifacts of 4 KB:
//! `cargo run --release -p agent-cache --example measure [artifacts]`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::path::Path;
use std::time::{Duration, Instant};

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, ArtifactPath, Author, Rev, Seq, Text, Timestamp, Version};
use agent_core::ports::{Store, StoreError, Write};
use agent_core::sync::{Entry, FileStat, RemoteSide};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn text(n: u64, edition: u64) -> Text {
    Text::new(format!(
        "# Story {n}, edition {edition}\n{}",
        "a line of forty characters, more or less\n".repeat(100)
    ))
}

fn entry(n: u64, rev: Rev, edition: u64) -> Outcome<(Write, Write)> {
    let text = text(n, edition);
    let path = ArtifactPath::new(&format!("stories/INFRA/INFRA-{n:05}-a-descriptive-title.md"))?;
    let entry = Entry {
        base: Some(text.hash()),
        base_version: Version(edition),
        local: Some(text.hash()),
        remote: Some(RemoteSide {
            hash: Some(text.hash()),
            version: Version(edition),
            seq: Seq(n),
            path: path.clone(),
            author: Author { id: "0192f0c0-0000-7000-8000-000000000000".into(), name: "Ada".into() },
            at: Timestamp(1_700_000_000_000),
        }),
        stat: Some(FileStat { size: 4096, mtime: 1_700_000_000_000_000_000 }),
        title: Some(format!("Story {n}: a descriptive title")),
        state: Some("IN_PROGRESS".into()),
        rev,
        ..Entry::new(ArtifactKey::new("story", &format!("INFRA-{n:05}"))?, path)
    };
    Ok((Write::Blob(text), Write::Entry(Box::new(entry))))
}

fn batch(range: std::ops::Range<u64>, rev: Rev, edition: u64) -> Outcome<Vec<Write>> {
    let mut writes = Vec::new();
    for n in range {
        let (blob, entry) = entry(n, rev, edition)?;
        writes.extend([blob, entry]);
    }
    Ok(writes)
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{what:<58} p50 {:>10.3?}  p99 {:>10.3?}  max {:>10.3?}", at(50), at(99), at(100));
}

fn repeat<T>(times: u32, mut what: impl FnMut() -> Result<T, StoreError>) -> Outcome<Vec<Duration>> {
    let mut taken = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        what()?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}

fn fill(cache: &mut Cache, artifacts: u64) -> Outcome<()> {
    let mut times = Vec::new();
    for first in (0..artifacts).step_by(1000) {
        let writes = batch(first..(first + 1000).min(artifacts), Rev(0), 1)?;
        let start = Instant::now();
        cache.commit(&writes)?;
        times.push(start.elapsed());
    }
    show("commit of 1,000 new contents and entries", times);
    Ok(())
}

fn save_one_by_one(cache: &mut Cache) -> Outcome<Vec<Duration>> {
    let mut rev = cache.load()?.entries.first().map(|entry| entry.rev).unwrap_or_default();
    let mut times = Vec::new();
    for edition in 2..1002 {
        let writes = batch(0..1, rev, edition)?;
        let start = Instant::now();
        rev = cache.commit(&writes)?;
        times.push(start.elapsed());
    }
    Ok(times)
}

fn save_against_others(path: &Path, writers: u64) -> Outcome<Vec<Duration>> {
    let saving = |writer: u64| -> Result<Vec<Duration>, String> {
        let mut cache = Cache::open(path).map_err(|error| error.to_string())?;
        let mut times = Vec::new();
        for n in 0..100 {
            let own = 1_000_000 * writers + writer * 1000 + n;
            let writes = batch(own..own + 1, Rev(0), 1).map_err(|error| error.to_string())?;
            let start = Instant::now();
            cache.commit(&writes).map_err(|error| error.to_string())?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers).map(|writer| scope.spawn(move || saving(writer))).collect();
        let mut times = Vec::new();
        for thread in threads {
            times.extend(thread.join().map_err(|_| "a writer panicked")??);
        }
        Ok(times)
    })
}

fn main() -> Outcome<()> {
    let artifacts = std::env::args().nth(1).map_or(Ok(10_000), |given| given.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("agent.db");
    println!("{artifacts} artifacts");
    let mut cache = Cache::open(&path)?;
    fill(&mut cache, artifacts)?;
    let rev = cache.load()?.rev;
    show("commit of one save", save_one_by_one(&mut cache)?);
    show("load", repeat(20, || cache.load())?);
    let now = cache.load()?.rev;
    show("changed_since, nothing changed", repeat(2000, || cache.changed_since(now))?);
    show("changed_since, one changed", repeat(2000, || cache.changed_since(rev))?);
    let wanted = text(7, 1).hash();
    show("text", repeat(2000, || cache.text(wanted))?);
    show("open", repeat(20, || Cache::open(&path))?);
    show("open and load", repeat(20, || Cache::open(&path)?.load())?);
    show("commit of one save, 4 writers at once", save_against_others(&path, 4)?);
    show("commit of one save, 10 writers at once", save_against_others(&path, 10)?);
    Ok(())
}
