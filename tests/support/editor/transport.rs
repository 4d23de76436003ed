//! The bytes between editor and server: headers, bodies, and the threads that read them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// What came out of the server.
#[derive(Debug)]
pub(super) enum Heard {
    Message(Value),
    /// Something that is no message.
    Garbage(String),
}

/// The way to the server.
#[derive(Debug)]
pub(super) struct Transport(Option<ChildStdin>);

impl Transport {
    pub(super) fn send(&mut self, message: &Value) -> Result<()> {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    pub(super) fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        let stdin = self.0.as_mut().context("standard input is closed")?;
        stdin.write_all(bytes)?;
        Ok(stdin.flush()?)
    }

    pub(super) fn close(&mut self) {
        self.0 = None;
    }
}

/// A server process with its threads.
pub(super) type Spawned = (Child, Transport, Receiver<Heard>, Arc<Mutex<String>>);

/// Starts a server. The channel ends when its output does.
pub(super) fn spawn(mut command: Command) -> Result<Spawned> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("the server does not start")?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take().context("the server has no output")?;
    let stderr = child.stderr.take().context("the server has no error output")?;
    let (heard, receiver) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        loop {
            let next = match read(&mut reader) {
                Ok(Some(message)) => Heard::Message(message),
                Ok(None) => return,
                Err(error) => Heard::Garbage(format!("{error:#}")),
            };
            let is_garbage = matches!(next, Heard::Garbage(_));
            if heard.send(next).is_err() || is_garbage {
                return;
            }
        }
    });
    let said = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&said);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
            let mut said = keep.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
    Ok((child, Transport(stdin), receiver, said))
}

fn read(from: &mut impl BufRead) -> Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some(header) = line.strip_suffix("\r\n") else { bail!("a header without its end: {line:?}") };
        if header.is_empty() {
            break;
        }
        match header.split_once(": ") {
            Some(("Content-Length", value)) => length = Some(value.parse::<usize>()?),
            Some(("Content-Type", _)) => {}
            _ => bail!("not a header: {header:?}"),
        }
    }
    let mut body = vec![0; length.context("no Content-Length")?];
    from.read_exact(&mut body)?;
    let message: Value = serde_json::from_slice(&body)?;
    ensure!(message["jsonrpc"] == "2.0", "not JSON-RPC 2.0: {message}");
    Ok(Some(message))
}
