//! The arguments of `agent git`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{DryRun, Json};

#[derive(Debug, ClapArgs)]
pub(crate) struct Git {
    #[command(subcommand)]
    pub(crate) command: GitCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GitCommand {
    /// Let Git merge and show the artifacts of this workspace as agent does.
    Install {
        #[command(flatten)]
        dry_run: DryRun,
        #[command(flatten)]
        json: Json,
    },
    /// Take back what install wrote.
    Uninstall {
        #[command(flatten)]
        dry_run: DryRun,
        #[command(flatten)]
        json: Json,
    },
    /// Print a file as Git shall compare it; Git runs this.
    Textconv {
        /// The file.
        file: PathBuf,
    },
}

impl GitCommand {
    /// Whether the report is JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Install { json, .. } | Self::Uninstall { json, .. } => json.json,
            Self::Textconv { .. } => false,
        }
    }
}
