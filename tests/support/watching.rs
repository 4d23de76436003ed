//! A running `agent sync watch`, read as a script reads it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::wait::PATIENCE;
use crate::workspace::Workspace;

/// The process; it is killed when dropped.
#[derive(Debug)]
pub struct Watching {
    child: Child,
    lines: Receiver<Value>,
    /// What was told so far.
    pub told: Vec<Value>,
    looked: usize,
}

impl Watching {
    /// Starts it, and waits until it has seen the files.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(workspace: &Workspace) -> Result<Self> {
        Self::start_with(workspace, &[])
    }

    /// The same with more arguments.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(workspace: &Workspace, more: &[&str]) -> Result<Self> {
        let mut command = workspace.command()?;
        command.args(["sync", "watch", "--json"]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let mut watching = Self { child, lines, told: Vec::new(), looked: 0 };
        watching.wait("ready", |_| true)?;
        Ok(watching)
    }

    /// The next event of this name that fits, of those not looked at yet; those before it are passed.
    ///
    /// # Errors
    /// When it never comes.
    pub fn wait(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            while let Some(line) = self.told.get(self.looked) {
                self.looked += 1;
                if line["event"] == event && fits(line) {
                    return Ok(line.clone());
                }
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    ensure!(line["version"] == 1 && line["at"].is_string(), "no event: {line}");
                    self.told.push(line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("waited in vain for {event}; told was {:#?}", self.told)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended without {event}: {}; told was {:#?}", self.complaints(), self.told)
                }
            }
        }
    }

    /// Sends it a signal, by the name that `kill` knows it by.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = std::process::Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill -{name}: {sent}");
        Ok(())
    }

    /// Waits for its end; answers the exit code and the last line.
    ///
    /// # Errors
    /// When a signal ended it, or it never ends.
    pub fn end(mut self) -> Result<(i32, Value)> {
        let last = self.wait("ended", |_| true)?;
        let code = self.child.wait()?.code().context("a signal ended it")?;
        ensure!(self.complaints().is_empty(), "{}", self.complaints());
        Ok((code, last))
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
