//! The arguments of `agent sync watch`.

use clap::Args as ClapArgs;

use super::Json;

#[derive(Debug, ClapArgs)]
pub(crate) struct Watch {
    /// Have this artifact open, as in an editor: the team sees you in it, and its file is left to you
    #[arg(long, value_name = "ARTIFACT")]
    pub(crate) open: Vec<String>,
    /// End after so many seconds, as Ctrl-C does.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) json: Json,
}
