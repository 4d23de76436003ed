//! The options of every command: where it runs, and how it talks.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Run as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Say only what is left to do; what is asked for is shown all the same.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Show lists in full and each request; twice, everything that is logged.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to colour; auto is on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Do not show long output in a pager.
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}
