//! Keeps a defect in one handler from ending the server: a panic becomes an internal error of that
//! one request, and is logged.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tower_lsp::jsonrpc::{Error, Result};

/// Runs a request's handler.
pub(crate) async fn request<T>(name: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::error!(request = name, "a handler panicked; this is a defect of agent");
            Err(Error::internal_error())
        }
    }
}

/// Runs a notification's handler, which must not await before it took effect.
pub(crate) fn notification(name: &'static str, work: impl FnOnce()) {
    if std::panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(notification = name, "a handler panicked; this is a defect of agent");
    }
}
