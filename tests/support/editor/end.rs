//! How a session ends: in order, without a word, or by a crash; and the last look at its faults.

use std::process::ExitStatus;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::Editor;
use crate::wait::eventually;

impl Editor {
    /// Ends the server at once, as a crash would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn crash(&mut self) -> Result<()> {
        self.ended = true;
        self.child.kill()?;
        self.child.wait()?;
        self.documents.clear();
        Ok(())
    }

    /// Ends the server in order, and does something before another one is started.
    ///
    /// # Errors
    /// When it does not end, or what is to be done fails.
    pub fn shutdown_and(&mut self, then: impl FnOnce() -> Result<()>) -> Result<()> {
        self.end()?;
        then()
    }

    /// Ends the server in order.
    ///
    /// # Errors
    /// When it does not end, or not with success.
    pub fn shutdown(mut self) -> Result<()> {
        self.end()
    }

    /// Goes away without a word, as a closed browser tab does; the server must end by itself.
    ///
    /// # Errors
    /// When it does not.
    pub fn vanish(mut self) -> Result<()> {
        self.ended = true;
        self.transport.close();
        self.wait_end().map(drop)
    }

    /// Waits until the server ended by itself, while its input is still open.
    ///
    /// # Errors
    /// When it does not.
    pub fn wait_ended(mut self) -> Result<()> {
        self.ended = true;
        self.wait_end().map(drop)
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        self.request("shutdown", Value::Null)?;
        self.notify("exit", Value::Null)?;
        let status = self.wait_end()?;
        ensure!(status.success(), "the server ended with {status}\n{}", self.record);
        Ok(())
    }

    fn wait_end(&mut self) -> Result<ExitStatus> {
        let ended = eventually("the server to end", || match self.child.try_wait()? {
            Some(status) => Ok(status),
            None => bail!("still running"),
        });
        ended.with_context(|| self.record.to_string())
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let ended = if self.ended { Ok(()) } else { self.end() };
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            return;
        }
        if let Err(error) = ended {
            self.faults.push(format!("{error:#}"));
        }
        if self.record.stderr().contains("panicked at") {
            self.faults.push("the server panicked".to_owned());
        }
        assert!(self.faults.is_empty(), "faults: {:#?}\n{}", self.faults, self.record);
    }
}
