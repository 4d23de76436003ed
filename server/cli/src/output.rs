//! The one way to the terminal: a command's report as text or as one JSON object, notes and errors
//! on standard error, and the exit code. Nothing else in this crate prints.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::interrupt::INTERRUPTED;
use crate::{FATAL, manner, pager};

/// The version of every JSON report; raised when a field changes its meaning or goes.
pub(crate) const FORMAT: u32 = 1;

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
    /// What becomes of the text.
    pub(crate) form: Form,
}

/// What the text of a report is, and so what becomes of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What was done: `--quiet` withholds it while nothing is left to do.
    #[default]
    Deed,
    /// What was asked for.
    Answer,
    /// What was asked for, and may be long.
    Pages,
}

impl Done {
    /// A report with its JSON fields from a serialisable value.
    pub(crate) fn new(text: String, report: &impl Serialize) -> anyhow::Result<Self> {
        let Value::Object(json) = serde_json::to_value(report)? else {
            anyhow::bail!("the report is no JSON object");
        };
        Ok(Self { text, json, ..Self::default() })
    }

    /// With notes, and the exit code 1 if something is `left` to do.
    pub(crate) fn with(mut self, notes: Vec<String>, left: bool) -> Self {
        self.notes = notes;
        self.code = u8::from(left);
        self
    }

    /// Broken off by whoever ran it, with what to say of it.
    pub(crate) fn interrupted(mut self, note: &str) -> Self {
        self.notes.push(format!("interrupted: {note}"));
        self.code = INTERRUPTED;
        self
    }

    /// In this form.
    pub(crate) fn form(mut self, form: Form) -> Self {
        self.form = form;
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
        return ExitCode::from(done.code);
    }
    let is_quiet = manner::get().quiet && done.code == 0;
    match done.form {
        Form::Deed if is_quiet => {}
        Form::Pages => paged(&done.text),
        Form::Deed | Form::Answer => out(&done.text),
    }
    if !is_quiet {
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

/// Writes to standard output, on a terminal a screen at a time.
pub(crate) fn paged(text: &str) {
    if !text.is_empty() && !pager::show(text.as_bytes()) {
        out(text);
    }
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

/// Writes a line at once; answers whether somebody still reads.
pub(crate) fn line(text: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Writes to standard error.
pub(crate) fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// How far long work is, and how fast, on standard error; nothing unless that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Progress of a command, as `pushing`, over so many artifacts where that is known; silent with JSON
    /// reports.
    pub(crate) fn new(as_json: bool, doing: &'static str, all: Option<usize>) -> Self {
        if as_json || manner::get().quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let (bar, look) = match all {
            Some(all) => (ProgressBar::new(all as u64), "{msg} [{bar:30}] {pos}/{len} artifacts, {per_sec}"),
            None => (ProgressBar::no_length(), "{msg} {pos} artifacts, {per_sec}, {elapsed}"),
        };
        let style = ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(bar.with_style(style.progress_chars("=> ")).with_message(doing))
    }

    /// So many artifacts are done.
    pub(crate) fn at(&self, done: usize) {
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
