//! What every command prints: its help, its report for people and as JSON, and how it fails, kept
//! letter by letter in `snapshots/`, one file for each command. A command that is not in the list, or
//! has no report of one of the forms, fails the test. After a wanted change: `INSTA_UPDATE=always
//! cargo test -p agent-cli --test cli transcripts`, and look at what differs.

mod cases;
mod documented;
mod scene;
mod server;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::{Settings, assert_snapshot};
use serde_json::Value;

use self::cases::{COMMANDS, Case};
use crate::support::{Project, Ran};

/// Whose reports are held elsewhere: one speaks to editors, one's events come when they come, one's scripts are
/// tried by their shells.
const ELSEWHERE: [&str; 3] = ["lsp", "sync watch", "completions"];

/// The names of all commands, as the program's own manual has them.
fn commands() -> BTreeSet<String> {
    let project = Project::empty();
    project.run(&["man", "pages"]).says(0, &[]);
    let pages = std::fs::read_dir(project.path("pages")).expect("pages");
    let name = |page: std::io::Result<std::fs::DirEntry>| {
        let file = page.expect("a page").file_name().into_string().expect("a name");
        file.strip_suffix(".1").expect("a page").to_owned()
    };
    pages.map(name).collect()
}

fn page(command: &str) -> String {
    if command.is_empty() { "agent".to_owned() } else { format!("agent-{}", command.replace(' ', "-")) }
}

#[test]
fn every_command_has_its_transcript() {
    let listed: BTreeSet<String> = COMMANDS.iter().map(|(command, _)| page(command)).collect();
    assert_eq!(commands(), listed, "transcripts/cases.rs lists other commands than there are");
}

/// A case as it was run.
struct Told {
    case: &'static Case,
    ran: Ran,
}

impl Told {
    fn json(&self) -> Option<Value> {
        self.case
            .args
            .contains(&"--json")
            .then(|| serde_json::from_str(&self.ran.out).expect("one JSON object"))
    }
}

fn tell(case: &'static Case) -> (Told, String) {
    let project = case.scene.set();
    for earlier in case.after {
        scene::run(&project, earlier, "");
    }
    let ran = scene::run(&project, case.args, case.input);
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    let told = Told { case, ran };
    let mut text = String::new();
    for earlier in case.after {
        let _ = writeln!(text, "$ agent {}", line(earlier));
    }
    let input = if case.input.is_empty() { String::new() } else { format!(" <<< {:?}", case.input) };
    let _ = writeln!(text, "$ agent {}{input}", line(case.args));
    let out = match told.json() {
        Some(json) => serde_json::to_string_pretty(&json).expect("JSON") + "\n",
        None => told.ran.out.clone(),
    };
    text.push_str(&scene::plain(&project, &out));
    for line in scene::plain(&project, &told.ran.err).lines() {
        let _ = writeln!(text, "! {line}");
    }
    let _ = writeln!(text, "[{:?}, exit {}]\n", case.scene, told.ran.code);
    (told, text)
}

fn line(args: &[&str]) -> String {
    let quoted = |arg: &&str| if arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() };
    args.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_prints_what_it_did_before() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut undocumented = Vec::new();
    for (command, cases) in COMMANDS {
        let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        let project = Project::empty();
        let help = project.run(&[&words[..], &["--help"]].concat()).says(0, &["Usage:"]);
        let is_group = help.out.contains("\nCommands:");
        let mut text =
            format!("$ agent {} --help\n{}\n", words.join(" "), help.out).replace("agent  ", "agent ");
        let mut forms = BTreeSet::new();
        for (told, shown) in cases.iter().map(tell) {
            forms.insert(match (told.ran.code, told.json()) {
                (0 | 1, Some(json)) => {
                    undocumented.extend(documented::missing(command, &json));
                    "JSON"
                }
                (0 | 1, None) => "text",
                _ => "error",
            });
            text.push_str(&shown);
        }
        let needs = |form: &str| match form {
            "JSON" => *command != "sync watch" && help.out.contains("--json"),
            "text" => !ELSEWHERE.contains(command),
            _ => true,
        };
        for form in ["text", "JSON", "error"].into_iter().filter(|form| needs(form) && !is_group) {
            assert!(forms.contains(form), "agent {command} has no {form} in transcripts/cases.rs");
        }
        settings.bind(|| assert_snapshot!(page(command), text));
    }
    assert!(undocumented.is_empty(), "docs/cli.md does not say what these are: {undocumented:#?}");
}
