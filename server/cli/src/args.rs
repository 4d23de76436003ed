//! The arguments of every command, as clap reads them. What they mean for a file is the commands'
//! business; the words here are what `--help` shows.

mod archive;
mod doctor;
mod git;
mod global;
mod history;
mod shell;
mod team;
mod watch;

use std::path::PathBuf;

pub(crate) use archive::{Export, Import, Search};
pub(crate) use doctor::Doctor;
pub(crate) use git::{Git, GitCommand};
pub(crate) use global::{Color, Global};
pub(crate) use history::{Diff, Gc, Log, Restore, Show, Undo};
pub(crate) use shell::{Completions, Man};
pub(crate) use team::{Team, TeamCommand};
pub(crate) use watch::Watch;

use clap::{ArgGroup, Args as ClapArgs, CommandFactory as _, Parser, Subcommand};
use secrecy::SecretString;

/// Syncs a team's Markdown artifacts between editors through Supabase.
#[derive(Debug, Parser)]
#[command(name = "agent", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the language server on standard input and output; editors start it.
    Lsp(Lsp),
    /// Sign in to the team's project; the session is kept on this machine.
    Login(Login),
    /// Sign out of the team's project on this machine.
    Logout(Logout),
    /// Show who is signed in, where, and in which teams.
    Whoami(Whoami),
    /// Make a team, or add somebody to one.
    Team(Team),
    /// Keep the artifacts of this workspace in step with the team's.
    Sync(Sync),
    /// Show which state an artifact is in and which may follow, or move it to one.
    State(State),
    /// Make a plan from a template, with an id of the team's.
    NewPlan(New),
    /// Make a story from a template, with an id of the team's.
    NewStory(New),
    /// Make a runbook from a template, with an id of the team's.
    NewRunbook(New),
    /// Make an ADR from a template, with an id of the team's.
    NewAdr(New),
    /// Show the team's log of accepted and refused operations, newest first.
    Audit(Audit),
    /// Look at everything agent depends on, and say how to put right what is wrong.
    Doctor(Doctor),
    /// Merge three files as `git merge-file` does; usable as a Git merge driver.
    MergeFile(MergeFile),
    /// Find the artifacts that hold some words. No network.
    Search(Search),
    /// Write artifacts as plain Markdown files. No network.
    Export(Export),
    /// Take Markdown files from elsewhere as plans.
    ImportPlan(Import),
    /// Take Markdown files from elsewhere as stories.
    ImportStory(Import),
    /// Take Markdown files from elsewhere as runbooks.
    ImportRunbook(Import),
    /// Take Markdown files from elsewhere as ADRs.
    ImportAdr(Import),
    /// Let Git merge and show the artifacts as agent does.
    Git(Git),
    /// Print what a shell completes after `agent`.
    Completions(Completions),
    /// Write the manual pages.
    Man(Man),
}

/// Arguments that make no sense, as it only turns out later: `command` is the subcommand's name.
pub(crate) fn misused(command: &str, problem: &str) -> clap::Error {
    let mut all = Args::command();
    all.build();
    let kind = clap::error::ErrorKind::MissingRequiredArgument;
    match all.find_subcommand_mut(command) {
        Some(found) => found.error(kind, problem),
        None => all.error(kind, problem),
    }
}

