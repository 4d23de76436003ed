//! The arguments of `search`, `export` and the `import-*` commands.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{DryRun, Json};

#[derive(Debug, ClapArgs)]
pub(crate) struct Search {
    /// What to look for; all words must be there. Capital letters count only where one is given.
    #[arg(value_name = "WORD", required = true)]
    pub(crate) words: Vec<String>,
    /// Only artifacts of this kind.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Only artifacts in this state.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Only the names of the artifacts.
    #[arg(short = 'l', long)]
    pub(crate) files_with_matches: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Export {
    /// Which artifacts: kind/id, an id alone where only one kind has it, or a file.
    #[arg(value_name = "ARTIFACT", required_unless_present_any = ["all", "kind"], conflicts_with_all = ["all", "kind"])]
    pub(crate) artifacts: Vec<String>,
    /// Every artifact.
    #[arg(long, conflicts_with = "kind")]
    pub(crate) all: bool,
    /// Every artifact of this kind.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Write below this folder, instead of where the artifacts belong in the workspace.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// The newest version of the team that this machine knows, instead of the local text.
    #[arg(long)]
    pub(crate) remote: bool,
    /// Also replace files that hold something else; only below --output.
    #[arg(short, long, requires = "output")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// Files, or lists of files with commas between; a folder stands for what is in it, and - for
    /// standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<String>,
    /// The id, for one file whose name does not begin with it, and for standard input.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Also replace artifacts that hold something else; what they held stays in the history.
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}
