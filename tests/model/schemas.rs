//! The cache's schema and the project's, both read from live databases, cannot drift: each column of either
//! is on one of the lists below, what stands for the same thing has matching types, and the words, names and
//! limits that both sides check are the same. A column that is added anywhere fails this test until it is listed.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactId, ArtifactPath, Kind};
use agent_core::lifecycle::Role;
use agent_tests::{Database, Sessions, project};
use rusqlite::Connection;
use serde_json::json;

/// A column and what it may hold, such as `INTEGER` or `bigint null`.
type Columns = BTreeMap<String, String>;

/// What stands for the same thing on both sides: here, there. What the cache knows of the remote may be null in
/// it, because there may be nothing to know.
const SHARED: [(&str, &str, &str, &str); 19] = [
    ("artifacts.kind", "TEXT", "artifacts.kind", "text"),
    ("artifacts.id", "TEXT", "artifacts.id", "text"),
    ("artifacts.title", "TEXT null", "artifacts.title", "text null"),
    ("artifacts.state", "TEXT null", "artifacts.state", "text null"),
    ("artifacts.remote_version", "INTEGER null", "artifacts.version", "bigint"),
    // 32 bytes here, 64 hexadecimal digits there; null for a tombstone on both sides.
    ("artifacts.remote_hash", "BLOB null", "artifacts.content_hash", "text null"),
    ("artifacts.remote_seq", "INTEGER null", "artifacts.seq", "bigint"),
    ("artifacts.remote_path", "TEXT null", "artifacts.path", "text"),
    ("artifacts.remote_author_id", "TEXT null", "artifacts.author", "uuid"),
    ("artifacts.remote_author_name", "TEXT null", "team_members.display_name", "text"),
    // Milliseconds here, microseconds there.
    ("artifacts.remote_at", "INTEGER null", "artifacts.updated_at", "timestamp with time zone"),
    ("blobs.text", "TEXT", "artifacts.content", "text null"),
    // 16 bytes here.
    ("changes.change_id", "BLOB", "artifact_history.change_id", "uuid"),
    ("changes.kind", "TEXT", "artifact_history.kind", "text"),
    ("changes.id", "TEXT", "artifact_history.id", "text"),
    ("changes.path", "TEXT", "artifact_history.path", "text"),
    ("changes.hash", "BLOB null", "artifact_history.content_hash", "text null"),
    ("changes.version", "INTEGER null", "artifact_history.version", "bigint"),
    ("changes.seq", "INTEGER null", "artifact_history.seq", "bigint"),
];

/// Tables and columns of the cache alone, and why.
const ONLY_HERE: [(&str, &str); 16] = [
    ("artifacts.path", "where the file is on this machine"),
    ("artifacts.base_", "what both sides last agreed on is each machine's own"),
    ("artifacts.local_hash", "the file"),
    ("artifacts.disk_", "spares reading the file"),
    ("artifacts.parked_", "a refusal waits for a person on this machine"),
    ("artifacts.waiting_since", "how long the local text waits"),
    ("artifacts.rev", "which commit of the cache wrote the row"),
    ("artifacts.undone", "what somebody took back here is theirs to decide"),
    ("artifacts.older_base", "what an editor here holds"),
    ("blobs.hash", "a text's name here; there each row has its own copy"),
    ("changes.base_version", "an argument of a push, kept until it is answered"),
    ("changes.queued_at", "how long it waits"),
    ("changes.outcome", "what was answered"),
    ("changes.code", "why it was refused"),
    ("meta.", "counters of this cache; the cursor is a seq of the team's"),
    ("operations.", "what happened to the files of this machine"),
];
const TABLES_ONLY_HERE: [(&str, &str); 5] = [
    ("open_documents.", "what editors of this machine have open"),
    ("link.", "whether the remote answers this machine"),
    ("remembered.", "answers of functions, as they came"),
    ("seen_in.", "where this machine's processes are"),
    ("people.", "presence is on the live channel, in no table of the project"),
];

