//! The language server: protocol in, protocol out. A handler converts, hands over to the session's
//! loop in `agent-engine` or reads a picture of its state, and converts back; it waits neither for
//! the network nor for the disk nor for the client. (Signing in is the exception: it is asked for, and
//! holds up nothing else.) Notifications take effect in their first
//! statement, before any await, because only that keeps their order (docs/architecture.md).

mod actions;
mod apply;
mod bases;
mod capabilities;
mod compare;
mod create;
mod diagnostics;
mod documents;
mod ending;
mod findings;
mod folders;
mod frames;
mod guard;
mod handlers;
mod hover;
mod hunks;
mod mirror;
mod moves;
mod past;
mod presence;
mod publisher;
mod server;
mod sign_in;
mod states;
mod status;
mod types;

pub use bases::{Base, Bases, BufferBase, Edited, Saved};
pub use hunks::Hunks;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::{LspService, Server};

use crate::server::{Backend, State};

/// How many requests may be under way; notifications are not counted against each other, since each
/// is done at its first poll.
const CONCURRENCY: usize = 64;
/// The buffer between reading frames and serving them, in bytes.
const BETWEEN: usize = 64 * 1024;
/// How long the end waits for the loop to finish what it is doing. Saved text is durable before.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long what a client wrote before it had this process end is still read.
const LAST_INPUT: Duration = Duration::from_millis(500);

/// What the server needs to know from the outside.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where sign-ins are kept (`$AGENT_HOME`).
    pub home: PathBuf,
    /// How this program names itself to the remote.
    pub client: String,
}

/// Serves one client on standard input and output until it says `exit` or goes away, or until this process is told to
/// end: Emacs sends a signal instead of a message.
///
/// # Errors
/// None at present; the type leaves room for a transport that can fail to start.
pub async fn run(options: Options, told_to_end: impl Future<Output = ()>) -> std::io::Result<()> {
    serve(options, tokio::io::stdin(), tokio::io::stdout(), told_to_end).await;
    Ok(())
}

/// Serves one client on any pair of streams, for tests and other transports.
pub async fn serve(
    options: Options,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    told_to_end: impl Future<Output = ()>,
) {
    let ending = ending::Ending::default();
    let mut state = None;
    let (service, socket) = LspService::build(|client| {
        let made = Arc::new(State::new(client, options, ending.clone()));
        state = Some(Arc::clone(&made));
        Backend::new(made)
    })
    .custom_method(status::STATUS, Backend::status)
    .custom_method(presence::PRESENCE, Backend::presence)
    .custom_method(handlers::ARTIFACTS, Backend::artifacts)
    .custom_method(handlers::TEXT, Backend::text)
    .custom_method(handlers::HUNKS, Backend::hunks)
    .custom_method(handlers::HISTORY, Backend::history)
    .custom_method(frames::NO_MESSAGE, Backend::no_message)
    .finish();
    let (messages, incoming) = tokio::io::duplex(BETWEEN);
    let output = ending.output(output);
    let server = Server::new(incoming, output, socket).concurrency_level(CONCURRENCY).serve(service);
    tokio::pin!(server);
    let is_over = async {
        tokio::select! {
            () = told_to_end => {}
            () = ending.came() => {}
        }
    };
    tokio::select! {
        () = &mut server => {}
        // The input has ended; what it brought is still being served.
        () = until(is_over, frames::pump(input, messages)) => server.await,
    }
    if let Some(state) = state {
        let _ = tokio::task::spawn_blocking(move || state.folders.stop(LAST_WORDS)).await;
    }
}

/// Reads until the input ends, or for a moment after the session is over.
async fn until(is_over: impl Future<Output = ()>, reading: impl Future<Output = ()>) {
    tokio::pin!(reading);
    tokio::select! {
        () = &mut reading => return,
        () = is_over => {}
    }
    let _ = tokio::time::timeout(LAST_INPUT, reading).await;
}

#[cfg(test)]
mod page_tests;
