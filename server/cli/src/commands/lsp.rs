//! `agent lsp`: hands standard input and output over to the language server.

use agent_lsp::Options;
use anyhow::Context as _;

use crate::args::Lsp;
use crate::interrupt::Interrupts;
use crate::output::Done;
use crate::place;

/// Runs the language server until its editor ends it.
pub(crate) fn run(args: Lsp) -> anyhow::Result<Done> {
    let _ = (args.stdio, args.log);
    let options = Options { home: place::home()?, client: place::CLIENT.to_owned() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the system gives no event loop")?;
    let ended = runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        agent_lsp::run(options, interrupts.next()).await
    });
    // A thread blocked on reading standard input must not hold up the end.
    runtime.shutdown_background();
    ended.context("the language server")?;
    Ok(Done::default())
}
