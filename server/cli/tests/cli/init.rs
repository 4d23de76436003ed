//! `agent sync init`, help and version.

use crate::support::Project;

const PLAN: &str = ".agent/cache/plans/INFRA/INFRA-001-x.md";

#[test]
fn help_and_version_succeed_and_nonsense_is_a_usage_error() {
    let project = Project::empty();
    project.run(&["--version"]).says(0, &["agent 0."]);
    project.run(&["--help"]).says(0, &["merge-file", "sync", "lsp"]);
    project.run(&["sync", "--help"]).says(0, &["init", "push", "pull", "status", "resolve", "log"]);
    project.run(&["sync", "fetch"]).says(129, &["fetch"]);
    project.run(&[]).says(129, &["Usage"]);
}

#[test]
fn a_second_init_changes_nothing() {
    let project = Project::with(&[(PLAN, "# A plan\n"), (".agent/adrs/ADR-1.md", "# An ADR\n")]);
    let files = || [".agent/etc/sync.yaml", ".agent/.gitignore", PLAN].map(|path| project.read(path));
    let before = files();
    let again = project.run(&["sync", "init", "--json"]).says(0, &[]).json();
    assert_eq!(files(), before);
    assert_eq!(again["created"].as_array().map(Vec::len), Some(0));
    assert_eq!((&again["kinds"]["plan"], &again["kinds"]["adr"]), (&1.into(), &1.into()));
    assert!(before[0].contains("anon_key: ${SUPABASE_ANON_KEY}"));
    assert!(before[1].contains("agent.db*"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = Project::empty();
    project.write(PLAN, "# A plan\n");
    project.run(&["sync", "init", "--dry-run"]).says(0, &["would make", "1 plan"]);
    assert!(!project.path(".agent/etc").exists() && !project.path(".agent/.gitignore").exists());
    assert!(!project.path(".agent/cache/agent.db").exists());
}

#[test]
fn what_is_given_is_written_and_what_is_there_is_kept() {
    let project = Project::empty();
    project.write(".agent/.gitignore", "*.bak\n/cache/agent.db*\n");
    let team = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
    let args = [
        "sync",
        "init",
        "--url",
        "https://x.supabase.co",
        "--team-id",
        team,
        "--anon-key-env",
        "OUR_ANON_KEY",
    ];
    project.run(&args).says(0, &[]);
    let config = project.read(".agent/etc/sync.yaml");
    assert!(
        config.contains("url: https://x.supabase.co/")
            && config.contains(team)
            && config.contains("${OUR_ANON_KEY}")
    );
    let ignored = project.read(".agent/.gitignore");
    assert!(ignored.starts_with("*.bak\n") && ignored.matches("/cache/agent.db*").count() == 1);
    project.run(&["sync", "init", "--url", "https://y.supabase.co"]).says(0, &["kept as it is"]);
    assert_eq!(project.read(".agent/etc/sync.yaml"), config);
}

#[test]
fn a_key_is_never_written_into_the_configuration() {
    let project = Project::empty();
    project
        .run(&["sync", "init", "--anon-key-env", "sb_publishable.x-y"])
        .says(128, &["environment variable"]);
    assert!(!project.path(".agent/etc/sync.yaml").exists());
}

#[test]
fn files_that_cannot_be_taken_are_named_and_the_rest_goes_on() {
    let project = Project::empty();
    project.write(".agent/adrs/ADR-1-good.md", "# Good\n");
    project.write(".agent/adrs/ADR-2-latin.md", b"caf\xe9\n");
    project.write(".agent/adrs/ADR-3-large.md", vec![b'a'; 3 << 20]);
    project.write(".agent/adrs/ADR-4-a.md", "# A\n");
    project.write(".agent/adrs/ADR-4-b.md", "# B\n");
    let ran = project.run(&["sync", "init"]);
    ran.says(0, &["1 adr", "4 files not taken", "not UTF-8", "too large", "has the same id as"]);
}

#[test]
fn the_workspace_is_found_upwards_and_by_directory() {
    let project = Project::with(&[(PLAN, "# A plan\n")]);
    let below = project.path(".agent/cache/plans");
    let ran = project.run(&["-C", &below.display().to_string(), "sync", "status", "--short"]);
    assert_eq!(ran.says(0, &[]).out, format!("AP {PLAN}\n"));
    let nowhere = tempfile::tempdir().expect("a folder");
    let ran = project.run(&["-C", &nowhere.path().display().to_string(), "sync", "status"]);
    ran.says(128, &["agent sync init"]);
}
