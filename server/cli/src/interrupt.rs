//! Ctrl-C, the end of the terminal and the request to end, as something that a command waits for instead of dying of it. What
//! was committed before stays; the command says what that is.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a command ends that was told to: as a shell reports a program that died of Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// From its making on, the process no longer dies of Ctrl-C, SIGTERM or SIGHUP.
#[derive(Debug)]
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

#[cfg(unix)]
impl Interrupts {
    /// Listens from now on; inside a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self { signals: [interrupt?, terminate?, hangup?] })
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Interrupts {
    /// Listens from now on; inside a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Does some network work until it is done, or until the command is told to end: then `None`. The work
/// is left where it waited for an answer, which is where the cache is as the last answer left it.
pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> std::io::Result<Option<T>> {
    let mut interrupts = Interrupts::listen()?;
    tokio::select! {
        biased;
        () = interrupts.next() => Ok(None),
        done = work => Ok(Some(done)),
    }
}

/// Whether the command was told to end, for work that waits for nothing: it asks between its steps.
#[derive(Debug)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let mut interrupts = Interrupts::listen()?;
        drop(inside);
        let raised = Arc::new(AtomicBool::new(false));
        let flag = Self(Arc::clone(&raised));
        std::thread::spawn(move || {
            runtime.block_on(interrupts.next());
            raised.store(true, Ordering::Relaxed);
        });
        Ok(flag)
    }

    /// Whether it was told to.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
