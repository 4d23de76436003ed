//! `agent merge-file` beside `git merge-file`: the same output and the same exit code, and the
//! merge driver in a real repository.

use std::process::Output;

use crate::support::Project;

type Case<'t> = (&'t str, &'t [u8], &'t [u8], &'t [u8]);

const CASES: [Case<'static>; 12] = [
    ("equal", b"a\nb\n", b"a\nb\n", b"a\nb\n"),
    ("only ours", b"a\nB\nc\n", b"a\nb\nc\n", b"a\nb\nc\n"),
    ("only theirs", b"a\nb\nc\n", b"a\nb\nc\n", b"a\nb\nC\n"),
    ("both, far apart", b"A\nb\nc\nd\ne\nf\ng\n", b"a\nb\nc\nd\ne\nf\ng\n", b"a\nb\nc\nd\ne\nf\nG\n"),
    ("conflict", b"a\nours\nc\n", b"a\nb\nc\n", b"a\ntheirs\nc\n"),
    ("two conflicts", b"1\nx\ny\nz\nw\nv\nu\n2\n", b"a\nx\ny\nz\nw\nv\nu\nb\n", b"3\nx\ny\nz\nw\nv\nu\n4\n"),
    ("no line ending at the end", b"a\nours", b"a\nb", b"a\ntheirs"),
    ("CRLF", b"a\r\nours\r\nc\r\n", b"a\r\nb\r\nc\r\n", b"a\r\ntheirs\r\nc\r\n"),
    ("nothing in common", b"a\n", b"", b"b\n"),
    ("deleted and changed", b"a\nc\n", b"a\nb\nc\n", b"a\nB\nc\n"),
    ("Latin-1", b"caf\xe9\nours\n", b"caf\xe9\nb\n", b"caf\xe9\nth\xe8irs\n"),
    ("alike in part", b"s\nh\n1\nt\n", b"s\nt\n", b"s\nh\n2\nt\n"),
];

const OPTIONS: [&[&str]; 9] = [
    &[],
    &["--diff3"],
    &["--zdiff3"],
    &["--ours"],
    &["--theirs"],
    &["--union"],
    &["-L", "mine"],
    &["-L", "mine", "-L", "básis", "-L", "yours", "--diff3"],
    &["--marker-size", "12", "-q"],
];

fn write(project: &Project, (_, ours, base, theirs): &Case<'_>) {
    project.write("ours.md", ours);
    project.write("base.md", base);
    project.write("theirs.md", theirs);
}

fn agent(project: &Project, args: &[&str]) -> Output {
    project.command(env!("CARGO_BIN_EXE_agent"), args).output().expect("runs")
}

fn git(project: &Project, args: &[&str]) -> Output {
    project.command("git", args).output().expect("git runs")
}

#[test]
fn output_and_exit_code_are_those_of_git() {
    let project = Project::empty();
    for case in &CASES {
        for options in OPTIONS {
            write(&project, case);
            let args = [&["merge-file", "-p"], options, &["ours.md", "base.md", "theirs.md"]].concat();
            let (expected, got) = (git(&project, &args), agent(&project, &args));
            let shown = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(shown(&got), shown(&expected), "{} {options:?}", case.0);
            assert_eq!(got.stdout, expected.stdout, "{} {options:?}", case.0);
            assert_eq!(got.status.code(), expected.status.code(), "{} {options:?}", case.0);
        }
    }
}

/// Documents on which line alignment is beyond doubt, so that every byte and code must be Git's: what each
/// side did, to which part, is drawn from the seed.
#[test]
fn generated_documents_come_out_as_git_has_them() {
    let project = Project::empty();
    let mut conflicted = 0;
    for seed in 0..120_usize {
        let base = document(&|_| Vec::new(), seed);
        let side = |who: usize| {
            document(
                &|part| edit(seed * 7 + part * 3 + who * (1 + seed % 3), part, ["our", "their"][who]),
                seed,
            )
        };
        let (ours, theirs) = (side(0), side(1));
        write(&project, &("", ours.as_bytes(), base.as_bytes(), theirs.as_bytes()));
        let options = OPTIONS[seed % OPTIONS.len()];
        let args = [&["merge-file", "-p"], options, &["ours.md", "base.md", "theirs.md"]].concat();
        let (expected, got) = (git(&project, &args), agent(&project, &args));
        let shown = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(shown(&got), shown(&expected), "seed {seed} {options:?}");
        assert_eq!(got.status.code(), expected.status.code(), "seed {seed} {options:?}");
        conflicted += usize::from(got.status.code() != Some(0));
    }
    assert!(conflicted > 20, "{conflicted}");
}

/// What became of one part of a document: nothing, or other lines in its place.
fn edit(roll: usize, part: usize, who: &str) -> Vec<String> {
    match roll % 6 {
        0 => vec![format!("{who} part {part}")],
        1 => vec![format!("part {part}"), format!("{who} addition to {part}")],
        2 => vec![format!("the same new part {part}")],
        3 => {
            vec![format!("{who} {part}"), format!("the same line of {part}"), format!("{who} end of {part}")]
        }
        _ => Vec::new(),
    }
}