impl Command {
    /// Whether the report, and a fatal error too, is one JSON object on standard output.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Lsp(_) | Self::MergeFile(_) | Self::Completions(_) | Self::Man(_) => false,
            Self::Git(git) => git.command.json(),
            Self::Search(args) => args.json.json,
            Self::Export(args) => args.json.json,
            Self::ImportPlan(args)
            | Self::ImportStory(args)
            | Self::ImportRunbook(args)
            | Self::ImportAdr(args) => args.json.json,
            Self::Login(args) => args.json.json,
            Self::Logout(args) => args.json.json,
            Self::Whoami(args) => args.json.json,
            Self::Team(team) => team.at.json,
            Self::Sync(sync) => sync.command.json(),
            Self::State(args) => args.json.json,
            Self::NewPlan(args) | Self::NewStory(args) | Self::NewRunbook(args) | Self::NewAdr(args) => {
                args.json.json
            }
            Self::Audit(args) => args.json.json,
            Self::Doctor(args) => args.json.json,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Json {
    /// Print one JSON object instead of text (docs/cli.md).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct DryRun {
    /// Show what would happen, without doing it.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Lsp {
    /// Write the log to this file instead of standard error; the level is AGENT_LOG's.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Accepted because many editors add it; there is no other way to talk to this server.
    #[arg(long, hide = true)]
    pub(crate) stdio: bool,
}

/// Which project; the workspace's configuration when nothing is given.
#[derive(Debug, ClapArgs)]
pub(crate) struct Project {
    /// The project's address, instead of remote.url in .agent/etc/sync.yaml.
    #[arg(long, value_name = "URL", requires = "anon_key_env")]
    pub(crate) url: Option<String>,
    /// The environment variable that holds the project's publishable (anon) key.
    #[arg(long, value_name = "NAME", requires = "url")]
    pub(crate) anon_key_env: Option<String>,
}

/// One way to sign in at most is chosen; without one, the password is asked for on the terminal.
#[derive(Debug, ClapArgs)]
#[command(group(ArgGroup::new("way").args(["password_stdin", "code", "provider"])))]
pub(crate) struct Login {
    /// The address to sign in with; without anything else, the password is asked for.
    #[arg(long, value_name = "EMAIL", required_unless_present = "provider", conflicts_with = "provider")]
    pub(crate) email: Option<String>,
    /// Read the password from standard input, one line.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Have a code sent to the address, and read it from standard input; with CODE, use the one that
    /// was sent before.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub(crate) code: Option<SecretString>,
    /// Sign in through the browser with this provider, such as github.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only print the address to open in a browser on this machine.
    #[arg(long, requires = "provider")]
    pub(crate) no_browser: bool,
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Logout {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Whoami {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sync {
    #[command(subcommand)]
    pub(crate) command: SyncCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SyncCommand {
    /// Prepare a workspace: configuration, ignored files, cache, a first look at the artifacts.
    Init(Init),
    /// Send local changes to the team. Writes no file and fetches nothing.
    Push(Push),
    /// Take the team's changes: files are updated, clean merges are written, conflicts are listed.
    Pull(Pull),
    /// Show which artifacts differ from the team's, as far as this machine knows. No network.
    Status(Status),
    /// Settle conflicts by choosing a side.
    Resolve(Resolve),
    /// Show what happened to the artifacts, newest first; of one artifact with the team's revisions.
    Log(Log),
    /// Show an operation with its changes, or an artifact's text, also of an earlier version.
    Show(Show),
    /// Show what was changed here, as a unified diff. No network.
    Diff(Diff),
    /// Bring an earlier text of an artifact back, as a new edit.
    Restore(Restore),
    /// Take a merge, a choice, an update, a restoration or a deletion back; undo twice to redo.
    Undo(Undo),
    /// Keep everything in step as an editor does, and tell what happens, one line each.
    Watch(Watch),
    /// Drop old history, as sync.yaml's history.keep says; it is also done once a day. No network.
    Gc(Gc),
}

impl SyncCommand {
    fn json(&self) -> bool {
        match self {
            Self::Init(args) => args.json.json,
            Self::Push(args) => args.common.json.json,
            Self::Pull(args) => args.common.json.json,
            Self::Status(args) => args.json.json,
            Self::Resolve(args) => args.json.json,
            Self::Log(args) => args.json.json,
            Self::Show(args) => args.json.json,
            Self::Diff(args) => args.json.json,
            Self::Restore(args) => args.json.json,
            Self::Undo(args) => args.json.json,
            Self::Watch(args) => args.json.json,
            Self::Gc(args) => args.json.json,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    /// The project's address, for remote.url.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The team's id, for remote.team_id.
    #[arg(long, value_name = "ID")]
    pub(crate) team_id: Option<uuid::Uuid>,
    /// The environment variable that will hold the project's publishable (anon) key.
    #[arg(long, value_name = "NAME", default_value = "SUPABASE_ANON_KEY")]
    pub(crate) anon_key_env: String,
    /// Ask the team's server nothing, and nobody.
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Push {
    /// Also delete for the team what vanished here, when that was many artifacts at once.
    #[arg(long)]
    pub(crate) allow_deletions: bool,
    /// Also send what went back to earlier versions here, when that was many artifacts at once.
    #[arg(long)]
    pub(crate) allow_reversions: bool,
    #[command(flatten)]
    pub(crate) common: PushPull,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Pull {
    /// Delete here what the team deleted, also when it is a large share of all artifacts.
    #[arg(long)]
    pub(crate) allow_deletions: bool,
    /// Let the files follow a server that went back to an earlier state, as a restored backup does.
    #[arg(long)]
    pub(crate) allow_rollback: bool,
    #[command(flatten)]
    pub(crate) common: PushPull,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PushPull {
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Status {
    /// One line per artifact: a two-letter code and the path.
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) short: bool,
    /// As --short, for scripts: never coloured, and the format of a version stays as it is.
    #[arg(long, value_name = "VERSION", value_enum, num_args = 0..=1, require_equals = true,
        default_missing_value = "v1", conflicts_with_all = ["json", "short"])]
    pub(crate) porcelain: Option<Porcelain>,
    /// End lines with NUL instead of a line feed, and quote no path; as --porcelain where no form is chosen.
    #[arg(short = 'z', conflicts_with = "json")]
    pub(crate) nul: bool,
    /// Also those in sync.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// The formats for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Porcelain {
    V1,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("side").args(["ours", "theirs", "union", "merge", "list", "tool"]).requires("which"))]
#[command(group = ArgGroup::new("which").args(["artifacts", "all"]))]
pub(crate) struct Resolve {
    /// Which artifacts: kind/id, an id alone where only one kind has it, or a file.
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifacts: Vec<String>,
    /// Every artifact in conflict.
    #[arg(long)]
    pub(crate) all: bool,
    /// Keep the local lines; where one side was deleted, keep the local side.
    #[arg(long)]
    pub(crate) ours: bool,
    /// Take the remote's lines; where one side was deleted, take the remote's side.
    #[arg(long)]
    pub(crate) theirs: bool,
    /// Keep both: the local lines, then the remote's.
    #[arg(long)]
    pub(crate) union: bool,
    /// Take what the remote changed elsewhere; conflicts stay.
    #[arg(long)]
    pub(crate) merge: bool,
    /// Show the hunks and change nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Have another program merge: this one, or Git's merge.tool.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub(crate) tool: Option<String>,
    /// Only this hunk, as --list numbers them.
    #[arg(long, value_name = "N", conflicts_with_all = ["all", "merge", "list", "tool"], requires = "side")]
    pub(crate) hunk: Option<usize>,
    /// With --ours or --theirs: that side's whole text, also where nothing conflicts.
    #[arg(long, conflicts_with_all = ["hunk", "union", "merge", "list", "tool"], requires = "side")]
    pub(crate) whole: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl Resolve {
    /// Whether the arguments say how to resolve; else somebody is asked.
    pub(crate) fn has_way(&self) -> bool {
        self.ours || self.theirs || self.union || self.merge || self.list || self.tool.is_some()
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct State {
    /// Which artifact: kind/id, an id alone where only one kind has it, or a file.
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifact: String,
    /// The state to move it to: set in the file, and pushed.
    #[arg(value_name = "NEW")]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct New {
    /// What it is called.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Its id, instead of the next free one.
    #[arg(long, conflicts_with = "prefix")]
    pub(crate) id: Option<String>,
    /// What its id begins with, instead of what most of its kind have.
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Audit {
    /// Only what happened since: 2026-01-31, 2026-01-31T10:00:00Z, 12h, 7d or 2w.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Only what this member did: an address or name as the team has it, or an id.
    #[arg(long, value_name = "WHO")]
    pub(crate) user: Option<String>,
    /// At most so many lines.
    #[arg(short = 'n', long = "max-count", value_name = "N", default_value_t = 50)]
    pub(crate) max_count: usize,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("favor").args(["ours", "theirs", "union"]))]
#[command(group = ArgGroup::new("style").args(["diff3", "zdiff3"]))]
pub(crate) struct MergeFile {
    /// Print the result instead of writing it to CURRENT.
    #[arg(short = 'p', long)]
    pub(crate) stdout: bool,
    /// Show the base in conflicts too.
    #[arg(long)]
    pub(crate) diff3: bool,
    /// As --diff3, without the lines both sides begin or end with alike.
    #[arg(long)]
    pub(crate) zdiff3: bool,
    /// Write the current lines instead of conflicts.
    #[arg(long)]
    pub(crate) ours: bool,
    /// Write the other file's lines instead of conflicts.
    #[arg(long)]
    pub(crate) theirs: bool,
    /// Write both files' lines instead of conflicts.
    #[arg(long)]
    pub(crate) union: bool,
    /// What stands after the markers instead of the files' names: for CURRENT, then BASE, then OTHER.
    #[arg(short = 'L', value_name = "LABEL", allow_hyphen_values = true)]
    pub(crate) labels: Vec<String>,
    /// The length of the markers.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) marker_size: usize,
    /// The file with the local changes; takes the result.
    #[arg(value_name = "CURRENT")]
    pub(crate) current: PathBuf,
    /// The common ancestor of the two others.
    #[arg(value_name = "BASE")]
    pub(crate) base: PathBuf,
    /// The file with the other changes.
    #[arg(value_name = "OTHER")]
    pub(crate) other: PathBuf,
}
