//! The arguments of `agent doctor`.

use clap::Args as ClapArgs;

use super::Json;

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Ask no server: only what is on this machine.
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}
