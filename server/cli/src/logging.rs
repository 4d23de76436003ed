//! Where the log goes: standard error, or a file for the language server; never standard output,
//! which carries reports and the protocol. The level is `AGENT_LOG`'s.

use std::fs::{File, OpenOptions};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command, Lsp};

/// Starts the log.
pub(crate) fn start(args: &Args) -> anyhow::Result<()> {
    // A command's report says itself what went wrong.
    let level = match args.command {
        Command::Lsp(_) => LevelFilter::WARN,
        _ => LevelFilter::ERROR,
    };
    let filter =
        EnvFilter::builder().with_default_directive(level.into()).with_env_var("AGENT_LOG").from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match &args.command {
        Command::Lsp(Lsp { log: Some(path), .. }) => {
            log.with_ansi(false).with_writer(Mutex::new(open(path)?)).init();
        }
        Command::Lsp(_) => log.with_ansi(false).with_writer(std::io::stderr).init(),
        // A command's log lines are read as they come, beside its report.
        _ => log
            .without_time()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init(),
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.with_context(|| format!("the log {} cannot be written; choose another with --log", path.display()))
}
