//! The arguments of what prints the program's own description: `completions` and `man`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::DryRun;

#[derive(Debug, ClapArgs)]
pub(crate) struct Completions {
    /// Which shell's words.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Man {
    /// The folder to write one page per command into; it is made when it is not there.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
