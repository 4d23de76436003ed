//! When a session is over although nobody says so: nobody reads what is said any more, or the process that
//! started the server is gone. What is still to be read is served for a moment then, and what is known
//! becomes durable as at any other end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::Notify;

/// How often the client's process is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Says once that the session is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<Notify>);

impl Ending {
    /// Waits for it.
    pub(crate) async fn came(&self) {
        self.0.notified().await;
    }

    /// The session ends when this process does; one that is not seen from here, as from within a
    /// container, is none that could be watched.
    pub(crate) fn follow(&self, process: u32) {
        if !is_alive(process) {
            return;
        }
        let end = Arc::clone(&self.0);
        tokio::spawn(async move {
            while is_alive(process) {
                tokio::time::sleep(LOOK).await;
            }
            tracing::info!(process, "the process of the client is gone");
            end.notify_one();
        });
    }

    /// An output that nobody has to read: once it breaks, what is written is dropped, so that what the
    /// client sent before is still done.
    pub(crate) fn output<W>(&self, inner: W) -> Output<W> {
        Output { inner: Some(inner), end: Arc::clone(&self.0) }
    }
}

#[cfg(unix)]
fn is_alive(process: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    // One that belongs to somebody else is there as well.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Elsewhere the end of the input tells it.
#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    false
}

/// The way to the client.
#[derive(Debug)]
pub(crate) struct Output<W> {
    /// `None` once it broke.
    inner: Option<W>,
    end: Arc<Notify>,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    fn try_on<T>(
        &mut self,
        work: impl FnOnce(Pin<&mut W>) -> Poll<io::Result<T>>,
        instead: T,
    ) -> Poll<io::Result<T>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(Ok(instead)) };
        match work(Pin::new(inner)) {
            Poll::Ready(Err(error)) => {
                tracing::info!(%error, "the client reads no more");
                self.inner = None;
                self.end.notify_one();
                Poll::Ready(Ok(instead))
            }
            other => other,
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Output<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.try_on(|inner| inner.poll_write(cx, bytes), bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.try_on(|inner| inner.poll_flush(cx), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.try_on(|inner| inner.poll_shutdown(cx), ())
    }
}