/// Tables and columns of the project alone, and why.
const ONLY_THERE: [(&str, &str); 12] = [
    ("artifacts.team_id", "a cache is of one team: meta.team"),
    ("artifacts.change_id", "a client asks the history for it"),
    ("artifact_history.", "versions are asked for when they are wanted (artifact_versions)"),
    ("artifact_approvals.", "asked for when they are wanted"),
    ("team_members.", "names come with the rows; roles are remembered as they came"),
    ("team_invitations.", "asked for when they are wanted"),
    ("teams.id", "meta.team"),
    ("teams.name", "asked for when it is wanted"),
    ("teams.newest_seq", "what meta.cursor runs after"),
    ("teams.created_at", "nobody needs it"),
    ("teams.lifecycle_version", "in what is remembered of the lifecycle"),
    ("lifecycle_defaults.", "remembered as the function answers it"),
];
const TABLES_ONLY_THERE: [(&str, &str); 1] = [("team_lifecycles.", "remembered as the function answers it")];

fn here() -> Columns {
    let cache = Connection::open_in_memory().unwrap();
    let folder = project().join("migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "sql")).collect();
    for file in files {
        cache.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    // A primary key of a table with a rowid does not say NOT NULL in the schema, and holds no null here.
    let columns = "SELECT m.name || '.' || c.name, c.type || iif(c.\"notnull\" OR c.pk, '', ' null') \
                   FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
    let mut statement = cache.prepare(columns).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn there(sessions: &mut Sessions) -> Columns {
    let columns = "select jsonb_object_agg(c.relname || '.' || a.attname,
          format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then '' else ' null' end)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'";
    serde_json::from_value(sessions.query(columns).unwrap()).unwrap()
}

/// Every column that is on no list, and every entry of a list that no column is.
fn unlisted<'a>(columns: &Columns, shared: impl Iterator<Item = &'a str>, only: &[&'a str]) -> Vec<String> {
    let shared: BTreeSet<_> = shared.collect();
    let is_only = |column: &str| only.iter().any(|listed| column.starts_with(listed));
    let new = columns.keys().filter(|column| !shared.contains(column.as_str()) && !is_only(column));
    let gone = only.iter().filter(|listed| !columns.keys().any(|column| column.starts_with(**listed)));
    new.cloned().chain(gone.map(|listed| format!("{listed} (is there no more)"))).collect()
}

#[test]
fn every_column_of_the_cache_and_of_the_project_is_shared_or_has_a_reason_not_to_be() {
    let mut sessions = Sessions::open(Database::Pglite, 1).unwrap().unwrap();
    let (here, there) = (here(), there(&mut sessions));
    for (ours, our_type, theirs, their_type) in SHARED {
        assert_eq!(here.get(ours).map(String::as_str), Some(our_type), "{ours} in the cache");
        assert_eq!(there.get(theirs).map(String::as_str), Some(their_type), "{theirs} in the project");
    }
    let names = |lists: [&[(&'static str, &'static str)]; 2]| -> Vec<&'static str> {
        lists.concat().into_iter().map(|(name, _)| name).collect()
    };
    let only_here = names([&ONLY_HERE, &TABLES_ONLY_HERE]);
    let only_there = names([&ONLY_THERE, &TABLES_ONLY_THERE]);
    assert_eq!(unlisted(&here, SHARED.iter().map(|row| row.0), &only_here), [""; 0], "in the cache");
    assert_eq!(unlisted(&there, SHARED.iter().map(|row| row.2), &only_there), [""; 0], "in the project");
}

#[test]
fn both_sides_know_the_same_words() {
    let mut sessions = Sessions::open(Database::Pglite, 1).unwrap().unwrap();
    let mut words = |expression: &str| -> BTreeSet<String> {
        let found = sessions.query(&format!("select jsonb_agg(w) from ({expression}) as x (w)")).unwrap();
        serde_json::from_value(found).unwrap()
    };
    let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let kinds = Kinds::standard();
    let ours: BTreeSet<_> = kinds.rules().iter().map(|rule| rule.kind.as_str().to_owned()).collect();
    assert_eq!(words("select kind from public.lifecycle_defaults"), ours, "the kinds");
    let roles = words(
        "select (regexp_matches(pg_get_constraintdef(oid), '''([a-z]+)''', 'g'))[1]
         from pg_constraint where conrelid = 'public.team_members'::regclass and contype = 'c'",
    );
    assert!(roles.iter().all(|role| Role::named(role).is_some()), "{roles:?}");
    assert_eq!(roles.len(), 4, "{roles:?}");
    // What a change can be answered; a duplicate is kept as applied, and what was put off is asked again.
    let definition = "pg_get_functiondef('private.push_round'::regproc)";
    let results = words(&format!(
        "select (regexp_matches({definition}, '(?:then|else) ''(applied|duplicate|conflict|deferred|rejected)''', 'g'))[1]"
    ));
    assert_eq!(results, set(&["applied", "conflict", "deferred", "duplicate", "rejected"]));
    let cache = std::fs::read_to_string(project().join("migrations/0001_init.sql")).unwrap();
    assert!(cache.contains("outcome IN ('applied', 'conflict', 'rejected')"));
    // Why a change is refused: the codes of docs/backend.md.
    let codes = words(&format!("select (regexp_matches({definition}, '''code'', ''([a-z_]+)''', 'g'))[1]"));
    let known = ["approved", "forbidden", "hash_mismatch", "invalid", "state", "state_role", "too_large"];
    assert_eq!(codes, set(&known));
    let page = std::fs::read_to_string(project().join("docs/backend.md")).unwrap();
    assert!(known.iter().all(|code| page.contains(&format!("| `{code}` |"))));
}

#[test]
fn both_sides_have_the_same_limits() {
    let mut sessions = Sessions::open(Database::Pglite, 1).unwrap().unwrap();
    let long = |text: &str, count: usize| text.repeat(count);
    let kinds = ["story", "a_b-9", "Story", "", "9a", "ä", &long("k", 32), &long("k", 33)].map(str::to_owned);
    let ids =
        ["A", "Ü 1", "", "a/b", "a\\b", "a\nb", "\u{7f}", "a\u{85}b", &long("🌱", 200), &long("x", 201)];
    let paths = [
        "a.md",
        "a b/ä–ö.md",
        "..a/b...md",
        "",
        "/a.md",
        "a//b.md",
        "./a.md",
        "a/../b.md",
        "a/",
        "a\\b.md",
        "C:/a.md",
        "a\nb.md",
        "a.md ",
        "a.md.",
        "x./a.md",
        &long("x", 1024),
        &long("x", 1025),
        &long("ä", 512),
        &long("ä", 513),
    ];
    let mut is_taken = |kind: &str, id: &str, path: &str| {
        let change = json!({
            "change_id": uuid::Uuid::nil().to_string(), "kind": kind, "id": id, "base_version": 0, "path": path,
            "content": null,
        });
        let change = change.to_string().replace('\'', "''");
        let asked = format!(
            "select to_jsonb(private.invalid_reason(c, c ->> 'change_id', c ->> 'kind', c ->> 'id', c ->> 'base_version',
               c ->> 'path') is null) from (select '{change}'::jsonb) as x (c)"
        );
        sessions.query(&asked).unwrap() == json!(true)
    };
    for kind in &kinds {
        assert_eq!(is_taken(kind, "A", "a.md"), Kind::new(kind).is_ok(), "the kind {kind:?}");
    }
    for id in ids {
        assert_eq!(is_taken("story", id, "a.md"), ArtifactId::new(id).is_ok(), "the id {id:?}");
    }
    for path in paths {
        assert_eq!(is_taken("story", "A", path), ArtifactPath::new(path).is_ok(), "the path {path:?}");
    }
}
