//! The arguments of `agent team …`.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub(crate) struct Team {
    #[command(subcommand)]
    pub(crate) command: TeamCommand,
    #[command(flatten)]
    pub(crate) at: TeamAt,
}

/// Which team of which project.
#[derive(Debug, ClapArgs)]
pub(crate) struct TeamAt {
    /// The team's id, instead of remote.team_id in .agent/etc/sync.yaml.
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) team: Option<uuid::Uuid>,
    /// The project's address, instead of remote.url in .agent/etc/sync.yaml.
    #[arg(long, value_name = "URL", requires = "anon_key_env", global = true)]
    pub(crate) url: Option<String>,
    /// The environment variable that holds the project's publishable (anon) key.
    #[arg(long, value_name = "NAME", requires = "url", global = true)]
    pub(crate) anon_key_env: Option<String>,
    /// Show what would happen, without doing it.
    #[arg(short = 'n', long, global = true)]
    pub(crate) dry_run: bool,
    /// Print one JSON object instead of text (docs/cli.md).
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Make a team, with yourself as its admin, and show its id.
    Create {
        /// The team's name.
        name: String,
    },
    /// Invite somebody by their address; they join when they accept.
    Invite {
        /// Their address.
        email: String,
        /// viewer, editor, approver or admin.
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
    /// Show the invitations that wait for you, or those that the team has sent.
    Invitations {
        /// Those that the team has sent and nobody has accepted; for admins.
        #[arg(long)]
        sent: bool,
    },
    /// Take an invitation of the team's back.
    Revoke {
        /// The address that was invited, or the invitation's id.
        invitation: String,
    },
    /// Join a team that invited you: the invitation's id, or nothing if there is just one.
    Accept {
        /// The invitation's id.
        invitation: Option<uuid::Uuid>,
    },
    /// Turn an invitation down.
    Decline {
        /// The invitation's id.
        invitation: uuid::Uuid,
    },
    /// Show who is in the team.
    Members,
    /// Give a member another role.
    Role {
        /// Their address or name in the team, or their id.
        member: String,
        /// viewer, editor, approver or admin.
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// End somebody's membership.
    Remove {
        /// Their address or name in the team, or their id.
        member: String,
    },
    /// End your own membership.
    Leave,
}

const ROLES: [&str; 4] = ["viewer", "editor", "approver", "admin"];
