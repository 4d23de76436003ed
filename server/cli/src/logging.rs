//! Where the log goes: standard error, or a file for the language server; never standard output,
//! which carries reports and the protocol. The level is `AGENT_LOG`'s, except for the crates that
//! would write tokens or texts into it.

use std::fs::{File, OpenOptions};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, registry};

use crate::args::{Args, Command, Lsp};

/// Starts the log.
pub(crate) fn start(args: &Args) -> anyhow::Result<()> {
    let given = std::env::var("AGENT_LOG").ok().filter(|given| !given.is_empty());
    let least = match args.command {
        Command::Lsp(_) => LevelFilter::WARN,
        // A command's report says itself what went wrong.
        _ => LevelFilter::ERROR,
    };
    let usual = match args.global.verbose {
        0 => "",
        1 => "info,agent_remote=debug",
        _ => "debug",
    };
    let filter = EnvFilter::builder()
        .with_default_directive(least.into())
        .parse_lossy(given.as_deref().unwrap_or(usual));
    let log = filtered(filter);
    match &args.command {
        Command::Lsp(Lsp { log: Some(path), .. }) => {
            log.with(layer().with_ansi(false).with_writer(Mutex::new(open(path)?))).init();
        }
        Command::Lsp(_) => log.with(layer().with_ansi(false).with_writer(std::io::stderr)).init(),
        // A command's log lines are read as they come, beside its report.
        _ => {
            let lines = layer().without_time().with_target(false);
            log.with(lines.with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr)).init();
        }
    }
    Ok(())
}

/// What passes the filter and tells nobody's secret.
fn filtered(filter: EnvFilter) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    registry().with(filter).with(filter_fn(tells_no_secret))
}

/// Below `info` these show what they send and receive: passwords, tokens, keys, and the texts of open
/// documents with whatever stands in them. No filter of the user's brings that into a log, which may be
/// handed to somebody else.
const CARRIERS: [&str; 9] = [
    "tungstenite",
    "tokio_tungstenite",
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "reqwest",
    "tower_lsp",
    "tower_lsp_server",
];

fn tells_no_secret(event: &Metadata<'_>) -> bool {
    let from = event.target().split("::").next().unwrap_or_default();
    *event.level() <= Level::INFO || !CARRIERS.contains(&from)
}

fn open(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(path);
    opened.with_context(|| format!("the log {} cannot be written; choose another with --log", path.display()))
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
