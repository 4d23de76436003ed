//! docs/reference.md: every command with its arguments, as the program itself knows them. Written by the
//! test that holds the file to the program.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::args::Args;

const HEAD: &str = "\
# Reference

Every command, with its arguments and their defaults. [cli.md](cli.md) explains exit codes, JSON and the formats for
scripts. This page is made from the program (`AGENT_UPDATE_DOCS=1 cargo test -p agent-cli reference`), and a test
compares the two.
";

fn page() -> String {
    let mut command = Args::command();
    command.build();
    let mut out = HEAD.to_owned();
    let everywhere: Vec<&Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
    out.push_str("\n## Options of every command\n");
    table(&mut out, "option", &everywhere);
    for below in command.get_subcommands() {
        section(&mut out, below, &everywhere);
    }
    out
}

fn section(out: &mut String, command: &Command, above: &[&Arg]) {
    if command.is_hide_set() {
        return;
    }
    let name = command.get_bin_name().unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(out, "\n## {name}\n\n{}.\n", text(&about));
    let _ = writeln!(out, "`{}`", usage.trim_start_matches("Usage: ").replace('\n', " "));
    let own = |arg: &&Arg| !arg.is_hide_set() && above.iter().all(|known| known.get_id() != arg.get_id());
    let own: Vec<&Arg> = command.get_arguments().filter(own).filter(|arg| arg.get_id() != "help").collect();
    let (places, options): (Vec<&Arg>, Vec<&Arg>) = own.iter().partition(|arg| arg.is_positional());
    table(out, "argument", &places);
    table(out, "option", &options);
    let mut above = above.to_vec();
    above.extend(own.into_iter().filter(|arg| arg.is_global_set()));
    for below in command.get_subcommands() {
        section(out, below, &above);
    }
}

fn table(out: &mut String, what: &str, args: &[&Arg]) {
    if args.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| {what} | |\n|---|---|");
    for arg in args {
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "| {} | {}.{} |", name(arg), text(&help), values(arg));
    }
}

fn name(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    let optional = arg.get_num_args().is_some_and(|count| count.min_values() == 0);
    let shown = match (takes, optional) {
        (false, _) => String::new(),
        (true, false) => format!(" {value}"),
        (true, true) => format!("[={value}]"),
    };
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let long = arg.get_long().map(|long| format!("`--{long}{shown}`"));
    match (arg.is_positional(), short, long) {
        (true, _, _) => format!("`{value}`"),
        (_, short, long) => short.into_iter().chain(long).collect::<Vec<_>>().join(", "),
    }
}

/// Default and possible values.
fn values(arg: &Arg) -> String {
    let quoted = |name: &str| format!("`{name}`");
    let mut said = String::new();
    if !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        return said;
    }
    let known: Vec<String> = arg.get_possible_values().iter().map(|value| quoted(value.get_name())).collect();
    if !known.is_empty() {
        let _ = write!(said, " One of {}.", known.join(", "));
    }
    let usual: Vec<String> =
        arg.get_default_values().iter().map(|value| quoted(&value.to_string_lossy())).collect();
    if !usual.is_empty() {
        let _ = write!(said, " Default: {}.", usual.join(", "));
    }
    said
}

/// As a cell of a table.
fn text(help: &str) -> String {
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;");
    help.trim_end_matches('.').to_owned()
}

#[test]
fn the_reference_is_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let page = page();
    if std::env::var_os("AGENT_UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).expect("docs/reference.md is written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference.md is not what the program says; write it anew with\n  \
         AGENT_UPDATE_DOCS=1 cargo test -p agent-cli reference"
    );
}
