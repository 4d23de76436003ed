//! How much is said, in which form, in colour or not, through a pager or not.

use std::io::Read as _;
use std::process::Stdio;

use crate::support::{Project, Ran};

const PLAN: &str = ".agent/plans/INFRA-001.md";

fn project() -> Project {
    Project::with(&[(PLAN, "# Plan\n\n- one\n"), (".agent/adrs/ADR-1 \"quoted\".md", "# ADR\n")])
}

/// Runs the binary with a terminal for its standard output, as util-linux's `script` makes one.
/// `None` where there is no such program.
fn on_terminal(project: &Project, args: &str, env: &[(&str, &str)]) -> Option<Ran> {
    let call = format!("'{}' {args}", env!("CARGO_BIN_EXE_agent"));
    let mut command = project.command("script", &["-qec", &call, "/dev/null"]);
    command.env("TERM", "xterm").envs(env.iter().copied());
    match command.output() {
        Ok(output) if cfg!(target_os = "linux") => Some(Ran::new(output)),
        _ => None,
    }
}

#[test]
fn porcelain_is_the_same_for_ever() {
    let project = project();
    let quoted = "AP .agent/plans/INFRA-001.md\nAP \".agent/adrs/ADR-1 \\\"quoted\\\".md\"\n";
    let lines = |ran: &Ran| {
        let mut lines: Vec<_> = ran.out.lines().map(str::to_owned).collect();
        lines.sort_by_key(|line| line.contains('"'));
        lines.join("\n") + "\n"
    };
    for args in
        [&["--porcelain"][..], &["--porcelain=v1"], &["--short"], &["-s"], &["--porcelain", "--color=always"]]
    {
        let ran = project.run(&[&["sync", "status"], args].concat()).says(0, &[]);
        assert_eq!(lines(&ran), quoted, "{args:?}");
    }
    for args in [&["-z"][..], &["--porcelain", "-z"], &["-s", "-z"]] {
        let ran = project.run(&[&["sync", "status"], args].concat()).says(0, &[]);
        let mut files: Vec<&str> = ran.out.split_terminator('\0').collect();
        files.sort_unstable();
        assert_eq!(files, ["AP .agent/adrs/ADR-1 \"quoted\".md", "AP .agent/plans/INFRA-001.md"], "{args:?}");
    }
    project.run(&["sync", "status", "--porcelain=v9"]).says(129, &["v9", "v1"]);
    project.run(&["sync", "status", "--porcelain", "--json"]).says(129, &["cannot be used with"]);
}

#[test]
fn names_only_are_what_differs() {
    let project = project();
    let names = project.run(&["sync", "diff", "--name-only"]).says(0, &[]).out;
    assert!(
        names.contains(".agent/plans/INFRA-001.md\n") && names.contains("\".agent/adrs/ADR-1 \\\"q"),
        "{names}"
    );
    let names = project.run(&["sync", "diff", "--name-only", "-z"]).says(0, &[]).out;
    assert_eq!(names.split_terminator('\0').count(), 2, "{names:?}");
    project.run(&["sync", "diff", "--name-only", "--stat"]).says(129, &[]);
}

#[test]
fn quiet_says_only_what_is_left() {
    let project = project();
    let silent = |args: &[&str], code: i32| {
        let ran = project.run(args).says(code, &[]);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{args:?}");
    };
    silent(&["sync", "init", "--quiet"], 0);
    silent(&["-q", "export", "--all", "-o", "out"], 0);
    silent(&["sync", "diff", "-q"], 1);
    silent(&["search", "-q", "one"], 0);
    silent(&["search", "-q", "nowhere"], 1);
    project.write(&format!("out/{PLAN}"), "somebody's own\n");
    project.run(&["export", "--all", "-o", "out", "-q"]).says(1, &["Left as they are"]);
    project.run(&["sync", "status", "-q", "-s"]).says(0, &["AP .agent/plans/INFRA-001.md"]);
    project.run(&["sync", "show", "-q", "9"]).says(128, &["fatal: there is no operation 9"]);
}

#[test]
fn verbose_shows_lists_in_full() {
    let project = project();
    for n in 0..30 {
        project.write(&format!(".agent/stories/APP-{n}.md"), "# A story\n");
    }
    project.run(&["sync", "status"]).says(0, &["… and 12 more (-v lists all)"]);
    let all = project.run(&["sync", "status", "-v"]).says(0, &[]).out;
    assert_eq!(all.lines().filter(|line| line.contains(".agent/stories/APP-")).count(), 30, "{all}");
}

