//! `agent git`, `completions` and `man`, with the real Git and shells.

use std::process::Command;

use crate::support::{Project, Ran};

const PLAN: &str = ".agent/plans/INFRA-001.md";

impl Project {
    fn git(&self, args: &[&str]) -> Ran {
        let mut command = self.command("git", &["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        Ran::of(command.args(args))
    }

    /// A repository with one artifact committed.
    fn repository(text: &str) -> Self {
        let project = Self::with(&[(PLAN, text)]);
        project.git(&["init", "-q", "-b", "main"]).says(0, &[]);
        project
            .run(&["git", "install"])
            .says(0, &["changed  .gitattributes", "git config merge.agent.driver"]);
        project.commit("first");
        project
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]).says(0, &[]);
        self.git(&["commit", "-qm", message]).says(0, &[]);
    }
}

#[test]
fn git_merges_an_artifact_as_agent_does() {
    let project = Project::repository("# Plan\n\n- one\n- two\n");
    project.git(&["checkout", "-qb", "theirs"]).says(0, &[]);
    project.write(PLAN, "# Plan\n\n- one\n- TWO\n");
    project.commit("theirs");
    project.git(&["checkout", "-q", "main"]).says(0, &[]);
    project.write(PLAN, "# Plan\n\n- one\n- zwei\n");
    project.commit("ours");
    project.git(&["merge", "theirs"]).says(1, &["CONFLICT"]);
    // The labels are the driver's own: without it Git would name the branches.
    let conflict = "- one\n<<<<<<< ours\n- zwei\n=======\n- TWO\n>>>>>>> theirs\n";
    assert_eq!(project.read(PLAN), format!("# Plan\n\n{conflict}"));
}

#[test]
fn a_diff_names_the_section_and_shows_no_line_endings() {
    let text: String = (0..20).map(|n| format!("line {n}\n")).collect();
    let project = Project::repository(&format!("# Plan\n\n## Steps\n\n{text}"));
    project.write(
        PLAN,
        format!("# Plan\n\n## Steps\n\n{text}").replace("line 15", "changed").replace('\n', "\r\n"),
    );
    let diff = project.git(&["diff"]).says(0, &["@@ ## Steps", "-line 15", "+changed"]);
    assert_eq!(diff.out.lines().filter(|line| line.starts_with('+')).count(), 2, "{}", diff.out);
}

#[test]
fn installing_again_changes_nothing_and_uninstalling_takes_all_of_it_back() {
    let project = Project::repository("# Plan\n");
    project.write(".gitattributes", format!("*.png binary\n{}", project.read(".gitattributes")));
    let config = project.read(".git/config");
    let again = project.run(&["git", "install", "--json"]).says(0, &[]).json();
    assert_eq!(again["changed"].as_array().map(Vec::len), Some(0), "{again}");
    assert_eq!(project.read(".git/config"), config);
    project.run(&["git", "uninstall", "--dry-run"]).says(0, &["would change  .gitattributes"]);
    assert_eq!(project.read(".git/config"), config);
    project.run(&["git", "uninstall"]).says(0, &["changed  git config merge.agent"]);
    assert_eq!(project.read(".gitattributes"), "*.png binary\n");
    assert!(!project.read(".git/config").contains("agent"));
    project.run(&["git", "uninstall"]).says(0, &["kept  .gitattributes"]);
}

#[test]
fn outside_of_a_repository_nothing_is_written() {
    let project = Project::with(&[(PLAN, "# Plan\n")]);
    project.run(&["git", "install"]).says(128, &["is in no Git repository", "nothing was changed"]);
    assert!(!project.path(".gitattributes").exists());
}

#[test]
fn completions_are_scripts_that_the_shell_takes_and_that_know_every_command() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        project.run(&["completions", shell]).says(0, &["merge-file", "resolve", "uninstall"]);
    }
    let script = project.run(&["completions", "bash"]).out;
    let asked = "COMP_WORDS=(agent sync sta); COMP_CWORD=2; _agent agent sta sync; echo \"${COMPREPLY[*]}\"";
    let bash = Command::new("bash").args(["-c", &format!("{script}\n{asked}")]).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&bash.stdout), "status\n", "{bash:?}");
    project.run(&["completions", "csh"]).says(129, &["csh"]);
}

/// Completion in zsh needs a terminal, which zsh can make itself: a key is pressed when its prompt is there.
const ZSH: &str = r#"zmodload zsh/zpty && zpty z zsh -f -i &&
zpty -w z 'fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; PROMPT=go""-on' && zpty -r z shown '*go-on*' &&
zpty -w z $'agent sync sta\t\x15print en\'\'ded' && zpty -r z shown '*ended*' && print -r -- ${(V)shown}"#;

#[test]
fn zsh_and_fish_complete_what_is_begun_where_they_are_installed() {
    let project = Project::empty();
    project.write("agent.fish", project.run(&["completions", "fish"]).says(0, &[]).out);
    project.write("_agent", project.run(&["completions", "zsh"]).says(0, &[]).out);
    let fish = ["--no-config", "-c", "source agent.fish; complete -C 'agent sync sta'"];
    if let Ok(ran) = project.command("fish", &fish).output() {
        assert!(String::from_utf8_lossy(&ran.stdout).starts_with("status\t"), "{ran:?}");
    }
    if let Ok(ran) = project.command("zsh", &["-f", "-c", ZSH]).output() {
        assert!(String::from_utf8_lossy(&ran.stdout).contains("agent sync status "), "{ran:?}");
    }
}

#[test]
fn every_shell_that_is_here_takes_its_script() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish"] {
        project.write("script", project.run(&["completions", shell]).says(0, &[]).out);
        // Without it nothing can be said about its script; bash is needed by the test above.
        if let Ok(tried) = project.command(shell, &["-n", "script"]).output() {
            assert!(tried.status.success() && tried.stderr.is_empty(), "{shell}: {tried:?}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let project = Project::empty();
    let report = project.run(&["man", "pages"]).says(0, &["man pages/agent.1"]);
    assert!(report.err.is_empty());
    for (page, words) in [("agent", "language server"), ("agent-sync-push", "\\-\\-dry\\-run")] {
        let text = project.read(&format!("pages/{page}.1"));
        assert!(text.contains(".TH") && text.contains(words), "{text}");
    }
    project.write("file", "");
    project.run(&["man", "file"]).says(128, &["file cannot be made"]);
}