/// Eight parts, each with what `edits` made of it, in the endings of the seed.
fn document(edits: &dyn Fn(usize) -> Vec<String>, seed: usize) -> String {
    let mut lines = vec!["---".to_owned(), "state: DRAFT".to_owned(), "---".to_owned()];
    for part in 0..8 {
        lines.push(
            ["## Heading", "| a | row |", "- item", "Paragraph"][part % 4].to_owned() + &part.to_string(),
        );
        lines.extend((0..part % 6).map(|n| format!("text {n} of {part}")));
        match edits(part) {
            made if made.is_empty() => lines.push(format!("part {part}")),
            made => lines.extend(made),
        }
    }
    let ending = if seed.is_multiple_of(4) { "\r\n" } else { "\n" };
    lines.join(ending) + if seed.is_multiple_of(5) { "" } else { ending }
}

#[test]
fn more_conflicts_than_a_code_can_count_are_127() {
    let project = Project::empty();
    let text = |who: &str| -> String {
        (0..130).map(|n| format!("{who} {n}\nkept {n}\nand kept {n}\nyet {n}\nstill {n}\n")).collect()
    };
    write(&project, &("", text("ours").as_bytes(), text("base").as_bytes(), text("theirs").as_bytes()));
    let args = ["merge-file", "-p", "-q", "ours.md", "base.md", "theirs.md"];
    let (expected, got) = (git(&project, &args), agent(&project, &args));
    assert_eq!(got.stdout, expected.stdout);
    assert_eq!((got.status.code(), expected.status.code()), (Some(127), Some(127)));
}

#[test]
fn the_result_goes_to_the_current_file() {
    let project = Project::empty();
    for case in &CASES {
        write(&project, case);
        let expected = git(&project, &["merge-file", "-p", "ours.md", "base.md", "theirs.md"]);
        let got = agent(&project, &["merge-file", "ours.md", "base.md", "theirs.md"]);
        assert_eq!(got.status.code(), expected.status.code());
        assert!(got.stdout.is_empty());
        assert_eq!(std::fs::read(project.path("ours.md")).expect("readable"), expected.stdout, "{}", case.0);
    }
    assert_eq!(std::fs::read_dir(project.root()).expect("listed").count(), 3, "nothing is left beside");
}

#[test]
fn what_cannot_be_merged_is_left_as_it_was() {
    let project = Project::empty();
    write(&project, &("binary", b"a\0b", b"a\n", b"b\n"));
    for args in [
        &["merge-file", "ours.md", "base.md", "theirs.md"][..],
        &["merge-file", "ours.md", "none.md", "theirs.md"],
        &["merge-file", "-L", "1", "-L", "2", "-L", "3", "-L", "4", "ours.md", "base.md", "theirs.md"],
        &["merge-file", "ours.md", "base.md"],
    ] {
        let (expected, got) = (git(&project, args), agent(&project, args));
        assert_eq!(got.status.code(), expected.status.code(), "{args:?}");
        assert!(!got.stderr.is_empty(), "{args:?}");
        assert_eq!(project.read("ours.md"), "a\0b");
    }
}

/// A repository whose `main` and `other` both changed `a.md`.
fn repository(ours: &str, theirs: &str) -> Project {
    let project = Project::empty();
    let run = |args: &[&str]| {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
        let output = git(&project, &[&identity[..], args].concat());
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    run(&["init", "-q", "-b", "main"]);
    project.write(".gitattributes", "*.md merge=agent\n");
    project.write("a.md", "# A\n\none\n\ntwo\n\nthree\n");
    run(&["add", "."]);
    run(&["commit", "-q", "-m", "base"]);
    run(&["checkout", "-q", "-b", "other"]);
    project.write("a.md", theirs);
    run(&["commit", "-q", "-a", "-m", "theirs"]);
    run(&["checkout", "-q", "main"]);
    project.write("a.md", ours);
    run(&["commit", "-q", "-a", "-m", "ours"]);
    project
}

fn merge(project: &Project) -> Output {
    let driver = format!(
        "merge.agent.driver='{}' merge-file --marker-size %L -L main -L base -L other %A %O %B",
        env!("CARGO_BIN_EXE_agent")
    );
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", &driver];
    git(project, &[&identity[..], &["merge", "-q", "-m", "merged", "other"]].concat())
}

#[test]
fn git_merges_with_it() {
    let project = repository("# A\n\nONE\n\ntwo\n\nthree\n", "# A\n\none\n\ntwo\n\nTHREE\n");
    let merged = merge(&project);
    assert!(merged.status.success(), "{merged:?}");
    assert_eq!(project.read("a.md"), "# A\n\nONE\n\ntwo\n\nTHREE\n");
}

#[test]
fn git_sees_its_conflicts() {
    let project = repository("# A\n\nONE\n\ntwo\n\nthree\n", "# A\n\nuno\n\ntwo\n\nthree\n");
    let merged = merge(&project);
    assert!(!merged.status.success());
    let expected = "# A\n\n<<<<<<< main\nONE\n=======\nuno\n>>>>>>> other\n\ntwo\n\nthree\n";
    assert_eq!(project.read("a.md"), expected);
    let status = git(&project, &["status", "--porcelain"]);
    assert_eq!(String::from_utf8_lossy(&status.stdout), "UU a.md\n");
}
