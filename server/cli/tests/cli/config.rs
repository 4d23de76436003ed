//! Configurations that cannot be used: each says where, why and what to do.

use crate::support::Project;

const CONFIG: &str = ".agent/etc/sync.yaml";
const GOOD: &str = "remote:\n  url: http://127.0.0.1:9\n  anon_key: ${SUPABASE_KEY}\n  team_id: 6f9619ff-8b86-d011-b42d-00cf4fc964ff\n";

fn project() -> Project {
    let project = Project::with(&[(".agent/adrs/ADR-1.md", "# An ADR\n")]);
    project.write(CONFIG, GOOD);
    project
}

fn check(config: &str, args: &[&str], words: &[&str]) {
    let project = project();
    project.write(CONFIG, config);
    project.run_with(args, &[("SUPABASE_KEY", "sb_publishable_x")]).says(128, words);
    let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let error = project.run_with(&json, &[("SUPABASE_KEY", "sb_publishable_x")]).says(128, &[]).json();
    let message = error["error"]["message"].as_str().expect("a message");
    words.iter().for_each(|word| assert!(message.contains(word), "{word:?} in {message}"));
    assert_eq!(project.read(".agent/adrs/ADR-1.md"), "# An ADR\n");
}

#[test]
fn broken_yaml_is_named_with_its_line() {
    check("remote:\n  url: [\n", &["sync", "status"], &["sync.yaml", "line 2"]);
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    check("sync:\n  auto_psh: true\n", &["sync", "status"], &["auto_psh", "did you mean `auto_push`"]);
}

#[test]
fn a_key_in_the_file_is_refused() {
    check(
        &GOOD.replace("${SUPABASE_KEY}", "sb_publishable_x"),
        &["sync", "status"],
        &["must not be written"],
    );
}

#[test]
fn what_keeps_the_remote_away_is_named_when_it_is_needed() {
    let table = [
        (GOOD.replace("${SUPABASE_KEY}", "${OTHER_ANON_KEY}"), "OTHER_ANON_KEY is not set"),
        (GOOD.replace("http://127.0.0.1:9", "nowhere"), "no address"),
        (GOOD.replace("http://127.0.0.1:9", "http://example.com"), "unencrypted"),
        (GOOD.replace("6f9619ff", "nope"), "no UUID"),
        (String::new(), "remote.url is not set"),
    ];
    for (config, words) in table {
        check(&config, &["sync", "push"], &[words, "kept in the cache"]);
        check(&config, &["sync", "pull"], &[words, "no file was changed"]);
    }
}

#[test]
fn a_secret_key_is_refused() {
    let project = project();
    let ran = project.run_with(&["sync", "push"], &[("SUPABASE_KEY", "sb_secret_x")]);
    let ran = ran.says(128, &["secret key"]);
    assert!(!ran.err.contains("sb_secret_x"));
}

#[test]
fn without_a_remote_everything_local_works() {
    let project = project();
    project.run(&["sync", "status"]).says(0, &["SUPABASE_KEY is not set", "ADR-1"]);
    project.run(&["sync", "log"]).says(0, &["ADR-1"]);
}

#[test]
fn signing_in_needs_no_team_but_a_project_and_a_password() {
    let project = project();
    let key = [("SUPABASE_KEY", "sb_publishable_x")];
    let login = ["login", "--email", "a@example.com", "--password-stdin"];
    project.write(CONFIG, GOOD.lines().take(3).collect::<Vec<_>>().join("\n"));
    project.run_reading(&login, &key, "secret\n").says(128, &["cannot be reached"]);
    project.run_reading(&login, &key, "").says(128, &["no password"]);
    project.run_reading(&login, &[], "secret\n").says(128, &["SUPABASE_KEY is not set"]);
    project
        .run_with(&["login", "--email", "a@example.com"], &key)
        .says(129, &["--password-stdin", "--code", "--provider"]);
    project.run_with(&["whoami"], &key).says(1, &["Not signed in"]);
    project.run_with(&["logout"], &key).says(0, &["Nobody was signed in"]);
    project.run_with(&["team", "create", "X"], &key).says(128, &["not signed in"]);
    let elsewhere =
        ["whoami", "--json", "--url", "http://127.0.0.1:9/other", "--anon-key-env", "SUPABASE_KEY"];
    assert_eq!(project.run_with(&elsewhere, &key).says(1, &[]).json()["user"], serde_json::Value::Null);
}