#[test]
fn colours_are_for_terminals_unless_told() {
    let project = project();
    let is_coloured = |ran: &Ran| ran.out.contains("\u{1b}[");
    let piped = |args: &[&str]| project.run(args).says(0, &[]);
    assert!(!is_coloured(&piped(&["sync", "diff"])));
    assert!(is_coloured(&piped(&["sync", "diff", "--color=always"])));
    assert!(is_coloured(&piped(&["sync", "status", "--short", "--color", "always"])));
    assert!(!is_coloured(&project.run_with(&["sync", "diff", "--color=never"], &[]).says(0, &[])));
    let shown = |args, env: &[(&str, &str)]| on_terminal(&project, args, env);
    let Some(plain) = shown("sync diff --no-pager", &[("NO_COLOR", "1")]) else { return };
    assert!(!is_coloured(&plain), "{plain:?}");
    for (args, env, coloured) in [
        ("sync diff --no-pager", vec![], true),
        ("sync diff --no-pager", vec![("NO_COLOR", "")], true),
        ("sync diff --no-pager", vec![("TERM", "dumb")], false),
        ("sync diff --no-pager --color=never", vec![], false),
        ("sync diff --no-pager --color=always", vec![("NO_COLOR", "1")], true),
    ] {
        let ran = shown(args, &env).expect("it ran before");
        assert_eq!(is_coloured(&ran), coloured, "{args} {env:?}: {ran:?}");
    }
}

#[test]
fn long_output_goes_through_the_pager_of_a_terminal() {
    let project = project();
    const OWN: (&str, &str) = ("AGENT_PAGER", "sed s/^/own:/");
    const ANY: (&str, &str) = ("PAGER", "sed s/^/any:/");
    let Some(ran) = on_terminal(&project, "sync log --oneline", &[OWN, ANY]) else { return };
    assert!(ran.out.lines().count() == 2 && ran.out.lines().all(|line| line.starts_with("own:")), "{ran:?}");
    for (args, env, starts) in [
        ("sync log", vec![ANY], "any:"),
        ("sync diff", vec![OWN], "own:"),
        ("sync show ADR-1", vec![OWN], "own:"),
        ("sync push --help", vec![OWN], "own:"),
        ("sync log --json", vec![OWN], "{"),
        ("sync log --no-pager", vec![OWN], "\u{1b}[33moperation"),
        ("sync log", vec![("AGENT_PAGER", ""), ANY], "\u{1b}[33moperation"),
        ("sync log", vec![("AGENT_PAGER", "cat")], "\u{1b}[33moperation"),
        ("sync log", vec![("AGENT_PAGER", "/nowhere/pager")], "\u{1b}[33moperation"),
        ("sync status -s", vec![OWN], "\u{1b}[32mA"),
        ("--version", vec![OWN], "agent "),
    ] {
        let ran = on_terminal(&project, args, &env).expect("it ran before");
        let found = ran.out.lines().any(|line| line.starts_with(starts));
        assert!(found && ran.code == 0, "{args} {env:?}: {ran:?}");
        assert!(starts == "own:" || !ran.out.contains("own:"), "{args} {env:?}: {ran:?}");
    }
    let git = project.command("git", &["config", "--global", "core.pager", "sed s/^/git:/"]).status();
    assert!(git.expect("git runs").success());
    let ran = on_terminal(&project, "sync log", &[ANY]).expect("it ran before");
    assert!(ran.out.starts_with("git:"), "{ran:?}");
    let piped = project.run_with(&["sync", "log"], &[OWN]).says(0, &[]);
    assert!(piped.out.starts_with("operation"), "{piped:?}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let project = Project::with(&[(PLAN, &"- a line of a long text\n".repeat(40_000))]);
    for args in [&["sync", "diff"][..], &["sync", "show", "INFRA-001"], &["sync", "diff", "--json"]] {
        let mut command = project.command(env!("CARGO_BIN_EXE_agent"), args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        let mut out = child.stdout.take().expect("a pipe");
        out.read_exact(&mut [0; 10]).expect("it begins to write");
        drop(out);
        let ran = Ran::new(child.wait_with_output().expect("ends"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}: {ran:?}");
    }
}
