//! The commands, one file each. A command opens what it needs, does its work through the engine,
//! and answers with a report; it prints nothing itself but progress.

pub(crate) mod audit;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod git;
mod history;
mod hunks;
pub(crate) mod import;
mod init;
mod log;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod lsp;
pub(crate) mod merge_file;
pub(crate) mod new;
mod project;
mod pull;
mod push;
mod resolve;
pub(crate) mod search;
pub(crate) mod shell;
pub(crate) mod state;
mod status;
pub(crate) mod team;
mod template;
mod watch;
pub(crate) mod whoami;

use std::future::Future;

use agent_core::ports::StoreError;
use agent_core::sync::{Event, Traffic};
use anyhow::Context as _;

use crate::args::{Sync, SyncCommand};
use crate::output::Done;
use crate::work::Work;

/// Runs one of the `sync` commands.
pub(crate) fn sync(sync: Sync) -> anyhow::Result<Done> {
    match sync.command {
        SyncCommand::Init(args) => init::run(&args),
        SyncCommand::Push(args) => push::run(&args),
        SyncCommand::Pull(args) => pull::run(&args),
        SyncCommand::Status(args) => status::run(&args),
        SyncCommand::Resolve(args) => resolve::run(&args),
        SyncCommand::Log(args) => log::run(&args),
        SyncCommand::Show(args) => history::show::run(&args),
        SyncCommand::Diff(args) => history::diff::run(&args),
        SyncCommand::Restore(args) => history::restore::run(&args),
        SyncCommand::Undo(args) => history::undo::run(&args),
        SyncCommand::Watch(args) => watch::run(&args),
        SyncCommand::Gc(args) => history::gc::run(&args),
    }
}

/// Pushes what is ahead, and everything that follows from the answers; fetches nothing.
async fn send(work: &mut Work) -> Result<(), StoreError> {
    work.session.engine.machine_mut().set_traffic(Traffic::PushOnly);
    work.session.run(Event::Leads(true), |_| {}).await?;
    work.session.run(Event::PushWanted { retry_refused: false }, |_| {}).await
}

/// Runs a command's network work on this thread.
fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("the system gives no event loop")?.block_on(work))
}
