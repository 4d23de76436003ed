//! What the configuration may say, and what is refused.

use agent_core::id::ArtifactPath;
use secrecy::ExposeSecret;

use super::*;

const FILE: &str = ".agent/etc/sync.yaml";

/// An environment that knows a key, a team and a host.
fn env(name: &str) -> Option<String> {
    let value = match name {
        "SUPABASE_KEY" => "sb_publishable_1",
        "TEAM_ID" => "018f0000-0000-7000-8000-000000000001",
        "SUPABASE_HOST" => "team.example.com",
        "SUPABASE_EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Config {
    parse(FILE, text, &env).unwrap_or_else(|error| panic!("{error}"))
}

/// Checks that a configuration is refused, and that the message names the file and what it must.
fn check(text: &str, expected: &[&str]) {
    let error = parse(FILE, text, &env).map(|_| ()).expect_err(text);
    assert_eq!(error.file, FILE);
    let message = error.to_string();
    for part in expected {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn missing(text: &str) -> String {
    read(text).remote.expect_err("not complete")
}

#[test]
fn nothing_configured_means_the_defaults() {
    for text in ["", "\n\n", "# a comment\n", "  # one\n\n# another\n", "{}", "sync:\nremote:\n"] {
        let config = read(text);
        let policy = config.sync.policy;
        assert!(policy.auto_push && policy.may_write, "{text:?}");
        assert_eq!(policy.strategy, ConflictStrategy::Manual);
        assert_eq!((config.sync.auto_pull_interval, config.sync.max_file_size), (60_000, MAX_FILE_SIZE));
        assert!(!config.sync.apply_when_open);
        assert_eq!(config.kinds, Kinds::standard());
        assert!(config.project.is_err() && config.remote.is_err(), "{text:?}");
    }
}

#[test]
fn how_long_the_past_is_kept_is_a_time_span_or_for_ever() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let kept = |text: &str| {
        let retention = read(text).sync.retention;
        (retention.keep, retention.keep_unpushed)
    };
    assert_eq!(kept(""), (Some(90 * DAY), None));
    assert_eq!(kept("history:\n  keep: 2 weeks\n  keep_unpushed: 1y"), (Some(14 * DAY), Some(365 * DAY)));
    assert_eq!(kept("history: {keep: forever}"), (None, None));
    assert_eq!(kept("history: {keep: 0d}").0, Some(0));
    check("history:\n  keep: long", &["history.keep", "long", "90d", "forever"]);
    check("history:\n  keep_unpushed: -3d", &["history.keep_unpushed"]);
    check("history:\n  keeep: 3d", &["keeep", "did you mean `keep`?"]);
}

#[test]
fn every_key_is_read() {
    let config = read(
        "remote:\n  url: https://${SUPABASE_HOST}\n  anon_key: ${SUPABASE_KEY}\n  team_id: ${TEAM_ID}\n  realtime_url: wss://rt.${SUPABASE_HOST}/x\n\
         sync:\n  auto_push: false\n  auto_pull_interval: 5\n  conflict_strategy: remote_wins\n  closed_files: ask\n  \
         open_files: apply\n  max_file_size: 1000\n  kinds:\n    spec: [docs/specs]\n",
    );
    let remote = config.remote.unwrap();
    assert_eq!(remote.url.as_str(), "https://team.example.com/");
    assert_eq!(remote.anon_key.expose_secret(), "sb_publishable_1");
    assert_eq!(remote.team_id.to_string(), env("TEAM_ID").unwrap());
    assert_eq!(remote.realtime_url.unwrap().as_str(), "wss://rt.team.example.com/x");
    let policy = config.sync.policy;
    assert!(!policy.auto_push && !policy.may_write && config.sync.apply_when_open);
    assert_eq!(policy.strategy, ConflictStrategy::RemoteWins);
    assert_eq!((config.sync.auto_pull_interval, config.sync.max_file_size), (5_000, 1_000));
    let path = ArtifactPath::new("docs/specs/A-1.md").unwrap();
    let key = config.kinds.key_of(&path).unwrap().unwrap();
    assert_eq!(key.to_string(), "spec/A-1");
}

#[test]
fn every_strategy_has_its_word() {
    let table = [
        ("manual", ConflictStrategy::Manual),
        ("local_wins", ConflictStrategy::LocalWins),
        ("remote_wins", ConflictStrategy::RemoteWins),
    ];
    for (word, strategy) in table {
        let config = read(&format!("sync:\n  conflict_strategy: {word}\n"));
        assert_eq!(config.sync.policy.strategy, strategy, "{word}");
    }
    check("sync:\n  conflict_strategy: theirs\n", &["theirs", "manual"]);
}

#[test]
fn what_is_missing_of_the_remote_is_named_and_stops_nothing_else() {
    let url = "  url: https://a.example\n";
    let key = "  anon_key: ${SUPABASE_KEY}\n";
    let table = [
        (String::new(), "remote.url is not set"),
        (format!("remote:\n{url}"), "remote.anon_key is not set"),
        (format!("remote:\n{url}{key}"), "remote.team_id is not set"),
        (format!("remote:\n  url: '  '\n{key}"), "remote.url is not set"),
        (
            format!("remote:\n  url: https://${{SUPABASE_NOPE}}\n{key}"),
            "the environment variable SUPABASE_NOPE is not set",
        ),
        (
            format!("remote:\n{url}  anon_key: ${{SUPABASE_EMPTY}}\n"),
            "the environment variable SUPABASE_EMPTY is not set",
        ),
        (format!("remote:\n{url}{key}  team_id: ours\n"), "remote.team_id"),
        (format!("remote:\n  url: not an address\n{key}"), "remote.url"),
        (format!("remote:\n  url: https://${{SUPABASE_HOST\n{key}"), "without its }"),
        (
            format!("remote:\n{url}{key}  team_id: ${{TEAM_ID}}\n  realtime_url: '%%'\n"),
            "remote.realtime_url",
        ),
    ];
    for (text, expected) in table {
        let said = missing(&text);
        assert!(said.contains(expected), "{expected:?} is not in {said:?}");
    }
    let signing_in = read(&format!("remote:\n{url}{key}"));
    assert!(signing_in.project.is_ok(), "enough to sign in");
}

#[test]
fn other_variables_of_the_environment_are_never_read() {
    for name in ["PATH", "HOME", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "GITHUB_TOKEN"] {
        let text = format!("remote:\n  url: https://evil.example\n  anon_key: ${{{name}}}\n");
        let told = |asked: &str| -> Option<String> { panic!("{asked} was read") };
        let said = parse(FILE, &text, &told).map(|config| config.project.map(|_| ()).unwrap_err()).unwrap();
        assert!(said.contains(name) && said.contains("not read"), "{said}");
    }
}

#[test]
fn several_variables_expand_in_one_value() {
    let config = read(
        "remote:\n  url: https://${SUPABASE_HOST}/${TEAM_ID}\n  anon_key: ${SUPABASE_KEY}\n  team_id: ${TEAM_ID}\n",
    );
    assert_eq!(config.remote.unwrap().url.path(), format!("/{}", env("TEAM_ID").unwrap()));
}

#[test]
fn a_key_written_into_the_file_is_refused_and_not_repeated() {
    for key in [
        "sb_publishable_1",
        "eyJhbGciOi.x.y",
        "sb_secret_9",
        "prefix-${SUPABASE_KEY}",
        "${SUPABASE_KEY}${SUPABASE_KEY}",
    ] {
        let text = format!("remote:\n  anon_key: {key}\n");
        check(&text, &["remote.anon_key", "${SUPABASE_ANON_KEY}"]);
        let error = parse(FILE, &text, &env).map(|_| ()).unwrap_err();
        assert!(!error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_key_never_shows_in_debug_output() {
    let config =
        read("remote:\n  url: https://a.example\n  anon_key: ${SUPABASE_KEY}\n  team_id: ${TEAM_ID}\n");
    assert!(!format!("{config:?}").contains("sb_publishable_1"));
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    check("sync:\n  auto_psh: true\n", &["auto_psh", "did you mean `auto_push`?", "line 2"]);
    check("remote:\n  urll: x\n", &["urll", "did you mean `url`?"]);
    check("synk:\n  auto_push: true\n", &["synk", "did you mean `sync`?", "line 1"]);
    check("sync:\n  something_else_entirely: 1\n", &["something_else_entirely"]);
    let error = parse(FILE, "sync:\n  something_else_entirely: 1\n", &env).map(|_| ()).unwrap_err();
    assert!(!error.to_string().contains("did you mean"), "{error}");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_where_it_stands() {
    for (text, line) in [
        ("sync:\n  auto_push: maybe\n", "line 2"),
        ("sync:\n  auto_pull_interval: soon\n", "line 2"),
        ("sync:\n  auto_pull_interval: -1\n", "line 2"),
        ("sync:\n  max_file_size: [1]\n", "line 2"),
        ("sync:\n  closed_files: never\n", "line 2"),
        ("remote:\n  url: [a]\n", "line 2"),
        ("sync: 5\n", "line 1"),
        ("- a list\n", "line 1"),
    ] {
        check(text, &[line]);
    }
}

#[test]
fn kinds_that_cannot_be_are_refused() {
    check("sync:\n  kinds:\n    Spec: [docs]\n", &["sync.kinds", "Spec"]);
    check("sync:\n  kinds:\n    spec: []\n", &["sync.kinds", "spec"]);
    check("sync:\n  kinds:\n    spec: [../out]\n", &["sync.kinds", "../out"]);
    check("sync:\n  kinds:\n    a: [docs]\n    b: [docs/b]\n", &["sync.kinds", "docs/b"]);
}

#[test]
fn broken_yaml_is_refused_with_its_place() {
    for text in ["sync: [1, 2\n", "sync:\n\tauto_push: true\n", "sync: \"open\n", "a: b: c\n", "\u{0}"] {
        check(text, &["line"]);
    }
}

#[test]
fn a_key_given_twice_is_refused() {
    check("sync:\n  auto_push: true\n  auto_push: false\n", &["auto_push"]);
    check("sync:\n  auto_push: true\nsync:\n  auto_push: false\n", &["sync"]);
}

/// Anchors that stand for ten of the one before, seven deep.
fn bomb() -> String {
    let mut text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
    for n in 1..8 {
        let many = vec![format!("*x{}", n - 1); 10].join(", ");
        text.push_str(&format!("x{n}: &x{n} [{many}]\n"));
    }
    text
}

#[test]
fn a_hostile_file_is_an_error_and_nothing_worse() {
    check(&format!("sync: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)), &[]);
    check(&format!("sync: {}1{}\n", "{a: ".repeat(20_000), "}".repeat(20_000)), &[]);
    check(&(0..20_000).map(|n| format!("{}a:\n", " ".repeat(n % 3_000))).collect::<String>(), &[]);
    check(&bomb(), &[]);
    check(&format!("sync:\n  kinds:\n    a: &a [*a]\n{}", bomb()), &[]);
    check(&"a".repeat(1_000_000), &[]);
    check("sync: &a\n  <<: *a\n", &[]);
}

#[test]
fn the_limit_of_deletions_is_a_share_in_percent() {
    assert_eq!((read("").sync.deletion_limit, read("").sync.reversion_limit), (20, 20));
    for limit in [0, 35, 100] {
        assert_eq!(read(&format!("sync:\n  deletion_limit: {limit}\n")).sync.deletion_limit, limit);
    }
    check("sync:\n  deletion_limit: 101\n", &["sync.deletion_limit", "101", "percent"]);
    check("sync:\n  reversion_limit: 101\n", &["sync.reversion_limit", "101", "percent"]);
    check("sync:\n  deletion_limit: -1\n", &["line 2"]);
    check("sync:\n  deletion_limits: 5\n", &["did you mean `deletion_limit`"]);
}

const MANUAL: &str = include_str!("../../../docs/configuration.md");

/// Every key there is, as the parser of each section knows them.
fn keys() -> Vec<String> {
    let mut found = Vec::new();
    for (section, text) in [
        ("remote", r#"{"remote": {"zz": 1}}"#),
        ("sync", r#"{"sync": {"zz": 1}}"#),
        ("sync.scan", r#"{"sync": {"scan": {"zz": 1}}}"#),
        ("history", r#"{"history": {"zz": 1}}"#),
    ] {
        let error = serde_json::from_str::<File>(text).map(drop).expect_err("there is no zz").to_string();
        let expected = error.split("expected ").nth(1).expect("it says which there are");
        let names = expected.lines().next().unwrap_or_default().split('`').skip(1).step_by(2);
        found.extend(names.map(|name| format!("{section}.{name}")));
    }
    found.sort();
    found
}

/// The rows of the manual: key and default.
fn documented() -> Vec<(String, String)> {
    let rows = MANUAL.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let named = rows.filter(|(key, _)| key.contains('.'));
    let mut rows: Vec<(String, String)> = named
        .map(|(key, rest)| (key.to_owned(), rest.split(" |").next().unwrap_or_default().replace('`', "")))
        .collect();
    rows.sort();
    rows
}

#[test]
fn the_manual_has_every_key_and_no_other() {
    let written: Vec<String> = documented().into_iter().map(|(key, _)| key).collect();
    assert_eq!(written, keys(), "docs/configuration.md against the keys of sync.yaml");
    let last = |key: &String| key.rsplit('.').next().unwrap_or_default().to_owned();
    for key in keys() {
        assert!(KEYS.contains(&last(&key).as_str()), "{key} is not among the suggestions");
    }
}

#[test]
fn the_defaults_in_the_manual_are_those_of_the_program() {
    let usual = format!("{:?}", read("").sync);
    let mut compared = 0;
    for (key, default) in documented().into_iter().filter(|(_, default)| default != "none") {
        let nested = key.rsplit('.').fold(default.clone(), |inner, name| format!("{{{name}: {inner}}}"));
        assert_eq!(format!("{:?}", read(&nested).sync), usual, "{key}: {default}");
        compared += 1;
    }
    assert_eq!(compared, 14);
}
