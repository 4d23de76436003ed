//! The binary `agent`: reads the arguments, runs one command, prints its report, sets the exit code.
//! What a command does is in [`commands`], one file each; how text reaches the terminal is in
//! [`output`]. Decisions about artifacts are `agent-core`'s, effects on them `agent-engine`'s.

mod args;
mod commands;
mod interrupt;
mod logging;
mod manner;
mod output;
mod pager;
mod place;
#[cfg(test)]
mod reference;
mod show;
mod work;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::output::Done;

/// How the program ends when nothing could be done at all, as Git has it.
const FATAL: u8 = 128;
/// How it ends when the arguments make no sense. As a merge driver, a small code would tell Git that so
/// many conflicts were written.
const USAGE: u8 = 129;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let json = args.command.json();
    manner::set(&args.global);
    match run(args) {
        Ok(done) => output::finish(done, json),
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(misuse) => usage(&misuse),
            Err(error) => output::fatal(&error, json),
        },
    }
}

/// Help and version go to standard output and succeed; anything else is a mistake in the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        output::err(&text.to_string());
        return ExitCode::from(USAGE);
    }
    // The arguments were not read further than to what asks for help.
    let is_plain = std::env::args_os().any(|arg| arg == "--no-pager");
    match is_plain || error.kind() == clap::error::ErrorKind::DisplayVersion {
        true => output::out(&text.to_string()),
        false => output::paged(&text.to_string()),
    }
    ExitCode::SUCCESS
}

fn run(args: Args) -> anyhow::Result<Done> {
    logging::start(&args)?;
    place::go_to(args.global.directory.as_deref())?;
    match args.command {
        Command::Lsp(lsp) => commands::lsp::run(lsp),
        Command::Login(login) => commands::login::run(login),
        Command::Logout(logout) => commands::logout::run(logout),
        Command::Whoami(whoami) => commands::whoami::run(whoami),
        Command::Team(team) => commands::team::run(team),
        Command::MergeFile(merge) => Ok(commands::merge_file::run(merge)),
        Command::Search(args) => commands::search::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::ImportPlan(args) => commands::import::run("plan", &args),
        Command::ImportStory(args) => commands::import::run("story", &args),
        Command::ImportRunbook(args) => commands::import::run("runbook", &args),
        Command::ImportAdr(args) => commands::import::run("adr", &args),
        Command::Git(git) => commands::git::run(&git),
        Command::Completions(args) => Ok(commands::shell::completions(&args)),
        Command::Man(args) => commands::shell::man(&args),
        Command::State(args) => commands::state::run(&args),
        Command::NewPlan(args) => commands::new::run("plan", &args),
        Command::NewStory(args) => commands::new::run("story", &args),
        Command::NewRunbook(args) => commands::new::run("runbook", &args),
        Command::NewAdr(args) => commands::new::run("adr", &args),
        Command::Audit(args) => commands::audit::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Sync(sync) => commands::sync(sync),
    }
}
