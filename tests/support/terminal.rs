//! A terminal with a person at it: the program runs on a real pseudo-terminal, what it shows is read, and
//! keys are pressed.

use std::io::{Read as _, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use anyhow::{Context as _, Result, bail, ensure};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::wait::{PATIENCE, eventually};
use crate::workspace::Workspace;

/// The terminal. The program is ended when this goes.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Receiver<Vec<u8>>,
    /// Everything that was shown, as it came.
    pub raw: String,
    /// How much of what was shown, without its colours, was looked at.
    seen: usize,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Runs a command of the program on a terminal of 24 lines of so many columns.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(workspace: &Workspace, args: &[&str], columns: u16) -> Result<Self> {
        let mut command = workspace.command()?;
        command.args(args).env("TERM", "xterm-256color");
        Self::run(&command, columns)
    }

    fn run(command: &Command, columns: u16) -> Result<Self> {
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        for (name, value) in command.get_envs() {
            value.iter().for_each(|value| builder.env(name, value));
        }
        builder.cwd(command.get_current_dir().context("no folder")?);
        let size = PtySize { rows: 24, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let child = pair.slave.spawn_command(builder)?;
        drop(pair.slave);
        let (keys, mut reader) = (pair.master.take_writer()?, pair.master.try_clone_reader()?);
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of the program is an error here on some systems.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, keys, shown, raw: String::new(), seen: 0, master: pair.master })
    }

    /// Waits until something is shown that was not looked at yet; answers everything up to it.
    ///
    /// # Errors
    /// When it never is.
    pub fn see(&mut self, wanted: &str) -> Result<String> {
        loop {
            let text = plain(&self.raw);
            let new = text.get(self.seen..).unwrap_or_default();
            if let Some(at) = new.find(wanted) {
                let end = at + wanted.len();
                self.seen += end;
                return Ok(new[..end].to_owned());
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.raw.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => bail!("{wanted:?} was never shown; shown was:\n{text}"),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended without {wanted:?}; shown was:\n{text}")
                }
            }
        }
    }

    /// Waits until what is typed is not shown. What was typed before is thrown away by who asks for a
    /// secret, so nothing may be pressed earlier.
    ///
    /// # Errors
    /// When it goes on being shown.
    #[cfg(unix)]
    pub fn hides(&self) -> Result<()> {
        // The bit is the same on every system there is.
        const ECHO: u64 = 0o10;
        eventually("the terminal to show nothing that is typed", || {
            let settings = self.master.get_termios().context("no settings")?;
            let flags = u64::from(settings.local_flags.bits());
            ensure!(flags & ECHO == 0, "it does");
            Ok(())
        })
    }

    /// Presses keys.
    ///
    /// # Errors
    /// When nobody reads them.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Waits for the end of the program; answers its exit code, and what it showed last.
    ///
    /// # Errors
    /// When it goes on.
    pub fn end(mut self) -> Result<(u32, String)> {
        loop {
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.raw.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("it does not end; shown was:\n{}", plain(&self.raw)),
            }
        }
        let code = self.child.wait()?.exit_code();
        let text = plain(&self.raw);
        ensure!(!text.contains("panicked at"), "{text}");
        Ok((code, text.get(self.seen..).unwrap_or_default().to_owned()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text without colours and other commands to the terminal.
fn plain(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}
