//! The one way to the terminal: a command's report as text or as one JSON object, notes and errors
//! on standard error, and the exit code. Nothing else in this crate prints.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::FATAL;

/// The version of every JSON report; raised when a field changes its meaning or goes.
const FORMAT: u32 = 1;

/// What a command has to say.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// For people; ends in a line feed unless empty.
    pub(crate) text: String,
    /// The fields of the JSON report, beside `version` and `notes`.
    pub(crate) json: Map<String, Value>,
    /// What the user should know beside the report, one sentence each.
    pub(crate) notes: Vec<String>,
    /// 0 done, 1 something is left to do.
    pub(crate) code: u8,
}

impl Done {
    /// A report with its JSON fields from a serialisable value.
    pub(crate) fn new(text: String, report: &impl Serialize) -> anyhow::Result<Self> {
        let Value::Object(json) = serde_json::to_value(report)? else {
            anyhow::bail!("the report is no JSON object");
        };
        Ok(Self { text, json, notes: Vec::new(), code: 0 })
    }

    /// With notes, and the exit code 1 if something is `left` to do.
    pub(crate) fn with(mut self, notes: Vec<String>, left: bool) -> Self {
        self.notes = notes;
        self.code = u8::from(left);
        self
    }
}

/// Prints a report.
pub(crate) fn finish(done: Done, as_json: bool) -> ExitCode {
    if as_json {
        let mut object = Map::from_iter([("version".to_owned(), json!(FORMAT))]);
        object.extend(done.json);
        if !done.notes.is_empty() {
            object.insert("notes".to_owned(), json!(done.notes));
        }
        out(&format!("{}\n", Value::Object(object)));
    } else {
        out(&done.text);
        done.notes.iter().for_each(|note| err(&format!("note: {note}\n")));
    }
    ExitCode::from(done.code)
}

/// Prints why nothing could be done.
pub(crate) fn fatal(error: &anyhow::Error, as_json: bool) -> ExitCode {
    if as_json {
        let object = json!({ "version": FORMAT, "error": { "message": format!("{error:#}") } });
        out(&format!("{object}\n"));
    }
    err(&format!("fatal: {error:#}\n"));
    ExitCode::from(FATAL)
}

/// Writes to standard output.
pub(crate) fn out(text: &str) {
    bytes(text.as_bytes());
}

/// Writes bytes to standard output. A reader that went away, as `head` does, is no error; for
/// others there is nowhere left to complain but the exit code, which a report does not risk.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => err(&format!("standard output: {error}\n")),
        _ => {}
    }
}

/// Writes to standard error.
pub(crate) fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// One line on standard error that is overwritten as work goes on; nothing unless that is a
/// terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    shows: bool,
    shown: String,
}

impl Progress {
    /// Progress of a command; silent with JSON reports.
    pub(crate) fn new(as_json: bool) -> Self {
        Self { shows: !as_json && std::io::stderr().is_terminal(), shown: String::new() }
    }

    /// Replaces the line.
    pub(crate) fn show(&mut self, line: String) {
        if self.shows && line != self.shown {
            err(&format!("\r\x1b[K{line}"));
            self.shown = line;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            err("\r\x1b[K");
        }
    }
}
